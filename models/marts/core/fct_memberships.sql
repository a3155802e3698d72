-- One row per user and company that were sighted together, or that belong together by the domain of the
-- user's e-mail.
with

internal_entities as (
    select * from {{ ref('int_internal_entities') }}
)

select
    memberships.user_id,
    memberships.company_id,
    memberships.first_day,
    memberships.last_day
from {{ ref('int_memberships') }} as memberships
left join internal_entities as internal_users
    on
        internal_users.entity = 'user'
        and memberships.user_id = internal_users.entity_id
left join internal_entities as internal_companies
    on
        internal_companies.entity = 'company'
        and memberships.company_id = internal_companies.entity_id
where
    internal_users.entity_id is null
    and internal_companies.entity_id is null
