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

periods as (
    select * from {{ ref('int_periods') }}
),

last_periods as (
    select
        reports.report,
        max(periods.period_number) as last_number
    from reports
    inner join periods
        on
            reports.period = periods.period
            and (reports.ends_on is null or periods.period_start <= reports.ends_on)
    group by reports.report
),

sizes_by_value as (
    select
        report,
        breakdown_value,
        cohort_number,
        count(*) as cohort_size
    from {{ ref('int_retention_cohorts') }}
    group by report, breakdown_value, cohort_number
),

-- Reports with a breakdown have a row for all values together, called (all).
broken_down as (
    select report
    from reports
    where breakdown is not null
),

cohort_sizes as (
    select * from sizes_by_value

    union all

    select
        report,
        '(all)' as breakdown_value,
        cohort_number,
        cast(sum(cohort_size) as bigint) as cohort_size
    from sizes_by_value
    where report in (select broken_down.report from broken_down)
    group by report, cohort_number
),

-- (all) has a row for each cohort since the first one; a single value only where it has entities.
first_cohorts as (
    select
        report,
        min(cohort_number) as first_number
    from cohort_sizes
    group by report
),

cohorts as (
    select
        first_cohorts.report,
        periods.period_number as cohort_number,
        '(all)' as breakdown_value,
        coalesce(cohort_sizes.cohort_size, 0) as cohort_size
    from first_cohorts
    inner join reports on first_cohorts.report = reports.report
    inner join last_periods on first_cohorts.report = last_periods.report
    inner join periods
        on
            reports.period = periods.period
            and periods.period_number
            between first_cohorts.first_number and last_periods.last_number
    left join cohort_sizes
        on
            first_cohorts.report = cohort_sizes.report
            and periods.period_number = cohort_sizes.cohort_number
            and cohort_sizes.breakdown_value = '(all)'

    union all

    select
        report,
        cohort_number,
        breakdown_value,
        cohort_size
    from cohort_sizes
    where breakdown_value <> '(all)'
),

-- Absent means "not yet", zero means "nobody came": so the cells come from the calendar, and the
-- returns are joined to them.
cells as (
    select
        reports.report,
        reports.entity,
        reports.period,
        reports.breakdown,
        reports.breakdown_at,
        reports.return_window,
        cohorts.cohort_number,
        cohorts.breakdown_value,
        cohorts.cohort_size,
        entry.period_start as cohort_start,
        periods.period_number - cohorts.cohort_number as period_number,
        periods.is_complete
    from cohorts
    inner join reports on cohorts.report = reports.report
    inner join last_periods on cohorts.report = last_periods.report
    inner join periods as entry
        on
            reports.period = entry.period
            and cohorts.cohort_number = entry.period_number
    inner join periods
        on
            reports.period = periods.period
            and periods.period_number between cohorts.cohort_number and last_periods.last_number
            and (
                reports.periods is null
                or periods.period_number - cohorts.cohort_number < reports.periods
            )
),

-- With exact windows, returns after the last period that the report shows are not needed.
awaited_members as (
    select
        members.report,
        members.breakdown_value,
        members.cohort_number,
        members.entity_key,
        reports.period,
        reports.return_selector_id,
        reports.return_window,
        reports.minimum_events,
        case
            when reports.return_window = 'exact'
                then least(last_periods.last_number, members.cohort_number + reports.periods - 1)
            else last_periods.last_number
        end as last_number
    from {{ ref('int_retention_cohorts') }} as members
    inner join reports on members.report = reports.report
    inner join last_periods on members.report = last_periods.report
),

{% for return_window in ['exact', 'on_or_after'] -%}
{{ return_window }}_returns as (
    select
        members.report,
        members.breakdown_value,
        members.cohort_number,
        members.entity_key,
        selector_periods.period_number - members.cohort_number as period_number
    from awaited_members as members
    inner join {{ ref('int_selector_periods') }} as selector_periods
        on
            members.return_selector_id = selector_periods.selector_id
            and members.period = selector_periods.period
            and members.entity_key = selector_periods.entity_key
            and members.cohort_number < selector_periods.period_number
            and members.last_number >= selector_periods.period_number
            and members.minimum_events <= selector_periods.events
    where members.return_window = '{{ return_window }}'
),

{% endfor -%}

-- With the window on_or_after, an entity counts in every period up to its last return. So each entity is
-- counted once, at its last return, and the counts are summed from the last period to the first.
returns_by_value as (
    select
        report,
        breakdown_value,
        cohort_number,
        period_number,
        count(*) as returned
    from exact_returns
    group by report, breakdown_value, cohort_number, period_number

    union all

    select
        report,
        breakdown_value,
        cohort_number,
        last_return as period_number,
        count(*) as returned
    from (
        select
            report,
            breakdown_value,
            cohort_number,
            entity_key,
            max(period_number) as last_return
        from on_or_after_returns
        group by report, breakdown_value, cohort_number, entity_key
    ) as last_returns
    group by report, breakdown_value, cohort_number, last_return
),

counted_returns as (
    select * from returns_by_value

    union all

    select
        report,
        '(all)' as breakdown_value,
        cohort_number,
        period_number,
        cast(sum(returned) as bigint) as returned
    from returns_by_value
    where report in (select broken_down.report from broken_down)
    group by report, cohort_number, period_number
),

-- Returns after the last period that the report shows: they count in all of its periods.
returned_later as (
    select
        counted_returns.report,
        counted_returns.breakdown_value,
        counted_returns.cohort_number,
        sum(counted_returns.returned) as returned
    from counted_returns
    inner join reports on counted_returns.report = reports.report
    where
        reports.return_window = 'on_or_after'
        and counted_returns.period_number >= reports.periods
    group by
        counted_returns.report, counted_returns.breakdown_value, counted_returns.cohort_number
),

counted as (
    select
        cells.*,
        case
            when cells.period_number = 0 then cells.cohort_size
            when cells.return_window = 'exact' then coalesce(counted_returns.returned, 0)
            else
                coalesce(returned_later.returned, 0)
                + coalesce(
                    sum(counted_returns.returned) over (
                        partition by cells.report, cells.breakdown_value, cells.cohort_number
                        order by cells.period_number desc
                        rows between unbounded preceding and current row
                    ),
                    0
                )
        end as retained
    from cells
    left join counted_returns
        on
            cells.report = counted_returns.report
            and cells.breakdown_value = counted_returns.breakdown_value
            and cells.cohort_number = counted_returns.cohort_number
            and cells.period_number = counted_returns.period_number
    left join returned_later
        on
            cells.report = returned_later.report
            and cells.breakdown_value = returned_later.breakdown_value
            and cells.cohort_number = returned_later.cohort_number
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
