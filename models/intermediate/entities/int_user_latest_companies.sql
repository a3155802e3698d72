-- One row per user that belongs to a company on the last complete day, with that company. Companies that
-- the user was sighted with only before the earliest day do not count.
with

visible_memberships as (
    select * from {{ ref('int_memberships') }}
    where is_visible
)

select
    user_companies.user_id,
    user_companies.company_id
from {{ ref('int_user_companies') }} as user_companies
inner join {{ ref('int_as_of') }} as as_of
    on
        user_companies.is_by_email_domain
        or (
            user_companies.from_day <= as_of.as_of
            and (user_companies.to_day is null or user_companies.to_day > as_of.as_of)
        )
where
    user_companies.is_by_email_domain
    or user_companies.from_day >= {{ earliest_day() }}
    or (user_companies.user_id, user_companies.company_id) in (
        select (visible_memberships.user_id, visible_memberships.company_id)
        from visible_memberships
    )
