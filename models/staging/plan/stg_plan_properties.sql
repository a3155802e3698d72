-- One row per planned event and property.
select
    row_number() over () + 1 as line,
    {{ cell('event') }} as event,
    {{ cell('property') }} as property,
    lower({{ cell('type') }}) as type,
    coalesce(try_cast({{ cell('required') }} as boolean), false) as is_required,
    {{ cell('allowed_values') }} as allowed_values,
    coalesce(try_cast({{ cell('is_pii') }} as boolean), false) as is_pii
from {{ ref('tracking_plan_properties') }}
