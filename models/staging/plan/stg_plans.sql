-- One row per billing plan.
select
    row_number() over () + 1 as line,
    {{ cell('plan') }} as plan,
    coalesce(try_cast({{ cell('is_paying') }} as boolean), false) as is_paying,
    try_cast({{ cell('mau_limit') }} as bigint) as mau_limit
from {{ ref('plans') }}
