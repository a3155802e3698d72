"""The command `daybook ask`."""

from __future__ import annotations

import shlex
from datetime import date
from pathlib import Path

import click
import duckdb

from loaders.accounts import news_since_build
from loaders.asking.answers import Asker
from loaders.asking.files import chosen, questions
from loaders.asking.printing import ROWS_SHOWN, print_json, print_questions, print_text
from loaders.display import plural
from loaders.errors import DaybookError
from loaders.project import find_project
from loaders.published import published_copy
from loaders.warehouse import read_warehouse


@click.command()
@click.argument("question", required=False)
@click.option("--json", "as_json", is_flag=True, help="For machines: JSON on stdout.")
@click.option("--list", "only_list", is_flag=True, help="Print the questions without answers.")
@click.pass_context
def ask(context: click.Context, question: str | None, as_json: bool, only_list: bool) -> None:
    """Print the questions in analyses/ with their answers, or one of them.

    QUESTION is a number, a file name of analyses/, or a word of the question. Without it, the
    questions at the top of analyses/ are asked, but not those in its folders.

    Reads the published copy if there is one, so that a night may run meanwhile. --database FILE
    reads the warehouse itself.
    """
    project = find_project(Path())
    if only_list:
        print_questions(questions(project.analyses))
        return
    picked = chosen(question, project.analyses)
    with read_warehouse(what_to_read(context)) as connection:
        day = last_complete_day(connection)
        asker = Asker(connection, project)
        answers = [asker.answer(each, keep=None if as_json else ROWS_SHOWN) for each in picked]
        news = news_since_build(connection)

    if as_json:
        print_json(day, answers)
    else:
        print_text(day, answers)
    if news:
        click.echo(f"These answers are of the last build. dbt build is due: {news}.", err=True)
    if failed := [answer.question.name for answer in answers if answer.failed]:
        raise DaybookError(
            f"{len(failed)} of {plural(len(answers), 'question')} could not be answered; what is"
            f" wrong stands with it: {', '.join(failed)}"
        )


def what_to_read(context: click.Context) -> Path:
    """The published copy of the database, unless the database was named with --database."""
    database = context.obj.database
    copy = None if context.obj.is_named else published_copy(database)
    if copy is None:
        return database
    click.echo(
        f"From the published copy, night {copy.parent.name}. The warehouse itself: daybook"
        f" --database {shlex.quote(str(database))} {context.info_name}",
        err=True,
    )
    return copy


def last_complete_day(connection: duckdb.DuckDBPyConnection) -> date | None:
    """The last complete day, which answers treat as today; None if no logs have landed."""
    try:
        row = connection.execute("select as_of from marts.calendar").fetchone()
    except duckdb.CatalogException as problem:
        raise DaybookError(
            "There is no marts.calendar in the database yet. Build it first: dbt build"
            " (DAYBOOK_DATABASE names the database to dbt, too)"
        ) from problem
    return row and row[0]
