-- One row per calendar period that has begun: days, weeks and months, numbered without gaps.
with

days as (
    select * from {{ ref('int_days') }}
),

periods as (
    select
        'day' as period,
        day_number as period_number,
        day as period_start,
        day as period_end
    from days

    union all

    select distinct
        'week' as period,
        week_number as period_number,
        week_start as period_start,
        week_start + 6 as period_end
    from days

    union all

    select distinct
        'month' as period,
        month_number as period_number,
        month_start as period_start,
        last_day(month_start) as period_end
    from days
)

select
    periods.*,
    periods.period_end <= as_of.as_of as is_complete
from periods
cross join {{ ref('int_as_of') }} as as_of
