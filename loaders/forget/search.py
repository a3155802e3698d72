"""Looks for people in tables and in files. A certificate reports the results."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from loaders.forget.mentions import Mentions
from loaders.forget.people import People, is_theirs
from loaders.forget.spellings import pattern
from loaders.forgotten import ANONYMOUS, COMPANY, USER

_KINDS = {
    "user_id": (USER,),
    "anonymous_id": (ANONYMOUS,),
    "previous_id": (USER, ANONYMOUS),
    "company_id": (COMPANY,),
    "group_id": (COMPANY,),
    "entity_id": (USER, COMPANY),
    "id": (USER,),
}


@dataclass
class Found:
    """The result of a search: rows by table, and by file the number of places with their ids."""

    tables: dict[str, int] = field(default_factory=dict)
    searched_tables: int = 0
    files: dict[str, int] = field(default_factory=dict)
    searched_files: int = 0
    searched_bytes: int = 0
    # By file, longer values that contain one of their ids: user-12 in user-123.
    within_others: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Whether no row and no file names or mentions them."""
        return not self.tables and not self.files

    def add(self, other: "Found") -> None:
        """Count another search, too."""
        self.tables |= other.tables
        self.files |= other.files
        self.searched_tables += other.searched_tables
        self.searched_files += other.searched_files
        self.searched_bytes += other.searched_bytes
        self.within_others |= other.within_others


@dataclass(frozen=True)
class _Table:
    name: str
    relation: str  # as SQL names it
    columns: dict[str, str]  # to their types


def search_tables(connection: duckdb.DuckDBPyConnection, catalog: str, mentions: Mentions) -> Found:
    """Count the rows of each table of an attached database that name or mention them.

    Needs the temporary table `their_ids`.
    """
    found = _search(connection, _tables(connection, catalog), mentions)
    if lines := quarantined_lines(connection, catalog, mentions):
        found.tables["raw.quarantine"] = len(lines)
    return found


def is_mentioned(connection: duckdb.DuckDBPyConnection, one: str) -> bool:
    """Whether any call or quarantined line mentions an address or a long id."""
    mentions = Mentions.of(People(users={one}))
    (catalog,) = connection.execute("select current_database()").fetchone()
    calls = [each for each in _tables(connection, catalog) if each.name == "raw.calls"]
    return bool(mentions) and bool(
        _search(connection, calls, mentions).tables
        or quarantined_lines(connection, catalog, mentions)
    )


def _search(
    connection: duckdb.DuckDBPyConnection, tables: list[_Table], mentions: Mentions
) -> Found:
    found = Found(searched_tables=len(tables))
    for table in tables:
        texts = {
            _quoted(name): type_
            for name, type_ in table.columns.items()
            if any(text in type_ for text in ("VARCHAR", "JSON", "ENUM"))
        }
        ids = [name for name in texts if _is_id(name)]
        others = {name: type_ for name, type_ in texts.items() if name not in ids}
        conditions = [_names_them(name, table.columns) for name in table.columns]
        if mentions and texts:
            conditions += [mentions.found_in_id(*ids), mentions.found_in(others, may_be_json=True)]
        if table.relation.endswith('."raw"."calls"') and mentions.people.companies:
            conditions.append(is_theirs(with_companies=True))
        if conditions := [each for each in conditions if each]:
            (rows,) = connection.execute(
                f"select count(*) from {table.relation} where {' or '.join(conditions)}"
            ).fetchone()
            if rows:
                found.tables[table.name] = rows
    return found


def quarantined_lines(
    connection: duckdb.DuckDBPyConnection, catalog: str, mentions: Mentions
) -> list[tuple[int, int]]:
    """Return load and number of each quarantined line that names or mentions them."""
    if ("raw", "quarantine") not in _names(connection, catalog):
        return []
    lines = connection.execute(
        "select distinct load_id, line_number, line"
        f" from {_quoted(catalog)}.raw.quarantine where line is not null"
    )
    found = set()
    while row := lines.fetchone():
        if mentions.are_in_line(row[2]):
            found.add((row[0], row[1]))
    return sorted(found)


def search_file(path: Path, shown: str, mentions: Mentions) -> Found:
    """Search a file's bytes, and also its tables: compression hides values from a byte search."""
    with duckdb.connect() as connection:
        connection.execute("set temp_directory = ''")  # do not spill personal data to disk
        _give_ids(connection, mentions)
        if _is_database(path):
            connection.execute(f"attach '{_escaped(path)}' as searched (read_only)")
            tables = _tables(connection, "searched", shown + " ")
        elif path.suffix == ".parquet":
            tables = [_parquet(connection, path, shown)]
        else:
            tables = []
        found = _search(connection, tables, mentions)
        if _is_database(path) and (lines := quarantined_lines(connection, "searched", mentions)):
            found.tables[f"{shown} raw.quarantine"] = len(lines)
        if found.is_clean:  # else the tables already show a match, and counting bytes takes long
            found.add(search_bytes(path, connection, tables, mentions, shown))
    return found


def search_warehouse(
    path: Path, connection: duckdb.DuckDBPyConnection, mentions: Mentions
) -> Found:
    """Search the tables and the bytes of the database that `connection` has open."""
    (catalog,) = connection.execute("select current_database()").fetchone()
    found = search_tables(connection, catalog, mentions)
    if found.is_clean:
        found.add(search_bytes(path, connection, _tables(connection, catalog), mentions, str(path)))
    return found


def search_bytes(
    path: Path,
    connection: duckdb.DuckDBPyConnection,
    tables: list[_Table],
    mentions: Mentions,
    shown: str,
) -> Found:
    """Search the bytes of a file that holds these tables."""
    found = Found(searched_files=1, searched_bytes=path.stat().st_size)
    for one, places in mentions.count_in_file(path).items():
        if around := _value_around(connection, tables, path, one, mentions):
            found.within_others.setdefault(shown, []).append(around)
        else:
            found.files[shown] = found.files.get(shown, 0) + places
    return found


def search_folder(folder: Path, shown: str, mentions: Mentions) -> Found:
    """Search every file of a published night."""
    found = Found()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found.add(search_file(path, f"{shown}/{path.relative_to(folder)}", mentions))
    return found


def _is_id(quoted: str) -> bool:
    name = quoted.strip('"')
    return name != "message_id" and name.endswith(("id", "_ids"))


def _names_them(name: str, columns: dict[str, str]) -> str | None:
    """Return the condition that a column holds one of their ids; None if it is no id column."""
    quoted, type_ = _quoted(name), columns[name]
    if name == "entity_id" and "entity" in columns:
        return f"coalesce((entity, {quoted}) in (select (kind, id) from their_ids), false)"
    if name in _KINDS and type_ == "VARCHAR":
        kinds = ", ".join(f"'{kind}'" for kind in _KINDS[name])
        return f"coalesce({quoted} in (select id from their_ids where kind in ({kinds})), false)"
    if type_ == "VARCHAR[]" and name.endswith("user_ids"):
        theirs = "select list(id) from their_ids where kind = 'user'"
        return f"coalesce(list_has_any({quoted}, ({theirs})), false)"
    return None


def _value_around(
    connection: duckdb.DuckDBPyConnection,
    tables: list[_Table],
    path: Path,
    one: str,
    mentions: Mentions,
) -> str | None:
    """Return a longer value that contains an id or an address, but is not one of theirs."""
    if not tables:
        return None if mentions.are_in_line(path.read_bytes()) else f"a longer text than {one}"
    sought = f"(?i).{{0,10}}{pattern(one)}.{{0,10}}"
    for table in tables:
        for name, type_ in table.columns.items():
            if any(each in type_ for each in ("VARCHAR", "JSON")):
                row = connection.execute(
                    f"""
                    select regexp_extract(value, $sought)
                    from (select {_quoted(name)}::varchar as value from {table.relation})
                    where regexp_matches(value, $sought) limit 1
                    """,
                    {"sought": sought},
                ).fetchone()
            elif type_ == "BLOB":
                lines = connection.execute(f"select {_quoted(name)} from {table.relation}")
                row = _first_with(sought, lines)
            else:
                continue
            if row:
                return f"{table.name}.{name}: {row[0]}"
    return None


def _first_with(sought: str, lines: duckdb.DuckDBPyConnection) -> tuple[str] | None:
    """Return what matches in the first line of raw.quarantine that has a match."""
    while row := lines.fetchone():
        text = (row[0] or b"").decode(errors="replace")
        if found := re.search(sought, text):
            return (found[0],)
    return None


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"


def _give_ids(connection: duckdb.DuckDBPyConnection, mentions: Mentions) -> None:
    connection.execute("create temp table their_ids (kind varchar, id varchar)")
    kinds, ids = zip(*mentions.people.ids(), strict=True)
    connection.execute(
        "insert into their_ids select unnest($kinds::varchar[]), unnest($ids::varchar[])",
        {"kinds": list(kinds), "ids": list(ids)},
    )


def _tables(connection: duckdb.DuckDBPyConnection, catalog: str, prefix: str = "") -> list[_Table]:
    return [
        _Table(
            f"{prefix}{schema}.{table}",
            ".".join(map(_quoted, (catalog, schema, table))),
            dict(
                connection.execute(
                    "select column_name, data_type from duckdb_columns()"
                    " where (database_name, schema_name, table_name) = (?, ?, ?)"
                    " order by column_index",
                    [catalog, schema, table],
                ).fetchall()
            ),
        )
        for schema, table in _names(connection, catalog)
    ]


def _names(connection: duckdb.DuckDBPyConnection, catalog: str) -> list[tuple[str, str]]:
    return connection.execute(
        "select schema_name, table_name from duckdb_tables()"
        " where database_name = ? and not temporary order by all",
        [catalog],
    ).fetchall()


def _parquet(connection: duckdb.DuckDBPyConnection, path: Path, shown: str) -> _Table:
    relation = f"read_parquet('{_escaped(path)}')"
    columns = connection.execute(f"describe from {relation}").fetchall()
    return _Table(shown, relation, {name: type_ for name, type_, *_ in columns})


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


def _escaped(text: object) -> str:
    return str(text).replace("'", "''")
