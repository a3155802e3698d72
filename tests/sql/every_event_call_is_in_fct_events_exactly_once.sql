-- Each event call is found again, once. Ids are compared by their hashes, which need much less room.
{{ config(enabled=is_on('audit')) }}

with

found as (
    select
        {{ hash_of(['message_id']) }} as number,
        1 as calls,
        0 as events
    from {{ ref('stg_events') }}

    union all

    select
        {{ hash_of(['event_id']) }} as number,
        0 as calls,
        1 as events
    from {{ ref('fct_events') }}
)

select
    number as hash_of_event_id,
    sum(calls) as calls,
    sum(events) as events
from found
group by number
having sum(calls) <> sum(events)
