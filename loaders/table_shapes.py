"""Checks whether the tables that Daybook keeps were changed by hand."""

from collections.abc import Iterator
from functools import cache
from importlib import resources

import duckdb

from loaders.errors import BadDatabase

# Tables that every version made. Other raw tables may be missing in a database of an older version.
_ALWAYS = ("raw.calls", "raw.loads", "raw.quarantine")
_NUMBERS = "raw.load_ids"

# Columns that schema.sql adds to the tables of an older version.
_LATER = {"raw.loads": {"forgotten"}}

Columns = dict[str, str]  # name -> type, in their order


def check_raw_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Raise `BadDatabase` for raw tables that the loader cannot work with.

    A database without raw tables is new, a published copy, or of another program.
    """
    expected, there = _expected(), _tables(connection, "raw")
    if not there.keys() & set(_ALWAYS):
        return
    for name in _ALWAYS:
        if name not in there:
            raise _changed(connection, name, "it is missing")
    numbers = connection.execute(
        """
        select 1 from duckdb_sequences()
        where database_name = current_database() and schema_name || '.' || sequence_name = ?
        """,
        [_NUMBERS],
    )
    if not numbers.fetchone():
        raise _changed(connection, _NUMBERS, "the sequence is missing")
    for name, columns in there.items():
        lacks = _LATER.get(name, set()) - columns.keys()
        as_made = {n: kind for n, kind in expected.get(name, columns).items() if n not in lacks}
        for what in _differences(columns, as_made):
            raise _changed(connection, name, what)


def changed_tables(connection: duckdb.DuckDBPyConnection, schema: str) -> list[str]:
    """Return the tables of a schema whose columns are not those that Daybook made."""
    expected = _expected()
    return [
        name
        for name, columns in _tables(connection, schema).items()
        if name in expected and columns != expected[name]
    ]


def _differences(columns: Columns, expected: Columns) -> Iterator[str]:
    for name, kind in expected.items():
        if name not in columns:
            yield f"it has no column {name}"
        elif columns[name] != kind:
            yield f"its column {name} is of type {columns[name]}, not {kind}"
    for name in columns:
        if name not in expected:
            yield f"it has a column {name} of somebody else"
    if list(columns) != list(expected):
        yield "its columns stand in another order"


def _changed(connection: duckdb.DuckDBPyConnection, name: str, what: str) -> BadDatabase:
    (path,) = connection.execute(
        "select path from duckdb_databases() where database_name = current_database()"
    ).fetchone()
    return BadDatabase(
        f"{path}: {name} is not as the loader made it: {what}. Restore a copy of the database, or"
        " land the logs into a new one (--database, DAYBOOK_DATABASE)."
    )


@cache
def _expected() -> dict[str, Columns]:
    with duckdb.connect() as connection:
        for script in ("schema.sql", "memory.sql"):
            connection.execute(resources.files("loaders").joinpath(script).read_text())
        return _tables(connection, "raw") | _tables(connection, "meta")


def _tables(connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, Columns]:
    rows = connection.execute(
        """
        select schema_name || '.' || table_name, column_name, data_type from duckdb_columns()
        where database_name = current_database() and schema_name = ?
        order by table_oid, column_index
        """,
        [schema],
    ).fetchall()
    tables: dict[str, Columns] = {}
    for table, column, kind in rows:
        tables.setdefault(table, {})[column] = kind
    return tables
