"""What a question needs of the tracking plan, and what of that the plan lacks.

A question says so in comment lines, one need a line:

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
from typing import Any

import duckdb

from loaders.errors import BadQuestion
from loaders.questions.project import PROJECT_FILE
from loaders.questions.template import Tables

NEED = re.compile(r"\s*--+\s*needs:(.*)", re.IGNORECASE)
VAR = "var"
# Where each kind stands: the seed, its column, and which of its rows.
REPORTS = ("activity", "measure", "retention", "stickiness")
PLANNED = {
    "event": ("tracking_plan_events", "event", "true"),
    "user trait": ("tracking_plan_traits", "trait", "lower(trim(entity)) = 'user'"),
    "company trait": ("tracking_plan_traits", "trait", "lower(trim(entity)) = 'company'"),
    **{f"{kind} report": (f"{kind}_reports", "report", "true") for kind in REPORTS},
    "funnel": ("funnels", "funnel", "true"),
}


def is_need(line: str) -> bool:
    """Whether a comment line states a need."""
    return NEED.match(line) is not None


class Plan:
    """The tracking plan as it was built into the database."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, tables: Tables, variables: dict[str, Any]
    ):
        self._connection, self._tables, self._vars = connection, tables, variables

    def lacks(self, sql: str) -> str | None:
        """What `sql` needs and the plan does not have, in a sentence without its end."""
        missing = []
        for kind, name in _needs(sql):
            if kind == VAR and self._vars.get(name) in (None, ""):
                # What other lines need may be named by this var.
                return f'The var "{name}" is empty in {PROJECT_FILE}'
            if kind != VAR and not name:
                raise BadQuestion(f'"needs: {kind}" is without a name')
            if kind != VAR and not self._has(kind, name):
                missing.append(_sentence(kind, name))
        if not missing:
            return None
        return f"{missing[0][0].upper()}{missing[0][1:]}" + "".join(f"; {x}" for x in missing[1:])

    def _has(self, kind: str, name: str) -> bool:
        seed, column, rows = PLANNED[kind]
        if not self._tables.has(seed, "seeds"):
            return False
        found = self._connection.execute(
            f"select count(*) from seeds.{seed} where {rows} and trim({column}) = ?", [name]
        )
        return found.fetchone()[0] > 0


def kinds_needed(sql: str) -> list[str]:
    """The last word of each kind that `sql` needs, once: event, trait, report, var."""
    return list(dict.fromkeys(kind.split()[-1] for kind, _ in _needs(sql)))


def _needs(sql: str) -> Iterator[tuple[str, str]]:
    for line in sql.splitlines():
        if not (stated := NEED.match(line)):
            continue
        need = " ".join(stated[1].split(" ")).strip()
        for kind in (*PLANNED, VAR):
            if re.match(rf"{kind}(\s|$)", need, re.IGNORECASE):
                yield kind, need[len(kind) :].strip()
                break
        else:
            known = ", ".join((*PLANNED, VAR))
            raise BadQuestion(f'"needs: {need}" is not understood. What can be needed: {known}')


def _sentence(kind: str, name: str) -> str:
    if kind.endswith("report") or kind == "funnel":
        return f'no {kind} is called "{name}"'
    return f'the tracking plan has no {kind} "{name}"'
