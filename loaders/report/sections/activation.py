"""The share of a week's sign-ups that reached each milestone."""

from __future__ import annotations

import altair as alt
import polars as pl
from markupsafe import Markup

from loaders.report.charts import (
    LEFT,
    MOST_LINES,
    MUTED,
    Line,
    count_axis,
    day_axis,
    figure,
    have_dashes,
    is_narrow,
    label_room,
    line_chart,
    line_legend,
)
from loaders.report.html import Section
from loaders.report.marts import Marts
from loaders.report.sections.words import many, n, short_day
from loaders.report.tables import frame_table

WEEKS = 26
ALL = "activated"  # the milestone that means all of them


def activation(marts: Marts) -> Section | None:
    """Milestones by the week of sign-up."""
    frame = marts.query(
        "marts.activation",
        f"""
        select entity, cohort_week, milestone, position, entities, reached, reach_rate,
            median_hours, is_complete
        from marts.activation
        qualify
            dense_rank() over (partition by entity order by cohort_week desc) <= {WEEKS}
            and sum(entities) over (partition by entity) > 0
        order by entity, cohort_week, position
        """,
    )
    if not frame.height:
        return None
    return Section(
        "activation",
        "Activation",
        "Of those who signed up in a week, the share that reached each milestone in its time."
        " Activated means all of them.",
        [
            by_cohort(number, entity)
            for number, entity in enumerate(frame.partition_by("entity", maintain_order=True))
        ],
    )


def by_cohort(number: int, frame: pl.DataFrame) -> Markup:
    """The milestones of one entity; `number` tells the tables of a page apart."""
    who = many(frame["entity"][0])
    weeks = frame.unique("cohort_week", maintain_order=True)
    rates = frame.filter(pl.col("reach_rate").is_not_null())
    milestones = frame.sort("position", descending=True)["milestone"].unique(maintain_order=True)
    # A milestone that everybody always reached gets no line.
    trivial = [
        milestone
        for milestone in milestones
        if milestone != ALL and (rates.filter(milestone=milestone)["reach_rate"] == 1).all()
    ]
    lines = [
        Line(milestone, points)
        for milestone in milestones
        if milestone not in trivial
        and (
            points := [
                (row["cohort_week"].isoformat(), row["reach_rate"])
                for row in rates.filter(milestone=milestone).to_dicts()
            ]
        )
    ][:MOST_LINES]
    settled = rates["cohort_week"].max()
    size = weeks.filter(cohort_week=settled)["entities"].sum() if settled else 0
    notes = []
    if trivial:
        notes.append(f"Reached by all, so not drawn: {', '.join(trivial)}.")
    if have_dashes(lines):
        notes.append("Dashed: a line that runs on another one.")
    if weeks.filter(~pl.col("is_complete"))["entities"].sum():
        notes.append("Hatched: weeks whose time for the milestones has not passed.")
    return figure(
        f"Activation of {who}",
        f"% of the {who} that signed up in a week"
        + (
            f"; {n(size)} in the week of {short_day(settled)}, the last one settled"
            if settled
            else ""
        ),
        lambda width: _draw(lines, weeks, width),
        legend_if_narrow=line_legend(lines),
        note=" ".join(notes),
        table=frame_table(
            f"activation-{number}",
            "The numbers by week of sign-up",
            frame.sort(["cohort_week", "position"], descending=[True, False]).select(
                pl.col("cohort_week").alias("week"),
                "milestone",
                pl.col("entities").alias("signing_up"),
                "reached",
                pl.col("reach_rate").alias("share"),
                "median_hours",
            ),
        ),
    )


def _draw(lines: list[Line], weeks: pl.DataFrame, width: int) -> alt.VConcatChart:
    days = [week.isoformat() for week in weeks["cohort_week"]]
    room = label_room(width)
    bars = pl.DataFrame(
        {
            "x": days,
            "count": weeks["entities"],
            "fill": [
                "var(--bar)" if complete else "url(#hatch-bar)" for complete in weeks["is_complete"]
            ],
        }
    )
    scale = alt.Scale(domain=days, paddingInner=0.18, paddingOuter=0.1)
    sizes = (
        alt.Chart(bars)
        .mark_bar()
        .encode(
            x=alt.X("x:O", axis=day_axis(days, width - LEFT - room), scale=scale),
            y=alt.Y("count:Q", **count_axis(2, tickMinStep=1, format=",d")),
            fill=alt.Fill("fill:N", scale=None),
        )
        .properties(width=width - LEFT - room, height=46)
    )
    label = (
        alt.Chart(pl.DataFrame({"text": ["n" if is_narrow(width) else "n = signed up"]}))
        .mark_text(align="left", color=MUTED)
        .encode(x=alt.value(width - LEFT - room + 10), y=alt.value(38), text="text:N")
    )
    parts: list[alt.LayerChart] = [alt.layer(sizes, label)]
    if lines:
        shares = line_chart(lines, width, x_axis=None, x_scale=scale)
        parts.insert(0, shares)
    return alt.vconcat(*parts, spacing=14)
