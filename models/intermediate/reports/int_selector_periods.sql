-- One row per selector, entity and calendar period with an event that the selector picks, of those that
-- a report asks for.
{{ config(materialized='view') }}

select
    selector_days.selector_id,
    'day' as period,
    cast(days.day_number as integer) as period_number,
    selector_days.entity_number,
    selector_days.events,
    selector_days.event_day as first_day
from {{ ref('int_selector_days') }} as selector_days
inner join {{ ref('int_days') }} as days on selector_days.event_day = days.day
where
    selector_days.events > 0
    and selector_days.selector_id in (
        select clocks.selector_id
        from {{ ref('int_selector_clocks') }} as clocks
        where clocks.period = 'day'
    )

union all

select
    selector_id,
    period,
    period_number,
    entity_number,
    events,
    first_day
from {{ ref('int_selector_weeks') }}
