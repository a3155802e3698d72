-- One row per entity that signed up and milestone of its kind, with the moment it was reached.
{{ config(
    materialized='keyed',
    key=['entity_id', 'entity'],
    plan=['stg_activation_milestones']
) }}

{% set sign_ups -%}
(
    select
        entity,
        entity_id,
        is_internal,
        signed_up_at,
        signed_up_on
    from {{ ref('int_entities') }}
    where
        signed_up_at is not null
        and entity in (select milestones.entity from {{ ref('stg_activation_milestones') }} as milestones)
)
{%- endset %}

{% call touched_keys() -%}
with

sign_ups as {{ sign_ups }},

changed_calls as (
    select call_day_key from {{ changes(ref('stg_calls')) }} where sign = -1
),

changed_days as (
    select * from {{ changed_days(ref('int_attributed_days'), ref('int_as_of')) }}
    where is_event

    union all

    -- A call may have another time within its day.
    select * from {{ rows_with(ref('int_attributed_days'), 'call_day_key', 'changed_calls') }}
    where is_event
),

changed_entity_days as (
    {% for entity in ['user', 'company'] -%}
    select distinct
        '{{ entity }}' as entity,
        {{ entity }}_id as entity_id,
        event_day
    from changed_days
    where event in (select milestones.event from {{ ref('stg_activation_milestones') }} as milestones)
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

longest_window as (
    select cast(ceil(max(within_days)) as integer) + 1 as days
    from {{ ref('stg_activation_milestones') }}
),

sign_ups_before as (
    select distinct entity, entity_id, is_internal, signed_up_at from {{ this }}
),

changed_entities as (
    select
        sign_ups.entity,
        sign_ups.entity_id
    from sign_ups
    cross join longest_window
    inner join changed_entity_days as days
        on
            sign_ups.entity = days.entity
            and sign_ups.entity_id = days.entity_id
            and days.event_day >= sign_ups.signed_up_on
            and days.event_day <= sign_ups.signed_up_on + longest_window.days

    union

    select
        coalesce(sign_ups.entity, sign_ups_before.entity) as entity,
        coalesce(sign_ups.entity_id, sign_ups_before.entity_id) as entity_id
    from sign_ups
    full join sign_ups_before
        on
            sign_ups.entity = sign_ups_before.entity
            and sign_ups.entity_id = sign_ups_before.entity_id
    where
        sign_ups.signed_up_at is distinct from sign_ups_before.signed_up_at
        or sign_ups.is_internal is distinct from sign_ups_before.is_internal
)

select
    entity,
    entity_id,
    case when entity = 'user' then {{ hash_of(['entity_id']) }} end as user_key,
    case when entity = 'company' then {{ hash_of(['entity_id']) }} end as company_key
from changed_entities
{%- endcall %}

with

milestones as (
    select * from {{ ref('stg_activation_milestones') }}
),

sign_ups as {{ sign_ups }},

milestone_days as (
    {% for entity in ['user', 'company'] -%}
    select
        days.call_day_key,
        days.event,
        '{{ entity }}' as entity,
        days.{{ entity }}_id as entity_id,
        days.is_internal
    from {{ touched(ref('int_attributed_days'), entity ~ '_key') }} as days
    inner join {{ ref('int_as_of') }} as as_of
        on days.event_day between {{ earliest_day() }} and as_of.as_of
    where
        days.is_event
        and days.{{ entity }}_id is not null
        and days.event in (select milestones.event from milestones)
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

-- Earlier events do not count, the sign-up itself does; both ends are included.
reached as (
    select
        sign_ups.entity,
        sign_ups.entity_id,
        milestones.milestone,
        events.event_at as reached_at
    from sign_ups
    inner join milestones on sign_ups.entity = milestones.entity
    inner join milestone_days
        on
            sign_ups.entity = milestone_days.entity
            and sign_ups.entity_id = milestone_days.entity_id
            and milestones.event = milestone_days.event
            and (not milestone_days.is_internal or sign_ups.is_internal)
    inner join {{ rows_with(ref('stg_calls'), 'call_day_key', 'milestone_days') }} as events
        on
            milestone_days.call_day_key = events.call_day_key
            and events.event_at >= sign_ups.signed_up_at
            and events.event_at
            <= {{ plus_days('sign_ups.signed_up_at', 'milestones.within_days') }}
    qualify row_number() over (
        partition by sign_ups.entity, sign_ups.entity_id, milestones.milestone
        order by events.event_at
    ) = milestones.minimum_events
)

select
    sign_ups.entity,
    sign_ups.entity_id,
    sign_ups.is_internal,
    sign_ups.signed_up_at,
    sign_ups.signed_up_on,
    milestones.milestone,
    milestones.position,
    reached.reached_at
from sign_ups
inner join milestones on sign_ups.entity = milestones.entity
left join reached
    on
        sign_ups.entity = reached.entity
        and sign_ups.entity_id = reached.entity_id
        and milestones.milestone = reached.milestone
