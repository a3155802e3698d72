"""Random lives, landed and built for real, against the reference written from the contract.

A life on which they differ is printed with its differences and saved. Move its file to
`tests/examples/NAME.json`, named after the rule that it breaks, and it stays as a named example.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from math import isclose
from pathlib import Path
from typing import Any

import pytest
from harness import Daybook
from hypothesis import HealthCheck, Phase, Verbosity, assume, given, seed, settings
from lives import VARIABLES, lives, plans
from reference import marts

EXAMPLES = Path(__file__).parent / "examples"
KEYS = {
    "fct_events": ("event_id",),
    "fct_activity_days": ("event", "event_day", "user_id", "company_id"),
    "fct_traits": ("trait", "entity", "entity_id", "valid_from"),
    "fct_memberships": ("user_id", "company_id"),
    "dim_users": ("user_id",),
    "dim_companies": ("company_id",),
    "activity": ("report", "clock", "period_start", "period_end"),
    "retention": ("report", "breakdown_value", "cohort_start", "period_number"),
    "retention_overall": ("report", "breakdown_value", "period_number"),
    "activation": ("entity", "milestone", "cohort_week"),
}

settings.register_profile("lives", deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("lives")


@pytest.fixture(scope="module")
def daybook(tmp_path_factory) -> Daybook:
    """One checkout for all examples: its database is thrown away after each."""
    return Daybook(tmp_path_factory.mktemp("reference") / "daybook")


@pytest.mark.parametrize("number", range(5))
def test_marts_equal_the_reference(daybook, number):
    compare_a_life(daybook, number, Phase.generate)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(5, 205))
def test_marts_equal_the_reference_in_many_lives(daybook, number):
    compare_a_life(daybook, number, Phase.generate, Phase.shrink)


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.json")))
def test_named_example(daybook, name):
    example = json.loads((EXAMPLES / f"{name}.json").read_text())
    compare(daybook, example["lines"], example["seeds"], example["variables"])


def compare_a_life(daybook: Daybook, number: int, *phases: Phase) -> None:
    """The life of this number. (Of one run's many examples, Hypothesis makes most look alike.)"""

    variables = VARIABLES[number % len(VARIABLES)]

    @seed(number)
    @settings(max_examples=1, phases=phases, database=None, verbosity=Verbosity.quiet)
    @given(lines=lives(), seeds=plans(variables))
    def compare_it(lines: list, seeds: dict) -> None:
        assume(lines)
        compare(daybook, lines, seeds, variables)

    compare_it()


def compare(daybook: Daybook, lines: list, seeds: dict, variables: dict) -> None:
    """Land and build, and compare every row with the reference."""
    daybook.forget()
    for name, rows in seeds.items():
        daybook.seed(name, rows)
    for file in (0, 1):
        daybook.write(lines[file::2], name=f"{file}.jsonl")
    daybook.land()
    daybook.build(vars=variables)

    expected = marts(lines, seeds, variables)
    found = [
        difference
        for table, key in KEYS.items()
        for difference in differences(table, key, expected[table], rows_of(daybook, table))
    ]
    if found:
        saved = daybook.folder / "example.json"
        example = {"lines": lines, "seeds": seeds, "variables": variables}
        saved.write_text(json.dumps(example, indent=1))
        raise AssertionError(message(found, seeds, saved))


def rows_of(daybook: Daybook, table: str) -> list[dict[str, Any]]:
    return daybook.rows(f"select * from marts.{table}")


def differences(table: str, key: tuple, expected: list, got: list) -> Iterator[tuple[str, str]]:
    """A pair (side, row) per missing, unexpected or different row.

    The reference has some columns of fact tables, and all columns of other tables.
    """
    if table == "fct_events":
        with_ids_of_ours(expected, got)
    columns = expected[0].keys() if expected and table.startswith("fct_") else None
    expected_rows = {tuple(comparable(row[column]) for column in key): row for row in expected}
    got_rows = {tuple(comparable(row.get(column)) for column in key): row for row in got}
    assert len(got_rows) == len(got), f"marts.{table} has two rows of one {key}"
    for at in sorted(expected_rows.keys() | got_rows.keys(), key=str):
        want, have = expected_rows.get(at, {}), got_rows.get(at, {})
        wrong = [
            f"{column}: expected {want.get(column)}, got {have.get(column, 'no such column')}"
            for column in columns or want.keys() | have.keys()
            if column not in want or column not in have or not same(want[column], have[column])
        ]
        if not want:
            wrong = [f"not expected: {have}"]
        elif not have:
            wrong = [f"missing: {want}"]
        if wrong:
            where = ", ".join(str(value) for value in at[1:])
            yield at[0], f"{table} ({where}): {'; '.join(wrong)}"


def with_ids_of_ours(expected: list, got: list) -> None:
    """Where the sender gave no message id, each side makes one: they are matched by their rows."""
    ids = {row["event_id"] for row in expected} & {row["event_id"] for row in got}
    for rows in (expected, got):
        made_up = [row for row in rows if row["event_id"] not in ids]
        same_so_far: Counter[str] = Counter()
        for row in sorted(made_up, key=lambda row: str(row["company_id"])):
            what = f"{row['event']} of {row['user_id']} at {comparable(row['event_at'])}"
            same_so_far[what] += 1
            row["event_id"] = f"without an id: {what}, {same_so_far[what]}"


def same(expected: Any, got: Any) -> bool:
    expected, got = comparable(expected), comparable(got)
    if isinstance(expected, float) and isinstance(got, float):
        return isclose(expected, got, rel_tol=1e-9, abs_tol=1e-9)
    return expected == got and type(expected) is type(got)


def comparable(value: Any) -> Any:
    """One spelling per value: times without a zone (they are UTC), numbers as floats, no JSON."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, list | dict):
        return json.dumps(value, separators=(",", ":"))
    return value


def message(found: list[tuple[str, str]], seeds: dict, saved: Path, most: int = 12) -> str:
    definitions = {
        row["report"]: {column: value for column, value in row.items() if value is not None}
        for name in ("activity_reports", "retention_reports")
        for row in seeds[name]
    }
    shown = [f"\n{definitions.get(whose, whose)}\n  {what}" for whose, what in found[:most]]
    return f"{len(found)} differences; the example is in {saved}{''.join(shown)}"
