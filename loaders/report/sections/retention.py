"""Retention: a heat map of cohorts for each report without a breakdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl
from markupsafe import Markup

from loaders.report.html import Section, render
from loaders.report.marts import Marts
from loaders.report.sections.definitions import Definition, caption, definitions
from loaders.report.sections.words import capital, many, period_name, short_day, short_number

COHORTS = 18
PERIODS = 17
NARROW_PERIODS = 6
SHADES = 10


def retention(marts: Marts) -> Section | None:
    """Heat maps of retention; cells in progress are marked."""
    frame = marts.query(
        "marts.retention",
        """
        with cells as (
            select
                *,
                min(breakdown is not null) over () as only_breakdowns
            from marts.retention
            where breakdown_value = '(all)'
        )
        select report, entity, period, cohort_start, period_number, cohort_size, retained,
            retention_rate, is_complete
        from cells
        where breakdown is null or only_breakdowns
        order by report, cohort_start, period_number
        """,
    )
    if not frame.height or not frame["cohort_size"].sum():
        return None
    pooled = marts.query(
        "marts.retention_overall",
        """
        select report, period_number, cohort_size, retention_rate
        from marts.retention_overall
        where breakdown_value = '(all)' and retention_rate is not null
        """,
    )
    defined = definitions(marts)
    return Section(
        "retention",
        "Retention",
        "A row is a cohort: the users or companies that joined it in that period. A cell is the"
        " share of them that came back so many periods later. All takes the complete cells of a"
        " column together; below it is their n.",
        [
            heat_map(report, pooled, defined.get(report["report"][0]))
            for report in frame.partition_by("report", maintain_order=True)
        ],
    )


def heat_map(frame: pl.DataFrame, pooled: pl.DataFrame, definition: Definition | None) -> Markup:
    """One report's cells as a triangle; `pooled` has all cohorts together per period number."""
    first = frame.row(0, named=True)
    starts = frame["cohort_start"].unique().sort()
    shown = starts.tail(COHORTS)
    last = min(frame["period_number"].max(), PERIODS)
    cells = {(row["cohort_start"], row["period_number"]): row for row in frame.to_dicts()}
    period, who = first["period"], many(first["entity"])
    name = "%b %Y" if period == "month" else None
    rows = [
        {
            "name": f"{start:{name}}" if name else short_day(start),
            "size": cells[start, 0]["cohort_size"] if (start, 0) in cells else 0,
            "cells": [_cell(cells.get((start, number))) for number in range(1, last + 1)],
        }
        for start in shown
    ]
    together = {
        row["period_number"]: row
        for row in pooled.filter(report=first["report"]).to_dicts()
        if row["retention_rate"] is not None
    }
    everybody = {
        "name": "All",
        "size": sum(cells[start, 0]["cohort_size"] for start in starts if (start, 0) in cells),
        "cells": [
            _share(together[number]["retention_rate"]) if number in together else None
            for number in range(1, last + 1)
        ],
        "sizes": [
            short_number(together[number]["cohort_size"]) if number in together else ""
            for number in range(1, last + 1)
        ],
    }
    return render(
        "heatmap.html",
        title=capital(first["report"]),
        units=f"{caption(definition, first['entity'], period)}; n = {who} in the cohort",
        period=period,
        numbers=range(1, last + 1),
        rows=rows,
        everybody=everybody if together else None,
        narrow=NARROW_PERIODS,
        hidden=f"The latest {COHORTS} of {len(starts)} cohorts; the first is that of"
        f" {period_name(period, starts[0])}."
        if len(starts) > COHORTS
        else "",
    )


@dataclass(frozen=True)
class Cell:
    """The content of a heat map's cell: a share with its shade, or its progress."""

    percent: str = ""
    shade: int = 0
    progress: str = ""


def _cell(row: dict[str, Any] | None) -> Cell | None:
    """The cell of a row; None if the period has not begun, or the cohort is empty."""
    if row is None or not row["cohort_size"]:
        return None
    if not row["is_complete"]:
        return Cell(progress=f"in progress: {row['retained']:,} of {row['cohort_size']:,} so far")
    return _share(row["retention_rate"])


def _share(rate: float) -> Cell:
    return Cell(percent=f"{100 * rate:.0f}", shade=min(int(rate * SHADES), SHADES - 1))
