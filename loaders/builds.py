"""Answers dbt's questions before a run (may it build, what must be dropped first) and after it.

`question` is passed by macros/meta.sql: `graph`, `vars`, `selected` (unique ids), `project` (the
name of the root project), `version` (of what the models keep), `is_build` (whether the command
is `dbt build`), `is_empty` (whether its option --empty was given), `is_comparison` (the var
compare_only) and, after the run, `results`.
"""

import json
import os
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb

from loaders.accounts import build_due, digest_of_loads, has_other_loads
from loaders.errors import CannotBuild
from loaders.plan import SEEDS, Seed, problems, read_seed

PACKAGE = "daybook"
_SHOWN = 10
Node = dict[str, Any]
Question = dict[str, Any]


def before(connection: duckdb.DuckDBPyConnection, question: Question) -> dict[str, Any]:
    """Return `drop`, the relations to drop before the run, and `loads`, the digest of raw's loads.

    If all tables must be dropped, the answer also has `is_outdated` and `say`, a line to print.

    Raises `CannotBuild` with every reason not to begin.
    """
    nodes = question["graph"]["nodes"]
    if question["is_empty"]:
        raise CannotBuild("--empty would take all rows out of the tables; run dbt without it")
    seeds = _read_seeds(question)
    if found := problems(seeds, question["vars"]):
        raise CannotBuild("\n".join(map(str, found)))
    _check_ledger(connection)

    there = _existing(connection)
    ours = _ours(nodes)
    selected = set(question["selected"])
    if question["is_comparison"]:
        _check_comparison(connection, question, ours)
    loads = digest_of_loads(connection)
    if it_was := _why_outdated(connection, question["version"], there, ours):
        if not question["is_build"] or ours.keys() - selected:
            raise CannotBuild(f"{it_was}; run: dbt build")
        known = connection.execute("select name from meta.tables").fetchall()
        gone = ({*ours.values()} | {name for (name,) in known}) & there.keys()
        gone |= {f"{name}__changes" for name in gone} & there.keys()
        return {
            "drop": [(*name.split(".", 1), there[name]) for name in sorted(gone)],
            "say": f"{it_was}: all of its tables are built anew.",
            "is_outdated": True,
            "loads": loads,
        }
    _check_parents(connection, nodes, selected, ours, there)
    return {
        "drop": _seeds_of_another_shape(connection, seeds, nodes, selected, there),
        "loads": loads,
    }


def after(connection: duckdb.DuckDBPyConnection, question: Question) -> dict[str, Any]:
    """Record what each table was built with; `say` in the answer has notes about this build."""
    nodes = question["graph"]["nodes"]
    ours = _ours(nodes)
    status = {result.node.unique_id: str(result.status) for result in question["results"]}
    built = [name for name in ours if status.get(name) == "success"]
    if not built:
        return {}
    grounds = _grounds(question, ours)
    connection.execute("begin transaction")
    connection.execute(
        "delete from meta.tables where name in (select unnest($names::varchar[]))",
        {"names": [ours[name] for name in built]},
    )
    connection.execute(
        "insert into meta.tables select unnest($names::varchar[]), unnest($grounds::varchar[])",
        {"names": [ours[name] for name in built], "grounds": [grounds[name] for name in built]},
    )
    connection.execute(
        "update meta.builds set vars = $vars where build = (select max(build) from meta.builds)",
        {"vars": json.dumps({name: str(value) for name, value in question["vars"].items()})},
    )
    connection.execute("commit")
    if set(status.values()) & {"error", "fail", "skipped"}:
        return {}
    said = [
        _days_without_logs(connection, question["vars"]["as_of"]),
        _left_behind(connection, nodes, ours, grounds) if len(built) < len(ours) else None,
    ]
    return {"say": "\n".join(filter(None, said))}


def _check_comparison(
    connection: duckdb.DuckDBPyConnection, question: Question, ours: dict[str, str]
) -> None:
    nodes = question["graph"]["nodes"]
    others = [
        name
        for name in question["selected"]
        if name in nodes and nodes[name]["config"]["materialized"] != "keyed"
    ]
    if others:
        raise CannotBuild(
            "With compare_only nothing is written, so only keyed models can be run. Run: dbt run"
            " --select config.materialized:keyed --vars 'compare_only: true'"
        )
    if due := build_due(connection):
        raise CannotBuild(f"There is nothing to compare: {due}. Run: dbt build")
    if behind := _left_behind(connection, nodes, ours, _grounds(question, ours)):
        raise CannotBuild(behind)


def _days_without_logs(connection: duckdb.DuckDBPyConnection, as_of: object) -> str | None:
    last = connection.execute("select latest_day from meta.builds order by build desc limit 1")
    (latest_day,) = last.fetchone()
    if not as_of or latest_day is None:
        return None
    if str(as_of) > str(latest_day):
        return (
            f"as_of is {as_of}, and the last call is of {latest_day}: the days between count as"
            " days on which nobody was active"
        )
    first = connection.execute("select first_day from intermediate.int_as_of")
    (first_day,) = first.fetchone()
    if str(as_of) < str(first_day):
        return (
            f"as_of is {as_of}, and the first call is of {first_day}: no report and no dim has a"
            " row. Correct the var as_of"
        )
    return None


def _left_behind(
    connection: duckdb.DuckDBPyConnection,
    nodes: dict[str, Node],
    ours: dict[str, str],
    grounds: dict[str, str],
) -> str | None:
    """Name the tables that were built with other vars or seeds, or from tables that were."""
    remembered = dict(connection.execute("from meta.tables").fetchall())
    there = _existing(connection)

    @cache
    def is_left_behind(name: str) -> bool:
        if remembered.get(ours[name], grounds[name]) != grounds[name] and ours[name] in there:
            return True
        return any(map(is_left_behind, _parents(nodes[name], ours)))

    if behind := [name for name in ours if is_left_behind(name)]:
        return (
            f"Built with other vars or seeds than today's: {_names(behind, nodes)}. To bring them"
            " up to date, run: dbt build"
        )
    return None


def _names(unique_ids: list[str], nodes: dict[str, Node]) -> str:
    """Name tables in a line: all marts; of the tables below them only a few."""
    names = {nodes[name]["alias"]: nodes[name]["schema"] for name in unique_ids}
    first = sorted(names, key=lambda name: (names[name] != "marts", name))
    shown = first[: max(_SHOWN, list(names.values()).count("marts"))]
    more = len(first) - len(shown)
    return ", ".join(shown) + (f" and {more} tables below them" if more else "")


# -- the plan and the ledger


def _read_seeds(question: Question) -> dict[str, Seed]:
    seeds = {}
    for node in question["graph"]["nodes"].values():
        if node["resource_type"] != "seed" or node["name"] not in SEEDS:
            continue
        path, is_own = _path(node), node["package_name"] == question["project"]
        if is_own or node["name"] not in seeds:
            shown = node["original_file_path"] if is_own else os.path.relpath(path)
            seeds[node["name"]] = read_seed(node["name"], path, shown)
    return seeds


def _path(seed: Node) -> Path:
    return Path(seed["root_path"], seed["original_file_path"])


def _check_ledger(connection: duckdb.DuckDBPyConnection) -> None:
    """Compare totals only; `daybook status` compares each load."""
    calls, said = connection.execute(
        """
        select
            (select count(*) from raw.calls),
            (select coalesce(sum(calls), 0)::bigint from raw.loads)
        """
    ).fetchone()
    if calls != said:
        raise CannotBuild(
            f"{_database(connection)}: raw.loads accounts for {said:,} calls, and raw.calls holds"
            f" {calls:,}: something other than daybook changed them. See which loads with: daybook"
            " status"
        )


# -- tables of earlier runs


def _existing(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Map every relation of the database to `table` or `view`."""
    return dict(
        connection.execute(
            """
            select schema_name || '.' || table_name, 'table' from duckdb_tables()
            where database_name = current_database()
            union all
            select schema_name || '.' || view_name, 'view' from duckdb_views()
            where database_name = current_database() and not internal
            """
        ).fetchall()
    )


def _ours(nodes: dict[str, Node]) -> dict[str, str]:
    """Map the unique id of each seed and model of Daybook to the name of its relation."""
    return {
        name: f"{node['schema']}.{node['alias']}"
        for name, node in nodes.items()
        if (node["resource_type"] == "model" and node["package_name"] == PACKAGE)
        or (node["resource_type"] == "seed" and node["name"] in SEEDS)
    }


def _parents(node: Node, ours: dict[str, str]) -> list[str]:
    return [name for name in node.get("depends_on", {}).get("nodes", []) if name in ours]


def _why_outdated(
    connection: duckdb.DuckDBPyConnection,
    version: int,
    there: dict[str, str],
    ours: dict[str, str],
) -> str | None:
    """Say why no table of an earlier build can be kept; None if they can be."""
    if there.keys().isdisjoint(ours.values()):
        return None
    last = connection.execute("select version from meta.builds order by build desc limit 1")
    if last.fetchone() != (version,):
        return f"{_database(connection)} was built by another version of Daybook"
    if has_other_loads(connection):
        return f"{_database(connection)} was built from other loads than raw.loads has now"
    return None


def _check_parents(
    connection: duckdb.DuckDBPyConnection,
    nodes: dict[str, Node],
    selected: set[str],
    ours: dict[str, str],
    there: dict[str, str],
) -> None:
    parents = {
        parent for name in selected if name in nodes for parent in _parents(nodes[name], ours)
    }
    missing = sorted(ours[name] for name in parents - selected if ours[name] not in there)
    if not missing:
        return
    if there.keys().isdisjoint(ours.values()):
        raise CannotBuild(f"{_database(connection)} has not been built yet; run: dbt build")
    raise CannotBuild(
        f"{', '.join(missing)} of {_database(connection)} has not been built yet; run: dbt build"
    )


def _seeds_of_another_shape(
    connection: duckdb.DuckDBPyConnection,
    seeds: dict[str, Seed],
    nodes: dict[str, Node],
    selected: set[str],
    there: dict[str, str],
) -> list[tuple[str, str, str]]:
    """Return seeds whose table has other columns, or has them in another order.

    dbt would empty the table and load the file by position.
    """
    found = []
    for name in selected & nodes.keys():
        node = nodes[name]
        relation = f"{node['schema']}.{node['alias']}"
        if (
            node["resource_type"] == "seed"
            and node["name"] in seeds
            and relation in there
            and _columns(connection, node) != seeds[node["name"]].header
        ):
            found.append((node["schema"], node["alias"], there[relation]))
    return found


def _columns(connection: duckdb.DuckDBPyConnection, node: Node) -> list[str]:
    found = connection.execute(f'from "{node["schema"]}"."{node["alias"]}" limit 0')
    return [name for name, *_ in found.description]


def _grounds(question: Question, ours: dict[str, str]) -> dict[str, str]:
    """Hash, for each table, the vars and the contents of the seeds that it is built from."""
    nodes = question["graph"]["nodes"]
    settings = json.dumps(question["vars"], sort_keys=True, default=str)

    @cache
    def seeds_of(name: str) -> frozenset[str]:
        if nodes[name]["resource_type"] == "seed":
            return frozenset([nodes[name]["checksum"]["checksum"]])
        return frozenset().union(*map(seeds_of, _parents(nodes[name], ours)))

    def grounds_of(name: str) -> str:
        # Vars do not change how a seed is loaded.
        first = [] if nodes[name]["resource_type"] == "seed" else [settings]
        return sha256("\n".join([*first, *sorted(seeds_of(name))]).encode()).hexdigest()

    return {name: grounds_of(name) for name in ours}


def _database(connection: duckdb.DuckDBPyConnection) -> str:
    (path,) = connection.execute(
        "select path from duckdb_databases() where database_name = current_database()"
    ).fetchone()
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative
