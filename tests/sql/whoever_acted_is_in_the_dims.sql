-- Every user and company of an event by the last whole day has its row, flagged where it is ours.
with

acted as (
    select
        'user' as entity,
        events.user_id as entity_id
    from {{ ref('fct_activity_days') }} as events
    inner join {{ ref('calendar') }} as calendar on events.event_day <= calendar.as_of

    union

    select
        'company' as entity,
        events.company_id as entity_id
    from {{ ref('fct_activity_days') }} as events
    inner join {{ ref('calendar') }} as calendar on events.event_day <= calendar.as_of
),

known as (
    select
        'user' as entity,
        user_id as entity_id,
        is_internal
    from {{ ref('dim_users') }}

    union all

    select
        'company' as entity,
        company_id as entity_id,
        is_internal
    from {{ ref('dim_companies') }}
)

select acted.*
from acted
left join known
    on
        acted.entity = known.entity
        and acted.entity_id = known.entity_id
where
    acted.entity_id is not null
    and (known.entity_id is null or known.is_internal)
