-- One row per entity that signed up and milestone of its kind, with the moment it was reached.
--
-- What can change tonight: the milestones of entities that have another sign-up than when they were
-- judged, or became our own, or cease to be; and of those with an event in the time that they have for
-- it, new in int_attributed_days since the last good build, or of a day that the last whole day has
-- passed since. Who is not signed up any more keeps one row, without a milestone. Other milestones or
-- another plan start anew.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['entity', 'entity_id'],
    pre_hook="{{ start_anew_on_other_grounds([ref('stg_plan_events'), ref('stg_activation_milestones')]) }}"
) }}

{% set plan = [ref('stg_plan_events'), ref('stg_activation_milestones')] -%}

with

milestones as (
    select * from {{ ref('stg_activation_milestones') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

event_days as {{ not_materialized() }} (
    select * from {{ ref('int_attributed_days') }}
    where
        is_event
        and event_day >= {{ earliest_day() }}
        and event in (select milestones.event from milestones)
),

sign_ups as (
    select
        entity,
        entity_id,
        is_internal,
        signed_up_at,
        signed_up_on
    from {{ ref('int_entities') }}
    where
        signed_up_at is not null
        and entity in (select milestones.entity from milestones)
),

{% if is_incremental() -%}
{% set since = last_good_build(plan) -%}
new_days as (
    select
        user_id,
        company_id,
        event_day
    from {{ rows_in_question('event_days', since) }} as days
),

new_entity_days as (
    select distinct
        'user' as entity,
        user_id as entity_id,
        event_day
    from new_days

    union all

    select distinct
        'company' as entity,
        company_id as entity_id,
        event_day
    from new_days
),

judged as (
    select distinct
        entity,
        entity_id,
        is_internal,
        signed_up_at
    from {{ this }}
),

touched as (
    select
        sign_ups.entity,
        sign_ups.entity_id
    from sign_ups
    inner join new_entity_days
        on
            sign_ups.entity = new_entity_days.entity
            and sign_ups.entity_id = new_entity_days.entity_id
            and sign_ups.signed_up_on <= new_entity_days.event_day
    where
        new_entity_days.event_day
        <= sign_ups.signed_up_on + (select cast(ceil(max(within_days)) as integer) + 1 from milestones)

    union

    select
        coalesce(sign_ups.entity, judged.entity) as entity,
        coalesce(sign_ups.entity_id, judged.entity_id) as entity_id
    from sign_ups
    full join judged
        on
            sign_ups.entity = judged.entity
            and sign_ups.entity_id = judged.entity_id
    where
        sign_ups.signed_up_at is distinct from judged.signed_up_at
        or sign_ups.is_internal is distinct from judged.is_internal
),
{%- endif %}

entities as (
    select sign_ups.*
    from sign_ups
    {%- if is_incremental() %}
    semi join touched
        on
            sign_ups.entity = touched.entity
            and sign_ups.entity_id = touched.entity_id
    {%- endif %}
),

-- The kinds of call that their events are of, and then the events.
{% if is_incremental() -%}
days_to_look_at as (
    {% for entity in ['user', 'company'] -%}
    select event_days.*
    from event_days
    semi join entities
        on
            entities.entity = '{{ entity }}'
            and event_days.{{ entity }}_key = {{ hash_of(['entities.entity_id']) }}
    {%- if not loop.last %}

    union

    {% endif %}
    {%- endfor %}
),
{%- else -%}
days_to_look_at as {{ not_materialized() }} (
    select * from event_days
),
{%- endif %}

kinds as {{ materialized_first() }} (
    select
        days.call_kind,
        days.event_day,
        days.event,
        days.user_id,
        days.company_id,
        days.is_internal
    from days_to_look_at as days
    inner join as_of on days.event_day <= as_of.as_of
    where days.calls is distinct from 0
),

events as (
    select
        kinds.event,
        kinds.user_id,
        kinds.company_id,
        kinds.is_internal,
        events.event_at
    from {{ ref('stg_events') }} as events
    inner join kinds
        on
            events.call_kind = kinds.call_kind
            and events.event_day = kinds.event_day
),

entity_events as (
    select
        'user' as entity,
        user_id as entity_id,
        event,
        event_at,
        is_internal
    from events
    where user_id is not null

    union all

    select
        'company' as entity,
        company_id as entity_id,
        event,
        event_at,
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
),

reached as (
    select
        entity,
        entity_id,
        milestone,
        event_at as reached_at
    from timely_events
    where event_number = minimum_events
),

outcomes as (
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
)

{%- if is_incremental() %}

select
    touched.entity,
    touched.entity_id,
    outcomes.* except (entity, entity_id),
    {{ grounds(plan) }} as grounds
from touched
left join outcomes
    on
        touched.entity = outcomes.entity
        and touched.entity_id = outcomes.entity_id
{%- else %}

select
    outcomes.*,
    {{ grounds(plan) }} as grounds
from outcomes
{%- endif %}
