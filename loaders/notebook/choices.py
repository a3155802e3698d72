"""The choices in the notebook's controls: labels, each with the value that a view takes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from loaders.report.marts import Marts
from loaders.report.sections.words import capital, many

ALL = "(all)"  # the breakdown value of everybody
WEEKS = (4, 13, 26, 52)
USUAL_WEEKS = 26
CLOCKS = ("day", "week", "month")  # periods with a lifecycle


def entities(marts: Marts) -> dict[str, str]:
    """Companies and users, if a report counts them."""
    found = {
        entity
        for table in ("activity", "retention", "activation", "feature_adoption")
        for entity in _column(marts, f"marts.{table}", f"select distinct entity from marts.{table}")
    }
    return {capital(many(entity)): entity for entity in sorted(found or {"user"})}


def reports(marts: Marts, entity: str | None) -> dict[str, str]:
    """The retention reports of an entity, those without a breakdown first."""
    sql = """
        select report
        from marts.retention
        where entity = $entity
        group by report
        having sum(cohort_size) > 0
        order by max(breakdown is not null), min(period) desc, report
    """
    return {report: report for report in _column(marts, "marts.retention", sql, entity=entity)}


def breakdown(marts: Marts, report: str | None) -> str | None:
    """The trait by which a retention report is broken down, or None."""
    sql = """
        select distinct breakdown
        from marts.retention
        where report = $report and breakdown is not null
    """
    return next(iter(_column(marts, "marts.retention", sql, report=report)), None)


def values(marts: Marts, report: str | None) -> dict[str, str]:
    """Everybody, then the values of a report's breakdown, the largest first."""
    sql = """
        select breakdown_value
        from marts.retention
        where report = $report and breakdown_value <> $all and period_number = 0
        group by breakdown_value
        order by sum(cohort_size) desc, breakdown_value
    """
    found = _column(marts, "marts.retention", sql, report=report, all=ALL)
    return {"everybody": ALL} | {value: value for value in found}


def periods(marts: Marts) -> dict[str, date]:
    """Lengths of time up to the last complete day, each with its first day.

    Only lengths that the marts fill, and `everything`.
    """
    first = _first_day(marts)
    days = {f"last {weeks} weeks": marts.as_of - timedelta(7 * weeks - 1) for weeks in WEEKS}
    return {label: day for label, day in days.items() if day > first} | {"everything": date.min}


def usual_period(marts: Marts) -> str:
    """The label of the period that the notebook begins with."""
    usual = f"last {USUAL_WEEKS} weeks"
    return usual if usual in periods(marts) else "everything"


def clocks(marts: Marts) -> list[str]:
    """Day, week and month, if the marts have activity by them."""
    found = _column(marts, "marts.activity", "select distinct clock from marts.activity")
    return [clock for clock in CLOCKS if clock in found] or ["week"]


def _first_day(marts: Marts) -> date:
    """The first day with numbers; cohorts begin with their week or month, which may be earlier."""
    for table, sql in (
        ("marts.activity", "select min(period_end) from marts.activity"),
        ("marts.retention", "select min(cohort_start) from marts.retention"),
    ):
        first = next(iter(_column(marts, table, sql)), None)
        if first:
            return first
    return marts.as_of


def _column(marts: Marts, table: str, sql: str, **values: object) -> list[Any]:
    frame = marts.query(table, sql, **values)
    return frame.to_series().to_list() if frame.width else []
