"""Tables: great-tables makes the HTML, the page's style sheet the style."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
from great_tables import GT
from markupsafe import Markup

from loaders.asking import as_texts
from loaders.report.html import render

_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)  # its own: fixed colours, 8 kB a table


def table(
    id: str,
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    more: int = 0,
    *,
    is_open: bool = False,
) -> Markup:
    """A table that is folded until a reader opens it; `id` is unique on the page."""
    made = _bare_table(id, columns, rows)
    return render("folded.html", caption=caption, table=made, more=more, is_open=is_open)


def _bare_table(id: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Markup:
    """The table itself. Numbers stand to the right, shares are percentages."""
    # A column's name becomes an id in the HTML.
    names = [f"{id}-{number}" for number in range(len(columns))]
    texts = as_texts(columns, rows)
    frame = pl.DataFrame(texts, schema=dict.fromkeys(names, pl.String), orient="row")
    labels = {n: c.replace("_", " ") for n, c in zip(names, columns, strict=True)}
    made = GT(frame, id=id).cols_label(labels).cols_align("left")
    for place, name in enumerate(names):
        cells = [row[place] for row in rows]
        if all(_is_number(cell) for cell in cells):
            made = made.cols_align("right", columns=name)
        elif all(isinstance(cell, date | None) for cell in cells):
            made = made.cols_align("center", columns=name)  # the style sheet: on one line
    return Markup(_STYLE.sub("", made.as_raw_html()))


def frame_table(id: str, caption: str, frame: pl.DataFrame) -> Markup:
    """A table of a whole frame."""
    return table(id, caption, frame.columns, frame.rows())


def _is_number(cell: object) -> bool:
    return cell is None or (isinstance(cell, int | float | Decimal) and not isinstance(cell, bool))
