-- Who did it and for which company is found by joins, which may lose no call, and multiply none.
with

call_days as (
    select
        call_kind,
        sum(calls) as calls
    from {{ ref('int_call_days') }}
    where {{ built_lately('build') }}
    group by call_kind
),

attributed_days as (
    select
        call_kind,
        sum(calls) as calls
    from {{ ref('int_attributed_days') }}
    where {{ built_lately('build') }}
    group by call_kind
)

select
    call_days.call_kind,
    call_days.calls,
    attributed_days.calls as attributed_calls
from call_days
left join attributed_days on call_days.call_kind = attributed_days.call_kind
where
    call_days.calls > 0
    and call_days.calls is distinct from attributed_days.calls
