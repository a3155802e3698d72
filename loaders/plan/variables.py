"""Checks the vars of `dbt_project.yml`: their types, and names that must be in the plan."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches

import duckdb

from loaders.plan.checks import SPOKEN_FOR, event_names, is_iso_date, trait_names
from loaders.plan.problems import Problem
from loaders.plan.reading import Seed

FILE = "dbt_project.yml, vars"


@dataclass(frozen=True)
class _Var:
    """A rule for one var. `fix` says what to write; `entities` may have the trait that it names."""

    is_fine: Callable[[object], bool]
    fix: str
    entities: tuple[str, ...] = ()
    may_be_unplanned: str | None = None  # a default value that need not be in the plan


def check_vars(variables: dict[str, object], seeds: dict[str, Seed]) -> list[Problem]:
    """Return what is wrong with the resolved vars. Defaults are checked like written values."""
    found = []
    for name, value in variables.items():
        var = VARS.get(name)
        if var is None:
            continue
        if not var.is_fine(value):
            near = _near_time_zone(value) if name == "timezone" and _is_text(value) else None
            fix = f"write {near}, or {var.fix}" if near else f"write {var.fix}"
            found.append(Problem(FILE, 0, f"{name} is {_shown(value)}", fix))
        elif name == "signup_event":
            found += _check_event(name, value, event_names(seeds))
        elif var.entities and value and value != var.may_be_unplanned:
            found += _check_trait(name, str(value).strip(), var, seeds)
    return found


def _check_event(name: str, value: object, names: dict[str, str] | None) -> list[Problem]:
    event = str(value or "").strip()
    if not event or names is None or event in SPOKEN_FOR or names.get(event) == event:
        return []
    fix = (
        f'write "{names[event]}", its name today'
        if event in names
        else (
            "add it to tracking_plan_events.csv, write an event that stands there,"
            ' or "" if there is none'
        )
    )
    what = f'{name} "{event}" is not an event of the tracking plan'
    return [Problem(FILE, 0, what, fix)]


def _check_trait(name: str, trait: str, var: _Var, seeds: dict[str, Seed]) -> list[Problem]:
    planned = [trait_names(seeds, entity) for entity in var.entities]
    if None in planned or any(names.get(trait) == trait for names in planned):
        return []
    today = [names[trait] for names in planned if trait in names]
    fix = (
        f'write "{today[0]}", its name today'
        if today
        else (
            "add it to tracking_plan_traits.csv, write a trait that stands there,"
            ' or "" if there is none'
        )
    )
    what = f'{name} "{trait}" is not a trait of a {" or ".join(var.entities)}'
    return [Problem(FILE, 0, what, fix)]


def _shown(value: object) -> str:
    if value is None or value == "":
        return "blank"
    return f'"{value}"' if isinstance(value, str) else f"{value}".replace("\n", " ")


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool) or value in ("true", "false")


def _is_date(value: object) -> bool:
    if isinstance(value, str):
        return is_iso_date(value)
    return isinstance(value, date) and not isinstance(value, datetime)


def _is_time_zone(value: object) -> bool:
    if not isinstance(value, str) or not value:
        return False
    if value == "UTC":
        return True
    try:
        # A new connection, because the caller may be using DuckDB's default connection.
        with duckdb.connect() as connection:
            connection.execute("select timezone(?, timestamp '2025-01-01')", [value]).fetchall()
    except duckdb.Error:
        return False
    return True


def _near_time_zone(value: object) -> str | None:
    """Return the time zone with the name most similar to a text, ignoring case."""
    with duckdb.connect() as connection:
        zones = connection.execute("select name from pg_timezone_names()").fetchall()
    names = {name.lower(): name for (name,) in zones}
    near = get_close_matches(str(value or "").lower().replace(" ", "_"), names, n=1, cutoff=0.8)
    return names[near[0]] if near else None


_A_TRAIT = 'the name of a trait, or "" if there is none'

VARS = {
    "timezone": _Var(_is_time_zone, "the name of one time zone, like UTC or Europe/Lisbon"),
    "week_start": _Var(lambda value: value in ("monday", "sunday"), "monday or sunday"),
    "as_of": _Var(
        lambda value: value in (None, "") or _is_date(value),
        "a date like 2025-03-31, or null for the last complete day of the logs",
    ),
    "earliest_day": _Var(_is_date, "a date like 2000-01-01"),
    "signup_event": _Var(_is_text, 'the name of an event, or "" if there is none'),
    "created_at_trait": _Var(_is_text, _A_TRAIT, ("user", "company"), "createdAt"),
    "email_trait": _Var(_is_text, _A_TRAIT, ("user",)),
    "company_plan_trait": _Var(_is_text, _A_TRAIT, ("company",)),
    "company_mau_trait": _Var(_is_text, _A_TRAIT, ("company",), "mau"),
    "unplanned_counts_as_active": _Var(_is_boolean, "true or false"),
    "companies_by_email_domain": _Var(_is_boolean, "true or false"),
    "session_minutes": _Var(
        lambda value: (
            isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1440
        ),
        "a number of minutes up to a day, like 30",
    ),
    "pii": _Var(lambda value: value in ("omit", "hash"), "omit or hash"),
    "audit": _Var(_is_boolean, "true or false"),
    "compare_only": _Var(_is_boolean, "true or false"),
    "unit_tests": _Var(_is_boolean, "true or false"),
}
