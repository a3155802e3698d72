-- One row per identify or group call that carries traits.
select
    message_id,
    type,
    user_id,
    anonymous_id,
    company_id,
    event_at,
    event_day,
    received_at,
    traits
from {{ ref('stg_calls') }}
where
    type in ('identify', 'group')
    and {{ json_is_filled_object('traits') }}
