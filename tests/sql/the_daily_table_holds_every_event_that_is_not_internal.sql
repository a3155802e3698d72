-- Day by day and event by event: both sides were attributed from the same days.
{{ config(enabled=is_on('audit')) }}

with

in_events as (
    select
        event,
        event_day,
        count(*) as events
    from {{ ref('fct_events') }}
    where not is_internal
    group by event, event_day
),

in_days as (
    select
        event,
        event_day,
        sum(events) as events
    from {{ ref('fct_activity_days') }}
    group by event, event_day
)

select
    coalesce(in_events.event, in_days.event) as event,
    coalesce(in_events.event_day, in_days.event_day) as event_day,
    in_events.events as in_events,
    in_days.events as in_days
from in_events
full join in_days
    on
        in_events.event = in_days.event
        and in_events.event_day = in_days.event_day
where in_events.events is distinct from in_days.events
