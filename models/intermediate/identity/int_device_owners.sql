-- One row per anonymous id and stretch of days in which its calls belong to one user.
with

call_days as (
    select * from {{ ref('int_call_days') }}
),

aliases as (
    select * from {{ ref('stg_aliases') }}
),

user_ids as (
    select * from {{ ref('int_user_ids') }}
),

-- Any call that carries both ids; and an alias ties the id it leaves, should that be an anonymous one.
sent_together as (
    select
        anonymous_id,
        user_id,
        event_day,
        first_at,
        last_at
    from call_days
    where
        anonymous_id is not null
        and user_id is not null

    union all

    select
        previous_id as anonymous_id,
        user_id,
        event_day,
        event_at as first_at,
        event_at as last_at
    from aliases
),

seen_together as (
    select
        sent_together.anonymous_id,
        coalesce(user_ids.user_id, sent_together.user_id) as user_id,
        sent_together.event_day,
        min(sent_together.first_at) as first_at,
        max(sent_together.last_at) as last_at
    from sent_together
    left join user_ids on sent_together.user_id = user_ids.id
    group by 1, 2, 3
)

{{ last_seen_by_day('seen_together', 'anonymous_id', 'user_id') }}
