"""Active users and companies: the latest week as a number, and the lifecycle of every week."""

from __future__ import annotations

import altair as alt
import polars as pl
from markupsafe import Markup

from loaders.report.charts import COLOURS, LEFT, Mark, count_axis, day_axis, figure, hatched
from loaders.report.html import Section, render
from loaders.report.marts import Marts
from loaders.report.sections.words import capital, many, n, period_name, short_day
from loaders.report.tables import frame_table

WEEKS = 26
MOST_TILES = 6
SEED = "seeds.activity_reports"
# From the zero line outwards, with the number of the colour.
ABOVE = {"retained": 0, "new": 2, "resurrected": 1}
BELOW = {"dormant": 3}


def at_a_glance(marts: Marts) -> list[Markup]:
    """A large number for each activity report: its last complete week."""
    tiles = []
    reports = _reports(marts)
    for frame in reports[:MOST_TILES]:
        complete = frame.filter(pl.col("is_complete")).tail(2).to_dicts()
        if not complete:
            continue
        *before, last = complete
        change = last["active"] - before[0]["active"] if before else None
        tiles.append(
            render(
                "tile.html",
                title=capital(last["report"]),
                number=f"{last['active']:,}",
                week=f"in the week of {short_day(last['period_start'])}",
                change=change,
            )
        )
    if len(reports) > MOST_TILES:
        tiles.append(render("more_tiles.html", shown=MOST_TILES, all=len(reports)))
    return tiles


def activity(marts: Marts) -> Section | None:
    """Active users and companies by week."""
    parts = [lifecycle(number, frame) for number, frame in enumerate(_reports(marts))]
    if not parts:
        return None
    return Section(
        "activity",
        "Active by week",
        "Above the line, everybody who was active in the week: retained from the week before, new,"
        " or resurrected after at least a week away. Below it, dormant: active in the week before"
        " and not in this one.",
        parts,
    )


def _reports(marts: Marts) -> list[pl.DataFrame]:
    """The weeks of each report; the reports in the order of their seed."""
    frame = marts.query(
        "marts.activity",
        f"""
        select report, entity, period_start, active, "new", retained, resurrected, dormant,
            is_complete
        from marts.activity
        where clock = 'week'
        qualify
            row_number() over (partition by report order by period_start desc) <= {WEEKS}
            and max(active) over (partition by report) > 0
        order by report, period_start
        """,
    )
    if not frame.height:
        return []
    sql = f"select trim(report) as report from {SEED}"
    seed = marts.query(SEED, sql)["report"].to_list() if marts.has(SEED) else []
    reports = frame.partition_by("report", maintain_order=True)
    place = {name: number for number, name in enumerate(seed)}
    return sorted(reports, key=lambda weeks: place.get(weeks["report"][0], len(place)))


def lifecycle(number: int, frame: pl.DataFrame, clock: str = "week") -> Markup:
    """The periods of one report; `number` tells the tables of a page apart."""
    first = frame.row(0, named=True)
    who = many(first["entity"])
    complete = frame.filter(pl.col("is_complete"))
    last = complete.tail(1).to_dicts()
    legend = [
        Mark(
            COLOURS[place],
            capital(part),
            _signed(last[0][part], part) if last else "",
        )
        for part, place in {**ABOVE, **BELOW}.items()
    ]
    when = (
        f"{n(last[0]['active'])} {'on' if clock == 'day' else 'in'}"
        f" {period_name(clock, last[0]['period_start'])}"
        if last
        else ""
    )
    return figure(
        capital(first["report"]),
        ", ".join(filter(None, [f"{capital(who)} per {clock}", when])),
        lambda width: _draw(frame, width),
        legend=legend,
        note=""
        if complete.height == frame.height
        else f"Hatched: this {clock} is still in progress, so who is dormant is not known yet.",
        table=frame_table(
            f"activity-{number}",
            f"The numbers by {clock}",
            frame.select(
                pl.col("period_start").alias(clock),
                "active",
                "new",
                "retained",
                "resurrected",
                "dormant",
            ).reverse(),
        ),
    )


def _signed(count: int | None, part: str) -> str:
    if count is None:
        return ""
    return f"\N{MINUS SIGN}{count:,}" if part in BELOW and count else f"{count:,}"


def _draw(frame: pl.DataFrame, width: int) -> alt.LayerChart:
    rows = [
        {
            "week": row["period_start"].isoformat(),
            "count": -row[part] if part in BELOW else row[part],
            "fill": COLOURS[place] if row["is_complete"] else hatched(place),
            "order": order,
        }
        for row in frame.to_dicts()
        for order, (part, place) in enumerate({**ABOVE, **BELOW}.items())
        if row[part]
    ]
    days = [start.isoformat() for start in frame["period_start"]]
    bars = (
        alt.Chart(pl.DataFrame(rows))
        .mark_bar()
        .encode(
            x=alt.X(
                "week:O",
                axis=day_axis(days, width),
                scale=alt.Scale(domain=days, paddingInner=0.18, paddingOuter=0.1),
            ),
            y=alt.Y("count:Q", **count_axis(5, labelExpr="format(abs(datum.value), ',')")),
            fill=alt.Fill("fill:N", scale=None),
            order="order:Q",
        )
    )
    zero = (
        alt.Chart(pl.DataFrame({"zero": [0]}))
        .mark_rule(stroke="var(--ink)", strokeWidth=1)
        .encode(y="zero:Q")
    )
    return alt.layer(bars, zero).properties(width=width - LEFT - 4, height=240)
