-- One row: the last complete day, and the first and the latest day with a call. Never from the clock:
-- the same logs give the same answers next year. Days before the earliest day are not seen.
{{ config(post_hook='{{ note_as_of() }}') }}

with

call_days as (
    select * from {{ ref('int_call_days') }}
    where
        calls is distinct from 0
        and event_day >= {{ earliest_day() }}
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
    {{ as_date(var('as_of')) }} as as_of
    {%- else -%}
    coalesce(latest_received_day, latest_day) - 1 as as_of
    {%- endif %},
    first_day,
    latest_day
from days_of_the_logs
