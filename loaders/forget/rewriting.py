"""Writes a new warehouse without the people, beside the old one, and replaces the old one.

In a DuckDB file, the bytes of deleted rows stay until the file is rewritten. So no row is deleted:
a new file is written that never holds their data, and one rename at the very end replaces the old
file. If the run stops before that, the old file is unchanged.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from pathlib import Path

import duckdb

from loaders import fields
from loaders.errors import CannotForget
from loaders.forget.mentions import Mentions
from loaders.forget.people import is_theirs
from loaders.forget.plan import Plan
from loaders.forget.search import quarantined_lines
from loaders.forgotten import NOBODY, USER, Forgotten
from loaders.published import sync_to_disk
from loaders.warehouse import Warehouse, keep_private, private_files

_MENTIONING = {
    "event": "varchar",
    "name": "varchar",
    "category": "varchar",
    "channel": "varchar",
    "properties": "json",
    "traits": "json",
    "context": "json",
    "integrations": "json",
}
_IDS = ("user_id", "anonymous_id", "group_id", "previous_id")
_NEW = "erased_copy"  # the catalog of the new file


@dataclass
class Rewritten:
    """What was removed or replaced in the new file."""

    calls: int = 0
    quarantined: int = 0
    mentions: int = 0  # calls of others in which something was replaced
    loads: list[tuple[int, str, int]] = field(default_factory=list)  # number, path, calls and lines
    dropped: list[str] = field(default_factory=list)  # tables that dbt build makes again
    companies: list[str] = field(default_factory=list)  # lost traits that their calls set


@contextmanager
def place_beside(database: Path) -> Iterator[Path]:
    """Yield a path for the new file. It has the same name, because dbt's views name it."""
    folder = database.resolve().with_name(f"{database.resolve().name}.erasing")
    shutil.rmtree(folder, ignore_errors=True)
    with private_files():
        folder.mkdir()
    try:
        yield folder / database.name
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_without(
    warehouse: Warehouse,
    mentions: Mentions,
    forgotten: Forgotten,
    naming: Iterable[str],
    plan: Plan,
    at: datetime,
    path: Path,
) -> Rewritten:
    """Copy the raw tables and dbt's memory into a new database, without the people.

    Tables that models have built are not copied: the next `dbt build` makes them from nothing.
    Tables of another origin are copied, except those in `naming`: they name the people.
    """
    connection = warehouse.connection
    (old,) = connection.execute("select current_database()").fetchone()
    with private_files():
        _create(path, has_memory=_has(connection, old, "meta", "builds"))
        connection.execute(f"attach '{_escaped(path)}' as {_NEW}")
    connection.execute("set preserve_insertion_order = true")
    rewriting = _Rewriting(connection, old, mentions, frozenset(naming))
    with warehouse.transaction():
        forgotten.make_key(f"{_NEW}.raw")
        done = rewriting.rewrite()
        nobody = [(NOBODY, one) for kind, one in plan.placeholders if kind == USER]
        forgotten.remember([*mentions.people.ids(), *nobody], at, f"{_NEW}.raw")
    connection.execute(f"checkpoint {_NEW}")
    connection.execute(f"detach {_NEW}")
    return done


def close_file(database: Path, path: Path) -> None:
    """Sync the new file to disk, so that it may replace the old one."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("checkpoint")
    for each in (path, database, database.resolve()):
        wal = each.absolute().with_name(each.name + ".wal")
        if wal.exists() and wal.stat().st_size:
            raise CannotForget(f"{wal} is not empty. Nothing was forgotten; run the command again.")
        wal.unlink(missing_ok=True)
    keep_private(path)
    sync_to_disk(path)


def take_the_place_of(database: Path, path: Path) -> None:
    """Replace the old file by the new one, in one rename."""
    os.replace(path, database.resolve())
    sync_to_disk(database.resolve().parent)


def _create(path: Path, *, has_memory: bool) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for script in ("schema.sql", "memory.sql") if has_memory else ("schema.sql",):
            connection.execute(resources.files("loaders").joinpath(script).read_text())


@dataclass
class _Rewriting:
    connection: duckdb.DuckDBPyConnection
    old: str
    mentions: Mentions
    naming: frozenset[str]
    done: Rewritten = field(default_factory=Rewritten)

    def rewrite(self) -> Rewritten:
        self._find()
        self._copy_calls()
        self._copy_rest_of_raw()
        self._correct_the_ledger()
        self._copy_others()
        return self.done

    def _find(self) -> None:
        """Make `their_lines`: load, line and call (null: whole line) of everything not copied."""
        theirs = is_theirs(with_companies=bool(self.mentions.people.companies))
        self._run(
            f"""
            create or replace temp table their_calls as
            select load_id, line_number, call_number from raw.calls where {theirs}
            """
        )
        lines = quarantined_lines(self.connection, self.old, self.mentions)
        self._run(
            """
            create or replace temp table their_quarantine as
            select load_id, line_number, call_number
            from raw.quarantine
            where (load_id, line_number) in (
                select (unnest($loads::bigint[]), unnest($lines::bigint[]))
                -- A quarantined line holds all calls of its line.
                union select (load_id, line_number) from their_calls
            )
            """,
            {"loads": [load for load, _ in lines], "lines": [line for _, line in lines]},
        )
        self.done.calls = self._one("select count(*) from their_calls")
        self.done.quarantined = self._one("select count(*) from their_quarantine")
        self.done.companies = [
            company
            for (company,) in self._run(
                """
                select distinct group_id from raw.calls semi join their_calls
                    using (load_id, line_number, call_number)
                where type = 'group' and group_id is not null and traits is not null
                    and cast(traits as varchar) <> '{}'
                order by 1
                """
            ).fetchall()
            if company not in self.mentions.people.companies
        ]
        self.done.loads = self._run(
            """
            select load_id, any_value(path), count(*)
            from (from their_calls union all from their_quarantine)
            left join raw.loads using (load_id)
            group by load_id order by load_id
            """
        ).fetchall()

    def _copy_calls(self) -> None:
        mentions = self.mentions
        texts = _MENTIONING | {"message_id": "varchar"}
        columns = {f'"{name}"': type_ for name, type_ in texts.items()}
        ids = mentions.found_in_id(*_IDS, fields.company_in_context())
        mentioned = f"{mentions.found_in(columns)} or {ids}"
        self._run("create or replace temp table mentioning (load_id bigint)")
        if self.mentions:
            self._run(
                f"insert into mentioning select load_id from raw.calls where ({mentioned})"
                f" and not {is_theirs(with_companies=bool(self.mentions.people.companies))}"
            )
        self.done.mentions = self._one("select count(*) from mentioning")
        columns = "*"
        if self.done.mentions:
            replaced = {
                name: mentions.erased_from(f'"{name}"', type_)
                for name, type_ in _MENTIONING.items()
            }
            replaced |= {name: mentions.erased_from_id(name) for name in _IDS}
            replaced["context"] = mentions.erased_from_context()
            hashed = "left(sha256((select key from mention_key) || message_id), 32)"
            self._run("create or replace temp table mention_key as select uuid()::varchar as key")
            replaced["message_id"] = (
                f"case when {mentions.found_in({'message_id': 'varchar'})} then {hashed}"
                " else message_id end"
            )
            columns = (
                f"* replace ({', '.join(f'{sql} as {name}' for name, sql in replaced.items())})"
            )
        self._run(
            f"""
            insert into {_NEW}.raw.calls by name
            select {columns} from raw.calls
            where not {is_theirs(with_companies=bool(self.mentions.people.companies))}
            """
        )

    def _copy_rest_of_raw(self) -> None:
        in_path = self.mentions.erased_from("path", "varchar")
        for table in ("loads", "copies", "taken_out"):
            source = ", source" if table == "loads" else ""
            in_source = self.mentions.erased_from("source", "varchar")
            replaced = f"{in_path} as path" + (f", {in_source} as source" if source else "")
            self._run(
                f"insert into {_NEW}.raw.{table} by name"
                f" select * replace ({replaced}) from raw.{table}"
            )
        self._run(
            f"""
            insert into {_NEW}.raw.quarantine by name
            select * from raw.quarantine
            where (load_id, line_number) not in (
                select (load_id, line_number) from their_quarantine
            )
            """
        )
        self._run(
            f"""
            insert into {_NEW}.raw.forgotten_calls
            from raw.forgotten_calls
            union all from their_calls
            union all from their_quarantine
            """
        )
        for table in ("forgotten_ids", "forgetting_key"):
            self._run(f"insert into {_NEW}.raw.{table} by name from raw.{table}")
        following = self._one(
            """
            select greatest(
                (select coalesce(max(load_id), 0) from raw.loads),
                (select coalesce(max(load_id), 0) from raw.taken_out),
                (
                    select coalesce(last_value, 0) from duckdb_sequences()
                    where (database_name, schema_name, sequence_name)
                        = (current_database(), 'raw', 'load_ids')
                )
            ) + 1
            """
        )
        self._run(f"create or replace sequence {_NEW}.raw.load_ids start {following}")

    def _correct_the_ledger(self) -> None:
        """Count those loads again that have lost rows; other loads keep their counts."""
        self._run(
            f"""
            update {_NEW}.raw.loads
            set
                forgotten = counted.forgotten,
                quarantined = counted.quarantined,
                landed = lines - blank - counted.forgotten - counted.quarantined,
                calls = calls - counted.calls_gone
            from (
                select
                    gone.load_id,
                    (
                        select count(distinct line_number) from {_NEW}.raw.forgotten_calls as calls
                        where calls.load_id = gone.load_id
                    ) as forgotten,
                    (
                        select count(distinct line_number) from {_NEW}.raw.quarantine as quarantine
                        where quarantine.load_id = gone.load_id
                    ) as quarantined,
                    (
                        select count(*) from their_calls where their_calls.load_id = gone.load_id
                    ) as calls_gone
                from (select load_id from their_calls union select load_id from their_quarantine)
                    as gone
            ) as counted
            where loads.load_id = counted.load_id
            """
        )

    def _copy_others(self) -> None:
        """Copy dbt's memory, and tables of other origin that do not name the people."""
        built = set()
        if _has(self.connection, self.old, "meta", "tables"):
            built = {name for (name,) in self._run("select name from meta.tables").fetchall()}
        for schema, table in self._tables():
            name = f"{schema}.{table}"
            if name in (*_COPIED, "meta.tables", "meta.model_runs"):
                continue
            if name == "meta.builds":
                # No table is left for the next build to append to, and it must test all rows again.
                self._run(
                    f"""
                    insert into {_NEW}.meta.builds by name
                    select * replace (
                        false as ended_well, null as as_of, null as latest_day
                    )
                    from meta.builds
                    """
                )
            elif schema in ("raw", "meta"):
                new = f"{_NEW}.{name}"
                self._run(f"create table if not exists {new} as from {name} limit 0")
                self._run(f"insert into {new} by name from {name}")
            elif name in built or schema in _DAYBOOKS_SCHEMAS or name in self.naming:
                self.done.dropped.append(name)
            else:
                self._run(f'create schema if not exists {_NEW}."{schema}"')
                self._run(f'create table {_NEW}."{schema}"."{table}" as from "{schema}"."{table}"')

    def _tables(self) -> list[tuple[str, str]]:
        return self._run(
            "select schema_name, table_name from duckdb_tables()"
            " where database_name = ? and not temporary order by all",
            [self.old],
        ).fetchall()

    def _run(self, sql: str, parameters=None) -> duckdb.DuckDBPyConnection:
        return self.connection.execute(sql, parameters or [])

    def _one(self, sql: str):
        return self._run(sql).fetchone()[0]


_COPIED = tuple(
    f"raw.{table}"
    for table in (
        *("calls", "quarantine", "loads", "copies", "taken_out"),
        *("forgotten_calls", "forgotten_ids", "forgetting_key"),
    )
)
_DAYBOOKS_SCHEMAS = ("seeds", "staging", "intermediate", "marts")


def _has(connection: duckdb.DuckDBPyConnection, catalog: str, schema: str, table: str) -> bool:
    found = connection.execute(
        "select 1 from duckdb_tables() where (database_name, schema_name, table_name) = (?, ?, ?)",
        [catalog, schema, table],
    )
    return bool(found.fetchone())


def _escaped(text: object) -> str:
    return str(text).replace("'", "''")
