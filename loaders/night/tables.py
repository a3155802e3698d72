"""Writes the marts of a night: into daybook.duckdb, and as Parquet.

A night begins with a copy of the last night's database. In `fct_events`, only the events that
changed since then are written; in `fct_activity_days`, only the days in which something changed.
`fct_events` has a Parquet file per month: for a month without a change, it is a hard link to the
last night's file.
"""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from loaders.night.privacy import Privacy
from loaders.plan import SEEDS
from loaders.published import DATABASE

# DuckDB 1.2 and later open it.
STORAGE = "v1.2.0"
EVENTS = "fct_events"
# Long tables: a night writes only their changed rows.
LONG = {EVENTS, "fct_activity_days"}
# The plan and the reports, for `daybook ask`. The other seeds may name people.
_PRIVATE_SEEDS = {"internal_accounts", "placeholder_ids"}


@dataclass(frozen=True)
class Months:
    """The months of fct_events: those to write, and those that the last night has already.

    `days` are the days in which something changed since the last night; the temporary table
    `changed_events` has the ids of the changed events. None: any event may have changed.
    """

    written: list[date]
    kept: list[date]
    days: list[date] | None


@dataclass(frozen=True)
class Copy:
    """The copy that readers will open, while it is written.

    `connection` has the warehouse attached, and the copy as `night_copy`.
    """

    connection: duckdb.DuckDBPyConnection
    warehouse: str
    folder: Path
    number: int
    privacy: Privacy

    def attach(self, last: Path | None) -> None:
        """Begin with the last night's database, or with an empty one."""
        path = self.folder / DATABASE
        if last is not None:
            shutil.copyfile(last / DATABASE, path)
        self.connection.execute(
            f"attach '{_quoted(path)}' as night_copy (storage_version '{STORAGE}')"
        )
        for schema in ("marts", "nights", "seeds"):
            self.connection.execute(f"create schema if not exists night_copy.{schema}")

    def write_marts(self, marts: Iterable[str], months: Months) -> None:
        """Write every mart into the database, and nothing else."""
        marts = set(marts)
        self.connection.execute("begin")  # one checkpoint for all tables
        for schema, table in self._there():
            if (schema == "marts" and table not in marts) or schema == "seeds":
                self.connection.execute(f'drop table night_copy.{schema}."{table}"')
        for mart in sorted(marts):
            if mart in LONG and months.days is not None:
                self._write_changes(mart, months)
            else:
                self._create(f"marts.{mart}", self.privacy.select(mart))
        for seed in self._seeds():
            self._create(f"seeds.{seed}", self.privacy.select_seed(seed))
        self.connection.execute("commit")
        self.connection.execute("use night_copy.marts")

    def _write_changes(self, mart: str, months: Months) -> None:
        if months.days:
            if mart == EVENTS:
                gone = may_differ(months, self.privacy)
                new = f"event_id in (from changed_events) and {_within(months.days)}"
            else:
                gone = new = f"event_day in ({', '.join(map(_sql, months.days))})"
            self.connection.execute(f"delete from night_copy.marts.{mart} where {gone}")
            self.connection.execute(
                f"insert into night_copy.marts.{mart} {self.privacy.select(mart, new)}"
            )
        self._comment(f"marts.{mart}")

    def create(self, table: str, query: str) -> None:
        """Write a table into the database and beside it as Parquet."""
        self._create(table, query)
        self.export(table)

    def export(self, table: str) -> None:
        """Write a table of the database as a Parquet file that carries the night's number."""
        path = self.folder / f"{table.split('.')[1]}.parquet"
        self.write_parquet(f"from night_copy.{table}", path)

    def export_events(self, months: Months, last: Path | None) -> None:
        """Write a Parquet file per month; it carries the number of the night that wrote it."""
        events = self.folder / EVENTS
        events.mkdir()
        for month in months.kept:
            os.link(last / EVENTS / _file(month), events / _file(month))
        for month in months.written:
            within = f"event_day >= {_sql(month)} and event_day < {_sql(_next(month))}"
            query = f"from night_copy.marts.{EVENTS} where {within}"
            if self.connection.execute(f"select 1 {query} limit 1").fetchone():
                self.write_parquet(query, events / _file(month), key="written_in_night")

    def write_parquet(self, query: str, path: Path, key: str = "night") -> None:
        """Write the rows of a query; `key` holds the night's number in the file's metadata."""
        # Other readers of Parquet read DuckDB's JSON as bytes.
        columns = self.connection.execute(f"describe {query}").fetchall()
        shown = ", ".join(
            f'"{name}"::varchar as "{name}"' if type_ == "JSON" else f'"{name}"'
            for name, type_, *_ in columns
        )
        self.connection.execute(
            f"copy (select {shown} from ({query})) to '{_quoted(path)}'"
            " (format parquet, compression zstd, compression_level 1,"
            f" kv_metadata {{{key}: '{self.number}'}})"
        )

    def _create(self, table: str, query: str) -> None:
        self.connection.execute(f"create or replace table night_copy.{table} as {query}")
        self._comment(table)

    def _comment(self, table: str) -> None:
        self.connection.execute(f"comment on table night_copy.{table} is 'night {self.number}'")

    def _there(self) -> list[tuple[str, str]]:
        return self.connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'night_copy'"
        ).fetchall()

    def _seeds(self) -> list[str]:
        found = self.connection.execute(
            "select table_name from duckdb_tables()"
            " where database_name = ? and schema_name = 'seeds' order by table_name",
            [self.warehouse.strip('"')],
        ).fetchall()
        return [name for (name,) in found if name in SEEDS and name not in _PRIVATE_SEEDS]


def may_differ(months: Months, privacy: Privacy) -> str:
    """Return a condition that holds for each published event that may differ from last night's."""
    if not months.days:
        return "true" if months.days is None else "false"
    changed = f"event_id in (select {privacy.shown_id('event_id')} from changed_events)"
    return f"{changed} and {_within(months.days)}"


def months_in(folder: Path | None, states: dict[str, list[int]]) -> list[date]:
    """Return the months of a night whose Parquet files are as they were written."""
    if folder is None:
        return []
    there = states_of_months(folder)
    return sorted(
        date.fromisoformat(f"{month}-01") for month in there if there[month] == states.get(month)
    )


def states_of_months(folder: Path) -> dict[str, list[int]]:
    """Return the state of each Parquet file of fct_events, by month."""
    return {path.stem: state(path) for path in sorted((folder / EVENTS).glob("*.parquet"))}


def state(path: Path) -> list[int]:
    """Return size and time of change of a file: who writes to it changes them."""
    if not path.is_file():
        return []
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]


def _file(month: date) -> str:
    return f"{month:%Y-%m}.parquet"


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _within(days: list[date]) -> str:
    return f"event_day between {_sql(days[0])} and {_sql(days[-1])}"


def _sql(day: date) -> str:
    return f"date '{day.isoformat()}'"


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
