"""Ana's calls as lines of a log, and the rows they become: shared by the tests of landing."""

import json
import os
import subprocess
import sys

from harness import REPO, Daybook

MAY_1 = "2024-05-01T09:00:00Z"


def call(**fields) -> dict:
    """A track call of Ana's; a field that is given as `...` is left out."""
    usual = {"type": "track", "messageId": "m1", "userId": "ana", "event": "report_loaded"}
    found = usual | {"timestamp": MAY_1} | fields
    return {name: value for name, value in found.items() if value is not ...}


def as_bytes(line: dict | str | bytes) -> bytes:
    if isinstance(line, dict):
        line = json.dumps(line)
    return line.encode() if isinstance(line, str) else line


def landed(daybook: Daybook, *lines) -> list[dict]:
    """Land these lines as the only file, and return the calls, in order."""
    daybook.forget()
    daybook.write(lines)
    daybook.land()
    return daybook.rows("select * from raw.calls order by line_number, call_number")


def quarantined(daybook: Daybook) -> list[tuple]:
    """The rows of the quarantine: line, call, reason."""
    rows = daybook.rows("select * from raw.quarantine order by line_number, call_number")
    return [(row["line_number"], row["call_number"], row["reason"]) for row in rows]


def counts(daybook: Daybook) -> list[dict]:
    """The counts of each load."""
    return daybook.rows(
        "select lines, landed, quarantined, blank, calls from raw.loads order by load_id"
    )


def counted(lines: int, landed: int, quarantined: int = 0, blank: int = 0, calls: int = 0) -> dict:
    return {
        "lines": lines,
        "landed": landed,
        "quarantined": quarantined,
        "blank": blank,
        "calls": calls or landed,
    }


def everything(daybook: Daybook) -> dict:
    """All rows of the raw tables."""
    tables = ("raw.loads", "raw.calls", "raw.quarantine")
    return {table: daybook.rows(f"select * from {table} order by all") for table in tables}


def process(*arguments, folder, **environment) -> subprocess.CompletedProcess:
    """Run `daybook ARGUMENTS` as a separate process."""
    return subprocess.run(
        [sys.executable, "-m", "loaders", *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPO)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
