-- One row: the last day known to be whole, and the latest one with a call. Never from the clock: the
-- same logs give the same answers next year.
{{ config(post_hook='{{ note_as_of() }}') }}

with

call_days as (
    select * from {{ ref('int_call_days') }}
    where calls is distinct from 0
),

latest as (
    select
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
    latest_day
from latest
