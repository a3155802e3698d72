-- Who did it and for which company is found by a join. It may lose no event, and multiply none.
select
    coalesce(calls.message_id, events.event_id) as event_id,
    count(events.event_id) as times_found
from (select * from {{ ref('stg_events') }} where {{ landed_lately('load_id') }}) as calls
full join (select * from {{ ref('fct_events') }} where {{ landed_lately('load_id') }}) as events
    on calls.message_id = events.event_id
group by 1
having count(events.event_id) <> 1 or count(calls.message_id) <> 1
