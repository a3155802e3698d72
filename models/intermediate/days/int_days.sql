-- One row per day that a report may show, with its week and its month, each numbered without gaps: from
-- the first day of the logs, or the day on which a report starts before it, to the last complete day.
with

report_starts as (
    select min(starts_on) as first_start
    from {{ ref('stg_activity_reports') }}
),

bounds as (
    select
        greatest({{ earliest_day() }}, least(as_of.first_day, report_starts.first_start))
            as first_day,
        as_of.as_of as last_day
    from {{ ref('int_as_of') }} as as_of
    cross join report_starts
    where as_of.first_day is not null
),

days as (
    select spelled.day
    from bounds
    cross join lateral {{ days_from_to('bounds.first_day', 'bounds.last_day') }} as spelled
)

select
    day,
    {{ week_start_of('day') }} as week_start,
    cast(date_trunc('month', day) as date) as month_start,
    {{ day_number_of('day') }} as day_number,
    {{ week_number_of('day') }} as week_number,
    {{ month_number_of('day') }} as month_number
from days
