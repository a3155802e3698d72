-- One row per user and company that were sighted together.
with

presence as (
    select * from {{ ref('int_presence') }}
    where
        user_id is not null
        and first_sighted_on is not null
),

internal_entities as (
    select * from {{ ref('int_internal_entities') }}
    where is_internal
)

select
    presence.user_id,
    presence.company_id,
    presence.first_sighted_on as first_day,
    presence.last_sighted_on as last_day
from presence
left join internal_entities as internal_users
    on
        internal_users.entity = 'user'
        and presence.user_id = internal_users.entity_id
left join internal_entities as internal_companies
    on
        internal_companies.entity = 'company'
        and presence.company_id = internal_companies.entity_id
where
    internal_users.entity_id is null
    and internal_companies.entity_id is null
