"""Every report cell in one long table: `metrics.parquet`.

A new kind of report needs an entry in KINDS. Cells without a value have no row.
"""

from dataclasses import dataclass

import duckdb

COLUMNS = (
    "report_kind, report, entity, period, period_start, dimension, value_name, value, is_complete"
)
KEY = COLUMNS.removesuffix(", value, is_complete")


@dataclass(frozen=True)
class Kind:
    """A report mart, and the meaning of its columns. Each text is SQL over the mart."""

    table: str
    values: tuple[str, ...]
    period: str
    period_start: str
    last_day: str  # last day that a cell counts
    dimensions: tuple[str, ...] = ()  # columns; `dimension` names those that are not null
    report: str = "report"
    is_complete: str = "is_complete"  # null: the cell is not about one period
    may_still_change: str = "false"  # a complete cell that later events may change
    depends_on_traits: str = "false"
    depends_on_company: str = "false"  # a user's cell that depends on the traits of its company
    seed: str | None = None  # its rows define the reports


def _has_trait(seed: str, *columns: str, of: str = "") -> str:
    named = " or ".join(f"lower(trim({column})) like '{of}_%'" for column in columns)
    return f"report in (select report from seeds.{seed} where {named})"


_PERIODS_LATER = (
    "case period when 'day' then cohort_start + (period_number::integer)"
    " when 'week' then cohort_start + 7 * (period_number::integer + 1) - 1"
    " else (cohort_start + to_months(period_number::integer + 1))::date - 1 end"
)
_RETENTION = ("cohort_size", "retained", "retention_rate", "rate_low", "rate_high")
_RETENTION_TRAITS = _has_trait("retention_reports", "breakdown", "filter_by")
_OF_COMPANY = "company."

KINDS = (
    Kind(
        "activity",
        values=("active", "new", "retained", "resurrected", "dormant", "events", "quick_ratio"),
        period="clock",
        period_start="period_start",
        last_day="period_end",
        depends_on_traits=_has_trait("activity_reports", "filter_by"),
        depends_on_company=_has_trait("activity_reports", "filter_by", of=_OF_COMPANY),
        seed="activity_reports",
    ),
    Kind(
        "retention",
        values=_RETENTION,
        period="period",
        period_start="cohort_start",
        last_day=_PERIODS_LATER,
        dimensions=("period_number", "breakdown", "breakdown_at", "breakdown_value"),
        may_still_change="report in (select report from seeds.retention_reports"
        " where lower(trim(return_window)) = 'on_or_after')",
        depends_on_traits=_RETENTION_TRAITS,
        depends_on_company=_has_trait(
            "retention_reports", "breakdown", "filter_by", of=_OF_COMPANY
        ),
        seed="retention_reports",
    ),
    Kind(
        "retention_overall",
        values=("cohorts", *_RETENTION),
        period="period",
        period_start="null::date",
        last_day="null::date",
        dimensions=("period_number", "breakdown", "breakdown_at", "breakdown_value"),
        is_complete="null::boolean",
        seed="retention_reports",
    ),
    Kind(
        "activation",
        values=("entities", "reached", "reach_rate", "median_hours"),
        report="'activation'",
        period="'week'",
        period_start="cohort_week",
        last_day="cohort_week + 6 + (select ceil(max(try_cast(within_days as double)))::integer"
        " from seeds.activation_milestones as milestones"
        " where lower(trim(milestones.entity)) = activation.entity)",
        dimensions=("milestone",),
        depends_on_traits="true",  # a sign-up may be derived from a trait
        seed="activation_milestones",
    ),
    Kind(
        "feature_adoption",
        values=("active", "adopters", "adoption_rate", "uses", "rank"),
        report="'feature_adoption'",
        period="period",
        period_start="period_start",
        last_day="case period when 'week' then period_start + 6"
        " else (period_start + to_months(1))::date - 1 end",
        dimensions=("segment", "feature"),
        depends_on_traits="segment <> 'all'",
        depends_on_company="segment <> 'all'",
        seed="tracking_plan_events",
    ),
)


def make_cells(connection: duckdb.DuckDBPyConnection, tables: set[str]) -> None:
    """Make the temporary table `cells` from the published marts, in the current catalog."""
    parts = [_cells_of(kind) for kind in KINDS if kind.table in tables]
    connection.execute(f"create temp table cells as {' union all '.join(parts)}")


def _cells_of(kind: Kind) -> str:
    values = ", ".join(f"{name}::double as {name}" for name in kind.values)
    dimension = ", ".join(f"'{name}=' || {name}" for name in kind.dimensions)
    return f"""
        select
            '{kind.table}' as report_kind, report, entity, period, period_start, dimension,
            value_name, value, is_complete, last_day, may_still_change, depends_on_traits,
            depends_on_company
        from (
            unpivot (
                select
                    {kind.report} as report, entity, {kind.period} as period,
                    {kind.period_start} as period_start,
                    {f"concat_ws('; ', {dimension})" if dimension else "''"} as dimension,
                    {kind.is_complete} as is_complete, {kind.last_day} as last_day,
                    {kind.may_still_change} as may_still_change,
                    {kind.depends_on_traits} as depends_on_traits,
                    {kind.depends_on_company} as depends_on_company,
                    {values}
                from marts.{kind.table}
            )
            on {", ".join(kind.values)} into name value_name value value
        )
    """
