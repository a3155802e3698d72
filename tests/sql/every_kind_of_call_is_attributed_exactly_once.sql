-- Who did it and for which company is found by joins, which may lose no call, and multiply none. Each
-- kind weighs in by a number of its own, so that one lost does not make up for one too many.
{% set weight = 'cast(call_kind % 1000003 as bigint)' -%}

with

call_days as (
    select
        event_day,
        sum(calls) as calls,
        sum(calls * {{ weight }}) as weighted_calls
    from {{ ref('int_call_days') }}
    where {{ built_lately('build') }}
    group by event_day
),

attributed_days as (
    select
        event_day,
        sum(calls) as calls,
        sum(calls * {{ weight }}) as weighted_calls
    from {{ ref('int_attributed_days') }}
    {%- if not is_all_lately() %}
    where call_kind in (
        select call_days.call_kind
        from {{ ref('int_call_days') }} as call_days
        where {{ built_lately('call_days.build') }}
    )
    {%- endif %}
    group by event_day
)

select
    call_days.event_day,
    call_days.calls,
    attributed_days.calls as attributed_calls
from call_days
left join attributed_days on call_days.event_day = attributed_days.event_day
where
    call_days.calls is distinct from coalesce(attributed_days.calls, 0)
    or call_days.weighted_calls is distinct from coalesce(attributed_days.weighted_calls, 0)
