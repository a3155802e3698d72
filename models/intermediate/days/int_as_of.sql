-- One row: the last complete day, and the first and the latest day with a call. They come from the logs,
-- never from the clock: so the same logs give the same answers next year.
{{ config(materialized='keyed', key='as_of') }}

with

call_days as (
    select * from {{ ref('int_call_days') }}
    where event_day >= {{ earliest_day() }}
),

days_of_the_logs as (
    select
        min(event_day) as first_day,
        max(event_day) filter (has_receive_time) as latest_received_day,
        max(event_day) as latest_day
    from call_days
)

select
    {% if var('as_of') -%}
    -- Each report has rows up to this day: a misspelt year would make millions of them.
    case
        when date '{{ var("as_of") }}' > latest_day + interval 10 years
            then {{ stop_with(
                "'dbt_project.yml, vars: as_of is " ~ var("as_of") ~ ", more than 10 years after the last"
                ~ " call (' || latest_day || '); write a day near it, or null'"
            ) }}
        else date '{{ var("as_of") }}'
    end as as_of
    {%- else -%}
    coalesce(latest_received_day, latest_day) - 1 as as_of
    {%- endif %},
    first_day,
    latest_day
from days_of_the_logs
