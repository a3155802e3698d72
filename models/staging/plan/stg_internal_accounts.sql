-- One row per rule that tells whose events are our own.
select
    row_number() over () + 1 as line,
    lower({{ cell('match_on') }}) as match_on,
    {{ cell('value') }} as value
from {{ ref('internal_accounts') }}
