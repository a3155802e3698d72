-- How many paying customers are B2B companies, how many B2C?
-- One row per business type: paying companies, and their users.
with

paying_companies as (
    select
        company_id,
        members
    from marts.dim_companies
    where
        is_paying
        and not is_internal
),

-- A company's type is the earliest that any of its members gave.
given_types as (
    select
        memberships.company_id,
        arg_min(json_extract_string(traits.value, '$'), (traits.valid_from, memberships.user_id))
            as business_type
    from marts.fct_memberships as memberships
    inner join marts.fct_traits as traits
        on
            traits.entity = 'user'
            and traits.trait = 'business_type'
            and memberships.user_id = traits.entity_id
    inner join marts.calendar
        on
            memberships.first_day <= calendar.as_of
            and traits.valid_from < calendar.as_of_ends_at
    group by memberships.company_id
),

business_types as (
    select
        coalesce(given_types.business_type, '(unknown)') as business_type,
        count(*) as paying_companies,
        sum(paying_companies.members) as users
    from paying_companies
    left join given_types on paying_companies.company_id = given_types.company_id
    group by 1
),

answer as (
    select
        case
            when coalesce(sum(paying_companies), 0) = 0
                then 'The logs show no paying company.'
            when bool_and(business_type = '(unknown)')
                then format(
                    'The logs cannot tell: no member of the {:,} paying companies gave a business '
                    'type.', cast(sum(paying_companies) as bigint)
                )
            else format(
                'Of {:,} paying companies {:,} are B2B (with {:,} users) and {:,} are B2C ({:,} '
                'users)',
                cast(sum(paying_companies) as bigint),
                cast(coalesce(sum(paying_companies) filter (lower(business_type) = 'b2b'), 0) as bigint),
                cast(coalesce(sum(users) filter (lower(business_type) = 'b2b'), 0) as bigint),
                cast(coalesce(sum(paying_companies) filter (lower(business_type) = 'b2c'), 0) as bigint),
                cast(coalesce(sum(users) filter (lower(business_type) = 'b2c'), 0) as bigint)
            ) || coalesce(
                format('; {:,} are of another or no known type.', cast(nullif(sum(paying_companies)
                    filter (lower(business_type) not in ('b2b', 'b2c')), 0) as bigint)),
                '.'
            )
        end as answer
    from business_types
)

select
    answer.answer,
    business_types.*
from answer
left join business_types on true
order by business_types.paying_companies desc, business_types.business_type
