"""Prints answers: text that fits its terminal, or one JSON document."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from loaders.asking.answers import Answer
from loaders.asking.files import Question
from loaders.display import safe, show_path

ROWS_SHOWN = 12
RECORDS_SHOWN = 3  # if each row is printed as a block of lines
MARGIN = 2
NOTHING = "-"
POINTS = frozenset(("difference", "difference_low", "difference_high", "low", "high"))


def print_text(day: date | None, answers: list[Answer]) -> None:
    """Each question, its sentence, and the first of its rows."""
    console = Console()
    with console.capture() as captured:
        if day:
            console.print(Text(f"As of {day}, the last complete day of the logs.", style="dim"))
            console.print()
        for answer in answers:
            _print_answer(console, answer)
    # Rich fills each line with blanks up to the margin.
    text = "\n".join(line.rstrip() for line in captured.get().rstrip().splitlines())
    encoding = sys.stdout.encoding or "utf-8"
    click.echo(text.encode(encoding, "backslashreplace").decode(encoding))


def print_questions(found: list[Question]) -> None:
    """The names that `daybook ask` takes, each with its question."""
    for question in found:
        click.echo(f"{safe(question.name)}\n    {safe(question.text)}")


def print_json(day: date | None, answers: list[Answer]) -> None:
    """One document: as_of, and all questions with all of their rows."""
    document = {
        "as_of": day and day.isoformat(),
        "questions": [
            {
                "name": answer.question.name,
                "question": answer.question.text,
                "answer": as_json(answer.sentence),
                "columns": answer.columns,
                "rows": as_json(answer.rows),
                "problem": answer.problem,
            }
            for answer in answers
        ],
    }
    # Integers of any size: DuckDB's sums of bigints have 128 bits.
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode())


def as_json(value: Any) -> Any:
    """A DuckDB value for JSON: dates in ISO 8601, no NaN, decimals as numbers."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return as_json(float(value))
        case date() | time():
            return value.isoformat()
        case bytes():
            return value.decode("utf-8", "backslashreplace")
        case list() | tuple():
            return [as_json(each) for each in value]
        case dict():
            return {str(key): as_json(each) for key, each in value.items()}
        case _:
            return str(value)


def _print_answer(console: Console, answer: Answer) -> None:
    console.print(Text(safe(answer.question.text), style="bold"))
    if answer.problem:
        # On one line, however narrow the terminal: the path in it can be copied.
        console.print(Text(f"{' ' * MARGIN}{safe(answer.problem)}"), soft_wrap=True)
    elif answer.sentence is not None:
        _print_sentence(console, as_text(answer.sentence))
    elif not answer.rows:
        _print_sentence(console, "No rows.")
    if answer.rows:
        if answer.sentence is not None:
            console.print()
        _print_rows(console, answer)
    console.print()


def _print_sentence(console: Console, sentence: str) -> None:
    console.print(Padding(Text(safe(sentence), overflow="fold"), (0, 0, 0, MARGIN)))


def _print_rows(console: Console, answer: Answer) -> None:
    columns = [safe(column.replace("_", " ")) for column in answer.columns]
    # Printed as plain text: a customer's name may look like markup or a terminal command.
    shown = [
        [safe(text) for text in row] for row in as_texts(answer.columns, answer.rows)[:ROWS_SHOWN]
    ]
    table = _table(columns, answer.rows, shown)
    if _fits(table, console.width):
        console.print(table, crop=False)
    else:
        shown = shown[:RECORDS_SHOWN]
        _print_records(console, columns, shown)
    if (more := len(answer.rows) - len(shown) + answer.more) > 0:
        path = show_path(str(answer.question.path))
        console.print(Text(f"  ... and {more:,} more: {path}", style="dim"), soft_wrap=True)


def _table(columns: list[str], rows: list[list], shown: list[list[str]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(width=0)  # the margin
    for number, header in enumerate(columns):
        texts = [row[number] for row in shown]
        words = [cell_len(word) for text in (header, *texts) for word in text.split()]
        widest = max(words, default=1)
        if all(_is_number(row[number]) for row in rows):
            on_two_lines = len(header) * 2 // 3
            width = max(widest, on_two_lines, *map(cell_len, texts))
            table.add_column(header, justify="right", width=width, min_width=width)
        else:
            table.add_column(header, overflow="fold", min_width=min(widest, 20))
    for texts in shown:
        table.add_row("", *map(Text, texts))
    return table


def _fits(table: Table, width: int) -> bool:
    """Whether the table fits without squeezing a column below its minimal width."""
    widths = [column.min_width or 0 for column in table.columns]
    return sum(widths) + MARGIN * (len(widths) - 1) <= width


def _print_records(console: Console, columns: list[str], shown: list[list[str]]) -> None:
    """Each row as a block of lines, one for each column."""
    for number, texts in enumerate(shown):
        if number:
            console.print()
        for column, text in zip(columns, texts, strict=True):
            line = Text.assemble((f"{column}: ", "dim"), text, overflow="fold")
            console.print(Padding(line, (0, 0, 0, MARGIN)))


def _is_number(cell: object) -> bool:
    return cell is None or (isinstance(cell, int | float | Decimal) and not isinstance(cell, bool))


def as_texts(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[list[str]]:
    """All cells as a person reads them."""
    readers = _readers(columns, list(zip(*rows, strict=True))) if rows else []
    return [[read(cell) for read, cell in zip(readers, row, strict=True)] for row in rows]


def _readers(columns: Sequence[str], cells: list[tuple]) -> list[Callable[[object], str]]:
    """How to write the cells of each column.

    A column is a share if `rate` or `share` is a word of its name and all values are from 0 to 1.
    Beside shares, a column `difference` and its bounds `low` and `high` are in percentage points.
    """
    shares = [is_share(column, values) for column, values in zip(columns, cells, strict=True)]
    points = POINTS if any(shares) and "difference" in columns else frozenset()
    return [
        _as_percent if share else _as_points if column in points else as_text
        for column, share in zip(columns, shares, strict=True)
    ]


def is_share(column: str, values: Sequence[object]) -> bool:
    """Whether a column holds shares of 1."""
    if not {"rate", "share"} & set(column.lower().split("_")):
        return False
    numbers = [value for value in values if isinstance(value, float)]
    return bool(numbers) and all(0 <= value <= 1 for value in numbers)


def _as_percent(cell: object) -> str:
    return f"{100 * cell:.1f} %" if isinstance(cell, float) else as_text(cell)


def _as_points(cell: object) -> str:
    return f"{100 * cell:+.1f}" if isinstance(cell, float) else as_text(cell)


def as_text(cell: object) -> str:
    """A cell as a person reads it: large numbers with separators, and `-` for none."""
    match cell:
        case None:
            return NOTHING
        case bool():
            return "yes" if cell else "no"
        case float() if not math.isfinite(cell):
            return NOTHING
        case float() if abs(cell) >= 1000:
            return f"{cell:,.{0 if cell.is_integer() else 1}f}"
        case float():
            return f"{cell:.4g}"
        case int() | Decimal():
            return f"{cell:,}"
        case datetime():
            return f"{cell:%Y-%m-%d %H:%M}"
        case bytes():
            return safe(cell)
        case list():
            return ", ".join(map(as_text, cell))
        case dict():
            return ", ".join(f"{as_text(key)}: {as_text(each)}" for key, each in cell.items())
        case _:
            return str(cell)
