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
    case
        when attributed_days.names_company then 'event'
        when attributed_days.company_id is not null then 'membership'
    end as company_source,
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
        events.call_kind = attributed_days.call_kind
        and events.event_day = attributed_days.event_day
