-- One row per day up to the last whole one, with its week and its month, each numbered without gaps.
with

as_of as (
    select * from {{ ref('int_as_of') }}
),

days as (
    select spelled.day
    from as_of
    cross join lateral {{ days_from_to(first_of_all_days(), 'as_of.as_of') }} as spelled
)

select
    day,
    {{ week_start_of('day') }} as week_start,
    cast(date_trunc('month', day) as date) as month_start,
    {{ day_number_of('day') }} as day_number,
    {{ week_number_of('day') }} as week_number,
    {{ month_number_of('day') }} as month_number
from days
