-- How many paying customers are B2B companies, how many B2C?
-- One row per business type: paying companies, and their users.
-- needs: user trait business_type
-- needs: var company_plan_trait
with

not_planned as (
    select 'The tracking plan has no user trait "business_type".' as sentence
    where not exists (
        select 1 from seeds.tracking_plan_traits
        where
            lower(trim(entity)) = 'user'
            and trim(trait) = 'business_type'
    )
),

-- A company's type is the earliest that any of its members gave.
given_types as (
    select
        memberships.company_id,
        arg_min(
            nullif(trim(json_extract_string(traits.value, '$')), ''),
            (traits.valid_from, memberships.user_id)
        ) as business_type
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
        coalesce(
            case
                when lower(given_types.business_type) in ('b2b', 'b2c')
                    then upper(given_types.business_type)
                else given_types.business_type
            end,
            '(unknown)'
        ) as business_type,
        count(*) as paying_companies,
        cast(sum(companies.members) as bigint) as users
    from marts.dim_companies as companies
    left join given_types on companies.company_id = given_types.company_id
    where
        companies.is_paying
        and not companies.is_internal
        and not exists (select 1 from not_planned)
    group by 1
),

totals as (
    select
        cast(coalesce(sum(paying_companies), 0) as bigint) as companies,
        coalesce(max(paying_companies) filter (business_type = 'B2B'), 0) as b2b,
        coalesce(max(users) filter (business_type = 'B2B'), 0) as b2b_users,
        coalesce(max(paying_companies) filter (business_type = 'B2C'), 0) as b2c,
        coalesce(max(users) filter (business_type = 'B2C'), 0) as b2c_users,
        coalesce(max(paying_companies) filter (business_type = '(unknown)'), 0) as unknown
    from business_types
),

answer as (
    select
        case
            when exists (select 1 from not_planned) then (select sentence from not_planned)
            when companies = 0 then 'The logs cannot tell: they show no paying company.'
            when unknown = companies
                then format(
                    'The logs cannot tell: nobody gave the business type of a paying company '
                    '({:,} in all).', companies
                )
            else format(
                'Of {:,} paying companies {:,} are B2B (with {:,} users) and {:,} are B2C (with '
                '{:,} users){}.',
                companies, b2b, b2b_users, b2c, b2c_users,
                case
                    when companies > b2b + b2c
                        then format('; other or unknown: {:,}', companies - b2b - b2c)
                    else ''
                end
            )
        end as answer
    from totals
)

select
    answer.answer,
    business_types.*
from answer
left join business_types on true
order by business_types.paying_companies desc, business_types.business_type
