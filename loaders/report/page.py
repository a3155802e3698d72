"""The page: its sections in order, and the file that it is written to."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
from markupsafe import Markup

from loaders.asking import Answer, Asker, last_complete_day
from loaders.asking.files import questions as questions_in
from loaders.errors import DaybookError
from loaders.project import PROJECT_FILE, Project, find_project
from loaders.report.html import Section, render
from loaders.report.marts import Marts
from loaders.report.sections.activation import activation
from loaders.report.sections.activity import activity, at_a_glance
from loaders.report.sections.adoption import adoption
from loaders.report.sections.breakdowns import breakdowns
from loaders.report.sections.questions import questions as answered
from loaders.report.sections.restatements import restatements
from loaders.report.sections.retention import retention
from loaders.warehouse import read_warehouse

# The function of a new report kind is added here. It returns None if there is nothing to show.
SECTIONS: list[Callable[[Marts], Section | None]] = [
    answered,
    activity,
    retention,
    breakdowns,
    activation,
    adoption,
    restatements,
]


def write_report(database: Path, questions: Path | None, out: Path) -> None:
    """Write the report of `database` to `out`, in one step.

    `database` is the warehouse or a published copy: a report needs the schema `marts`, and shows
    more where there are `seeds` and `nights`. `questions` is the folder of a dbt project, or its
    analyses/; None: the project of the working folder, as `daybook ask` has it. The same marts
    give the same bytes.
    """
    with read_warehouse(database) as connection:
        page = _page(connection, _project(questions))
    _replace(out, page)


def _project(questions: Path | None) -> Project:
    if questions is None or (questions / PROJECT_FILE).is_file():
        return find_project(questions or Path())
    return replace(find_project(questions.parent), analyses=questions)


def _page(connection: duckdb.DuckDBPyConnection, project: Project) -> str:
    as_of = last_complete_day(connection)
    if as_of is None:
        return render("page.html", as_of=None, people="", tiles=[], sections=[])
    marts = Marts(connection, as_of, answers_of(connection, project))
    sections = [section for make in SECTIONS if (section := make(marts))]
    return render(
        "page.html",
        as_of=as_of,
        people=_size(marts),
        tiles=at_a_glance(marts),
        sections=sections,
    )


def answers_of(connection: duckdb.DuckDBPyConnection, project: Project) -> list[Answer]:
    """The answers of the questions at the top of the project's analyses/."""
    asker = Asker(connection, project)
    asked = [question for question in questions_in(project.analyses) if question.is_at_the_top]
    return [asker.answer(question) for question in asked]


def _size(marts: Marts) -> str:
    """The number of users and companies in the report."""
    parts = []
    for table, one, many in (
        ("dim_companies", "company", "companies"),
        ("dim_users", "user", "users"),
    ):
        sql = f"select count(*) as n from marts.{table} where not is_internal"
        frame = marts.query(f"marts.{table}", sql)
        if frame.width and (count := frame["n"][0]):
            parts.append(f"{count:,} {one if count == 1 else many}")
    return " and ".join(parts)


def _replace(out: Path, page: Markup | str) -> None:
    """Write beside the old page, then replace it, so that a reader always gets a complete page."""
    part = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        part.write_text(page, encoding="utf-8")
        part.replace(out)
    except OSError as problem:
        part.unlink(missing_ok=True)
        raise DaybookError(
            f"{out} cannot be written: {problem.strerror}. Name another file with --out."
        ) from problem
