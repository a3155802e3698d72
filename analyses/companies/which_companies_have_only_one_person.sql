-- Which companies have only one person?
-- One row per such company, with its person. Internal accounts are not looked at.
with

companies as (
    select * from {{ ref('dim_companies') }}
    where not is_internal
),

of_one_person as (
    select
        companies.company_id,
        memberships.user_id,
        memberships.first_day,
        cast(companies.last_active_at as date) as last_active_on
    from companies
    inner join {{ ref('fct_memberships') }} as memberships
        on companies.company_id = memberships.company_id
    inner join {{ ref('calendar') }} as calendar
        on
            memberships.first_day <= calendar.as_of
            and memberships.last_day >= date '{{ var("earliest_day") }}'
    where companies.members = 1
),

answer as (
    select
        case
            when count(*) = 0 then 'The logs cannot tell: they show no company.'
            else format(
                '{:,} of {:,} companies have only one person.',
                count(*) filter (members = 1), count(*)
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
    of_one_person.first_day,
    of_one_person.company_id
