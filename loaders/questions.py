"""Answers the questions in `analyses/`: one sentence each, and the rows behind it.

An analysis is a plain SELECT over `marts`. Its first comment line is the question, and the
first column of its result, `answer`, is the sentence; the other columns are the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click
import duckdb
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from loaders.errors import DaybookError
from loaders.warehouse import read_warehouse

ANALYSES = Path(__file__).parent.parent / "analyses"
ROWS_SHOWN = 12


@dataclass(frozen=True)
class Question:
    """One file of `analyses/`."""

    name: str
    text: str
    sql: str

    @classmethod
    def read(cls, path: Path) -> Question:
        """Take the question from the file's first comment line."""
        sql = path.read_text()
        return cls(path.stem, sql.splitlines()[0].removeprefix("--").strip(), sql)


@dataclass(frozen=True)
class Answer:
    """A sentence, and the rows it was computed from (none where the data cannot tell)."""

    sentence: str
    columns: list[str]
    rows: list[tuple]


def questions(folder: Path = ANALYSES) -> list[Question]:
    """All questions, in the order of their file names."""
    return [Question.read(path) for path in sorted(folder.glob("*.sql"))]


def chosen(wanted: str | None) -> list[Question]:
    """The questions that a word, a number or a file name picks; all for none."""
    found = questions()
    if wanted is None:
        return found
    stem = Path(wanted).stem.lower()
    number = f"q{stem}_" if stem.isdigit() else f"{stem}_"
    picked = [q for q in found if q.name.lower() == stem or q.name.lower().startswith(number)]
    picked = picked or [q for q in found if wanted.lower() in f"{q.name} {q.text}".lower()]
    if not picked:
        known = "\n".join(f"  {q.name}" for q in found)
        raise click.UsageError(f"no question is called {wanted!r}. There are:\n{known}")
    return picked


def answer(connection, question: Question) -> Answer:
    """Run one analysis."""
    try:
        result = connection.execute(question.sql)
    except duckdb.CatalogException as problem:
        missing = str(problem).splitlines()[0].removeprefix("Catalog Error: ")
        raise DaybookError(f"not built yet ({missing}). Build it first: dbt build") from problem
    columns = [column[0] for column in result.description]
    rows = result.fetchall()
    sentence = rows[0][0]
    kept = [row[1:] for row in rows if any(cell is not None for cell in row[1:])]
    return Answer(sentence, columns[1:], kept)


def show(console: Console, question: Question, answered: Answer) -> None:
    """Print a question, its sentence, and the first of its rows."""
    console.print(question.text, style="bold")
    console.print(Padding(answered.sentence, (0, 0, 0, 2)), highlight=False)
    if answered.rows:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for column, cells in zip(answered.columns, zip(*answered.rows, strict=True), strict=True):
            is_number = all(isinstance(cell, int | float | None) for cell in cells)
            header = column.replace("_", " ")  # so that it can break between its words
            table.add_column(header, justify="right" if is_number else "left", overflow="fold")
        for row in answered.rows[:ROWS_SHOWN]:
            table.add_row(*map(as_text, row, answered.columns))
        console.print(Padding(table, (1, 0, 0, 2)))
        if len(answered.rows) > ROWS_SHOWN:
            more = len(answered.rows) - ROWS_SHOWN
            console.print(
                f"  ... and {more:,} more: analyses/{question.name}.sql",
                style="dim",
                highlight=False,
                soft_wrap=True,
            )
    console.print()


def as_text(cell: object, column: str) -> str:
    """A cell as a person reads it: shares in percent, large numbers with separators."""
    match cell:
        case None:
            return "-"
        case bool():
            return "yes" if cell else "no"
        case float() if column in ("difference", "low", "high"):  # in points
            return f"{100 * cell:+.1f}"
        case float():
            return f"{100 * cell:.1f} %"
        case datetime():
            return f"{cell:%Y-%m-%d %H:%M}"
        case int():
            return f"{cell:,}"
        case _:
            return str(cell)


@click.command()
@click.argument("question", required=False)
@click.pass_context
def ask(context: click.Context, question: str | None) -> None:
    """Print the questions in analyses/ with their answers, or one of them.

    QUESTION is a number, a file name of analyses/, or a word of the question.
    """
    picked = chosen(question)
    console = Console()
    with read_warehouse(context.obj.database) as connection:
        for each in picked:
            show(console, each, answer(connection, each))
