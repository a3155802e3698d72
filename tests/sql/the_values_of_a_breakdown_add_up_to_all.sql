-- Whoever is in a cohort is counted under one value, and under (all).
with

cells as (
    select
        report,
        cohort_start,
        period_number,
        sum(cohort_size) filter (breakdown_value = '(all)') as cohort_size,
        sum(retained) filter (breakdown_value = '(all)') as retained,
        coalesce(sum(cohort_size) filter (breakdown_value <> '(all)'), 0) as size_of_values,
        coalesce(sum(retained) filter (breakdown_value <> '(all)'), 0) as retained_of_values
    from {{ ref('retention') }}
    where breakdown is not null
    group by report, cohort_start, period_number
)

select *
from cells
where
    cohort_size is distinct from size_of_values
    or retained is distinct from retained_of_values
