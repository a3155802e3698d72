"""What a night costs after a long history, beside one bare pass over the daily table.

    python benchmarks/nights.py [--calls 1000000 10000000 100000000] [--keep FOLDER]

Each history is written straight into `raw.calls`, as the loader would have: copies of one simulated
world, each with ids of its own, one after the other. It is built from scratch; then a night of
100,000 calls, of which 1 % is late by up to a year, is landed and built, tests included. All is
published, and two more nights run as `daybook nightly`. Over the last of the histories, the weekly
retention is asked for three ways (retention.py). Times are of this machine and this run: what holds
elsewhere are the ratios.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
from retention import three_ways
from rich.console import Console
from rich.table import Table

PROJECT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
COMPANIES, DAYS = 1250, 180
# Of the simulated world with its 8,200 users: 24 copies are 197,000 users; then time goes on.
MOST_COPIES_AT_A_TIME = 24
NIGHT, LATE = 100_000, 0.01
IN_A_PROJECT = ["dbt_project.yml", "profiles.yml", "analyses", "macros", "models", "seeds", "tests"]
A_YEAR, A_WEEK = 365, 7
SETTINGS = """
    set TimeZone = 'UTC';
    set preserve_insertion_order = false;
    set enable_progress_bar = false;
"""


@dataclass
class Cost:
    """What a command took."""

    seconds: float
    megabytes: float  # the most that was resident at a time
    nodes: dict[str, float] = field(default_factory=dict)  # seconds by dbt node or step of a night


def run(*command: str, database: Path, folder: Path = PROJECT) -> Cost:
    """Run a command of Daybook's, which must succeed."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [f"{BIN}/{command[0]}", *command[1:]],
        cwd=folder,
        env=os.environ | {"DAYBOOK_DATABASE": str(database)},
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(time.perf_counter() - started, usage.ru_maxrss / 1024)


def build(database: Path, *options: str) -> Cost:
    """`dbt build`, tests included, with what each node took."""
    target = database.with_suffix(".target")
    cost = run("dbt", "--quiet", "build", "--target-path", str(target), *options, database=database)
    results = json.loads((target / "run_results.json").read_text())["results"]
    for node in results:
        kind, _, name, *_ = node["unique_id"].split(".")
        name = name if kind == "model" else f"{kind}s"
        cost.nodes[name] = cost.nodes.get(name, 0) + node["execution_time"]
    return cost


def publish(database: Path, night: Path | None = None) -> Cost:
    """`daybook publish`, or `daybook nightly` with a night's log; with what each step took."""
    folder = database.with_suffix(".night")
    if not folder.exists():
        folder.mkdir()
        for name in IN_A_PROJECT:
            (folder / name).symlink_to(PROJECT / name)
    command = ("nightly", str(night)) if night else ("publish",)
    cost = run("daybook", *command, database=database, folder=folder)
    cost.nodes = json.loads((folder / "published" / "night.json").read_text())["seconds"]
    return cost


def apart(function: Callable, *arguments: object) -> Any:
    """What a function returns, from a process of its own.

    What this process holds, the system counts as held by the ones that it starts, and has less room
    for files.
    """
    with get_context("spawn").Pool(1) as process:
        return process.apply(function, arguments)


def query(database: Path, sql: str) -> tuple[float, list[tuple]]:
    """The seconds that a query takes, and its rows."""
    with duckdb.connect(str(database), config={"memory_limit": "5GB", "threads": 2}) as connection:
        connection.execute(SETTINGS)
        started = time.perf_counter()
        rows = connection.execute(sql).fetchall()
        return time.perf_counter() - started, rows


def simulate(folder: Path) -> Path:
    """One simulated world, landed."""
    world, logs = folder / "world.duckdb", folder / "logs"
    if not world.exists():
        size = ["--companies", str(COMPANIES), "--days", str(DAYS)]
        run("daybook", "simulate", "--out", str(logs), *size, database=world)
        run("daybook", "land", str(logs), database=world)
    return world


def write_history(world: Path, database: Path, calls: int) -> None:
    """`calls` calls in `raw.calls`: copies of the world, under other names, at other times."""
    console = Console()
    with duckdb.connect(str(database), config={"memory_limit": "5GB"}) as connection:
        connection.execute(resources.files("loaders").joinpath("schema.sql").read_text())
        connection.execute("set preserve_insertion_order = false")
        connection.execute(f"attach '{world}' as world (read_only)")
        (of_one,) = connection.execute("select count(*) from world.raw.calls").fetchone()
        copies = max(1, round(calls / of_one))
        for copy in range(copies):
            name, later = f"_{copy % MOST_COPIES_AT_A_TIME}", copy // MOST_COPIES_AT_A_TIME * DAYS
            (load,) = connection.execute("select nextval('raw.load_ids')").fetchone()
            connection.execute(COPY, {"load": load, "name": name, "later": later, "copy": copy})
            connection.execute(LOAD, {"load": load})
            if copy % 10 == 9:
                console.print(f"  {copy + 1} of {copies} copies of the world written", style="dim")


def _later(column: str) -> str:
    return f"""strftime(try_cast({column} as timestamp) + to_days($later::int),
        '%Y-%m-%dT%H:%M:%S.%gZ')"""


def _renamed(column: str) -> str:
    return f"{column} || $name"


COPY = f"""
    insert into raw.calls by name
    select * replace (
        $load::bigint as load_id,
        row_number() over () as line_number,
        1 as call_number,
        message_id || '.' || $copy as message_id,
        {_renamed("user_id")} as user_id,
        {_renamed("anonymous_id")} as anonymous_id,
        {_renamed("group_id")} as group_id,
        {_renamed("previous_id")} as previous_id,
        cast(regexp_replace(
            context::varchar, '("groupId": ?"[^"]*)"', '\\1' || $name || '"'
        ) as json) as context,
        {_later('"timestamp"')} as "timestamp",
        {_later("original_timestamp")} as original_timestamp,
        {_later("sent_at")} as sent_at,
        {_later("received_at")} as received_at
    )
    from world.raw.calls
"""
LOAD = """
    insert into raw.loads by name
    select
        $load as load_id, 'copy ' || $load as path, sha256('copy ' || $load) as sha256,
        count(*) as lines, count(*) as landed, 0 as quarantined, 0 as blank, count(*) as calls,
        'landed' as status
    from raw.calls where load_id = $load
"""

# The calls of the latest weeks, told again of the next day; one in a hundred of a day before.
NIGHT_OF_CALLS = f"""
    copy (
        with calls as (
            select
                *,
                hash(message_id) % 10000 as lot,
                cast("timestamp" as timestamp) as sent,
                (select max(cast("timestamp" as timestamp)) from raw.calls
                    where load_id = (select max(load_id) from raw.calls)) as latest
            from raw.calls
            where load_id > (select max(load_id) from raw.calls) - {MOST_COPIES_AT_A_TIME}
        ),

        moved as (
            select
                *,
                strftime(
                    cast(latest as date) + 1 + (sent - cast(sent as date))
                    - to_days(if(lot < {LATE * 10000:.0f}, (lot * 37 % $late)::int, 0)),
                    '%Y-%m-%dT%H:%M:%S.%gZ'
                ) as moved_to,
                strftime(
                    cast(latest as date) + 1 + (sent - cast(sent as date)), '%Y-%m-%dT%H:%M:%S.%gZ'
                ) as arrived
            from calls
            where sent > latest - interval 30 days
            order by hash(message_id, 1)
            limit {NIGHT}
        )

        select
            type, message_id || '.$late' as "messageId", user_id as "userId",
            anonymous_id as "anonymousId", group_id as "groupId", previous_id as "previousId",
            event, name, category, channel, properties, traits, context, integrations,
            moved_to as "timestamp", moved_to as "originalTimestamp",
            arrived as "sentAt", arrived as "receivedAt"
        from moved
    ) to '$file' (format json)
"""
SCAN_AND_GROUP = """
    select count(*), sum(calls), min(first_at), max(last_at)
    from (
        select user_id, event_day, sum(calls) as calls,
            min(first_at) as first_at, max(last_at) as last_at
        from intermediate.int_call_days
        group by user_id, event_day
    )
"""
# One pass over the raw table into the daily aggregate, nothing checked and no copy left out.
BARE_PASS = """
    create or replace temp table bare as
    select
        type, event, user_id, anonymous_id,
        coalesce(group_id, json_extract_string(context, '$.groupId')) as company_id,
        cast(try_cast("timestamp" as timestamp) as date) as event_day,
        count(*) as calls, min("timestamp") as first_at, max("timestamp") as last_at
    from raw.calls
    group by all
"""


@dataclass
class Measured:
    """One history and its night."""

    calls: int
    from_scratch: Cost
    bare_pass: float
    scan_and_group: float
    daily_rows: int
    landing: Cost
    night: Cost
    nothing: Cost
    first_publishing: Cost
    week_late: Cost  # a second night, as `daybook nightly`; its late calls are of the last week
    year_late: Cost  # a third night, whose late calls are of the last year


def measure(folder: Path, world: Path, calls: int, console: Console) -> Measured:
    """Write a history, build it, and run three nights."""
    database = folder / f"{calls}.duckdb"
    apart(write_history, world, database, calls)
    night = write_night(database, A_YEAR)
    bare_pass, _ = apart(query, database, BARE_PASS)
    from_scratch = build(database)
    console.print(f"  built from scratch in {from_scratch.seconds:.0f} s", style="dim")
    nothing = build(database)
    scans = []
    for _ in range(3):
        seconds, _ = apart(query, database, SCAN_AND_GROUP)
        scans.append(seconds)
    (_, [(rows,)]) = apart(query, database, "select count(*) from intermediate.int_call_days")
    landing, night_build = land_and_build(database, night)
    first_publishing = publish(database)
    week_late = publish(database, write_night(database, A_WEEK))
    year_late = publish(database, write_night(database, A_YEAR - 1))
    return Measured(
        calls,
        from_scratch,
        bare_pass,
        sorted(scans)[1],
        rows,
        landing,
        night_build,
        nothing,
        first_publishing,
        week_late,
        year_late,
    )


def land_and_build(database: Path, night: Path) -> tuple[Cost, Cost]:
    """What landing a night and building it takes."""
    return run("daybook", "land", str(night), database=database), build(database)


def write_night(database: Path, days_late: int) -> Path:
    """A log of a night, of which a few calls are late by up to so many days."""
    path = database.with_suffix(f".{days_late}.jsonl")
    sql = NIGHT_OF_CALLS.replace("$file", str(path)).replace("$late", str(days_late))
    apart(query, database, sql)
    return path


def main(calls: list[int], keep: str | None = None) -> None:
    """Measure each history, and print the tables."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="daybook-bench-") as temporary:
        folder = Path(keep or temporary)
        folder.mkdir(exist_ok=True)
        world = simulate(folder)
        found = []
        for each in calls:
            console.print(f"a history of {each:,} calls", style="dim")
            found.append(measure(folder, world, each, console))
        show(found, console)
        three_ways(folder / f"{calls[-1]}.duckdb", 3, console)


def show(found: list[Measured], console: Console) -> None:
    """One column per history."""
    table = Table(title=f"A night of {NIGHT:,} calls after ...", title_justify="left")
    table.add_column("seconds")
    for each in found:
        table.add_column(f"{each.calls:,} calls", justify="right")

    def row(what: str, *values: str, style: str | None = None) -> None:
        table.add_row(what, *values, style=style)

    row("rows of the daily table", *(f"{each.daily_rows:,}" for each in found))
    row("from scratch", *(f"{each.from_scratch.seconds:.1f}" for each in found))
    row("  bare pass over the calls", *(f"{each.bare_pass:.1f}" for each in found))
    row("  ratio", *(f"{each.from_scratch.seconds / each.bare_pass:.2f}" for each in found))
    row("a build of nothing", *(f"{each.nothing.seconds:.1f}" for each in found))
    nights = [each.landing.seconds + each.night.seconds for each in found]
    row("the night", *(f"{night:.1f}" for night in nights), style="bold")
    row("  daybook land", *(f"{each.landing.seconds:.1f}" for each in found))
    row("  dbt build", *(f"{each.night.seconds:.1f}" for each in found))
    row("daybook publish, all months", *(f"{each.first_publishing.seconds:.1f}" for each in found))
    for late in ("week_late", "year_late"):
        nightly = [getattr(each, late) for each in found]
        row(f"daybook nightly, a {late.replace('_', ' ')}", *(f"{e.seconds:.1f}" for e in nightly))
        for step in nightly[0].nodes:
            row(f"  {step}", *(f"{each.nodes[step]:.1f}" for each in nightly))
        row(
            "  publish to land and build",
            *(f"{e['publish'] / (e['land'] + e['build']):.0%}" for e in (n.nodes for n in nightly)),
        )
    row("one scan-and-group of the daily table", *(f"{e.scan_and_group:.2f}" for e in found))
    row(
        "what the history adds, in scans",
        *(
            f"{(night - nights[0]) / each.scan_and_group:.1f}"
            for night, each in zip(nights, found, strict=True)
        ),
        style="bold",
    )
    row(
        "most memory, MB",
        *(f"{max(e.night.megabytes, e.landing.megabytes):,.0f}" for e in found),
    )
    last = found[-1].night.nodes
    for name in sorted(last, key=last.get, reverse=True)[:40]:
        row(f"    {name}", *(f"{each.night.nodes.get(name, 0):.2f}" for each in found), style="dim")
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = [1_000_000, 10_000_000, 100_000_000]
    parser.add_argument("--calls", type=int, nargs="+", default=sizes)
    parser.add_argument("--keep", metavar="FOLDER", help="where to leave the warehouses")
    main(**vars(parser.parse_args()))
