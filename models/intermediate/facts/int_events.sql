-- One row per unique track, page or screen call, with the user and the company it belongs to.
{{ config(materialized='view') }}

with

events as (
    select * from {{ ref('stg_events') }}
),

attributed_days as (
    select * from {{ ref('int_attributed_days') }}
    where calls is distinct from 0
)

select
    events.message_id as event_id,
    attributed_days.event,
    events.event as event_as_sent,
    events.event_at,
    events.event_day,
    events.received_at,
    attributed_days.user_id,
    events.anonymous_id,
    attributed_days.company_id,
    attributed_days.company_source,
    events.properties,
    events.library,
    events.source,
    attributed_days.is_planned,
    attributed_days.is_internal,
    events.time_quality,
    events.load_id,
    events.line_number,
    events.call_number
from events
inner join attributed_days
    on
        events.type = attributed_days.type
        and events.event = attributed_days.event_as_sent
        and events.event_day = attributed_days.event_day
        and events.user_id is not distinct from attributed_days.sent_user_id
        and events.anonymous_id is not distinct from attributed_days.anonymous_id
        and events.company_id is not distinct from attributed_days.sent_company_id
