-- One row per entity that signed up and milestone of its kind, with the moment it was reached.
with

milestones as (
    select * from {{ ref('stg_activation_milestones') }}
),

entities as (
    select * from {{ ref('int_entities') }}
    where signed_up_at is not null
),

events as (
    select * from {{ ref('int_events') }}
    where event in (select milestones.event from milestones)
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

entity_events as (
    select
        'user' as entity,
        user_id as entity_id,
        event,
        event_at,
        event_day,
        is_internal
    from events
    where user_id is not null

    union all

    select
        'company' as entity,
        company_id as entity_id,
        event,
        event_at,
        event_day,
        is_internal
    from events
    where company_id is not null
),

-- Earlier events do not count, the sign-up itself does; both ends are included.
timely_events as (
    select
        entities.entity,
        entities.entity_id,
        milestones.milestone,
        milestones.minimum_events,
        entity_events.event_at,
        row_number() over (
            partition by entities.entity, entities.entity_id, milestones.milestone
            order by entity_events.event_at
        ) as event_number
    from entities
    inner join milestones on entities.entity = milestones.entity
    inner join entity_events
        on
            entities.entity = entity_events.entity
            and entities.entity_id = entity_events.entity_id
            and milestones.event = entity_events.event
            and (not entity_events.is_internal or entities.is_internal)
            and entity_events.event_at >= entities.signed_up_at
            and entity_events.event_at
            <= {{ plus_days('entities.signed_up_at', 'milestones.within_days') }}
    inner join as_of on entity_events.event_day <= as_of.as_of
),

reached as (
    select
        entity,
        entity_id,
        milestone,
        event_at as reached_at
    from timely_events
    where event_number = minimum_events
)

select
    entities.entity,
    entities.entity_id,
    entities.is_internal,
    entities.signed_up_at,
    entities.signed_up_on,
    milestones.milestone,
    milestones.position,
    reached.reached_at
from entities
inner join milestones on entities.entity = milestones.entity
left join reached
    on
        entities.entity = reached.entity
        and entities.entity_id = reached.entity_id
        and milestones.milestone = reached.milestone
