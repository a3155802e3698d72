-- The joins that find the user and the company of calls may lose none, and multiply none. Each kind of
-- call has a weight of its own, so that one that is missing does not make up for one too many.
{% set weight = 'cast(call_day_key % 1000003 as bigint)' -%}

with

call_days as (
    select * from {{ rows_written_lately(ref('int_call_days')) }}
),

attributed_days as (
    select * from {{ ref('int_attributed_days') }}
    where call_day_key in (select call_days.call_day_key from call_days)
),

totals as (
    select
        event_day,
        sum(calls) as calls,
        sum(calls * {{ weight }}) as weighted_calls
    from call_days
    group by event_day
),

attributed_totals as (
    select
        event_day,
        sum(calls) as calls,
        sum(calls * {{ weight }}) as weighted_calls
    from attributed_days
    group by event_day
)

select
    totals.event_day,
    totals.calls,
    attributed_totals.calls as attributed_calls
from totals
left join attributed_totals on totals.event_day = attributed_totals.event_day
where
    totals.calls is distinct from attributed_totals.calls
    or totals.weighted_calls is distinct from attributed_totals.weighted_calls
