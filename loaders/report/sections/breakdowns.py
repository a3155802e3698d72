"""Retention for each value of a trait, beside the retention of everybody."""

from __future__ import annotations

import altair as alt
import polars as pl
from markupsafe import Markup

from loaders.report.charts import (
    ACCENT,
    INKS,
    LEFT,
    MUTED,
    Mark,
    figure,
    is_narrow,
    share_axis,
    shortened,
)
from loaders.report.html import Section
from loaders.report.marts import Marts
from loaders.report.sections.definitions import Definition, caption, definitions
from loaders.report.sections.words import capital, many, n
from loaders.report.tables import frame_table

MOST_VALUES = 9
HEIGHT = 120
GAP = 50  # between two panels, the label at the end of a line included


def breakdowns(marts: Marts) -> Section | None:
    """A small chart for each value of each report's breakdown."""
    frame = marts.query(
        "marts.retention_overall",
        """
        select
            report, entity, period, period_number, breakdown, breakdown_at, breakdown_value,
            cohort_size, retained, retention_rate, rate_low, rate_high
        from marts.retention_overall
        where
            breakdown is not null
            and cohort_size > 0
            -- A published copy has no values of personal data.
            and report in (
                select report from marts.retention_overall
                where breakdown_value <> '(all)' and period_number = 0
            )
        order by report, breakdown_value, period_number
        """,
    )
    if not frame.height:
        return None
    defined = definitions(marts)
    return Section(
        "breakdowns",
        "Retention by trait",
        "The cohorts of a report taken together. The band around a line is its 95 % interval: where"
        " it is wide, there are few. The grey line is everybody.",
        [
            _small_multiples(number, report, defined.get(report["report"][0]))
            for number, report in enumerate(frame.partition_by("report", maintain_order=True))
        ],
    )


def _small_multiples(number: int, frame: pl.DataFrame, definition: Definition | None) -> Markup:
    first = frame.row(0, named=True)
    period = first["period"]
    later = frame.filter(pl.col("period_number") > 0)
    everybody = later.filter(pl.col("breakdown_value") == "(all)")
    sizes = (
        frame.filter(pl.col("breakdown_value") != "(all)", pl.col("period_number") == 0)
        .sort(["cohort_size", "breakdown_value"], descending=[True, False])
        .select("breakdown_value", n="cohort_size")
    )
    shown = sizes.head(MOST_VALUES)
    left_out = sizes.height - shown.height
    at = {"entry": " when they joined", "latest": ", the latest value"}.get(
        first["breakdown_at"], ""
    )
    table = later.filter(pl.col("breakdown_value") != "(all)").select(
        pl.col("breakdown_value").alias(first["breakdown"]),
        pl.col("period_number").alias(period),
        pl.col("cohort_size").alias(many(first["entity"])),
        pl.col("retention_rate").alias("back (rate)"),
        pl.col("rate_low").alias("low (rate)"),
        pl.col("rate_high").alias("high (rate)"),
    )
    return figure(
        capital(first["report"]),
        f"{caption(definition, first['entity'], period)}; by {first['breakdown']}{at}",
        lambda width: _draw(later, everybody, shown, width),
        legend=[Mark(ACCENT, "the value, with its 95 % interval"), Mark(MUTED, "everybody")],
        note=f"The {MOST_VALUES} largest of {sizes.height} values." if left_out else "",
        table=frame_table(f"breakdown-{number}", "The numbers", table),
    )


def _draw(
    later: pl.DataFrame, everybody: pl.DataFrame, shown: pl.DataFrame, width: int
) -> alt.FacetChart:
    columns = min(2 if is_narrow(width) else 3, shown.height)
    panel = (width - LEFT) // columns - GAP
    heads = {
        row["breakdown_value"]: _head(place, row["breakdown_value"], row["n"], panel + GAP - 10)
        for place, row in enumerate(shown.to_dicts())
    }
    of_value = later.filter(pl.col("breakdown_value").is_in(list(heads))).select(
        "period_number",
        "rate_low",
        "rate_high",
        head=pl.col("breakdown_value").replace_strict(heads),
        rate="retention_rate",
    )
    is_last = pl.col("period_number") == pl.col("period_number").max().over("head")
    percents = pl.format("{} %", (100 * pl.col("rate")).round().cast(pl.Int64))
    rows = of_value.join(
        everybody.select("period_number", everybody="retention_rate"), on="period_number"
    ).with_columns(end=pl.when(is_last).then(percents).otherwise(pl.lit("")))
    ends = [later["period_number"].min(), later["period_number"].max()]
    x = alt.X(
        "period_number:Q",
        axis=alt.Axis(tickMinStep=1, tickCount=4, format="d"),
        scale=alt.Scale(domain=ends, nice=False),
    )
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart().encode(x=x)
    layers = alt.layer(
        base.mark_area(fill=ACCENT, fillOpacity=0.22).encode(
            y=alt.Y("rate_low:Q", axis=share_axis(minExtent=0), scale=scale), y2="rate_high:Q"
        ),
        base.mark_line(stroke=MUTED, strokeWidth=1.5).encode(y=alt.Y("everybody:Q", scale=scale)),
        base.mark_line(stroke=ACCENT, strokeWidth=2.5).encode(y=alt.Y("rate:Q", scale=scale)),
        base.mark_text(align="left", dx=6, fontWeight=600, color=INKS[0]).encode(
            y=alt.Y("rate:Q", scale=scale), text="end:N"
        ),
        data=rows,
    ).properties(width=panel, height=HEIGHT)
    return layers.facet(
        facet=alt.Facet(
            "head:N",
            sort=list(heads.values()),
            header=alt.Header(
                labelAnchor="start", labelExpr="slice(split(datum.label, '\\n'), 1)", labelLimit=0
            ),
        ),
        columns=columns,
        spacing={"row": 18, "column": 12},
    )


def _head(place: int, value: str, size: int, room: int) -> str:
    # The place comes first and is not shown: two shortened names may be equal.
    return f"{place}\n{shortened(' '.join(value.split()), room)}\n{n(size)}"
