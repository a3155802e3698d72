"""Opens the night that readers see."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import duckdb

from loaders.asking import last_complete_day
from loaders.errors import NothingPublished
from loaders.report.marts import Marts

PUBLISHED = Path("published")
DATABASE = "daybook.duckdb"


@dataclass(frozen=True)
class Night:
    """A published night that is open. A later night does not change it."""

    number: int | None  # None where night.json is missing
    marts: Marts


def published_database(folder: Path = PUBLISHED) -> Path:
    """Return the published database of the night that `folder` shows now.

    Raises `NothingPublished` where there is none.
    """
    # Follow the link once, so that all files belong to one night.
    database = folder.resolve() / DATABASE
    if not database.is_file():
        raise NothingPublished(
            f"No night has been published in {Path.cwd()} yet. Run there: daybook nightly LOGS"
            " (or, after dbt build: daybook publish)"
        )
    return database


def open_night(folder: Path = PUBLISHED) -> Night:
    """Open the night that `folder` shows now.

    Raises `NothingPublished` where there is none, or where it holds no complete day.
    """
    database = published_database(folder)
    connection = duckdb.connect(str(database), read_only=True)
    as_of = last_complete_day(connection)
    if as_of is None:
        raise NothingPublished(
            f"The night that is published in {Path.cwd()} holds no complete day. Run there, with"
            " more logs: daybook nightly LOGS"
        )
    summary = database.with_name("night.json")
    number = json.loads(summary.read_text()).get("night") if summary.is_file() else None
    return Night(number, Marts(connection, as_of, answers=[]))
