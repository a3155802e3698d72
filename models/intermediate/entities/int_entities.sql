-- One row per user or company that was seen by the last complete day.
with

internal_entities as (
    select * from {{ ref('int_internal_entities') }}
),

flagged as (
    select
        presence.*,
        internal_users.entity_id is not null as is_internal_user,
        internal_companies.entity_id is not null as is_internal_company
    from {{ ref('int_presence') }} as presence
    left join internal_entities as internal_users
        on
            internal_users.entity = 'user'
            and presence.user_id = internal_users.entity_id
    left join internal_entities as internal_companies
        on
            internal_companies.entity = 'company'
            and presence.company_id = internal_companies.entity_id
),

entity_presence as (
    select
        'user' as entity,
        user_id as entity_id,
        is_internal_user as is_internal,
        first_at,
        -- Events of a customer in an internal company do not count for the customer,
        is_internal_user or not is_internal_company as counts,
        sign_up_event_at,
        last_active_at
    from flagged
    where
        user_id is not null
        and first_at is not null

    union all

    select
        'company' as entity,
        company_id as entity_id,
        is_internal_company as is_internal,
        first_together_at as first_at,
        -- and events of an internal user do not count for a customer's company.
        is_internal_company or not is_internal_user as counts,
        sign_up_event_at,
        last_active_at
    from flagged
    where
        company_id is not null
        and first_together_at is not null
),

seen as (
    select
        entity,
        entity_id,
        is_internal,
        min(first_at) as first_seen_at,
        min(sign_up_event_at) filter (counts) as sign_up_event_at,
        max(last_active_at) filter (counts) as last_active_at
    from entity_presence
    group by entity, entity_id, is_internal
),

created_at_traits as (
    select
        entity,
        entity_id,
        {{ datetime_of(trimmed('value_text')) }} as created_at
    from {{ ref('int_latest_traits') }} as latest_traits
    where trait = {{ name_in_vars('created_at_trait') }}
),

created as (
    select created_at_traits.*
    from created_at_traits
    inner join {{ ref('int_as_of') }} as as_of
        on {{ day_of('created_at_traits.created_at') }} <= as_of.as_of
)

select
    seen.entity,
    seen.entity_id,
    seen.is_internal,
    seen.first_seen_at,
    least(seen.sign_up_event_at, created.created_at) as signed_up_at,
    {{ day_of('signed_up_at') }} as signed_up_on,
    seen.last_active_at
from seen
left join created
    on
        seen.entity = created.entity
        and seen.entity_id = created.entity_id
