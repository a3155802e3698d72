-- One row per entity, trait and stretch of time in which it had one value.
with

trait_calls as (
    select * from {{ ref('stg_trait_calls') }}
),

identified_days as (
    select * from {{ ref('int_identified_days') }}
    where calls is distinct from 0
),

trait_names as (
    select * from {{ ref('stg_plan_trait_names') }}
),

-- Users' traits come from identify calls, companies' from group calls.
owned as (
    select
        case when trait_calls.type = 'group' then 'company' else 'user' end as entity,
        case
            when trait_calls.type = 'group' then trait_calls.company_id
            else identified_days.user_id
        end as entity_id,
        trait_calls.*
    from trait_calls
    left join identified_days
        on
            trait_calls.type = 'identify'
            and trait_calls.type = identified_days.type
            and trait_calls.user_id is not distinct from identified_days.sent_user_id
            and trait_calls.anonymous_id is not distinct from identified_days.anonymous_id
            and trait_calls.company_id is not distinct from identified_days.sent_company_id
            and trait_calls.event_day = identified_days.event_day
),

exploded as (
    select
        owned.entity,
        owned.entity_id,
        coalesce(trait_names.trait, pairs.key) as trait,
        pairs.key as trait_as_sent,
        nullif(nullif(cast(pairs.value as varchar), 'null'), '""') as value,
        owned.event_at,
        owned.event_day,
        owned.received_at,
        owned.message_id,
        pairs.id as position
    from owned
    cross join {{ json_pairs('owned.traits') }} as pairs
    left join trait_names
        on
            owned.entity = trait_names.entity
            and pairs.key = trait_names.trait_as_sent
    where owned.entity_id is not null
),

-- Event time decides, never the time of arrival.
one_per_time as (
    select *
    from exploded
    qualify row_number() over (
        partition by entity, entity_id, trait, event_at
        order by
            received_at desc nulls first,
            message_id desc,
            trait_as_sent = trait desc,
            position desc
    ) = 1
),

-- What is set again to the value it has is no change.
changes as (
    select *
    from one_per_time
    qualify value is distinct from lag(value) over (
        partition by entity, entity_id, trait
        order by event_at
    )
),

stretches as (
    select
        entity,
        entity_id,
        trait,
        value,
        event_at as valid_from,
        lead(event_at) over (
            partition by entity, entity_id, trait
            order by event_at
        ) as valid_to,
        event_day as from_day,
        lead(event_day) over (
            partition by entity, entity_id, trait
            order by event_at
        ) as to_day
    from changes
)

-- A null cleared the trait: it ends a stretch and opens none.
select
    entity,
    entity_id,
    trait,
    value,
    {{ json_value_text('cast(value as json)') }} as value_text,
    valid_from,
    valid_to,
    from_day,
    to_day
from stretches
where value is not null
