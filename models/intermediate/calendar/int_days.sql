-- One row per day up to the last whole one, with its week and its month, each numbered without gaps.
with

as_of as (
    select * from {{ ref('int_as_of') }}
),

-- A readable time lies in 1970 to 2099, and a corrected one at most 129 years before that.
days as (
    select spelled.day
    from as_of
    cross join lateral {{ days_from_to("date '1841-01-01'", 'as_of.as_of') }} as spelled
),

placed as (
    select
        day,
        {{ week_start_of('day') }} as week_start,
        cast(date_trunc('month', day) as date) as month_start
    from days
)

select
    day,
    week_start,
    month_start,
    row_number() over (order by day) as day_number,
    dense_rank() over (order by week_start) as week_number,
    dense_rank() over (order by month_start) as month_number
from placed
