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
),

periods as (
    select * from {{ ref('int_periods') }}
),

days as (
    select * from {{ ref('int_days') }}
),

-- How many entities had an event on a day and on which day before it they had their last one. All counts
-- below are sums of these.
entity_days as (
    {% for is_filtered in [false, true] -%}
    select
        reports.report,
        selector_days.event_day,
        selector_days.previous_day,
        count(*) as entities,
        sum(selector_days.events) as events
    from reports
    inner join {{ ref('int_selector_days') }} as selector_days
        on reports.selector_id = selector_days.selector_id
    {%- if is_filtered %}
    inner join {{ ref('int_filtered_entities') }} as filtered_entities
        on
            reports.entity = filtered_entities.entity
            and reports.filter_by = filtered_entities.filter_by
            and reports.filter_values = filtered_entities.filter_values
            and selector_days.entity_key = filtered_entities.entity_key
    {%- else %}
    where reports.filter_by is null
    {%- endif %}
    group by reports.report, selector_days.event_day, selector_days.previous_day
    {% if not loop.last %}
    union all

    {% endif %}
    {%- endfor %}
),

returns as (
    select
        entity_days.report,
        entity_days.event_day,
        entity_days.entities,
        entity_days.events,
        {%- for period in ['day', 'week', 'month'] %}
        days.{{ period }}_number,
        days_before.{{ period }}_number as previous_{{ period }}_number
        {{- ',' if not loop.last }}
        {%- endfor %}
    from entity_days
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
        sum(entities) filter (previous_number is distinct from {{ period }}_number) as active,
        sum(entities) filter (previous_number is null) as new,
        sum(entities) filter (previous_number = {{ period }}_number - 1) as retained,
        sum(entities) filter (previous_number < {{ period }}_number - 1) as resurrected,
        sum(events) as events
    from (select *, previous_{{ period }}_number as previous_number from returns) as returns
    group by report, {{ period }}_number
    {% if not loop.last %}
    union all

    {% endif %}
    {%- endfor %}
),

report_ranges as (
    select
        reports.report,
        reports.entity,
        coalesce(reports.starts_on, min(returns.event_day)) as first_day,
        least(reports.ends_on, (select as_of from {{ ref('int_as_of') }})) as last_day
    from reports
    left join returns on reports.report = returns.report
    group by reports.report, reports.entity, reports.starts_on, reports.ends_on
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
            when periods.is_complete
                then coalesce(previous_period.active, 0) - coalesce(this_period.retained, 0)
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

windows as (
    select * from (values ('rolling_7d', 7), ('rolling_30d', 30)) as windows (clock, length)
),

-- No window is longer than 30 days: a previous day 30 days before or earlier lies outside of all.
recent_returns as (
    select
        report,
        day_number,
        greatest(previous_day_number, day_number - 30) as previous_day_number,
        sum(entities) as entities,
        sum(events) as events
    from returns
    group by all
),

-- An entity is counted on its first day in a window: its previous day lies before the window.
counted_windows as (
    select
        recent_returns.report,
        windows.clock,
        days.day,
        sum(recent_returns.entities)
            filter (recent_returns.previous_day_number <= days.day_number - windows.length) as active,
        sum(recent_returns.events) as events
    from recent_returns
    cross join windows
    inner join days
        on
            days.day_number >= recent_returns.day_number
            and days.day_number < recent_returns.day_number + windows.length
    group by recent_returns.report, windows.clock, days.day
),

rolling_rows as (
    select
        report_ranges.report,
        report_ranges.entity,
        windows.clock,
        days.day - windows.length + 1 as period_start,
        days.day as period_end,
        coalesce(counted_windows.active, 0) as active,
        null as new,
        null as retained,
        null as resurrected,
        null as dormant,
        coalesce(counted_windows.events, 0) as events,
        true as is_complete
    from report_ranges
    inner join days on days.day between report_ranges.first_day and report_ranges.last_day
    cross join windows
    left join counted_windows
        on
            report_ranges.report = counted_windows.report
            and windows.clock = counted_windows.clock
            and days.day = counted_windows.day
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
    {%- for column in ['active', 'new', 'retained', 'resurrected', 'dormant', 'events'] %}
    cast({{ column }} as bigint) as {{ column }},
    {%- endfor %}
    (new + resurrected) / cast(nullif(dormant, 0) as double) as quick_ratio,
    is_complete
from all_rows
