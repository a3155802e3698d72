"""Answers the questions in `analyses/`: one sentence each, and the rows behind it.

An analysis is a plain SELECT over `marts`. Its first comment line is the question, and the
first column of its result, `answer`, is the sentence; the other columns are the rows. A sentence
that begins with "The logs cannot tell" has no rows to show.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import click
import duckdb
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from loaders.display import safe
from loaders.errors import DaybookError
from loaders.warehouse import read_warehouse

ANALYSES = Path(__file__).parent.parent / "analyses"
CANNOT_TELL = "The logs cannot tell"
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
    rows: list[list]


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
    if not picked and wanted.strip():
        # The beginning of a word; 000 is no word of 1,000.
        word = re.compile(rf"(?<![\w,]){re.escape(wanted.strip())}", re.IGNORECASE)
        picked = [q for q in found if word.search(f"{q.name.replace('_', ' ')} {q.text}")]
    if not picked:
        known = "\n".join(f"  {q.name}" for q in found)
        raise click.UsageError(f"no question is called {wanted!r}. There are:\n{known}")
    return picked


def answer(connection: duckdb.DuckDBPyConnection, question: Question) -> Answer:
    """Run one analysis. What it needs may be missing from another product's tracking plan."""
    try:
        result = connection.execute(question.sql)
    except duckdb.BinderException as problem:
        what = _first_line(problem, "Binder Error: ")
        return Answer(f"The tracking plan has no answer to this: {what}", [], [])
    except duckdb.CatalogException as problem:
        missing = re.search(r'Table with name "?([\w.]+)', str(problem))
        what = missing[1] if missing else _first_line(problem, "Catalog Error: ")
        raise DaybookError(
            f"There is no {what} in the database yet. Build it first: dbt build"
            " (DAYBOOK_DATABASE names the database to dbt, too)"
        ) from problem
    _, *columns = [column[0] for column in result.description]
    found = result.fetchall()
    sentence = found[0][0]
    if sentence.startswith(CANNOT_TELL):
        return Answer(sentence, columns, [])
    return Answer(
        sentence, columns, [row for _, *row in found if any(cell is not None for cell in row)]
    )


def last_whole_day(connection: duckdb.DuckDBPyConnection) -> date | None:
    """Tell what `now` means in the answers; None where there are no logs, or no marts."""
    try:
        row = connection.execute("select as_of from marts.calendar").fetchone()
    except duckdb.CatalogException:
        return None
    return row and row[0]


def show(console: Console, question: Question, answered: Answer) -> None:
    """Print a question, its sentence, and the first of its rows."""
    console.print(Text(question.text, style="bold"))
    console.print(Padding(Text(safe(answered.sentence)), (0, 0, 0, 2)))
    if answered.rows:
        console.print()
        console.print(_table(answered), crop=False)
    if (more := len(answered.rows) - ROWS_SHOWN) > 0:
        where = Text(f"  ... and {more:,} more: analyses/{question.name}.sql", style="dim")
        console.print(where, soft_wrap=True)
    console.print()


def _table(answered: Answer) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(width=0)  # the margin
    # As text: what a customer calls itself may look like markup.
    shown = [
        [safe(as_text(cell, column)) for cell, column in zip(row, answered.columns, strict=True)]
        for row in answered.rows[:ROWS_SHOWN]
    ]
    for column, cells, texts in zip(
        answered.columns, zip(*answered.rows, strict=True), zip(*shown, strict=True), strict=True
    ):
        is_number = all(isinstance(cell, int | float | None) for cell in cells)
        header = column.replace("_", " ")  # so that it can break between its words
        widest = max(len(word) for text in (header, *texts) for word in text.split())
        if is_number:
            on_two_lines = len(header) * 2 // 3
            width = max(widest, on_two_lines, *map(len, texts))
            table.add_column(header, justify="right", width=width)
        else:
            table.add_column(header, overflow="fold", min_width=min(widest, 20))
    for texts in shown:
        table.add_row("", *map(Text, texts))
    return table


def _first_line(problem: duckdb.Error, kind: str) -> str:
    return str(problem).partition("\n")[0].removeprefix(kind).rstrip("!.")


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
    with read_warehouse(context.obj.database) as connection:
        day = last_whole_day(connection)
        answers = [answer(connection, each) for each in picked]

    console = Console()
    with console.capture() as captured:
        if day:
            console.print(Text(f"As of {day}, the last whole day of the logs.", style="dim"))
            console.print()
        for each, answered in zip(picked, answers, strict=True):
            show(console, each, answered)
    # Rich fills each line with blanks up to the margin.
    click.echo("\n".join(line.rstrip() for line in captured.get().rstrip().splitlines()))
