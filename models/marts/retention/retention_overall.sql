-- One row per retention report, period since, and breakdown value: the complete cells of all
-- cohorts, pooled. Each entity weighs the same, whatever the size of its cohort.
with

pooled as (
    select
        report,
        entity,
        period,
        period_number,
        breakdown,
        breakdown_at,
        breakdown_value,
        count(*) as cohorts,
        sum(cohort_size) as cohort_size,
        sum(retained) as retained
    from {{ ref('retention') }}
    where is_complete
    group by
        report, entity, period, period_number, breakdown, breakdown_at, breakdown_value
)

select
    report,
    entity,
    period,
    period_number,
    breakdown,
    breakdown_at,
    breakdown_value,
    cohorts,
    cast(cohort_size as bigint) as cohort_size,
    cast(retained as bigint) as retained,
    {{ share('retained', 'cohort_size') }} as retention_rate,
    {{ wilson_low('retained', 'cohort_size') }} as rate_low,
    {{ wilson_high('retained', 'cohort_size') }} as rate_high
from pooled
