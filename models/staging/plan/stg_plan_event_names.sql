-- One row per name that a planned event is or was sent under.
with

events as (
    select * from {{ ref('stg_plan_events') }}
),

former_names as (
    select
        line,
        event,
        {{ cell(split_to_rows('former_names')) }} as event_as_sent
    from events
)

select
    line,
    event,
    event as event_as_sent
from events
where event is not null

union all

select
    line,
    event,
    event_as_sent
from former_names
where event_as_sent is not null
