"""Finds the files in `analyses/`, and those that a number, a name or a word picks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import click

from loaders.asking.needs import is_need
from loaders.errors import BadProject

ORDER = re.compile(r"q?(\d+)_", re.IGNORECASE)  # q3_where_from.sql, 3_where_from.sql
COMMENT = re.compile(r"\s*(?:--[^\n]*|/\*.*?\*/|\{#.*?#\})", re.DOTALL)
COMMENT_MARKS = re.compile(r"^\s*(?:--+|/\*+|\{#-?|\*+(?!/))|(?:\*+/|-?#\})\s*$")


@dataclass(frozen=True)
class Question:
    """One file of `analyses/`."""

    name: str  # its path below analyses/, without .sql
    path: Path
    text: str  # the question itself
    sql: str  # as written, Jinja included
    problem: str | None = None  # why the file cannot be read

    @property
    def is_at_the_top(self) -> bool:
        """Whether a bare `daybook ask` asks it."""
        return "/" not in self.name

    @classmethod
    def read(cls, path: Path, analyses: Path) -> Question:
        """Read one file. A file that cannot be read becomes a question with a problem."""
        name = path.relative_to(analyses).with_suffix("").as_posix()
        try:
            sql = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as problem:
            line = path.read_bytes()[: problem.start].count(b"\n") + 1
            return cls(
                name, path, in_words(name), "", f"line {line} is not UTF-8; save it as UTF-8"
            )
        except OSError as problem:
            return cls(name, path, in_words(name), "", f"it cannot be read: {problem.strerror}")
        return cls(name, path, first_comment(sql) or in_words(name), sql)


def first_comment(sql: str) -> str | None:
    """The first line with words in the comments at the top of a file."""
    place = 0
    while comment := COMMENT.match(sql, place):
        for line in comment[0].splitlines():
            words = COMMENT_MARKS.sub("", line).strip()
            if words and not is_need(line):
                return words
        place = comment.end()
    return None


def in_words(name: str) -> str:
    """A file's name as a question: `q3_where_from` is `where from`."""
    stem = name.rpartition("/")[2]
    return re.sub(r"[_\-\s]+", " ", ORDER.sub("", stem, count=1)).strip() or stem


def questions(analyses: Path) -> list[Question]:
    """All questions: those at the top first, numbered ones in the order of their numbers."""
    paths = [
        path
        for path in analyses.rglob("*.sql")
        if not path.is_dir() and not path.name.startswith(".")
    ]
    return sorted((Question.read(path, analyses) for path in paths), key=_place)


def _place(question: Question) -> tuple:
    folder, _, stem = question.name.rpartition("/")
    number = ORDER.match(stem)
    return folder, int(number[1]) if number else float("inf"), stem


def chosen(wanted: str | None, analyses: Path) -> list[Question]:
    """The questions that a number, a name or a word picks; without one, those at the top."""
    found = questions(analyses)
    if wanted is None:
        top = [question for question in found if question.is_at_the_top]
        if not top:
            raise BadProject(
                f"There is no question at the top of {analyses}. Write a SELECT into a .sql file"
                " there, or name one of: daybook ask --list"
            )
        return top
    if picked := _by_name(wanted, found) or _by_word(wanted, found):
        return picked
    known = "\n".join(f"  {question.name}" for question in found)
    raise click.UsageError(f"no question is called {wanted!r}. There are:\n{known}")


def _by_name(wanted: str, found: list[Question]) -> list[Question]:
    name = wanted.strip().lower().removesuffix(".sql")
    if exact := [q for q in found if _path(q).endswith(f"/{name}")]:
        return exact
    number = name.removeprefix("q")
    if number.isdecimal():
        numbered = [q for q in found if _place(q)[1] == int(number)]
        # If no file name has a number, questions are numbered by their order.
        if name == number and not any(ORDER.match(Path(q.name).name) for q in found):
            return found[max(int(number) - 1, 0) : int(number)]
        return numbered
    return [q for q in found if name and f"/{name}_" in _path(q)]


def _path(question: Question) -> str:
    return f"/{question.path.with_suffix('').as_posix()}".lower()


def _by_word(wanted: str, found: list[Question]) -> list[Question]:
    if not wanted.strip():
        return []
    # Match the beginning of a word; 000 is not a word of 1,000.
    word = re.compile(rf"(?<![\w,]){re.escape(wanted.strip())}", re.IGNORECASE)
    return [q for q in found if word.search(f"{q.name.replace('_', ' ')} {q.text}")]
