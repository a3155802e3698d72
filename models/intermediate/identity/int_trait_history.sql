-- One row per entity, trait and interval of time in which it had one value, cast to the type that the
-- plan gives the trait. The value is null where what was sent cannot be cast.
{{ config(
    materialized='keyed',
    key=['entity_id', 'entity'],
    plan=['stg_plan_trait_names']
) }}

{% call touched_keys() -%}
with

changed_calls as (
    select * from {{ with_users(
        changes(ref('stg_trait_calls')), ref('int_alias_resolution'), ref('int_anonymous_id_map')
    ) }}
),

changed_entities as (
    select
        case when type = 'group' then 'company' else 'user' end as entity,
        case when type = 'group' then company_id else user_id end as entity_id
    from changed_calls

    union

    select
        'user' as entity,
        user_id as entity_id
    from {{ changed_users(ref('int_alias_resolution'), ref('int_anonymous_id_map')) }} as users
)

select
    entity,
    entity_id,
    case when entity = 'user' then entity_id end as user_id,
    case when entity = 'company' then entity_id end as company_id
from changed_entities
where entity_id is not null
{%- endcall %}

{% set trait_as_sent = trimmed('pairs.key') -%}

with

-- The traits of users come from identify calls, those of companies from group calls.
calls as (
    select
        'user' as entity,
        user_id as entity_id,
        *
    from {{ with_users(
        of_touched_users(
            ref('stg_trait_calls'), ref('int_alias_resolution'), ref('int_anonymous_id_map')
        ),
        ref('int_alias_resolution'),
        ref('int_anonymous_id_map')
    ) }}
    where
        type = 'identify'
        and user_id is not null

    union all

    select
        'company' as entity,
        company_id as entity_id,
        *
    from {{ touched(ref('stg_trait_calls'), 'company_id') }}
    where
        type = 'group'
        and company_id is not null
),

values_sent as (
    select
        calls.entity,
        calls.entity_id,
        coalesce(trait_names.trait, {{ trait_as_sent }}) as trait,
        nullif(nullif(cast(pairs.value as varchar), 'null'), '""') as value_as_sent,
        {{ json_as_planned('pairs.value', 'trait_names.type') }} as planned_value,
        calls.event_at,
        calls.event_day,
        calls.received_at,
        calls.message_id,
        {{ trait_as_sent }} as trait_as_sent,
        pairs.id as position
    from calls
    cross join {{ json_pairs('calls.traits') }} as pairs
    left join {{ ref('stg_plan_trait_names') }} as trait_names
        on
            calls.entity = trait_names.entity
            and {{ trait_as_sent }} = trait_names.trait_as_sent
),

-- Event time decides, not the order of landing. Of several values of one time, the last received counts.
one_per_time as (
    select * from values_sent
    qualify row_number() over (
        partition by entity, entity_id, trait, event_at
        order by received_at desc nulls first, message_id desc, trait_as_sent = trait desc, position desc
    ) = 1
),

-- A null or an empty text clears the trait.
cast_values as (
    select
        *,
        case when value_as_sent is not null then planned_value end as value,
        case when value_as_sent is not null then coalesce(planned_value, value_as_sent) end
            as compared_value
    from one_per_time
),

-- Setting the same value again is no change. The exception: reports see nothing before the earliest day.
-- So an interval that began before it is cut in two where the value is first set again after it.
changes as (
    select
        *,
        compared_value is not distinct from lag(compared_value) over set_before
        and lag(event_day) over set_before is not null as continues
    from cast_values
    window set_before as (
        partition by entity, entity_id, trait
        order by event_at
    )
    qualify
        compared_value is distinct from lag(compared_value) over set_before
        or (
            event_day >= {{ earliest_day() }}
            and lag(event_day) over set_before < {{ earliest_day() }}
        )
),

intervals as (
    select
        entity,
        entity_id,
        trait,
        value,
        value_as_sent,
        continues,
        event_at as valid_from,
        lead(event_at) over of_trait as valid_to,
        event_day as from_day,
        lead(event_day) over of_trait as to_day
    from changes
    window of_trait as (
        partition by entity, entity_id, trait
        order by event_at
    )
)

-- A cleared trait has no row.
select
    entity,
    entity_id,
    trait,
    value,
    value_as_sent,
    {{ json_value_text('cast(value as json)') }} as value_text,
    continues,
    valid_from,
    valid_to,
    from_day,
    to_day
from intervals
where value_as_sent is not null
