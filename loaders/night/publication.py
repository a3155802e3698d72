"""Writes one night for its readers, and shows it when it is whole."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb

from loaders import accounts
from loaders.engine_errors import ask_for_json, unusable_memory
from loaders.errors import CannotPublish, NoDatabase
from loaders.landing.ledger import now
from loaders.limits import Limits
from loaders.night import metrics, restatements
from loaders.night.build import Built
from loaders.night.marks import Marks, marks, months_to_write, with_vars_of_the_build
from loaders.night.privacy import Privacy
from loaders.night.summary import as_json
from loaders.night.tables import (
    EVENTS,
    LONG,
    Copy,
    may_differ,
    months_in,
    state,
    states_of_months,
)
from loaders.project import Project
from loaders.published import DATABASE, MARKS, PublishedNights, damaged, marks_of
from loaders.warehouse import not_opened, while_held

Document = dict[str, Any]
_SPILL = ".spill"
_METRICS = "metrics.parquet"
_LARGEST = 5  # restated cells in the summary


@dataclass
class Publication:
    """A night that is being published; night.json and the summary are made from `document`."""

    database: Path
    project: Project
    nights: PublishedNights
    keep: int
    started_at: datetime = field(default_factory=now)
    built: Built | None = None
    took: dict[str, float] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)  # of files: path, what is wrong
    known_as: Path | None = None  # the warehouse's path, if `database` is to replace it

    number: int = field(default=0, init=False)
    document: Document = field(default_factory=dict, init=False)
    _folder: Path = field(default=Path(), init=False)

    def write(self, told: Callable[[str], None] = lambda _: None) -> None:
        """Write the marts, the metrics and the history of nights. Readers see nothing of it yet."""
        began = time.monotonic()
        current = self.nights.current()
        last = marks_of(current)
        self._check_folder(last)
        # Somebody may have written to the files of the last night.
        is_sound = current and last["copy"] == state(current / DATABASE)
        try:
            at = self._write(current, last, is_sound, began, told)
        except duckdb.Error as error:
            if current and not is_sound:
                raise damaged(current, DATABASE) from error
            raise
        shutil.rmtree(self._folder / _SPILL, ignore_errors=True)
        at["copy"] = state(self.copy_of_database)
        at["months"] = states_of_months(self._folder)
        (self._folder / MARKS).write_text(json.dumps(at))

    def _write(
        self,
        current: Path | None,
        last: Marks,
        is_sound: bool,
        began: float,
        told: Callable[[str], None],
    ) -> Marks:
        with _attached(self.database) as (connection, warehouse):
            _check_ready(connection, warehouse, self.database)
            variables = with_vars_of_the_build(connection, warehouse, self.project.vars)
            privacy = Privacy.of(connection, warehouse, variables)
            marts = _marts(connection, warehouse)
            at = marks(connection, warehouse, variables)
            at |= {
                "database": self._name,
                "privacy": privacy.fingerprint,
                "columns": sha256(
                    "".join(privacy.select(mart) for mart in sorted(marts & LONG)).encode()
                ).hexdigest(),
            }
            self.number, self._folder = self.nights.begin()
            connection.execute(f"set temp_directory = '{self._folder / _SPILL}'")
            there = months_in(current, last.get("months", {})) if is_sound else []
            months = months_to_write(connection, warehouse, last, at, there)
            copy = Copy(connection, warehouse, self._folder, self.number, privacy)

            told("tables")
            copy.attach(None if months.days is None else current)
            copy.write_marts(marts, months)
            _check_events(connection, warehouse)
            told("files")
            for mart in sorted(marts - {EVENTS}):
                copy.export(f"marts.{mart}")
            copy.export_events(months, current)

            told("metrics")
            metrics.make_cells(connection, marts)
            _attach_last(connection, current, privacy)
            restated = restatements.find_restated(
                connection, self.number, last, at, bool(current), may_differ(months, privacy)
            )
            self._write_history(copy, last, at, current, restated, len(months.written), began)
            copy.write_parquet(f"select {metrics.COLUMNS} from cells", self._folder / _METRICS)
        return at

    def show(self) -> None:
        """Write night.json, and move the readers to this night."""
        # Paths of logs are not published.
        shown = self.document | {"wrong": self._wrong([f"a file {w}" for _, w in self.problems])}
        path = self._folder / "night.json"
        path.write_text(as_json(shown) + "\n")
        self.nights.finish(self.number, self._folder, self.keep)

    @property
    def folder(self) -> Path:
        """The folder where the night is written before readers see it."""
        return self._folder

    @property
    def copy_of_database(self) -> Path:
        """The database that readers will open."""
        return self._folder / DATABASE

    @property
    def report(self) -> Path:
        """The path of this night's report."""
        return self._folder / "report.html"

    @property
    def _name(self) -> str:
        return os.path.relpath(self.known_as or self.database)

    def _wrong(self, files: list[str]) -> list[str]:
        return files + (self.built.warnings if self.built else [])

    def _check_folder(self, last: Marks) -> None:
        if last and last["database"] != self._name:
            raise CannotPublish(
                f"{self.nights.link} holds the nights of {last['database']}, and this is"
                f" {self.database}. Publish it from another folder, or move"
                f" {self.nights.link}.nights away."
            )

    def _write_history(
        self,
        copy: Copy,
        last: Marks,
        at: Marks,
        current: Path | None,
        restated: int,
        months_written: int,
        began: float,
    ) -> None:
        connection, warehouse = copy.connection, copy.warehouse
        came = _what_came(connection, warehouse, last.get("latest_load", 0))
        rows = _count_rows(connection)
        took = round(time.monotonic() - began, 2)
        row = {
            "number": self.number,
            "started_at": self.started_at,
            "finished_at": now(),
            "as_of": at["as_of"],
            "build": at["build"],
            **came["total"],
            "models": self.built.models if self.built else None,
            "tests": self.built.tests if self.built else None,
            "warnings": len(self.built.warnings) if self.built else None,
            "published_tables": len(rows),
            "published_rows": sum(rows.values()),
            "published_months": months_written,
            "restated_cells": restated,
            "publish_seconds": took,
        }
        values = ", ".join(f"${name}::{_type(name)} as {name}" for name in row)
        connection.execute(f"create temp table this_night as select {values}", row)
        nights, restated_cells = "from this_night", restatements.QUERY
        if current:
            nights += " union all by name from last_night.nights.nights"
            restated_cells += (
                " union all by name from last_night.nights.restatements"
                f" where {copy.privacy.shown_cells}"
            )
        copy.create("nights.nights", nights)
        copy.create("nights.restatements", restated_cells)
        self.document = {
            "night": self.number,
            "status": "published",
            "database": at["database"],
            "as_of": at["as_of"],
            "started_at": self.started_at,
            "finished_at": row["finished_at"],
            "came_in": came,
            "built": {"models": row["models"], "tests": row["tests"]},
            "published": {"rows": rows, "months_written": months_written},
            "changed": _what_changed(connection, restated),
            "wrong": self._wrong([f"{path} {what}" for path, what in self.problems]),
            "seconds": self.took,
        }


@contextmanager
def _attached(database: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """Open a connection with the warehouse attached read-only; yield it and the catalog's name.

    dbt's views name the catalog, so it is attached under the name that dbt gives it.
    """
    if not database.exists():
        raise NoDatabase(
            f"There is no database at {database} yet. Land some logs first: daybook land PATH"
        )
    catalog = '"{}"'.format(database.name.partition(".")[0].replace('"', '""'))
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set preserve_insertion_order = false")
        _limit_memory(connection)
        path = str(database.absolute()).replace("'", "''")
        ask_for_json(connection)

        def attach() -> None:
            try:
                connection.execute(f"attach '{path}' as {catalog} (read_only)")
            except duckdb.Error as error:
                raise not_opened(database, error) from error

        while_held(Limits.from_environment().lock_seconds, attach)
        yield connection, catalog


def _limit_memory(connection: duckdb.DuckDBPyConnection) -> None:
    limit = os.environ.get("DAYBOOK_BUILD_MEMORY", "5GB")
    try:
        connection.execute("set memory_limit = $limit", {"limit": limit})
    except duckdb.Error as error:
        raise CannotPublish(unusable_memory(limit, error)) from error


def _check_ready(connection: duckdb.DuckDBPyConnection, warehouse: str, database: Path) -> None:
    """Raise `CannotPublish` unless all that has landed is built and has passed its tests."""
    connection.execute(f"use {warehouse}")
    due = accounts.build_due(connection) or _ran_since(connection)
    connection.execute("use memory")
    if due:
        raise CannotPublish(
            f"{database}: dbt build is due: {due}. Run dbt build, then daybook publish. Readers"
            " keep the night that they have."
        )


def _ran_since(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Return what ran or failed since the last good build; a company's own tests count, too."""
    found = connection.execute(
        """
        select command, passed
        from meta.builds
        cross join (select max(build) as last_good from meta.builds where ended_well)
        where build >= last_good and (not passed or (command <> 'test' and build > last_good))
        order by build desc
        limit 1
        """
    ).fetchone()
    if not found:
        return None
    command, passed = found
    if passed is False:
        return f"a model or a test failed in the last dbt {command}"
    return f"dbt {command} has changed tables since the last one"


def _marts(connection: duckdb.DuckDBPyConnection, warehouse: str) -> set[str]:
    """Return Daybook's marts. A company's own models may hold anything, so they are left out."""
    found = connection.execute(
        f"""
        select table_name from information_schema.tables
        where table_catalog = ? and table_schema = 'marts'
            and 'marts.' || table_name in (select name from {warehouse}.meta.tables)
        """,
        [warehouse.strip('"')],
    ).fetchall()
    return {name for (name,) in found}


def _check_events(connection: duckdb.DuckDBPyConnection, warehouse: str) -> None:
    """Raise `CannotPublish` if events are missing: a month may wrongly count as unchanged."""
    there, of_days, should, on_days = connection.execute(
        f"""
        select
            (select count(*) from night_copy.marts.{EVENTS}),
            (select coalesce(sum(events), 0)::bigint from night_copy.marts.fct_activity_days),
            coalesce(sum(calls), 0)::bigint,
            coalesce(sum(calls) filter (not is_internal), 0)::bigint
        from {warehouse}.intermediate.int_attributed_days
        where is_event
        """
    ).fetchone()
    if (there, of_days) != (should, on_days):
        raise CannotPublish(
            f"{there:,} events were copied, and the warehouse has {should:,}: the last night does"
            " not belong to this warehouse. Move published.nights away and publish again."
        )


def _attach_last(
    connection: duckdb.DuckDBPyConnection, current: Path | None, privacy: Privacy
) -> None:
    if current is None:
        return
    path, cells = (str(current / name).replace("'", "''") for name in (DATABASE, _METRICS))
    connection.execute(f"attach '{path}' as last_night (read_only)")
    try:
        connection.execute(
            f"create temp view last_cells as from read_parquet('{cells}')"
            f" where {privacy.shown_cells}"
        )
    except duckdb.Error as error:
        raise damaged(current, _METRICS) from error


def _what_came(connection: duckdb.DuckDBPyConnection, warehouse: str, latest_load: int) -> Document:
    """Count what has landed since the latest load of the last night."""
    names = ("files", "refused", "lines", "calls", "quarantined", "forgotten")
    total = connection.execute(
        f"""
        select
            count(*) filter (status = 'landed'), count(*) filter (status = 'refused'),
            coalesce(sum(lines), 0)::bigint, coalesce(sum(calls), 0)::bigint,
            coalesce(sum(quarantined), 0)::bigint, coalesce(sum(forgotten), 0)::bigint
        from {warehouse}.raw.loads where load_id > ?
        """,
        [latest_load],
    ).fetchone()
    reasons = connection.execute(
        f"""
        select reason, count(*) from {warehouse}.raw.quarantine
        where load_id > ? group by reason order by count(*) desc, reason
        """,
        [latest_load],
    ).fetchall()
    return {"total": dict(zip(names, total, strict=True)), "quarantined_because": dict(reasons)}


def _count_rows(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    found = connection.execute(
        "select table_name from duckdb_tables()"
        " where database_name = 'night_copy' and schema_name = 'marts' order by table_name"
    ).fetchall()
    return {
        name: connection.execute(f'select count(*) from night_copy.marts."{name}"').fetchone()[0]
        for (name,) in found
    }


def _what_changed(connection: duckdb.DuckDBPyConnection, restated: int) -> Document:
    """Return the cells that moved most, and how many cells each reason can explain."""
    columns = "report_kind report entity period period_start dimension value_name before after"
    names = columns.split()
    largest = connection.execute(
        f"""
        select {", ".join(names)}, reasons from restated
        order by
            abs(coalesce(after, 0) - coalesce(before, 0)) desc, {", ".join(names[:7])}
        limit {_LARGEST}
        """
    ).fetchall()
    reasons = connection.execute(
        """
        select reason, count(*)
        from (select unnest(json_keys(reasons::json)) as reason from restated)
        group by reason order by count(*) desc, reason
        """
    ).fetchall()
    (unexplained,) = connection.execute(
        "select count(*) from restated where reasons = '{}'"
    ).fetchone()
    return {
        "restated_cells": restated,
        "cells_by_reason": dict(reasons),
        "cells_without_a_reason": unexplained,
        "largest": [
            dict(zip(names, row[:-1], strict=True)) | {"reasons": json.loads(row[-1])}
            for row in largest
        ],
    }


def _type(name: str) -> str:
    if name.endswith("_at"):
        return "timestamp"
    if name == "as_of":
        return "date"
    return "double" if name.endswith("_seconds") else "bigint"
