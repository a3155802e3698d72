-- One row per retention report.
select
    row_number() over () + 1 as line,
    {{ cell('report') }} as report,
    lower({{ cell('entity') }}) as entity,
    {{ cell('cohort_event') }} as cohort_event,
    {{ cell('return_event') }} as return_event,
    lower({{ cell('cohort_rule') }}) as cohort_rule,
    lower({{ cell('period') }}) as period,
    lower({{ cell('return_window') }}) as return_window,
    coalesce(try_cast({{ cell('minimum_events') }} as integer), 1) as minimum_events,
    try_cast({{ cell('periods') }} as integer) as periods,
    {{ cell('filter_by') }} as filter_by,
    {{ cell('filter_values') }} as filter_values,
    {{ cell('breakdown') }} as breakdown,
    case
        when {{ cell('breakdown') }} is not null
            then coalesce(lower({{ cell('breakdown_at') }}), 'latest')
    end as breakdown_at,
    try_cast({{ cell('starts_on') }} as date) as starts_on,
    try_cast({{ cell('ends_on') }} as date) as ends_on
from {{ ref('retention_reports') }}
