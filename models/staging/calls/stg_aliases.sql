-- One row per alias call that ties a former id to a user.
select
    message_id,
    previous_id,
    user_id,
    event_at,
    event_day,
    received_at
from {{ ref('stg_calls') }}
where
    type = 'alias'
    and user_id is not null
