-- One row per entity and planned trait.
select
    row_number() over () + 1 as line,
    lower({{ cell('entity') }}) as entity,
    {{ cell('trait') }} as trait,
    lower({{ cell('type') }}) as type,
    coalesce(try_cast({{ cell('required') }} as boolean), false) as is_required,
    {{ cell('allowed_values') }} as allowed_values,
    coalesce(try_cast({{ cell('is_pii') }} as boolean), false) as is_pii,
    {{ cell('former_names') }} as former_names
from {{ ref('tracking_plan_traits') }}
