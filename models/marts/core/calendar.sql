-- One row: what "now" means in every other table, and where the last 30 days begin.
select
    as_of,
    {{ start_of('as_of + 1') }} as as_of_ends_at,
    as_of - 29 as last_30_days_from,
    '{{ var("timezone") }}' as timezone,
    '{{ var("week_start") }}' as week_start
from {{ ref('int_as_of') }}
