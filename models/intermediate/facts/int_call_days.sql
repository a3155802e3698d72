-- One row per day and kind of call as it was sent: type, event and the ids that it carried.
-- No later identify, alias or group call can change this grain: who and which company are
-- concluded from it, in small tables.
select
    type,
    event,
    user_id,
    anonymous_id,
    company_id,
    event_day,
    count(*) as calls,
    min(event_at) as first_at,
    max(event_at) as last_at,
    bool_or(received_at is not null) as has_receive_time
from {{ ref('stg_calls') }}
group by type, event, user_id, anonymous_id, company_id, event_day
