-- One row per selector, entity and calendar period with an event that the selector picks, of those that
-- a retention report asks for, and whether it is the entity's first. Where no report asks for more than one
-- event, `events` counts only the first day of the period.
{{ config(materialized='view') }}

{% set selector_days -%}
(
    select
        selector_days.*,
        days.day_number,
        true as is_first_of_day
    from {{ ref('int_selector_days') }} as selector_days
    inner join {{ ref('int_days') }} as days on selector_days.event_day = days.day
) as selector_days
{%- endset %}

with

clocks as (
    select * from {{ ref('int_selector_clocks') }}
)

{% for period in ['day', 'week', 'month'] -%}
select
    selector_id,
    '{{ period }}' as period,
    {{ period }}_number as period_number,
    entity_key,
    events,
    event_day as first_day,
    previous_day is null as is_first
from {{ selector_days }}
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
    entity_key,
    cast(sum(events) as integer) as events,
    min(event_day) as first_day,
    bool_or(previous_day is null) as is_first
from {{ selector_days }}
where
    selector_id in (
        select clocks.selector_id
        from clocks
        where clocks.period = '{{ period }}' and clocks.counts_events
    )
group by selector_id, {{ period }}_number, entity_key
{% if not loop.last %}
union all

{% endif %}
{%- endfor %}
