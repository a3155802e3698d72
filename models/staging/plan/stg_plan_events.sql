-- One row per planned event.
select
    row_number() over () + 1 as line,
    {{ cell('event') }} as event,
    {{ cell('description') }} as description,
    {{ cell('feature') }} as feature,
    coalesce(try_cast({{ cell('counts_as_active') }} as boolean), true) as counts_as_active,
    lower({{ cell('expected_side') }}) as expected_side,
    {{ cell('former_names') }} as former_names
from {{ ref('tracking_plan_events') }}
