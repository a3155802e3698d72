-- One row per activity report, clock and period that has begun.
with

reports as (
    select
        activity_reports.*,
        selectors.selector_id
    from {{ ref('stg_activity_reports') }} as activity_reports
    inner join {{ ref('int_selectors') }} as selectors
        on
            activity_reports.entity = selectors.entity
            and activity_reports.event is not distinct from selectors.event
            and activity_reports.filter_by is not distinct from selectors.filter_by
            and activity_reports.filter_values is not distinct from selectors.filter_values
),

periods as (
    select * from {{ ref('int_periods') }}
),

days as (
    select * from {{ ref('int_days') }}
),

selector_periods as (
    select * from {{ ref('int_selector_periods') }}
),

selector_days as (
    select
        selector_days.*,
        days.day_number
    from {{ ref('int_selector_days') }} as selector_days
    inner join days on selector_days.event_day = days.day
),

first_days as (
    select
        selector_id,
        min(event_day) as first_day
    from selector_days
    group by selector_id
),

report_ranges as (
    select
        reports.report,
        reports.entity,
        reports.selector_id,
        coalesce(reports.starts_on, first_days.first_day) as first_day,
        least(reports.ends_on, (select as_of from {{ ref('int_as_of') }})) as last_day
    from reports
    left join first_days on reports.selector_id = first_days.selector_id
),

neighbours as (
    select
        selector_id,
        period,
        period_number,
        events,
        lag(period_number) over one_entity as previous_number,
        lead(period_number) over one_entity as next_number
    from selector_periods
    window one_entity as (partition by selector_id, period, entity_id order by period_number)
),

lifecycle as (
    select
        selector_id,
        period,
        period_number,
        count(*) as active,
        count(*) filter (previous_number is null) as new,
        count(*) filter (previous_number = period_number - 1) as retained,
        count(*) filter (previous_number < period_number - 1) as resurrected,
        sum(events) as events,
        count(*) filter (next_number is distinct from period_number + 1) as dormant_next
    from neighbours
    group by selector_id, period, period_number
),

calendar_rows as (
    select
        report_ranges.report,
        report_ranges.entity,
        periods.period as clock,
        periods.period_start,
        periods.period_end,
        coalesce(now.active, 0) as active,
        coalesce(now.new, 0) as new,
        coalesce(now.retained, 0) as retained,
        coalesce(now.resurrected, 0) as resurrected,
        case when periods.is_complete then coalesce(before.dormant_next, 0) end as dormant,
        coalesce(now.events, 0) as events,
        periods.is_complete
    from report_ranges
    inner join periods
        on
            periods.period_end >= report_ranges.first_day
            and periods.period_start <= report_ranges.last_day
    left join lifecycle as now
        on
            report_ranges.selector_id = now.selector_id
            and periods.period = now.period
            and periods.period_number = now.period_number
    left join lifecycle as before
        on
            report_ranges.selector_id = before.selector_id
            and periods.period = before.period
            and periods.period_number = before.period_number + 1
),

-- A window that ends within n days of an active day holds that entity. So each run of days with
-- gaps under n adds one when it begins, and takes one away n days after it ended.
neighbouring_days as (
    select
        selector_days.selector_id,
        selector_days.day_number,
        selector_days.events,
        windows.clock,
        windows.length,
        lag(selector_days.day_number) over one_entity as previous_day,
        lead(selector_days.day_number) over one_entity as next_day
    from selector_days
    cross join (values ('rolling_7d', 7), ('rolling_30d', 30)) as windows (clock, length)
    window one_entity as (
        partition by windows.clock, selector_days.selector_id, selector_days.entity_id
        order by selector_days.day_number
    )
),

steps as (
    select
        selector_id,
        clock,
        day_number,
        count(*) filter (previous_day is null or previous_day + length <= day_number) as active,
        sum(events) as events
    from neighbouring_days
    group by selector_id, clock, day_number

    union all

    select
        selector_id,
        clock,
        day_number + length as day_number,
        -count(*) filter (next_day is null or next_day >= day_number + length) as active,
        -sum(events) as events
    from neighbouring_days
    group by selector_id, clock, day_number + length
),

daily_steps as (
    select
        first_days.selector_id,
        windows.clock,
        days.day,
        sum(coalesce(steps.active, 0)) as active,
        sum(coalesce(steps.events, 0)) as events
    from first_days
    inner join days on first_days.first_day <= days.day
    cross join (values ('rolling_7d'), ('rolling_30d')) as windows (clock)
    left join steps
        on
            first_days.selector_id = steps.selector_id
            and windows.clock = steps.clock
            and days.day_number = steps.day_number
    group by first_days.selector_id, windows.clock, days.day
),

running as (
    select
        selector_id,
        clock,
        day,
        sum(active) over up_to_day as active,
        sum(events) over up_to_day as events
    from daily_steps
    window up_to_day as (
        partition by selector_id, clock
        order by day
        rows between unbounded preceding and current row
    )
),

rolling_rows as (
    select
        report_ranges.report,
        report_ranges.entity,
        windows.clock,
        days.day - windows.length + 1 as period_start,
        days.day as period_end,
        coalesce(running.active, 0) as active,
        cast(null as bigint) as new,
        cast(null as bigint) as retained,
        cast(null as bigint) as resurrected,
        cast(null as bigint) as dormant,
        coalesce(running.events, 0) as events,
        true as is_complete
    from report_ranges
    inner join days on days.day between report_ranges.first_day and report_ranges.last_day
    cross join (values ('rolling_7d', 7), ('rolling_30d', 30)) as windows (clock, length)
    left join running
        on
            report_ranges.selector_id = running.selector_id
            and windows.clock = running.clock
            and days.day = running.day
),

all_rows as (
    select * from calendar_rows
    union all
    select * from rolling_rows
)

select
    report,
    entity,
    clock,
    period_start,
    period_end,
    cast(active as bigint) as active,
    new,
    retained,
    resurrected,
    dormant,
    cast(events as bigint) as events,
    (new + resurrected) / cast(nullif(dormant, 0) as double) as quick_ratio,
    is_complete
from all_rows
