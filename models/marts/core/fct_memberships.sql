-- One row per user and company that were sighted together, or that belong together by the domain of the
-- user's e-mail.
with

users_by_email_domain as (
    select user_id from {{ ref('int_user_companies') }}
    where is_by_email_domain
),

presence as (
    select
        user_id,
        company_id,
        coalesce(first_sighted_on, first_day) as first_day,
        coalesce(last_sighted_on, last_day) as last_day
    from {{ ref('int_presence') }}
    where
        user_id is not null
        and company_id is not null
        and first_day is not null
        and (
            first_sighted_on is not null
            or user_id in (select users_by_email_domain.user_id from users_by_email_domain)
        )
),

internal_entities as (
    select * from {{ ref('int_internal_entities') }}
    where is_internal
)

select
    presence.user_id,
    presence.company_id,
    presence.first_day,
    presence.last_day
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
