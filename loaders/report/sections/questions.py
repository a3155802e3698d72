"""The questions of analyses/ with their answers, and a picture if the rows suit one.

The columns decide which picture it is:
- lines, if the first column is a time (`week`, `cohort_month`) and others are shares;
- bars, if numbers follow a column of texts that differ; one picture for each such pair.
A question may name its bars in a comment: `-- chart: VALUE, VALUE by LABEL`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import altair as alt
from markupsafe import Markup

from loaders.asking import Answer, as_text, as_texts, is_share
from loaders.report.charts import MOST_LINES, Line, day_axis, figure, line_chart, line_legend
from loaders.report.html import Section, render
from loaders.report.marts import Marts
from loaders.report.sections.words import capital
from loaders.report.tables import table

CHART = re.compile(r"^\s*--\s*chart:\s*(.+?)\s+by\s+(\w+)\s*$", re.MULTILINE | re.IGNORECASE)
MOST_ROWS = 25  # of an answer's table
MOST_OPEN = 10  # of a table that is shown without a click
MOST_BARS = 10
TIMES = frozenset(("hour", "day", "week", "month", "quarter", "year", "date", "period"))


def questions(marts: Marts) -> Section | None:
    """Each question with its sentence, its picture and its rows."""
    if not marts.answers:
        return None
    return Section(
        "questions",
        "Questions and answers",
        "The answers are computed from the same tables as everything else here.",
        [_answered(number, answer) for number, answer in enumerate(marts.answers, start=1)],
    )


def _answered(number: int, answer: Answer) -> Markup:
    sentence = answer.problem
    if not answer.problem and answer.sentence is not None:
        sentence = as_text(answer.sentence)
    elif not answer.problem and not answer.rows:
        sentence = "No rows."
    rows = answer.rows[:MOST_ROWS]
    return render(
        "question.html",
        number=number,
        question=answer.question.text,
        sentence=sentence or "",
        is_problem=bool(answer.problem),
        picture=picture(answer.question.sql, answer.columns, answer.rows),
        table=table(
            f"question-{number}",
            "The rows behind it",
            answer.columns,
            rows,
            more=len(answer.rows) - len(rows) + answer.more,
            # Without a sentence, a short table is the answer.
            is_open=not sentence and len(answer.rows) + answer.more <= MOST_OPEN,
        )
        if rows
        else "",
    )


def picture(sql: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Markup | str:
    """The picture that suits the rows; an empty text if none does."""
    if len(rows) < 2:
        return ""
    return _lines(columns, rows) or _bars(sql, columns, rows)


def _lines(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Markup | str:
    if not _is_time(columns[0], [row[0] for row in rows]):
        return ""
    kept, only = _one_row_each(columns, rows)
    cells = dict(zip(columns, zip(*kept, strict=True), strict=True))
    shares = [name for name in columns[1:] if is_share(name, cells[name])][:MOST_LINES]
    xs = [x.isoformat() if isinstance(x, date) else x for x in cells[columns[0]]]
    if len(set(xs)) < max(len(xs), 2) or not shares:
        return ""
    lines = []
    for name in shares:
        points = sorted(zip(xs, cells[name], strict=True))
        lines.append(Line(_words(_base(name)), points))
    sizes = [
        f"n = {_between(cells[base])} {_words(base)}"
        for name in shares
        if (base := _base(name)) in columns and _are_numbers(cells[base])
    ]
    units = ", ".join([f"% by {_words(columns[0])}", *dict.fromkeys(sizes)])
    ordered = sorted(set(xs))
    return figure(
        "",
        "; ".join(filter(None, [units, only])),
        lambda width: line_chart(
            lines, width, x_axis=_axis(ordered, width), x_scale=_scale(ordered), height=200
        ),
        legend_if_narrow=line_legend(lines),
    )


def _axis(xs: list, width: int) -> alt.Axis:
    if isinstance(xs[0], str):
        return day_axis(xs, width)
    return alt.Axis(tickMinStep=1, format="d", labelFlush=False)


def _scale(xs: list) -> alt.Scale:
    if isinstance(xs[0], str):
        return alt.Scale(domain=xs, padding=0.1)
    return alt.Scale(domain=[xs[0], xs[-1]], nice=False)


def _one_row_each(
    columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> tuple[Sequence[Sequence[object]], str]:
    """One row per time: those of the second column's first value, if a time has several rows."""
    if len({row[0] for row in rows}) == len(rows) or len(columns) < 3:
        return rows, ""
    first = rows[0][1]
    if not isinstance(first, str):
        return rows, ""
    return [row for row in rows if row[1] == first], f"{_words(columns[1])}: {first}"


def _bars(sql: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Markup | str:
    cells = dict(zip(columns, zip(*rows, strict=True), strict=True))
    if chosen := _named(sql, columns, cells):
        label, values = chosen
        panels = [(label, value, None) for value in values]
    else:
        panels = [_guessed(label, numbers, cells) for label, numbers in _pairs(columns, cells)]
    # One scale for all panels, so that their bars can be compared.
    top = max((float(cell or 0) for _, value, _ in panels for cell in cells[value]), default=0)
    if top <= 0:
        return ""
    return render("bars.html", panels=[_panel(*panel, cells, top) for panel in panels])


def _named(sql: str, columns: Sequence[str], cells: dict) -> tuple[str, list[str]] | None:
    """The columns that `-- chart: VALUE, VALUE by LABEL` names, if the rows have them."""
    if not (line := CHART.search(sql)):
        return None
    values, label = [name.strip() for name in line[1].split(",")], line[2]
    if {label, *values} <= set(columns) and all(_are_numbers(cells[name]) for name in values):
        return label, values
    return None


def _guessed(label: str, numbers: list[str], cells: dict) -> tuple[str, str, str | None]:
    """The share for a label, with the number of its base as n; without a share, the number."""
    shares = [name for name in numbers if is_share(name, cells[name])]
    value = (shares or numbers)[0]
    return label, value, next((name for name in numbers if name != value and shares), None)


def _pairs(columns: Sequence[str], cells: dict) -> list[tuple[str, list[str]]]:
    """Each column of texts that distinguish rows, with the number columns up to the next one."""
    pairs: list[tuple[str, list[str]]] = []
    for name in columns:
        if all(isinstance(cell, str | None) for cell in cells[name]):
            if _tell_apart(cells[name]):
                if pairs and not pairs[-1][1]:
                    pairs.pop()  # the earlier column is an id, and this one its name
                pairs.append((name, []))
        elif pairs and _are_numbers(cells[name]):
            pairs[-1][1].append(name)
    return [pair for pair in pairs if pair[1]]


def _tell_apart(texts: Sequence[str | None]) -> bool:
    """Whether nearly all texts differ; two companies may have one name, or none."""
    return len(set(texts)) >= 0.8 * len(texts)


def _panel(label: str, value: str, base: str | None, cells: dict, top: float) -> dict:
    texts = [row[0] for row in as_texts([value], [[cell] for cell in cells[value]])]
    bars = [
        {
            "label": as_text(name),
            "value": text,
            "n": as_text(cells[base][place]) if base else "",
            "width": None if number is None else round(100 * max(float(number), 0) / top, 1),
        }
        for place, (name, number, text) in enumerate(
            zip(cells[label], cells[value], texts, strict=True)
        )
    ]
    units = f"{capital(_words(value))} by {_words(label)}" + (
        f"; n = {_words(base)}" if base else ""
    )
    return {
        "units": units,
        "bars": bars[:MOST_BARS],
        "has_n": base is not None,
        "more": max(len(bars) - MOST_BARS, 0),
    }


def _is_time(name: str, cells: Sequence[object]) -> bool:
    if all(isinstance(cell, date) and not isinstance(cell, datetime) for cell in cells):
        return True
    return bool(TIMES & set(name.lower().split("_"))) and all(
        isinstance(cell, int) and not isinstance(cell, bool) for cell in cells
    )


def _are_numbers(cells: Sequence[object]) -> bool:
    numbers = [cell for cell in cells if cell is not None]
    return bool(numbers) and all(
        isinstance(cell, int | float | Decimal) and not isinstance(cell, bool) for cell in numbers
    )


def _base(share: str) -> str:
    """The base of a share: `managers` for `managers_rate`."""
    return re.sub(r"_(rate|share)$", "", share.lower())


def _between(cells: Sequence[object]) -> str:
    numbers = [cell for cell in cells if cell is not None]
    low, high = as_text(min(numbers)), as_text(max(numbers))
    return low if low == high else f"{low} to {high}"


def _words(name: str) -> str:
    return name.replace("_", " ")
