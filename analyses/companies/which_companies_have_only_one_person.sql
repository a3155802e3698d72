-- Which companies have only one person?
-- One row per such company, with its person. Internal accounts are not looked at.
with

-- All companies that a user was sighted with, and the one that it has by its e-mail's domain.
user_companies as (
    select
        memberships.user_id,
        memberships.company_id
    from {{ ref('fct_memberships') }} as memberships
    inner join {{ ref('calendar') }} as calendar
        on memberships.first_day <= calendar.as_of

    union

    select
        user_id,
        company_id
    from {{ ref('dim_users') }}
    where not is_internal
),

companies as (
    select
        companies.company_id,
        count(user_companies.user_id) as people,
        min(user_companies.user_id) as user_id,
        cast(any_value(companies.first_seen_at) as date) as first_seen_on,
        cast(any_value(companies.last_active_at) as date) as last_active_on
    from {{ ref('dim_companies') }} as companies
    left join user_companies on companies.company_id = user_companies.company_id
    where not companies.is_internal
    group by companies.company_id
),

of_one_person as (
    select
        company_id,
        user_id,
        first_seen_on,
        last_active_on
    from companies
    where people = 1
),

answer as (
    select
        case
            when count(*) = 0 then 'The logs cannot tell: they show no company.'
            else format(
                '{:,} of {:,} companies have only one person.',
                count(*) filter (people = 1), count(*)
            )
        end as answer
    from companies
)

select
    answer.answer,
    of_one_person.*
from answer
left join of_one_person on true
order by
    of_one_person.first_seen_on,
    of_one_person.company_id
