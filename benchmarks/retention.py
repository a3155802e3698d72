"""The weekly retention of users, three ways: from the mart, from the daily table, from all events.

    python benchmarks/retention.py --database FILE [--rounds 3]

The mart is a SELECT. The daily table is what an analyst without it would query. The third is the
kind of query that PostHog asks ClickHouse: all events, each person's weeks gathered into an array
(its retention query, with `minIf` and `groupUniqArray`), over a MergeTree in PostHog's own order,
here by chdb, which is ClickHouse in a process. Loading that table is not counted. All three have to
say the same.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

PEERS = Path(__file__).resolve().parent.parent / ".venv-peers" / "bin" / "python"
REPORT = "users by week"  # by any event that counts as active, of the default seeds

FROM_THE_MART = f"""
    select cohort_start, period_number, retained
    from marts.retention
    where report = '{REPORT}' and retained > 0
    order by all
"""

FROM_THE_DAILY_TABLE = """
    with weeks as (
        select distinct user_id, cast(date_trunc('week', event_day) as date) as week
        from marts.fct_activity_days
        where user_id is not null
            and event not in ('page', 'screen')
            and event_day <= (select as_of from marts.calendar)
    ),

    cohorts as (
        select user_id, min(week) as cohort_start from weeks group by user_id
    )

    select
        cohort_start, cast((week - cohort_start) // 7 as bigint) as period_number,
        count(*) as retained
    from weeks inner join cohorts using (user_id)
    group by all
    order by all
"""

EVENTS = """
    copy (
        select event, user_id as person_id, event_at as timestamp
        from marts.fct_events
        where user_id is not null and not is_internal
            and event_day <= (select as_of from marts.calendar)
    ) to '{file}' (format parquet)
"""

CLICKHOUSE = """
import sys, time
from chdb.session import Session
folder, events, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
session = Session(folder)
session.query("set max_threads = 2")
session.query("create database bench")
session.query('''
    create table bench.events (event LowCardinality(String), person_id String,
        timestamp DateTime64(6, 'UTC'))
    engine = MergeTree partition by toYYYYMM(timestamp)
    order by (toDate(timestamp), event, cityHash64(person_id))
''')
session.query(f"insert into bench.events select event, person_id, timestamp from file('{events}')")
for _ in range(rounds):
    started = time.perf_counter()
    answer = session.query('''
        select start, intervals_from_base, count() as people
        from (
            select
                person_id,
                minIf(toStartOfWeek(timestamp, 1), event not in ('page', 'screen')) as start,
                groupUniqArrayIf(
                    toStartOfWeek(timestamp, 1), event not in ('page', 'screen')
                ) as weeks,
                arrayJoin(arrayMap(week -> dateDiff('week', start, week), weeks))
                    as intervals_from_base
            from bench.events
            group by person_id
        )
        group by start, intervals_from_base
        order by start, intervals_from_base
    ''', "CSV").bytes()
    print("seconds", time.perf_counter() - started)
sys.stdout.write(answer.decode())
"""


def in_clickhouse(folder: Path, events: Path, rounds: int) -> tuple[list[float], list[tuple]]:
    """The seconds that ClickHouse takes, and its rows."""
    command = [PEERS, "-c", CLICKHOUSE, folder / "clickhouse", events, str(rounds)]
    printed = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    seconds = [float(line.split()[1]) for line in printed if line.startswith("seconds")]
    cells = (line.replace('"', "").split(",") for line in printed[rounds:])
    return seconds, [(start, int(number), int(people)) for start, number, people in cells]


def three_ways(database: Path, rounds: int, console: Console) -> None:
    """Measure, see that all agree, and print the table."""
    with (
        tempfile.TemporaryDirectory(prefix="daybook-bench-") as name,
        duckdb.connect(
            str(database), read_only=True, config={"memory_limit": "5GB", "threads": 2}
        ) as connection,
    ):
        connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")

        def timed(sql: str) -> tuple[list[float], list[tuple]]:
            taken = []
            for _ in range(rounds):
                started = time.perf_counter()
                rows = connection.execute(sql).fetchall()
                taken.append(time.perf_counter() - started)
            return taken, [(str(start), number, people) for start, number, people in rows]

        ways: dict[str, Callable] = {
            "a SELECT from marts.retention": lambda: timed(FROM_THE_MART),
            "from fct_activity_days": lambda: timed(FROM_THE_DAILY_TABLE),
        }
        if PEERS.exists():
            events = Path(name, "events.parquet")
            connection.execute(EVENTS.format(file=events))
            ways["from all events, in ClickHouse (chdb)"] = lambda: in_clickhouse(
                Path(name), events, rounds
            )
        (calls,) = connection.execute("select count(*) from staging.stg_calls").fetchone()
        table = Table(
            title=f"Weekly retention of users over {calls:,} calls; medians of {rounds}",
            title_justify="left",
        )
        for column in ("how", "seconds", "ratio"):
            table.add_column(column, justify="left" if column == "how" else "right")
        expected = quickest = None
        for how, measured in ways.items():
            with console.status(how):
                seconds, rows = measured()
            expected, quickest = expected or rows, quickest or statistics.median(seconds)
            if rows != expected:
                raise SystemExit(f"{how} says otherwise than marts.retention")
            median = statistics.median(seconds)
            table.add_row(how, f"{median:.3f}", f"{median / quickest:,.0f}")
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    three_ways(arguments.database, arguments.rounds, Console())
