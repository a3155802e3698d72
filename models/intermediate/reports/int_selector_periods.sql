-- One row per selector, entity and calendar period with an event that the selector picks, of those that
-- a retention report asks for, and whether it is the first ever. Events are those of the first day,
-- where none asks for more than one.
{{ config(materialized='view') }}

with

selector_days as {{ not_materialized() }} (
    select
        selector_days.selector_id,
        selector_days.entity_number,
        selector_days.events,
        selector_days.event_day,
        days.day_number,
        selector_days.week_number,
        selector_days.month_number,
        true as is_first_of_day,
        selector_days.is_first_of_week,
        selector_days.is_first_of_month,
        selector_days.previous_day is null as is_first
    from {{ ref('int_selector_days') }} as selector_days
    inner join {{ ref('int_days') }} as days on selector_days.event_day = days.day
    where selector_days.events > 0
),

clocks as (
    select * from {{ ref('int_selector_clocks') }}
)

{% for period in ['day', 'week', 'month'] -%}
select
    selector_id,
    '{{ period }}' as period,
    {{ period }}_number as period_number,
    entity_number,
    events,
    event_day as first_day,
    is_first
from selector_days
where
    is_first_of_{{ period }}
    and selector_id in (
        select clocks.selector_id
        from clocks
        where clocks.period = '{{ period }}' and not clocks.counts_events
    )

union all

select
    selector_id,
    '{{ period }}' as period,
    {{ period }}_number as period_number,
    entity_number,
    cast(sum(events) as integer) as events,
    min(event_day) as first_day,
    bool_or(is_first) as is_first
from selector_days
where
    selector_id in (
        select clocks.selector_id
        from clocks
        where clocks.period = '{{ period }}' and clocks.counts_events
    )
group by selector_id, {{ period }}_number, entity_number
{% if not loop.last %}
union all

{% endif %}
{%- endfor %}
