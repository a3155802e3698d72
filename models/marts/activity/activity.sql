-- One row per activity report, clock and period that has begun.
{% set windows = {'rolling_7d': 7, 'rolling_30d': 30} -%}

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
),

periods as (
    select * from {{ ref('int_periods') }}
),

days as (
    select * from {{ ref('int_days') }}
),

filtered_entities as (
    select * from {{ ref('int_filtered_entities') }}
),

-- Reports that keep the same entities of the same days are counted together.
audiences as (
    select distinct
        dense_rank() over (order by selector_id, filter_by, filter_values) as audience,
        entity,
        selector_id,
        filter_by,
        filter_values
    from reports
),

{% for period in ['day', 'week', 'month'] -%}
{{ period }}_neighbours as (
    select
        selector_id,
        period_number,
        entity_number,
        events,
        lag(period_number) over one_entity as previous_number,
        lead(period_number) over one_entity as next_number
    from {{ ref('int_selector_periods') }}
    where
        period = '{{ period }}'
        and selector_id in (select reports.selector_id from reports)
    window one_entity as (
        partition by selector_id, entity_number
        order by period_number
    )
),

-- A window that ends within n days of an active day holds that entity. So each run of days with
-- gaps under n adds one when it comes in, and takes one away n days after it went.
{{ period }}s_counted as (
    select
        audiences.audience,
        neighbours.period_number,
        count(*) as active,
        count(*) filter (previous_number is null) as new,
        count(*) filter (previous_number = period_number - 1) as retained,
        count(*) filter (previous_number < period_number - 1) as resurrected,
        count(*) filter (next_number is distinct from period_number + 1) as dormant_next,
        sum(neighbours.events) as events,
        {%- for clock, length in windows.items() %}
        count(*) filter (
            previous_number is null or previous_number + {{ length }} <= period_number
        ) as {{ clock }}_came,
        count(*) filter (
            next_number is null or next_number >= period_number + {{ length }}
        ) as {{ clock }}_went
        {{- ',' if not loop.last }}
        {%- endfor %}
    from audiences
    inner join {{ period }}_neighbours as neighbours
        on audiences.selector_id = neighbours.selector_id
    left join filtered_entities
        on
            audiences.entity = filtered_entities.entity
            and audiences.filter_by = filtered_entities.filter_by
            and audiences.filter_values = filtered_entities.filter_values
            and neighbours.entity_number = filtered_entities.entity_number
    where
        audiences.filter_by is null
        or filtered_entities.entity_number is not null
    group by audiences.audience, neighbours.period_number
),

{% endfor -%}

counted as (
    {% for period in ['day', 'week', 'month'] -%}
    select
        reports.report,
        '{{ period }}' as period,
        counted.* except (audience)
    from reports
    inner join audiences
        on
            reports.selector_id = audiences.selector_id
            and reports.filter_by is not distinct from audiences.filter_by
            and reports.filter_values is not distinct from audiences.filter_values
    inner join {{ period }}s_counted as counted on audiences.audience = counted.audience
    {% if not loop.last %}
    union all

    {% endif %}
    {%- endfor %}
),

first_days as (
    select
        counted.report,
        min(days.day) as first_day
    from counted
    inner join days on counted.period_number = days.day_number
    where counted.period = 'day'
    group by counted.report
),

report_ranges as (
    select
        reports.report,
        reports.entity,
        coalesce(reports.starts_on, first_days.first_day) as first_day,
        least(reports.ends_on, (select as_of from {{ ref('int_as_of') }})) as last_day
    from reports
    left join first_days on reports.report = first_days.report
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
    left join counted as now
        on
            report_ranges.report = now.report
            and periods.period = now.period
            and periods.period_number = now.period_number
    left join counted as before
        on
            report_ranges.report = before.report
            and periods.period = before.period
            and periods.period_number = before.period_number + 1
),

steps as (
    {% for clock, length in windows.items() -%}
    select
        report,
        '{{ clock }}' as clock,
        {{ length }} as length,
        period_number as day_number,
        {{ clock }}_came as active,
        events
    from counted
    where period = 'day'

    union all

    select
        report,
        '{{ clock }}' as clock,
        {{ length }} as length,
        period_number + {{ length }} as day_number,
        -{{ clock }}_went as active,
        -events as events
    from counted
    where period = 'day'
    {% if not loop.last %}
    union all

    {% endif %}
    {%- endfor %}
),

daily_steps as (
    select
        report_ranges.report,
        report_ranges.entity,
        windows.clock,
        windows.length,
        days.day,
        days.day >= report_ranges.first_day as is_in_report,
        sum(coalesce(steps.active, 0)) as active,
        sum(coalesce(steps.events, 0)) as events
    from report_ranges
    left join first_days on report_ranges.report = first_days.report
    inner join days
        on
            days.day >= least(first_days.first_day, report_ranges.first_day)
            and days.day <= report_ranges.last_day
    cross join (
        values {% for clock, length in windows.items() -%}
        ('{{ clock }}', {{ length }}){{ ', ' if not loop.last }}
        {%- endfor %}
    ) as windows (clock, length)
    left join steps
        on
            report_ranges.report = steps.report
            and windows.clock = steps.clock
            and days.day_number = steps.day_number
    group by
        report_ranges.report, report_ranges.entity, report_ranges.first_day,
        windows.clock, windows.length, days.day
),

running as (
    select
        *,
        sum(active) over up_to_day as active_then,
        sum(events) over up_to_day as events_then
    from daily_steps
    window up_to_day as (
        partition by report, clock
        order by day
        rows between unbounded preceding and current row
    )
),

rolling_rows as (
    select
        report,
        entity,
        clock,
        day - length + 1 as period_start,
        day as period_end,
        active_then as active,
        cast(null as bigint) as new,
        cast(null as bigint) as retained,
        cast(null as bigint) as resurrected,
        cast(null as bigint) as dormant,
        events_then as events,
        true as is_complete
    from running
    where is_in_report
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
