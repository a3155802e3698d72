-- One row per event name, planned or seen, and what it counts as.
with

plan_events as (
    select * from {{ ref('stg_plan_events') }}
),

names as (
    select event from plan_events
    union
    select event from {{ ref('int_attributed_days') }} as attributed_days
    where is_event
)

select
    names.event,
    plan_events.event is not null as is_planned,
    plan_events.feature,
    case
        when plan_events.event is not null then plan_events.counts_as_active
        when names.event in ('page', 'screen') then false
        else {{ 'true' if is_on('unplanned_counts_as_active') else 'false' }}
    end as counts_as_active
from names
left join plan_events on names.event = plan_events.event
