-- One row per unique track, page or screen call.
{{ config(materialized='view') }}

select
    event_id,
    event,
    event_as_sent,
    event_at,
    event_day,
    received_at,
    user_id,
    anonymous_id,
    company_id,
    company_source,
    properties,
    library,
    source,
    is_planned,
    is_internal,
    time_quality,
    load_id,
    line_number,
    call_number
from {{ ref('int_events') }}
