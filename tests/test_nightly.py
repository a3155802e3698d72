"""A whole night as one command: its exit codes, its summary, and its readers through failures."""

import http.server
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import pytest
from harness import REPO, Daybook
from lines import call
from test_publish import at, published

from loaders.night.summary import _cell
from loaders.published import PublishedNights

# A reader in a loop: all that it reads must be of one night. Prints the nights that it saw.
READER = """
import sys, time
from pathlib import Path
import duckdb, polars as pl

link, seen = Path("published"), []
while not Path("stop").exists():
    with duckdb.connect(str(link / "daybook.duckdb"), read_only=True) as connection:
        ((night, rows, tables),) = connection.execute(
            "select number, published_rows, published_tables from nights.nights"
            " order by number desc limit 1"
        ).fetchall()
        marts = connection.execute(
            "select table_name, comment from duckdb_tables() where schema_name = 'marts'"
        ).fetchall()
        counted = sum(
            connection.execute(f"select count(*) from marts.{name}").fetchone()[0]
            for name, _ in marts
        )
    assert {comment for _, comment in marts} == {f"night {night}"}, marts
    assert (counted, len(marts)) == (rows, tables), (night, counted, rows)
    folder = link.resolve()  # one night, for as long as it is kept
    nights = {pl.read_parquet_metadata(path)["night"] for path in folder.glob("*.parquet")}
    assert nights == {folder.name}, (nights, folder)
    with duckdb.connect(str(folder / "daybook.duckdb"), read_only=True) as connection:
        ((events,),) = connection.execute("select count(*) from marts.fct_events").fetchall()
    assert pl.read_parquet(folder / "fct_events" / "*.parquet").height == events
    pl.read_parquet(folder / "activity.parquet")  # polars opens a file twice
    seen.append(night)
assert seen == sorted(seen), seen
print(len(seen), *sorted(set(seen)))
"""


def nightly(daybook: Daybook, *arguments, **environment) -> subprocess.CompletedProcess:
    """Run `daybook nightly` on the logs of this checkout, as a separate process."""
    return subprocess.run(
        [sys.executable, "-m", "loaders", "nightly", daybook.logs, *map(str, arguments)],
        cwd=daybook.folder,
        env=os.environ | {"PYTHONPATH": str(REPO)} | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture
def sink():
    """A webhook on loopback: `posts` gets the bodies, `answer` is the status that it gives."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.posts.append(json.loads(body))
            self.send_response(self.server.answer)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.posts, server.answer = [], 200
    server.url = f"http://127.0.0.1:{server.server_port}/hook"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def test_a_night_lands_builds_and_publishes_and_says_so(daybook, sink):
    daybook.write([call(**at("2024-05-01")), call(messageId="m2", **at("2024-05-02"))])
    daybook.write([b'{"type": "wink"}'], "odd.jsonl")
    night = nightly(daybook, "--notify", sink.url)
    assert night.returncode == 0, night.stderr
    steps = [line.split(" ", 1)[1] for line in night.stderr.splitlines()]
    assert steps[0].startswith("land (1 of ")
    assert any(step.startswith("build (2 of ") for step in steps)
    assert steps[-1] == "night 1 is published"
    assert "\r" not in night.stderr + night.stdout
    assert "\x1b" not in night.stderr + night.stdout
    assert night.stdout.startswith("Night 1 is published, up to 2024-05-01.\n")
    assert "2 files, 2 calls, 1 line quarantined (unknown_type)" in night.stdout
    assert len(night.stdout.splitlines()) <= 10
    document = json.loads((daybook.folder / "published" / "night.json").read_text())
    assert sink.posts == [document]
    assert (daybook.folder / "published" / "report.html").stat().st_size > 10_000
    assert document["came_in"]["total"]["calls"] == 2
    assert datetime.fromisoformat(document["finished_at"]).tzinfo == UTC
    assert document["came_in"]["quarantined_because"] == {"unknown_type": 1}

    # Nothing new came: readers keep what they have.
    again = nightly(daybook, "--json", "--notify", sink.url)
    assert again.returncode == 5, again.stderr
    assert "no new file came" in again.stderr
    assert json.loads(again.stdout) == sink.posts[1]
    assert sink.posts[1]["status"] == "stopped"
    assert sink.posts[1]["step"] == "land"
    assert published(daybook, "select max(number) from nights.nights") == [(1,)]

    # A webhook that fails does not undo the night. A refused file is named, and the rest is in.
    sink.answer = 500
    daybook.write([call(messageId="m3", **at("2024-05-03"))], "new.jsonl")
    (daybook.logs / "cut.gz").write_bytes(b"\x1f\x8b\x08\x00cut")
    failed = nightly(daybook, "--notify", sink.url)
    assert failed.returncode == 4, failed.stderr
    assert f"The webhook {sink.url} answered 500" in failed.stderr
    assert "Wrong" in failed.stdout
    assert "cut.gz was refused" in failed.stdout
    assert published(daybook, "select max(number) from nights.nights") == [(2,)]


def test_a_stopped_night_is_published_by_running_the_same_command_again(daybook, monkeypatch):
    daybook.write([call(**at("2024-05-01")), call(messageId="m2", **at("2024-05-02"))])
    assert nightly(daybook).returncode == 0
    daybook.write([call(messageId="m3", **at("2024-05-03"))], "new.jsonl")
    daybook.land()
    daybook.build()

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(PublishedNights, "_show", stop)
        daybook.run("publish", exit_code=130)
    assert published(daybook, "select max(number) from nights.nights") == [(1,)]
    assert nightly(daybook).returncode == 0
    assert published(daybook, "select max(number) from nights.nights") == [(3,)]

    # A night that was rolled back is not published again without new logs.
    daybook.run("publish", "--rollback")
    assert nightly(daybook).returncode == 5


def test_a_night_outside_a_project_says_where_to_run_it(tmp_path):
    (tmp_path / "log.jsonl").write_text(json.dumps(call()))
    ran = subprocess.run(
        [sys.executable, "-m", "loaders", "nightly", "log.jsonl"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "There is no dbt_project.yml in this folder." in ran.stderr
    assert not (tmp_path / "warehouse.duckdb").exists()


def test_a_night_without_a_profile_names_the_file(daybook):
    daybook.write([call()])
    (daybook.folder / "profiles.yml").unlink()
    night = nightly(daybook, HOME=str(daybook.folder))
    assert night.returncode == 1
    assert "There is no profiles.yml in this folder, and dbt says: " in night.stderr
    assert "The night stopped at the step build" in night.stderr


def test_the_summary_writes_numbers_as_the_report_does():
    cell = {"report": "r", "entity": "user", "period": "week", "period_start": "2024-05-06"}
    cell |= {"dimension": "", "reasons": {"late events": 1200}}
    counts = cell | {"value_name": "events", "before": 2463790.0, "after": None}
    rates = cell | {"value_name": "retention_rate", "before": 0.4, "after": 0.35}
    assert "events: 2,463,790 -> nothing (late events: 1,200)" in _cell(counts)
    assert "retention_rate: 40.0 % -> 35.0 %" in _cell(rates)


def test_readers_see_only_complete_nights_while_nights_fail_or_are_killed(daybook):
    through_nights(daybook, nights=5, readers=2)


@pytest.mark.soak
def test_readers_see_only_complete_nights_during_a_hundred_nights(daybook):
    through_nights(daybook, nights=101, readers=4)  # the last one is good


def through_nights(daybook: Daybook, nights: int, readers: int) -> None:
    """Alternate good nights, broken seeds, failing tests and kills, while readers read."""
    choose = random.Random(1)
    (daybook.folder / "dbt_project.yml").write_text(
        (daybook.folder / "dbt_project.yml")
        .read_text()
        .replace("- tests/sql", "- tests/sql\n- tests/own")
    )
    own = daybook.folder / "tests" / "own"
    own.mkdir()
    write_day(daybook, 0)
    first = nightly(daybook)
    assert first.returncode == 0, first.stderr
    running = [
        subprocess.Popen(
            [sys.executable, "-c", READER],
            cwd=daybook.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(readers)
    ]
    try:
        seed = daybook.seed_path("retention_reports")
        sound, good = seed.read_text(), 1
        for number in range(1, nights):
            write_day(daybook, number)
            kind = ("seed", "test", "kill", "good")[(number - 1) % 4]
            if kind == "seed":
                seed.write_text(sound + "broken,nobody,,,,,,,,,,,,,\n")
                night = nightly(daybook)
                seed.write_text(sound)
                assert night.returncode == 1
                assert "retention_reports.csv" in night.stderr
                assert "The night stopped at the step build" in night.stderr
                assert "The same command may be run again." in night.stderr
            elif kind == "test":
                (own / "never_right.sql").write_text("select 1 as wrong")
                night = nightly(daybook)
                (own / "never_right.sql").unlink()
                assert night.returncode == 1
                assert "test never_right: " in night.stderr
                refused = daybook.run("publish", exit_code=1).output
                assert "dbt build is due" in refused
            elif kind == "kill":
                was_killed = kill_a_night_that_publishes(daybook, choose)
                good += not was_killed
            else:
                night = nightly(daybook)
                assert night.returncode == 0, night.stderr
                good += 1
            assert len(published(daybook, "from nights.nights")) == good
    finally:
        (daybook.folder / "stop").touch()
        outcomes = [(reader.communicate(timeout=60), reader.returncode) for reader in running]
    for (output, errors), code in outcomes:
        assert code == 0, errors
        reads, *seen = map(int, output.split())
        assert reads > nights
        assert len(seen) >= 2
    # All calls are there: the next night completes a stopped one.
    ((events,),) = published(daybook, "select count(*) from marts.fct_events")
    assert events == 20 * nights
    assert not list((daybook.folder / "published.nights").glob("*.unfinished"))


def write_day(daybook: Daybook, number: int) -> None:
    """Twenty events of a day, the first of them ten days late."""
    calls = [
        call(
            messageId=f"{number}-{each}",
            userId=f"u{each}",
            timestamp=f"2024-{1 + number % 12:02}-{11 - (10 if each == 0 else 0):02}T10:00:00Z",
            receivedAt=f"2024-{1 + number % 12:02}-11T11:00:00Z",
        )
        for each in range(20)
    ]
    daybook.write(calls, f"day-{number}.jsonl")


def kill_a_night_that_publishes(daybook: Daybook, choose: random.Random) -> bool:
    """SIGKILL a night some time after its publishing has begun; return whether it still ran."""
    log = daybook.folder / "killed.log"
    before = os.readlink(daybook.folder / "published")
    with log.open("w") as errors:
        night = subprocess.Popen(
            [sys.executable, "-m", "loaders", "nightly", str(daybook.logs)],
            cwd=daybook.folder,
            env=os.environ | {"PYTHONPATH": str(REPO)},
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        while " publish (" not in log.read_text() and night.poll() is None:
            time.sleep(0.02)
        time.sleep(choose.uniform(0.1, 0.8))
        night.send_signal(signal.SIGKILL)
        night.wait()
    return os.readlink(daybook.folder / "published") == before
