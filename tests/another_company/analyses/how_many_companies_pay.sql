-- How many of our companies pay?
-- One row per plan, with the companies on it.
with

companies as (
    select * from {{ ref('dim_companies') }}
    where not is_internal
),

answer as (
    select
        format('{} of {} companies pay.', count(*) filter (is_paying), count(*)) as answer
    from companies
)

select
    answer.answer,
    companies.plan,
    count(*) as companies
from answer
cross join companies
group by answer.answer, companies.plan
order by companies.plan
