"""The use of features, by paying and by free customers."""

from __future__ import annotations

import altair as alt
import polars as pl
from markupsafe import Markup

from loaders.report.charts import COLOURS, GRID, INK, INKS, Mark, figure, is_narrow, share_axis
from loaders.report.html import Section
from loaders.report.marts import Marts
from loaders.report.sections.words import many, n, period_name
from loaders.report.tables import frame_table

# The segments of the mart, with the number of their colour; `all` if the others are empty.
SEGMENTS = {"paying": 0, "free": 1, "all": 0}
MOST_FEATURES = 20
ROW = 27
RIGHT = 42  # room for a label to the right of 100 %


def adoption(marts: Marts) -> Section | None:
    """The last complete month, feature by feature; the last complete week before there is one."""
    frame = marts.query(
        "marts.feature_adoption",
        """
        with complete as (
            select *
            from marts.feature_adoption
            where is_complete and active > 0
        ),

        last_ones as (
            select entity, period, max(period_start) as period_start
            from complete
            where segment = 'all'
            group by entity, period
            qualify row_number() over (partition by entity order by period) = 1
        )

        select complete.*
        from complete
        inner join last_ones using (entity, period, period_start)
        order by entity, segment, rank
        """,
    )
    if not frame.height:
        return None
    return Section(
        "adoption",
        "Feature adoption",
        "Paying against free: the share of the active that used a feature at least once.",
        [
            dots(number, entity)
            for number, entity in enumerate(frame.partition_by("entity", maintain_order=True))
        ],
    )


def dots(number: int, frame: pl.DataFrame) -> Markup:
    """The features of one entity in one period; `number` tells the tables of a page apart."""
    first = frame.row(0, named=True)
    who = many(first["entity"])
    there = set(frame["segment"]) & {"paying", "free"} or {"all"}
    bases = {
        segment: frame.filter(segment=segment)["active"][0]
        for segment in SEGMENTS
        if segment in there
    }
    frame = frame.filter(pl.col("segment").is_in(list(bases)))
    order = (
        frame.with_columns(
            place=pl.col("segment").replace_strict({"paying": 0, "free": 1, "all": 0})
        )
        .sort("place", "rank")["feature"]
        .unique(maintain_order=True)
        .to_list()
    )
    return figure(
        f"Features that {who} use",
        f"% of active {who}, {period_name(first['period'], first['period_start'])}; "
        + ", ".join(f"{n(active)} {segment}" for segment, active in bases.items()),
        lambda width: _draw(frame, order[:MOST_FEATURES], width),
        legend=[
            Mark(COLOURS[SEGMENTS[segment]], segment, f"n {active:,}")
            for segment, active in bases.items()
        ],
        note=f"The first {MOST_FEATURES} of {len(order)} features."
        if len(order) > MOST_FEATURES
        else "",
        table=frame_table(
            f"adoption-{number}",
            "The numbers by feature",
            frame.select(
                "feature", "segment", "active", "adopters", "adoption_rate", "uses", "rank"
            ),
        ),
    )


def _draw(frame: pl.DataFrame, order: list[str], width: int) -> alt.LayerChart:
    left = 124 if is_narrow(width) else 180
    rows = frame.filter(pl.col("feature").is_in(order)).select(
        "feature",
        rate="adoption_rate",
        fill=pl.col("segment").replace_strict(
            {segment: COLOURS[place] for segment, place in SEGMENTS.items()}
        ),
        ink=pl.col("segment").replace_strict(
            {segment: INKS[place] for segment, place in SEGMENTS.items()}
        ),
        text=pl.format("{}", (100 * pl.col("adoption_rate")).round().cast(pl.Int64)),
    )
    # The label of the larger share stands to the right of its dot, the other to the left.
    highest = pl.col("rate").max().over("feature")
    rows = rows.with_columns(
        side=pl.when(
            (pl.col("rate") == highest)
            & (pl.int_range(pl.len()).over("feature") == pl.col("rate").arg_max().over("feature"))
        )
        .then(pl.lit("right"))
        .otherwise(pl.lit("left"))
    )
    y = alt.Y(
        "feature:N",
        sort=order,
        axis=alt.Axis(
            grid=False,
            labelAlign="left",
            labelColor=INK,
            labelFontSize=13,
            labelLimit=left - 34,
            labelPadding=left - 6,
            minExtent=left - 6,
        ),
    )
    x = alt.X(
        "rate:Q",
        axis=share_axis(grid=True, gridColor=GRID),
        scale=alt.Scale(domain=[0, 1]),
    )
    base = alt.Chart(rows)
    labels = base.encode(x=x, y=y, text="text:N", color=alt.Color("ink:N", scale=None))
    return alt.layer(
        base.mark_rule(stroke="var(--line)", strokeWidth=3).encode(
            x=alt.X("min(rate):Q"), x2="max(rate):Q", y=y
        ),
        base.mark_circle(size=110, opacity=1).encode(
            x=x, y=y, color=alt.Color("fill:N", scale=None)
        ),
        labels.transform_filter("datum.side == 'right'").mark_text(
            align="left", dx=9, fontWeight=600
        ),
        labels.transform_filter("datum.side == 'left'").mark_text(
            align="right", dx=-9, fontWeight=600
        ),
    ).properties(width=width - left - RIGHT, height=ROW * len(order))
