-- One row per rule that tells which users and companies are internal.
select
    row_number() over () + 1 as line,
    lower({{ cell('match_on') }}) as match_on,
    case
        when lower({{ cell('match_on') }}) = 'email_domain' then {{ domain(cell('value')) }}
        else {{ cell('value') }}
    end as value
from {{ ref('internal_accounts') }}
