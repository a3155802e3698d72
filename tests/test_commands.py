"""The output of the commands and their exit codes; how the database is found and shared."""

import json
import os
import shutil
import subprocess
import sys
import time

import duckdb
import pytest
from lines import call, counted, counts, process


def test_bad_lines_do_not_fail_the_command(daybook):
    daybook.write([call(), "broken"])
    result = daybook.land(exit_code=0)
    assert "quarantined" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("land",),
        ("frobnicate",),
        ("land", "--frobnicate", "."),
        ("quarantine", "--load", "x"),
        ("unland",),
        ("unland", "3"),
        ("unland", "--load", "3", "x"),
    ],
)
def test_wrong_usage_has_exit_code_2(daybook, arguments):
    result = daybook.run(*arguments, exit_code=2)
    assert "Usage" in result.stderr


def test_a_path_that_matches_nothing_has_exit_code_1(daybook):
    result = daybook.land("nowhere.jsonl", exit_code=1)
    assert result.stderr.startswith("daybook: nowhere.jsonl")
    assert result.stderr.count("\n") == 1


def test_a_refused_file_has_exit_code_4_and_the_rest_is_landed(daybook):
    daybook.write([call()], "a.jsonl")
    (daybook.logs / "b.gz").write_bytes(b"\x1f\x8bnothing")
    daybook.write([call(messageId="m2")], "c.jsonl")
    result = daybook.land(exit_code=4)
    assert "b.gz" in result.stderr
    assert len(daybook.rows("from raw.calls")) == 2


# --- When calls are expected


def test_a_landing_that_brings_calls_ends_with_exit_code_0(daybook):
    daybook.write([call(), "broken"])
    daybook.run("land", "--expect-calls", daybook.logs, exit_code=0)


NOTHING_USABLE = {
    "no new file came": [],
    "2 lines of 2 new files, no call": [("a.jsonl", call(event="")), ("b.jsonl", call(type="?"))],
    "The new files are empty": [("a.jsonl", None)],
    "1 file was refused": [("a.md", "# Logs")],
}


@pytest.mark.parametrize("told", NOTHING_USABLE)
def test_a_landing_without_a_call_ends_with_exit_code_5(daybook, told):
    old = daybook.write([call()], "old.jsonl")
    daybook.land(old)
    for name, line in NOTHING_USABLE[told]:
        daybook.write([line] if line else b"", name)
    for as_json in ((), ("--json",)):
        result = daybook.run("land", "--expect-calls", *as_json, daybook.logs, exit_code=5)
        *_, last = result.stderr.splitlines()
        assert last.startswith("daybook: Nothing usable came")
        assert told in last or as_json
    # Without the option, this is no error.
    daybook.land(exit_code=4 if "refused" in told else 0)


def test_calls_beside_a_refused_file_are_usable(daybook):
    daybook.write([call()], "a.jsonl")
    daybook.write(["# Logs"], "b.md")
    daybook.run("land", "--expect-calls", daybook.logs, exit_code=4)
    daybook.run("land", "--expect-calls", daybook.logs, exit_code=5)


def test_with_expect_calls_a_path_without_a_file_has_exit_code_5(daybook):
    (daybook.folder / "empty").mkdir()
    for path in ("empty", "nowhere", "*.nothing"):
        result = daybook.run("land", "--expect-calls", path, exit_code=5)
        assert result.stderr.startswith("daybook: No new file came.")
        assert result.stderr.count("\n") == 1
        assert path in result.stderr
    # One wrong path among others is wrong usage.
    daybook.write([call()])
    daybook.run("land", "--expect-calls", daybook.logs, "nowhere", exit_code=1)


# --- Unloading


def landed_files(daybook, number: int) -> None:
    for each in range(1, number + 1):
        daybook.write([call(messageId=f"m{each}"), "broken"], f"{each}.jsonl")
    daybook.land()


@pytest.mark.parametrize(
    "arguments", [("--load", 2, "--load", 4), ("--load", 2, 4), ("--load", 4, 2, 4)]
)
def test_several_loads_are_unloaded_at_once(daybook, arguments):
    landed_files(daybook, 4)
    result = daybook.run("unland", *arguments)
    lines = result.stdout.splitlines()
    assert sorted(line.split(":")[0] for line in lines) == [
        "unloaded   logs_in/2.jsonl",
        "unloaded   logs_in/4.jsonl",
    ]
    for table in ("raw.loads", "raw.calls", "raw.quarantine"):
        rows = daybook.rows(f"select distinct load_id from {table} order by all")
        assert [row["load_id"] for row in rows] == [1, 3]
    assert [row["load_id"] for row in daybook.rows("from raw.taken_out order by load_id")] == [2, 4]
    daybook.run("status")
    daybook.land()
    assert "4 landed" in daybook.run("status").stdout


def test_an_unknown_load_among_others_unloads_none(daybook):
    landed_files(daybook, 2)
    result = daybook.run("unland", "--load", 1, 7, 9, exit_code=1)
    assert result.stderr.startswith("daybook: There are no loads 7, 9; nothing was unloaded.")
    assert len(daybook.rows("from raw.loads")) == 2
    assert daybook.rows("from raw.taken_out") == []


def test_a_refused_file_may_be_unloaded(daybook):
    daybook.write(["# Logs"], "a.md")
    daybook.write([call()], "b.jsonl")
    daybook.land(exit_code=4)
    [refused] = daybook.rows("from raw.loads where status = 'refused'")
    assert "a.md" in daybook.run("unland", "--load", refused["load_id"]).stdout
    assert len(daybook.rows("from raw.loads")) == 1


# --- The output of status and quarantine


def test_status_before_anything_was_landed_says_what_to_do(daybook):
    assert "daybook land" in daybook.run("status").output
    assert "daybook land" in daybook.run("quarantine").output
    assert not daybook.database.exists()


@pytest.mark.parametrize("name", ["raw", "last_night", "Marts"])
def test_a_database_name_that_duckdb_would_confuse_is_refused(daybook, name):
    daybook.write([call()])
    said = daybook.run("--database", f"{name}.duckdb", "land", daybook.logs, exit_code=1).output
    assert f"{name.lower()} is the name of something in it. Call the file differently" in said


def test_a_wrong_clock_does_not_move_the_first_and_last_day(daybook):
    at_noon = {"receivedAt": "2024-05-02T12:00:00Z"}
    days = ["1970-01-01", "2024-05-01", "2024-07-01"]
    times = [f"{day}T10:00:00Z" for day in days]
    daybook.write([call(messageId=time, timestamp=time, **at_noon) for time in times])
    daybook.land()
    said = json.loads(daybook.run("status", "--json").stdout)
    assert (said["first_day"], said["last_day"]) == ("2024-05-01", "2024-05-02")


def test_lines_of_an_unknown_load_cannot_be_shown(daybook):
    daybook.write([call(), b"broken"])
    daybook.land()
    said = daybook.run("quarantine", "--load", 4444, exit_code=1).output
    assert "There is no load 4444." in said


def test_status_shows_what_has_landed(daybook):
    daybook.write([call(timestamp="2024-05-03T23:30:00-01:00"), "broken", ""], "a.jsonl")
    daybook.write([call(timestamp="2024-04-30"), call()], "b.jsonl")
    daybook.land()
    output = daybook.run("status").output
    assert "2 landed" in output
    assert "5 = 3 landed + 1 quarantined + 1 blank" in output
    assert "2024-04-30" in output
    assert "2024-05-04" in output
    assert "Every line is accounted for" in output


TAMPERING = {
    "a call is gone": "delete from raw.calls where line_number = 1 and load_id = 1",
    "a call of a batch is gone": "delete from raw.calls where call_number = 2 and load_id = 2",
    "the first call of a batch is gone": (
        "delete from raw.calls where call_number = 1 and load_id = 2 and line_number = 1"
    ),
    "a call among several is gone": (
        "delete from raw.calls where call_number = 2 and line_number = 2"
    ),
    "a call has another number": "update raw.calls set call_number = 7 where call_number = 1",
    "a call is there twice": "insert into raw.calls from raw.calls limit 1",
    "all calls are gone": "delete from raw.calls",
    "a quarantined line is gone": "delete from raw.quarantine",
    "a quarantined line is new": (
        "insert into raw.quarantine (load_id, line_number, reason) values (1, 9, 'unknown_type')"
    ),
    "a load is gone": "delete from raw.loads where load_id = 1",
    "a load has no calls": "update raw.calls set load_id = 7",
    "the ledger counts wrong": "update raw.loads set calls = calls + 1 where load_id = 2",
    "the ledger does not add up": "update raw.loads set lines = lines + 1 where load_id = 2",
    "landed and blank are mixed up": (
        "update raw.loads set landed = landed - 1, blank = blank + 1 where load_id = 1"
    ),
    "the ledger knows nothing": "update raw.loads set landed = null where load_id = 1",
}


@pytest.mark.parametrize("tampering", TAMPERING)
def test_status_proves_the_accounting_and_says_what_to_do(daybook, tampering):
    daybook.write([call(), call(messageId="m2"), "broken"], "a.jsonl")
    several = "".join(json.dumps(call(messageId=f"m{n}")) for n in (5, 6))
    batch = {"batch": [call(messageId="m3"), call(messageId="m4")]}
    daybook.write([batch, several, json.dumps([call(), call(type="?")])], "b.jsonl")
    daybook.land()
    daybook.run("status", exit_code=0)

    with duckdb.connect(str(daybook.database)) as connection:
        connection.execute(TAMPERING[tampering])
    result = daybook.run("status", exit_code=1)
    assert "load 1" in result.stderr or "load 2" in result.stderr or "load 7" in result.stderr
    *_, last = result.stderr.strip().splitlines()
    assert last.startswith("daybook: ")
    assert "land" in last  # the advice
    assert "Every line is accounted for" not in result.output


def test_quarantine_shows_file_line_reason_and_the_line(daybook):
    daybook.write([call(), "broken \x1b[31m line"], "a.jsonl")
    daybook.write(["", {"batch": [call(), call(type="?")]}], "b.jsonl")
    daybook.land()
    first, second = daybook.run("quarantine").stdout.splitlines()
    assert first.startswith("logs_in/a.jsonl:2")
    assert "not_a_json_object" in first
    assert "broken" in first
    assert "\x1b" not in first  # no escape sequence for the terminal
    assert second.startswith("logs_in/b.jsonl:2 call 2  (load 2)")
    assert "unknown_type" in second


def test_quarantine_can_show_one_load_only(daybook):
    for name in ("a", "b"):
        daybook.write([f"broken {name}", call()], f"{name}.jsonl")
    daybook.land()
    [only] = daybook.run("quarantine", "--load", "2").stdout.splitlines()
    assert "broken b" in only
    assert "broken" not in daybook.run("quarantine", "--load", "9", exit_code=None).stdout


def test_an_empty_quarantine_is_reported(daybook):
    daybook.write([call()])
    daybook.land()
    assert daybook.run("quarantine").stdout.strip() == "Nothing is quarantined."
    nowhere = daybook.folder / "fix.jsonl"
    assert "is not written" in daybook.run("quarantine", "--export", nowhere).stderr
    assert not nowhere.exists()


# --- The database


@pytest.fixture
def holder(daybook):
    """Holds the database in a separate process; `holder(seconds)` returns the process."""
    processes = []

    def hold(seconds: float = 60, read_only: bool = False) -> subprocess.Popen:
        script = (
            "import duckdb, sys, time\n"
            f"connection = duckdb.connect({str(daybook.database)!r}, read_only={read_only})\n"
            "print('held', flush=True)\n"
            f"time.sleep({seconds})\n"
        )
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        processes.append(process)
        assert process.stdout.readline() == b"held\n"
        return process

    yield hold
    for each in processes:
        each.kill()
        each.wait()
        each.stdout.close()


def test_a_database_that_another_process_holds_has_exit_code_3(daybook, holder, monkeypatch):
    monkeypatch.setenv("DAYBOOK_LOCK_SECONDS", "0.2")
    daybook.write([call()])
    daybook.land()
    daybook.write([call(messageId="m2")], "later.jsonl")
    process = holder()
    for command in (("land", daybook.logs), ("status",), ("quarantine",)):
        result = daybook.run(*command, exit_code=3)
        assert f"pid {process.pid}" in result.stderr
        assert result.stderr.startswith("daybook: ")
        assert result.stderr.count("\n") == 1

    process.kill()
    process.wait()
    daybook.land()
    assert counts(daybook) == [counted(1, 1)] * 2


def test_a_reader_keeps_writers_out_and_lets_readers_in(daybook, holder, monkeypatch):
    monkeypatch.setenv("DAYBOOK_LOCK_SECONDS", "0")
    daybook.write([call()])
    daybook.land()
    holder(read_only=True)
    daybook.run("status", exit_code=0)
    daybook.land(exit_code=3)


def test_a_second_loader_waits_a_while(daybook, holder, monkeypatch):
    monkeypatch.setenv("DAYBOOK_LOCK_SECONDS", "30")
    daybook.write([call()])
    holder(seconds=1)
    started = time.monotonic()
    daybook.land()
    assert 0.3 < time.monotonic() - started < 20
    assert counts(daybook) == [counted(1, 1)]


def test_the_database_may_be_named_before_and_after_the_command(daybook):
    path = daybook.write([call()])
    for number, arguments in enumerate(
        [
            ("--database", "before.duckdb", "land", path),
            ("land", "--database", "after.duckdb", path),
            ("land", path, "--database", "last.duckdb"),
            ("--database", "not-this.duckdb", "land", path, "--database", "inner.duckdb"),
        ]
    ):
        daybook.run(*arguments)
        name = ("before", "after", "last", "inner")[number]
        assert "1 landed" in daybook.run("--database", f"{name}.duckdb", "status").output
        assert "1 landed" in daybook.run("status", "--database", f"{name}.duckdb").output
    assert not (daybook.folder / "not-this.duckdb").exists()
    assert not daybook.database.exists()


def test_the_database_comes_from_the_environment_or_the_working_folder(daybook, tmp_path):
    path = daybook.write([call()])
    result = process("land", path, folder=tmp_path, DAYBOOK_DATABASE="named.duckdb")
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "named.duckdb").exists()

    result = process("land", path, folder=tmp_path, DAYBOOK_DATABASE="")
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "warehouse.duckdb").exists()

    named = ("--database", "optional.duckdb")
    result = process(*named, "land", path, folder=tmp_path, DAYBOOK_DATABASE="named.duckdb")
    assert result.returncode == 0
    assert (tmp_path / "optional.duckdb").exists()


def test_the_console_script_and_the_module_are_the_same(tmp_path):
    script = shutil.which("daybook", path=os.path.dirname(sys.executable))
    told = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
    told_by_module = process("--help", folder=tmp_path).stdout
    assert told.split("\n", 1)[1] == told_by_module.split("\n", 1)[1]


def test_the_database_is_not_read_as_a_log(daybook):
    """`daybook land .` in the folder of the warehouse."""
    daybook.write([call()])
    for _ in range(2):
        result = process("land", "logs_in", ".", folder=daybook.folder, DAYBOOK_DATABASE="")
        assert "warehouse.duckdb" not in result.stderr
    assert daybook.database.exists()


def test_an_export_never_replaces_a_file(daybook):
    daybook.write([call(), "broken"])
    assert "(load 1)" in daybook.land().stdout
    edited = daybook.folder / "fix-me.jsonl"
    edited.write_text("edited")
    result = daybook.run("quarantine", "--export", edited, exit_code=2)
    assert f"{edited} exists; name a new file, or move it away." in result.stderr
    assert edited.read_text() == "edited"
