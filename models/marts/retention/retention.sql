-- One row per retention report, cohort, period since, and breakdown value.
with

reports as (
    select
        retention_reports.*,
        selectors.selector_id as return_selector_id
    from {{ ref('stg_retention_reports') }} as retention_reports
    inner join {{ ref('int_selectors') }} as selectors
        on
            retention_reports.entity = selectors.entity
            and retention_reports.return_event is not distinct from selectors.event
),

report_periods as (
    select
        reports.report,
        reports.periods as shown_periods,
        periods.period_number,
        periods.period_start,
        periods.is_complete
    from reports
    inner join {{ ref('int_periods') }} as periods
        on
            reports.period = periods.period
            and (reports.ends_on is null or periods.period_start <= reports.ends_on)
),

last_periods as (
    select report, max(period_number) as last_number from report_periods group by report
),

-- Each report has a row for all breakdown values together, called (all).
cohort_sizes as (
    select
        report,
        cohort_number,
        breakdown_value,
        count(*) as cohort_size
    from {{ ref('int_retention_cohorts') }}
    group by grouping sets ((report, cohort_number), (report, cohort_number, breakdown_value))
    having grouping(breakdown_value) = 1 or breakdown_value is not null
),

-- (all) has a row for each cohort since the first one; a single value only where it has entities.
cohorts as (
    select
        report_periods.report,
        report_periods.shown_periods,
        report_periods.period_number as cohort_number,
        report_periods.period_start as cohort_start,
        coalesce(cohort_sizes.breakdown_value, '(all)') as breakdown_value,
        coalesce(cohort_sizes.cohort_size, 0) as cohort_size
    from report_periods
    left join cohort_sizes
        on
            report_periods.report = cohort_sizes.report
            and report_periods.period_number = cohort_sizes.cohort_number
    qualify
        report_periods.period_number
        >= min(cohort_sizes.cohort_number) over (partition by report_periods.report)
),

-- Absent means "not yet", zero means "nobody came": so the cells come from the calendar, and the
-- returns are joined to them.
cells as (
    select
        cohorts.*,
        report_periods.period_number - cohorts.cohort_number as period_number,
        report_periods.is_complete
    from cohorts
    inner join report_periods
        on
            cohorts.report = report_periods.report
            and cohorts.cohort_number <= report_periods.period_number
    where
        cohorts.shown_periods is null
        or report_periods.period_number - cohorts.cohort_number < cohorts.shown_periods
),

-- With the window on_or_after, an entity counts in every period up to its last return. So each entity is
-- counted once, at its last return (at most in the last period that the report shows), and the counts
-- are summed from the last period to the first. With the window exact, it is counted in each period.
returns as (
    select
        members.report,
        members.cohort_number,
        members.breakdown_value,
        max(least(selector_periods.period_number - members.cohort_number, reports.periods - 1))
            as period_number,
        case when reports.return_window = 'exact' then count(*) else 1 end as entities
    from {{ ref('int_retention_cohorts') }} as members
    inner join reports on members.report = reports.report
    inner join last_periods on members.report = last_periods.report
    inner join {{ ref('int_selector_periods') }} as selector_periods
        on
            reports.return_selector_id = selector_periods.selector_id
            and reports.period = selector_periods.period
            and members.entity_key = selector_periods.entity_key
            and members.cohort_number < selector_periods.period_number
            and last_periods.last_number >= selector_periods.period_number
            and reports.minimum_events <= selector_periods.events
    where
        reports.return_window = 'on_or_after'
        or reports.periods is null
        or selector_periods.period_number - members.cohort_number < reports.periods
    group by
        members.report, members.cohort_number, members.breakdown_value, reports.return_window,
        case when reports.return_window = 'exact' then selector_periods.period_number end,
        case when reports.return_window = 'on_or_after' then members.entity_key end
),

counted_returns as (
    select
        report,
        cohort_number,
        coalesce(breakdown_value, '(all)') as breakdown_value,
        period_number,
        sum(entities) as returned
    from returns
    group by grouping sets (
        (report, cohort_number, period_number),
        (report, cohort_number, period_number, breakdown_value)
    )
    having grouping(breakdown_value) = 1 or breakdown_value is not null
),

counted as (
    select
        cells.*,
        reports.entity,
        reports.period,
        reports.breakdown,
        reports.breakdown_at,
        case
            when cells.period_number = 0 then cells.cohort_size
            when reports.return_window = 'exact' then coalesce(counted_returns.returned, 0)
            else coalesce(sum(counted_returns.returned) over later_periods, 0)
        end as retained
    from cells
    inner join reports on cells.report = reports.report
    left join counted_returns
        on
            cells.report = counted_returns.report
            and cells.cohort_number = counted_returns.cohort_number
            and cells.breakdown_value = counted_returns.breakdown_value
            and cells.period_number = counted_returns.period_number
    window later_periods as (
        partition by cells.report, cells.breakdown_value, cells.cohort_number
        order by cells.period_number desc
    )
)

select
    report,
    entity,
    period,
    cohort_start,
    cast(period_number as bigint) as period_number,
    breakdown,
    breakdown_at,
    breakdown_value,
    cohort_size,
    cast(retained as bigint) as retained,
    case when is_complete then {{ share('retained', 'cohort_size') }} end as retention_rate,
    case when is_complete then {{ wilson_low('retained', 'cohort_size') }} end as rate_low,
    case when is_complete then {{ wilson_high('retained', 'cohort_size') }} end as rate_high,
    is_complete
from counted
