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

-- How many entities had an event on a day and on which day before it they had their last one. All counts
-- below are sums of these.
entity_days as (
    {% for is_filtered in [false, true] -%}
    select
        audiences.audience,
        selector_days.event_day,
        selector_days.previous_day,
        count(*) as entities,
        sum(selector_days.events) as events
    from audiences
    inner join {{ ref('int_selector_days') }} as selector_days
        on audiences.selector_id = selector_days.selector_id
    {%- if is_filtered %}
    inner join filtered_entities
        on
            audiences.entity = filtered_entities.entity
            and audiences.filter_by = filtered_entities.filter_by
            and audiences.filter_values = filtered_entities.filter_values
            and selector_days.entity_key = filtered_entities.entity_key
    {%- else %}
    where audiences.filter_by is null
    {%- endif %}
    group by audiences.audience, selector_days.event_day, selector_days.previous_day
    {% if not loop.last %}
    union all

    {% endif %}
    {%- endfor %}
),

-- The same per report, up to the last complete day.
returns as (
    select
        reports.report,
        entity_days.entities,
        entity_days.events,
        {%- for period in ['day', 'week', 'month'] %}
        days.{{ period }}_number,
        days_before.{{ period }}_number as previous_{{ period }}_number
        {{- ',' if not loop.last }}
        {%- endfor %}
    from reports
    inner join audiences
        on
            reports.selector_id = audiences.selector_id
            and reports.filter_by is not distinct from audiences.filter_by
            and reports.filter_values is not distinct from audiences.filter_values
    inner join entity_days on audiences.audience = entity_days.audience
    inner join days on entity_days.event_day = days.day
    left join days as days_before on entity_days.previous_day = days_before.day
),

-- An entity whose previous day lies in the same period has been counted in that period already.
counted as (
    {% for period in ['day', 'week', 'month'] -%}
    select
        report,
        '{{ period }}' as period,
        {{ period }}_number as period_number,
        cast(coalesce(sum(entities) filter (previous_number is distinct from {{ period }}_number), 0) as bigint) as active,
        cast(coalesce(sum(entities) filter (previous_number is null), 0) as bigint) as new,
        cast(coalesce(sum(entities) filter (previous_number = {{ period }}_number - 1), 0) as bigint) as retained,
        cast(coalesce(sum(entities) filter (previous_number < {{ period }}_number - 1), 0) as bigint) as resurrected,
        cast(coalesce(sum(events), 0) as bigint) as events
    from (select *, previous_{{ period }}_number as previous_number from returns) as returns
    group by report, {{ period }}_number
    {% if not loop.last %}
    union all

    {% endif %}
    {%- endfor %}
),

first_days as (
    select
        returns.report,
        min(days.day) as first_day
    from returns
    inner join days on returns.day_number = days.day_number
    group by returns.report
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
        coalesce(this_period.active, 0) as active,
        coalesce(this_period.new, 0) as new,
        coalesce(this_period.retained, 0) as retained,
        coalesce(this_period.resurrected, 0) as resurrected,
        case
            when periods.is_complete then coalesce(previous_period.active, 0) - coalesce(this_period.retained, 0)
        end as dormant,
        coalesce(this_period.events, 0) as events,
        periods.is_complete
    from report_ranges
    inner join periods
        on
            periods.period_end >= report_ranges.first_day
            and periods.period_start <= report_ranges.last_day
    left join counted as this_period
        on
            report_ranges.report = this_period.report
            and periods.period = this_period.period
            and periods.period_number = this_period.period_number
    left join counted as previous_period
        on
            report_ranges.report = previous_period.report
            and periods.period = previous_period.period
            and periods.period_number = previous_period.period_number + 1
),

-- A rolling window of n days as +1 and -1: an active day adds the entity to the windows that end on it and on
-- the n - 1 days after it, unless the entity's previous day has added it to them already.
steps as (
    {% for clock, length in windows.items() -%}
    select
        report,
        '{{ clock }}' as clock,
        greatest(day_number, coalesce(previous_day_number + {{ length }}, day_number)) as day_number,
        entities as active,
        0 as events
    from returns

    union all

    select
        report,
        '{{ clock }}' as clock,
        day_number + {{ length }} as day_number,
        -entities as active,
        -events as events
    from returns

    union all

    select
        report,
        '{{ clock }}' as clock,
        day_number,
        0 as active,
        events
    from returns
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
