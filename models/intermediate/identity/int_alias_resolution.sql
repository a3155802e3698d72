-- One row per user id that an alias replaced, with the user that it leads to in the end.
{{ config(materialized='keyed', key='id') }}

with recursive

aliases as (
    select * from {{ ref('stg_aliases') }}
),

-- Of several aliases of one id the latest counts.
counting_aliases as (
    select
        previous_id,
        user_id,
        event_at,
        received_at,
        message_id
    from aliases
    where previous_id <> user_id
    qualify row_number() over (
        partition by previous_id
        order by event_at desc, received_at desc nulls first, message_id desc
    ) = 1
),

-- `union`, not `union all`: it stops where a circle comes back to a row that is there.
walks as (
    select
        previous_id as id,
        user_id as reached
    from counting_aliases

    union

    select
        walks.id,
        counting_aliases.user_id as reached
    from walks
    inner join counting_aliases on walks.reached = counting_aliases.previous_id
),

-- Aliases that form a circle: each of its ids leads to itself, and to all others.
circles as (
    select
        id,
        min(reached) as circle
    from walks
    where id in (select members.id from walks as members where members.id = members.reached)
    group by id
),

-- The latest alias of a circle is ignored. So the circle ends at the id that this alias replaces.
circle_ends as (
    select counting_aliases.previous_id as id
    from counting_aliases
    inner join circles on counting_aliases.previous_id = circles.id
    qualify row_number() over (
        partition by circles.circle
        order by
            counting_aliases.event_at desc,
            counting_aliases.received_at desc nulls first,
            counting_aliases.message_id desc
    ) = 1
),

ends as (
    select
        walks.id,
        walks.reached as user_id
    from walks
    where
        walks.reached not in (select counting_aliases.previous_id from counting_aliases)
        or walks.reached in (select circle_ends.id from circle_ends)
)

select
    id,
    user_id
from ends
where id <> user_id
