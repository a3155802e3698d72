-- How many companies are over the limit of 1,000 monthly active users?
-- One row per plan: its limit, its companies, those over 1,000, and those over their own limit.
with

companies as (
    select * from marts.dim_companies
    where not is_internal
),

plans as (
    select
        coalesce(plan, '(none)') as plan,
        max(mau_limit) as mau_limit,
        count(*) as companies,
        count(monthly_active_users) as with_a_count,
        count(*) filter (monthly_active_users > 1000) as over_1000,
        count(*) filter (is_over_mau_limit) as over_their_limit
    from companies
    group by 1
),

answer as (
    select
        case
            when coalesce(sum(with_a_count), 0) = 0
                then 'The logs cannot tell: of no company the monthly active users are known.'
            else format(
                '{:,} of {:,} companies are over 1,000 monthly active users; {:,} are over the '
                'limit of their own plan.',
                cast(sum(over_1000) as bigint), cast(sum(companies) as bigint),
                cast(sum(over_their_limit) as bigint)
            )
        end as answer
    from plans
)

select
    answer.answer,
    plans.*
from answer
left join plans on true
order by plans.mau_limit nulls last, plans.plan
