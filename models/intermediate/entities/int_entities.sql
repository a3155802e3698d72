-- One row per user or company that was seen by the last whole day.
with

attributed_days as (
    select * from {{ ref('int_attributed_days') }}
    where calls is distinct from 0
),

event_catalog as (
    select * from {{ ref('int_event_catalog') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

internal_entities as (
    select * from {{ ref('int_internal_entities') }}
    where is_internal
),

latest_traits as (
    select * from {{ ref('int_latest_traits') }}
),

seen_days as (
    select
        attributed_days.*,
        attributed_days.type in ('track', 'page', 'screen') as is_event,
        coalesce(event_catalog.counts_as_active, false) as counts_as_active
    from attributed_days
    inner join as_of on attributed_days.event_day <= as_of.as_of
    left join event_catalog on attributed_days.event = event_catalog.event
),

entity_days as (
    select
        'user' as entity,
        user_id as entity_id,
        *
    from seen_days
    where user_id is not null

    union all

    select
        'company' as entity,
        company_id as entity_id,
        *
    from seen_days
    where
        company_id is not null
        and (is_event or type = 'group')
),

-- What our own people do in a customer's company does not count for that company.
flagged as (
    select
        entity_days.*,
        internal_entities.entity_id is not null as is_internal_entity,
        entity_days.is_event
        and (not entity_days.is_internal or internal_entities.entity_id is not null) as counts
    from entity_days
    left join internal_entities
        on
            entity_days.entity = internal_entities.entity
            and entity_days.entity_id = internal_entities.entity_id
),

seen as (
    select
        entity,
        entity_id,
        is_internal_entity as is_internal,
        min(first_at) as first_seen_at,
        min(first_at) filter (counts and event = {{ name_in_vars('signup_event') }}) as sign_up_event_at,
        max(last_at) filter (counts and counts_as_active) as last_active_at
    from flagged
    group by entity, entity_id, is_internal_entity
),

created as (
    select
        entity,
        entity_id,
        {{ readable_time('value_text') }} as created_at
    from latest_traits
    where trait = {{ name_in_vars('created_at_trait') }}
)

select
    seen.entity,
    seen.entity_id,
    seen.is_internal,
    seen.first_seen_at,
    coalesce(
        seen.sign_up_event_at,
        case when {{ day_of('created.created_at') }} <= as_of.as_of then created.created_at end
    ) as signed_up_at,
    {{ day_of('signed_up_at') }} as signed_up_on,
    seen.last_active_at
from seen
cross join as_of
left join created
    on
        seen.entity = created.entity
        and seen.entity_id = created.entity_id
