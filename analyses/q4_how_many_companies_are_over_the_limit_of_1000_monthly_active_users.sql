-- How many companies are over the limit of 1,000 monthly active users?
-- One row per plan: its limit, its companies, those over 1,000, and those over their own limit.
-- chart: over_1000, over_their_limit by plan
with

plans as (
    select
        coalesce(min(trim(plan)), '(none)') as plan,
        max(mau_limit) as mau_limit,
        count(*) as companies,
        count(monthly_active_users) as with_a_count,
        count(*) filter (monthly_active_users > 1000) as over_1000,
        count(*) filter (is_over_mau_limit) as over_their_limit
    from marts.dim_companies
    where not is_internal
    group by lower(trim(plan))
),

totals as (
    select
        cast(coalesce(sum(companies), 0) as bigint) as companies,
        cast(coalesce(sum(with_a_count), 0) as bigint) as with_a_count,
        cast(sum(over_1000) as bigint) as over_1000,
        cast(sum(over_their_limit) as bigint) as over_their_limit,
        count(mau_limit) > 0 as has_limits
    from plans
),

answer as (
    select
        case
            when companies = 0 then 'The logs cannot tell: they show no company.'
            when with_a_count = 0
                then format(
                    'The logs cannot tell: no company says how many monthly active users it has '
                    '({:,} in all).', companies
                )
            else format(
                '{:,} of {:,} companies are over 1,000 monthly active users; {}.',
                over_1000, companies,
                case
                    when has_limits
                        then format('{:,} are over the limit of their own plan', over_their_limit)
                    else 'none of them has a plan with a limit'
                end
            )
            || case
                when companies > with_a_count
                    then format(' Of {:,} the number is unknown.', companies - with_a_count)
                else ''
            end
        end as answer
    from totals
)

select
    answer.answer,
    plans.*
from answer
left join plans on not starts_with(answer.answer, 'The logs cannot tell')
order by plans.mau_limit nulls last, plans.plan
