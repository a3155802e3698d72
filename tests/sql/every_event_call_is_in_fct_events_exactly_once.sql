-- Each event call is found again, once, with whom it belongs to.
{{ config(enabled=is_on('audit')) }}

select
    coalesce(calls.message_id, events.event_id) as event_id,
    count(events.event_id) as times_found
from {{ ref('stg_events') }} as calls
full join {{ ref('fct_events') }} as events on calls.message_id = events.event_id
group by 1
having count(events.event_id) <> 1 or count(calls.message_id) <> 1
