-- One row per column of fct_events that is taken from the context of a call.
select
    row_number() over () + 1 as line,
    {{ cell('"column"') }} as column_name,
    {{ cell('path') }} as path,
    lower({{ cell('type') }}) as type,
    coalesce(try_cast({{ cell('is_pii') }} as boolean), false) as is_pii
from {{ ref('context_columns') }}
