"""A freight marketplace with its own plan: every mart equals the rows computed by hand.

`another_company/STORY.md` tells the story call by call. `another_company/expected/` has a file per
mart with all of its rows, computed from the definitions and not from a build.
"""

import csv
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from harness import Daybook

PROJECT = Path(__file__).parent / "another_company"
EXPECTED = PROJECT / "expected"
STORY = (PROJECT / "STORY.md").read_text(encoding="utf-8")
MARTS = sorted(path.stem for path in EXPECTED.glob("*.csv"))

# The only columns of these marts that the expected rows lack: the place of a call in the logs.
PROVENANCE = {"load_id", "line_number", "call_number"}
# Columns that hold JSON text or a list: their values are compared, not their spelling.
JSON_COLUMNS = {"properties", "value", "value_as_sent", "equipment", "lanes"}


class Freight(Daybook):
    """The project of the freight marketplace, with Daybook as its package."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.database = folder / "warehouse.duckdb"
        self.logs = folder / "calls"
        shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("expected", "*.md"))
        self.run("init", ".")
        _install_packages(self)


def _install_packages(freight: Freight) -> None:
    """Run `dbt deps`."""
    from dbt.cli.main import dbtRunner

    here = ["--project-dir", str(freight.folder), "--profiles-dir", str(freight.folder)]
    outcome = dbtRunner().invoke(["--quiet", "--log-level-file", "none", "deps", *here])
    assert outcome.success, outcome.exception


@dataclass(frozen=True)
class Table:
    """The rows of a mart, each as text that can be compared."""

    columns: list[str]
    rows: Counter

    @classmethod
    def of(
        cls, columns: Iterable[str], rows: Iterable[Mapping[str, Any]], numbers: set[str]
    ) -> "Table":
        """Make rows comparable; `numbers` names the columns that are compared as numbers."""
        columns = list(columns)
        as_text = [
            tuple(_comparable(name, row[name], name in numbers) for name in columns) for row in rows
        ]
        return cls(columns, Counter(as_text))

    def difference(self, expected: "Table") -> str:
        """A line per missing or surplus row, and per column; empty if the tables are equal."""
        columns = ", ".join(expected.columns)
        lines = [f"missing: {row}" for row in (expected.rows - self.rows).elements()]
        lines += [f"too much: {row}" for row in (self.rows - expected.rows).elements()]
        return "\n".join([f"columns: {columns}", *sorted(map(str, lines))]) if lines else ""


@pytest.fixture(scope="module")
def freight(tmp_path_factory) -> Freight:
    """The project, its logs landed and built."""
    freight = Freight(tmp_path_factory.mktemp("company") / "freight")
    freight.land()
    freight.build()
    return freight


@pytest.fixture(scope="module")
def freight_by_email_domain(freight, tmp_path_factory) -> Freight:
    """The same, with companies from e-mail domains and no trait for monthly active users."""
    folder = tmp_path_factory.mktemp("by_email_domain") / "freight"
    shutil.copytree(freight.folder, folder, symlinks=True)
    again = object.__new__(Freight)
    again.folder, again.database = folder, folder / "warehouse.duckdb"
    again.build(vars={"companies_by_email_domain": True, "company_mau_trait": ""})
    return again


@pytest.mark.parametrize("mart", MARTS)
def test_every_row_of_the_mart_equals_the_one_computed_by_hand(freight, mart):
    assert_rows(freight, mart, read_expected(mart))


def test_every_mart_has_expected_rows(freight):
    marts = freight.rows(
        "select table_name from information_schema.tables where table_schema = 'marts'"
    )
    assert sorted(row["table_name"] for row in marts) == MARTS


def test_the_companys_own_files_are_unchanged(freight):
    own = [path for path in PROJECT.rglob("*") if path.is_file() and EXPECTED not in path.parents]
    for path in own:
        if path.suffix != ".md":
            copy = freight.folder / path.relative_to(PROJECT)
            assert copy.read_bytes() == path.read_bytes(), path.name


def test_every_event_names_the_line_it_was_landed_from(freight):
    events = freight.rows("select load_id, line_number, call_number from marts.fct_events")
    assert len(events) == 45
    assert len({tuple(event.values()) for event in events}) == 45
    assert all(all(event.values()) for event in events)


@pytest.mark.parametrize("mart", ["dim_users", "dim_companies"])
def test_a_user_without_a_company_belongs_to_the_domain_of_its_latest_mail(
    freight_by_email_domain, mart
):
    assert_rows(freight_by_email_domain, mart, read_expected(f"with_email_domains/{mart}"))


def test_the_events_of_that_user_go_to_the_domain_and_no_other_event_changes(
    freight_by_email_domain,
):
    expected = read_expected("fct_events")
    for event in expected:
        if event["user_id"] == "kim":
            event |= {"company_id": "mesa.example", "company_source": "email_domain"}
    assert_rows(freight_by_email_domain, "fct_events", expected)


def test_every_line_of_the_logs_is_accounted_for(freight):
    loads = freight.rows(
        "select path, status, lines, landed, quarantined, blank, calls from raw.loads order by path"
    )
    told = {
        Path(load.pop("path")).relative_to(freight.logs).as_posix(): tuple(load.values())
        for load in loads
    }
    assert told == {  # status, lines, landed, quarantined, blank, calls
        "bodies/node.jsonl": ("landed", 6, 6, 0, 0, 10),
        "firehose/stream-1": ("landed", 2, 1, 1, 0, 8),
        "retries/2026-03-02.jsonl": ("landed", 1, 1, 0, 0, 1),
        "rudder-logs/driver-app/2026-03-18/phones.jsonl": ("landed", 22, 21, 1, 0, 21),
        "segment-logs/dispatch-desk/2026-03-18/desk.jsonl": ("landed", 30, 29, 0, 1, 29),
    }


def test_only_the_two_bad_calls_are_quarantined(freight):
    quarantined = freight.rows(
        """
        select parse_filename(loads.path) as file, line_number, call_number, quarantine.reason
        from raw.quarantine inner join raw.loads using (load_id)
        order by file
        """
    )
    assert [tuple(row.values()) for row in quarantined] == [
        ("phones.jsonl", 16, None, "no_user_id"),  # userId is a list, and no anonymousId
        ("stream-1", 2, 3, "no_event"),  # the event's name is three blanks
    ]


def test_the_story_lists_each_event_at_its_local_and_utc_time(freight):
    events = freight.rows("select event_id, event_at from marts.fct_events")
    moments = {event["event_id"]: event["event_at"] for event in events}
    told = re.findall(
        r"^\| (c\d\d) \| \w{3} ([\d-]+ [\d:]+) \| ([\d-]+ [\d:]+) \|", STORY, re.MULTILINE
    )
    assert {call for call, _, _ in told} == {f"c{number:02}" for number in range(1, 68)}
    for call, local, utc in told:
        utc = datetime.fromisoformat(utc if utc.startswith("1970") else f"2026-{utc}")
        if call != "c63":  # it has a hash for its id
            assert moments.get(call, utc) == utc, call
        local = local if local.startswith("1969") else f"2026-{local}"
        in_chicago = utc.replace(tzinfo=UTC).astimezone(ZoneInfo("America/Chicago"))
        assert in_chicago.replace(tzinfo=None) == datetime.fromisoformat(local), call


def test_the_companys_own_questions_are_answered(freight):
    asked = freight.run("ask").output
    assert "How many of our companies pay?" in asked
    assert "3 of 4 companies pay." in asked  # prairie and delta on fleet, 4021 on Starter
    assert "Which drivers finished the most trips in the last 30 days?" in asked
    trips = re.findall(r"^\s*(tom|7)\s+(\d+)\s*$", asked, re.MULTILINE)
    assert trips == [("tom", "5"), ("7", "2")]  # c28 c34 c54 c60 c65; c23 c37


# -- comparing


def read_expected(name: str) -> list[dict[str, str | None]]:
    """The rows of an expected file; a blank cell is null, and `because` is for the reader."""
    with (EXPECTED / f"{name}.csv").open(newline="") as file:
        rows = [{name: cell or None for name, cell in row.items()} for row in csv.DictReader(file)]
    for row in rows:
        del row["because"]
    return rows


def assert_rows(freight: Freight, mart: str, expected: list[dict[str, str | None]]) -> None:
    """Compare a whole mart, all columns but the provenance, with the rows expected of it."""
    rows = list(_with_hashes_hidden(freight.rows(f"select * from marts.{mart}")))
    columns = list(expected[0])
    assert set(rows[0]) - PROVENANCE == set(columns)
    numbers = {
        name
        for row in rows
        for name, value in row.items()
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    }
    difference = Table.of(columns, rows, numbers).difference(Table.of(columns, expected, numbers))
    assert not difference, difference


def _with_hashes_hidden(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Replace made ids: a call sent without an id has a hash of its content, and any will do."""
    for row in rows:
        if "event_id" in row and not re.fullmatch(r"c\d\d", row["event_id"]):
            row["event_id"] = "(a hash)"
        yield row


def _comparable(column: str, value: Any, is_number: bool) -> str | None:
    if value is None:
        return None
    if column in JSON_COLUMNS:
        value = json.loads(value) if isinstance(value, str) else value
        return json.dumps(_moment(value) if column == "value" else _plain(value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime | date):
        return str(value)
    if is_number:
        return f"{float(value):g}" if float(value).is_integer() else f"{float(value):.6f}"
    return value.strip()


def _plain(value: Any) -> Any:
    """A JSON value with 50.0 as 50: JSON knows one kind of number."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.strip() if isinstance(value, str) else value


def _moment(value: Any) -> Any:
    """A trait's typed value; a datetime in any format, in UTC."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d[T ]", value):
        return _plain(value)
    moment = datetime.fromisoformat(value)
    return str(moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment)
