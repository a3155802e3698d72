-- One row per activity report.
select
    row_number() over () + 1 as line,
    {{ cell('report') }} as report,
    lower({{ cell('entity') }}) as entity,
    {{ cell('event') }} as event,
    {{ cell('filter_by') }} as filter_by,
    {{ cell('filter_values') }} as filter_values,
    try_cast({{ cell('starts_on') }} as date) as starts_on,
    try_cast({{ cell('ends_on') }} as date) as ends_on
from {{ ref('activity_reports') }}
