-- One row per track, page or screen call.
select
    message_id,
    event,
    user_id,
    anonymous_id,
    company_id,
    event_at,
    event_day,
    received_at,
    time_quality,
    type,
    name,
    properties,
    library,
    channel,
    context_values,
    source,
    call_day_key,
    load_id,
    line_number,
    call_number
from {{ ref('stg_calls') }}
where type in ('track', 'page', 'screen')
