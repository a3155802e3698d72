"""A stop at any moment: a failing statement, a kill, a full disk, a second loader, a bad file."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pytest
from harness import REPO, Daybook

from loaders.landing.discover import discover
from loaders.landing.lander import Lander
from loaders.limits import Limits
from loaders.warehouse import Warehouse, open_warehouse

RAW = {
    "raw.loads": "* exclude (load_id, started_at, finished_at)",
    "raw.calls": "* exclude (load_id)",
    "raw.quarantine": "* exclude (load_id)",
}
LIMITS = replace(Limits(), chunk_bytes=4_000)  # so that a file of 10 KB is read in pieces


def call(number: int) -> dict:
    return {
        "type": "track",
        "messageId": f"m{number}",
        "userId": f"u{number % 7}",
        "event": "opened",
        "receivedAt": "2024-05-01T10:00:00Z",
    }


@pytest.fixture
def logs(daybook: Daybook) -> Daybook:
    """Two small files, a large one with bad lines, a batch body, a copy, and a damaged file."""
    daybook.write([call(1), call(2), "oops"], "a.jsonl")
    daybook.write([call(3), {"batch": [call(4), {"type": "track"}]}], "b.jsonl.gz")
    daybook.write([call(n) if n % 20 else "oops" for n in range(10, 90)], "c.jsonl")
    daybook.write([call(1), call(2), "oops"], "copy_of_a.jsonl")
    daybook.write(b"\x1f\x8b\x08\x00damaged", "d.gz")
    daybook.write([call(n) for n in range(100, 105)], "e.jsonl")
    return daybook


def contents(database) -> dict[str, list]:
    """Every raw table, without the numbers and times of its loads."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return {
            table: sorted(map(repr, connection.execute(f"select {what} from {table}").fetchall()))
            for table, what in RAW.items()
        }


def land(daybook: Daybook, failing_at: int | None = None) -> int:
    """Land the logs in this process. Returns how many statements it took, or raises at one."""
    files = discover([str(daybook.logs)])
    with open_warehouse(daybook.database, LIMITS) as warehouse:
        connection = Counting(warehouse.connection, failing_at)
        counted = Warehouse(warehouse.path, connection, warehouse.spool)
        list(Lander(counted, LIMITS).land(files))
        return connection.statements


class Stopped(Exception):
    pass


class Counting:
    """A connection that can be set to fail before its N-th statement."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, failing_at: int | None):
        self._connection = connection
        self._failing_at = failing_at
        self.statements = 0

    def execute(self, *arguments):
        self.statements += 1
        if self.statements == self._failing_at:
            raise Stopped
        return self._connection.execute(*arguments)


@pytest.fixture
def undisturbed(logs: Daybook) -> dict[str, list]:
    """The tables after a run without a fault."""
    land(logs)
    expected = contents(logs.database)
    for path in logs.folder.glob("warehouse.duckdb*"):
        path.unlink()
    assert len(expected["raw.calls"]) == 2 + 2 + 76 + 5
    return expected


def test_a_failure_at_any_statement_is_healed_by_the_next_run(logs, undisturbed):
    failing_at, statements = 1, None
    while statements is None:
        try:
            statements = land(logs, failing_at)
        except Stopped:
            assert logs.run("status").exit_code == 0  # the ledger adds up
            land(logs)
            assert contents(logs.database) == undisturbed, f"after statement {failing_at}"
            for path in logs.folder.glob("warehouse.duckdb*"):
                path.unlink()
            failing_at += 1
    assert failing_at > 30


# -- kill -9


def a_loader(daybook: Daybook, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "loaders", "--database", daybook.database, "land", daybook.logs],
        env=os.environ | {"DAYBOOK_CHUNK_BYTES": "200000"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def many_logs(daybook: Daybook) -> None:
    for number in range(12):
        lines = [call(number * 10_000 + n) if n % 500 else "oops" for n in range(6_000)]
        daybook.write(lines, f"{number:02}.jsonl" + (".gz" if number % 3 else ""))


def kill_and_run_again(daybook: Daybook, moments: Iterator[float]) -> None:
    many_logs(daybook)
    began = time.monotonic()
    assert a_loader(daybook).wait() == 0
    takes = time.monotonic() - began
    undisturbed = contents(daybook.database)
    for moment in moments:
        for path in daybook.folder.glob("warehouse.duckdb*"):
            path.unlink() if path.is_file() else None
        loader = a_loader(daybook)
        time.sleep(moment * takes)
        loader.send_signal(signal.SIGKILL)
        loader.wait()
        again = a_loader(daybook)
        assert again.wait() == 0, again.stderr.read()
        assert contents(daybook.database) == undisturbed, f"killed at {moment:.3f} of a run"
        assert not list(daybook.folder.glob("*.spool"))


def test_a_killed_landing_is_healed_by_the_next_one(daybook):
    kill_and_run_again(daybook, iter((0.3, 0.5, 0.7, 0.9)))


@pytest.mark.soak
def test_a_landing_killed_at_a_hundred_random_moments_is_healed(daybook):
    kill_and_run_again(daybook, (random.random() for _ in range(100)))


# -- other troubles


def land_on_a_full_disk(daybook: Daybook, limit: int) -> str:
    """Land on a disk where no file may grow beyond `limit` bytes; return the printed line."""
    full = subprocess.run(
        [sys.executable, "-m", "loaders", "--database", daybook.database, "land", daybook.logs],
        capture_output=True,
        text=True,
        preexec_fn=lambda: (
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        ),
    )
    assert full.returncode == 1, full.stderr
    (line,) = full.stderr.splitlines()
    return line


def test_a_full_disk_stops_the_landing_and_the_next_one_heals_it(daybook):
    many_logs(daybook)
    assert "run the same command again" in land_on_a_full_disk(daybook, 1_500_000)
    daybook.land()
    healed = contents(daybook.database)
    daybook.database.unlink()
    daybook.land()
    assert contents(daybook.database) == healed


def test_a_full_disk_after_the_commit_is_not_reported_as_lost_calls(daybook):
    daybook.write([{"type": "track", "userId": "ana", "event": "e", "timestamp": "2024-05-01"}])
    # Enough for the write-ahead log, but not for a block of the database.
    line = land_on_a_full_disk(daybook, 100_000)
    assert f"{daybook.database}: what landed is kept in warehouse.duckdb.wal, and could not" in line
    assert line.endswith("and run the same command again: it moves the rest.")
    assert daybook.land().stdout.startswith("unchanged")
    assert len(daybook.rows("from raw.calls")) == 1


def test_ctrl_c_ends_a_landing_with_one_line_and_130(daybook):
    line = (
        b'{"type":"track","userId":"ana","event":"e","timestamp":"2024-05-01T00:00:00Z","n":%d}\n'
    )
    (daybook.logs / "large.jsonl").write_bytes(b"".join(line % n for n in range(1_500_000)))
    loader = subprocess.Popen(
        [sys.executable, "-m", "loaders", "--database", daybook.database, "land", daybook.logs],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not daybook.database.exists():
        time.sleep(0.02)
    time.sleep(0.5)
    loader.send_signal(signal.SIGINT)
    _, said = loader.communicate(timeout=60)
    assert loader.returncode == 130, said
    assert said == "daybook: Stopped. Nothing is half landed; the same command may be run again.\n"
    assert daybook.rows("from raw.calls") == daybook.rows("from raw.loads") == []


def test_a_second_loader_waits_a_while_then_leaves_with_the_holders_pid(logs):
    with open_warehouse(logs.database, LIMITS):
        second = a_loader(logs, DAYBOOK_LOCK_SECONDS="0.5")
        _, error = second.communicate()
        assert second.returncode == 3
        assert f"(pid {os.getpid()})" in error
        assert len(error.splitlines()) == 1


def test_a_second_loader_that_waits_long_enough_lands(logs):
    with open_warehouse(logs.database, LIMITS):
        second = a_loader(logs, DAYBOOK_LOCK_SECONDS="30")
        time.sleep(1.5)
    second.communicate()
    assert second.returncode == 4  # d.gz is damaged
    assert len(contents(logs.database)["raw.calls"]) == 85


def test_an_unreadable_file_among_many_stops_no_other(logs):
    (logs.logs / "b.jsonl.gz").unlink()
    (logs.logs / "b.jsonl.gz").symlink_to(logs.folder / "nothing")
    result = logs.land(exit_code=4)
    assert "b.jsonl.gz" in result.output
    assert len(contents(logs.database)["raw.calls"]) == 83


# -- dbt


def marts(daybook: Daybook) -> dict[str, list]:
    tables = daybook.rows(
        "select table_name from information_schema.tables where table_schema = 'marts'"
    )
    return {
        row["table_name"]: sorted(map(repr, daybook.rows(f"from marts.{row['table_name']}")))
        for row in tables
    }


def a_build(daybook: Daybook) -> subprocess.Popen:
    return subprocess.Popen(
        ["dbt", "build", "--quiet"],
        cwd=daybook.folder,
        env=os.environ
        | {"PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"}
        | {"DAYBOOK_DATABASE": str(daybook.database), "PYTHONPATH": str(REPO)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def kill_builds(daybook: Daybook, moments: Iterator[float]) -> None:
    daybook.run("simulate", "--out", daybook.logs, "--companies", 20, "--days", 40)
    daybook.land()
    began = time.monotonic()
    build = a_build(daybook)
    assert build.wait() == 0, build.stdout.read()
    takes = time.monotonic() - began
    undisturbed = marts(daybook)
    assert len(undisturbed["activity"]) > 0
    for moment in moments:
        build = a_build(daybook)
        time.sleep(moment * takes)
        build.send_signal(signal.SIGKILL)
        build.wait()
    build = a_build(daybook)
    assert build.wait() == 0, build.stdout.read()
    assert marts(daybook) == undisturbed


def test_a_stop_at_any_moment_is_healed_by_running_the_same_command_again(daybook):
    kill_builds(daybook, iter((0.5, 0.75, 0.95)))


@pytest.mark.soak
def test_a_build_killed_at_a_hundred_random_moments_is_healed(daybook):
    kill_builds(daybook, (random.random() for _ in range(100)))
