"""Finds what a question needs from the tracking plan, and which of its needs the plan lacks.

A question states its needs in comment lines, one need per line:

    -- needs: event NAME
    -- needs: user trait NAME
    -- needs: company trait NAME
    -- needs: retention report NAME   (or activity, measure or stickiness report)
    -- needs: funnel NAME
    -- needs: var NAME                (it may not be empty)

The plan is the one that was built: the seeds in the database. Names are compared trimmed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from loaders.asking.template import Tables
from loaders.display import show_path
from loaders.errors import BadQuestion
from loaders.project import PROJECT_FILE

NEED = re.compile(r"\s*--+\s*needs:(.*)", re.IGNORECASE)
VAR = "var"
# Where names of each kind are: the seed, its column, and a condition for its rows.
REPORTS = ("activity", "measure", "retention", "stickiness")
PLANNED = {
    "event": ("tracking_plan_events", "event", "true"),
    "user trait": ("tracking_plan_traits", "trait", "lower(trim(entity)) = 'user'"),
    "company trait": ("tracking_plan_traits", "trait", "lower(trim(entity)) = 'company'"),
    **{f"{kind} report": (f"{kind}_reports", "report", "true") for kind in REPORTS},
    "funnel": ("funnels", "funnel", "true"),
}
KINDS = (*PLANNED, VAR)


@dataclass(frozen=True)
class Need:
    """One thing that a question needs of the plan."""

    kind: str  # a key of PLANNED, or VAR
    name: str
    is_private: bool = False  # planned, but personal data, which a published copy does not hold

    def __str__(self) -> str:
        """The problem to print if the plan lacks it."""
        if self.is_private:
            return (
                f'the published copy holds no personal data, and the {self.kind} "{self.name}" is'
            )
        if self.kind == VAR:
            return f'the var "{self.name}" is empty in {PROJECT_FILE}'
        if self.kind.endswith("report") or self.kind == "funnel":
            return f'no {self.kind} is called "{self.name}"'
        return f'the tracking plan has no {self.kind} "{self.name}"'


class Plan:
    """The tracking plan as it was built into the database."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, tables: Tables, variables: dict[str, Any]
    ):
        self._connection, self._tables, self._vars = connection, tables, variables

    def lacks(self, sql: str) -> list[Need]:
        """Return the needs of `sql` that the plan lacks."""
        missing = []
        for need in _needs(sql):
            if not self._has(need):
                missing.append(need)
                if need.kind == VAR:  # its value may be the name that lines below need
                    break
            elif self._is_private(need):
                missing.append(replace(need, is_private=True))
        return missing

    def _is_private(self, need: Need) -> bool:
        """Whether this is a published copy without this trait, or with hashes of it."""
        if not need.kind.endswith("trait") or not self._tables.has("nights", "nights"):
            return False
        seed, column, rows = PLANNED[need.kind]
        found = self._connection.execute(
            f"""
            select bool_or(coalesce(try_cast(trim(is_pii) as boolean), false)) from seeds.{seed}
            where {rows} and trim({column}) = ?
            """,
            [need.name],
        )
        return bool(found.fetchone()[0])

    def _has(self, need: Need) -> bool:
        if need.kind == VAR:
            return bool(str(self._vars.get(need.name) or "").strip())
        seed, column, rows = PLANNED[need.kind]
        if not self._tables.has(seed, "seeds"):
            return False
        found = self._connection.execute(
            f"select count(*) from seeds.{seed} where {rows} and trim({column}) = ?", [need.name]
        )
        return found.fetchone()[0] > 0


def no_answer(missing: list[Need], question: Path) -> str:
    """Return one line that says what the plan lacks, and where to name something else."""
    what = "; ".join(map(str, missing))
    path = show_path(str(question))
    kinds = {need.kind.split()[-1] for need in missing}
    advice = f"Name your own {kinds.pop()}" if len(kinds) == 1 else "Name your own"
    if missing[-1].is_private:
        what_next = "Ask the warehouse itself: daybook --database FILE ask."
    elif missing[-1].kind == VAR:
        what_next = f"Set it in {PROJECT_FILE}, then run: dbt build."
    elif question.is_absolute():  # it came with Daybook, and an upgrade would overwrite a change
        what_next = f"Copy {path} into your analyses/. {advice} there."
    else:
        what_next = f"{advice} in {path}."
    return f"{what[0].upper()}{what[1:]}: this question has no answer here. {what_next}"


def is_need(line: str) -> bool:
    """Whether a comment line states a need."""
    return NEED.match(line) is not None


def _needs(sql: str) -> Iterator[Need]:
    for line in sql.splitlines():
        if not (stated := NEED.match(line)):
            continue
        text = stated[1].strip()
        kind = next((k for k in KINDS if re.match(rf"{k}(\s|$)", text, re.IGNORECASE)), None)
        if kind is None:
            raise BadQuestion(
                f'"needs: {text}" is not understood. What can be needed: {", ".join(KINDS)}'
            )
        if not (name := text[len(kind) :].strip()):
            raise BadQuestion(f'"needs: {kind}" names nothing')
        yield Need(kind, name)
