"""Changes since last night: cells of complete periods with another value."""

from __future__ import annotations

from loaders.report.html import Section, render
from loaders.report.marts import Marts
from loaders.report.tables import bare_table

TABLE = "nights.restatements"
NIGHT = ("night", "night_number")
MOST = 12


def restatements(marts: Marts) -> Section | None:
    """The largest changes of the last night, with their reasons."""
    columns = marts.columns(TABLE)
    if not columns:
        return None
    night = next((column for column in NIGHT if column in columns), None)
    of_last_night = f"where {night} = (select max(number) from nights.nights)" if night else ""
    size = "abs(coalesce(after, 0) - coalesce(before, 0))"
    frame = marts.query(
        TABLE,
        f"select * from {TABLE} as cells {of_last_night}"
        f" order by {size} desc, cast(cells as varchar)",
    )
    lead = (
        "Nothing: every number of a complete period is what it was last night."
        if not frame.height
        else f"{frame.height:,} numbers of complete periods are not what they were last night."
    )
    shown = frame.head(MOST)
    if night and frame.height:
        shown = shown.drop(night)
    parts = [bare_table("restatements", shown.columns, shown.rows())] if shown.height else []
    more = frame.height - shown.height
    return Section(
        "restatements",
        "What changed since last night",
        lead + (f" The {MOST} largest are shown." if more else ""),
        [render("plain.html", table=part) for part in parts],
    )
