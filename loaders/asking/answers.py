"""Runs one question: a sentence and rows, or one line that says why there are none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import duckdb

from loaders.asking.files import Question
from loaders.asking.needs import Plan, no_answer
from loaders.asking.template import Tables, Template
from loaders.display import show_path
from loaders.engine_errors import ask_for_json, read
from loaders.errors import BadQuestion, is_interrupt
from loaders.project import Project

SENTENCE = "answer"  # the column that holds it
CHUNK = 10_000  # rows that are read at a time
_CANDIDATES = "Candidate bindings:"  # DuckDB lists existing names after it


@dataclass(frozen=True)
class Answer:
    """The answer to one question."""

    question: Question
    sentence: Any = None
    columns: list[str] = field(default_factory=list)
    rows: list[list] = field(default_factory=list)
    more: int = 0  # rows that were only counted
    problem: str | None = None  # why there is neither a sentence nor rows
    failed: bool = False  # whether the question is wrong, rather than the plan incomplete


class Asker:
    """Answers questions about one database."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, project: Project):
        self._connection, self._project = connection, project
        ask_for_json(connection)
        tables = Tables(connection)
        self._template = Template(tables, project.vars)
        self._plan = Plan(connection, tables, project.vars)

    def answer(self, question: Question, keep: int | None = None) -> Answer:
        """Run one question; keep its first `keep` rows (None: all) and count the others."""
        try:
            if question.problem:
                raise BadQuestion(question.problem)
            sql = self._template.render(question.sql)
            if missing := self._plan.lacks(sql):
                return Answer(question, problem=no_answer(missing, question.path))
            return self._run(question, sql, keep)
        except BadQuestion as problem:
            return Answer(question, problem=_one_line(question, problem), failed=True)

    def _run(self, question: Question, sql: str, keep: int | None) -> Answer:
        select, lines_before = sql, 0
        try:
            select = _the_select(self._connection.extract_statements(sql))
            # Comments above the query are cut: DuckDB 2.0 counts lines from the wrong place.
            lines_before = sql[: max(sql.find(select), 0)].count("\n")
            result = self._connection.execute(select)
            columns = [column[0] for column in result.description]
            return _read(question, columns, _rows(result), keep)
        except duckdb.Error as problem:
            if is_interrupt(problem):
                raise
            raise _explained(problem, select, lines_before) from problem


def _the_select(statements: list[duckdb.Statement]) -> str:
    """The text of the one statement, a SELECT, without the comments above it."""
    if not statements:
        raise BadQuestion("it holds no query. Write a SELECT, or remove the file")
    if len(statements) > 1:
        raise BadQuestion(f"it holds {len(statements)} statements; a question is one SELECT")
    kind = statements[0].type.name
    if kind != "SELECT":
        raise BadQuestion(f"it holds a statement of type {kind}; a question is one SELECT")
    return statements[0].query


def _rows(result: duckdb.DuckDBPyConnection) -> Iterator[tuple]:
    while chunk := result.fetchmany(CHUNK):
        yield from chunk


def _read(
    question: Question, columns: list[str], rows: Iterator[tuple], keep: int | None
) -> Answer:
    names = [column.lower() for column in columns]
    sentence_at = names.index(SENTENCE) if SENTENCE in names else None
    sentence, kept, more = None, [], 0
    for number, row in enumerate(rows):
        cells = list(row)
        if sentence_at is not None:
            told = cells.pop(sentence_at)
            sentence = told if number == 0 else sentence
            # The sentence was joined to no row, so there are no rows to show.
            if all(cell is None for cell in cells):
                continue
        if keep is None or len(kept) < keep:
            kept.append(cells)
        else:
            more += 1
    shown = [column for number, column in enumerate(columns) if number != sentence_at]
    return Answer(question, sentence, shown, kept, more)


def _explained(problem: duckdb.Error, sql: str, lines_before: int) -> BadQuestion:
    """The error in one line, with DuckDB's suggestion and the line number."""
    said = read(problem)
    what, *others = [line.strip() for line in said.message.splitlines() if line.strip()] or [""]
    what = what.rstrip("!.") or "no message"
    for other in others:
        if other.startswith("Did you mean"):
            what += f". {other}"
        elif other.startswith(_CANDIDATES):
            what += f". There are: {other.removeprefix(_CANDIDATES).lstrip(' :')}"
    # If the whole schema is missing, DuckDB does not list other names.
    if said.kind == "Catalog" and said.missing in ("Table", None):
        what = _sentence(what) + " Correct the name, or build the model: dbt build"
    if said.position is None:
        return BadQuestion(what)
    before = sql.encode()[: said.position]
    return BadQuestion(what, line=lines_before + before.count(b"\n") + 1)


def _one_line(question: Question, problem: BadQuestion) -> str:
    where = show_path(str(question.path)) + (f", line {problem.line}" if problem.line else "")
    return f"{where}: {_sentence(str(problem))}"


def _sentence(text: str) -> str:
    return text if text.endswith(("?", ".")) else f"{text}."
