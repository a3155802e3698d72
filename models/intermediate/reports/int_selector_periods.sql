-- One row per selector, entity and calendar period with an event that the selector picks, of those that
-- a retention report asks for, and whether it is the first ever. Events are those of the first day,
-- where none asks for more than one.
{{ config(materialized='view') }}

with

selector_days as {{ read_anew() }} (
    select
        selector_days.selector_id,
        selector_days.entity_number,
        selector_days.events,
        selector_days.event_day,
        selector_days.previous_day is null as is_first,
        {%- for period in ['day', 'week', 'month'] %}
        days.{{ period }}_number,
        days_before.{{ period }}_number as previous_{{ period }}_number
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_selector_days') }} as selector_days
    inner join {{ ref('int_days') }} as days on selector_days.event_day = days.day
    left join {{ ref('int_days') }} as days_before on selector_days.previous_day = days_before.day
    where selector_days.events > 0
),

clocks as (
    select * from {{ ref('int_selector_clocks') }}
)

{% for period in ['day', 'week', 'month'] -%}
select
    selector_id,
    '{{ period }}' as period,
    cast({{ period }}_number as integer) as period_number,
    entity_number,
    events,
    event_day as first_day,
    is_first
from selector_days
where
    selector_id in (
        select clocks.selector_id
        from clocks
        where clocks.period = '{{ period }}' and not clocks.counts_events
    )
    and previous_{{ period }}_number is distinct from {{ period }}_number

union all

select
    selector_id,
    '{{ period }}' as period,
    cast({{ period }}_number as integer) as period_number,
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
