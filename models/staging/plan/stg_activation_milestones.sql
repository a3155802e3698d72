-- One row per entity and milestone.
select
    row_number() over () + 1 as line,
    lower({{ cell('entity') }}) as entity,
    {{ cell('milestone') }} as milestone,
    try_cast({{ cell('position') }} as integer) as position,
    {{ cell('event') }} as event,
    coalesce(try_cast({{ cell('minimum_events') }} as integer), 1) as minimum_events,
    try_cast({{ cell('within_days') }} as double) as within_days
from {{ ref('activation_milestones') }}
