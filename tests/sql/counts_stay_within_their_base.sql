-- A part is not more than its whole, a share lies between 0 and 1, and its interval around it.
with

shares as (
    select
        'retention' as mart,
        retained as part,
        cohort_size as base,
        retention_rate as share,
        rate_low,
        rate_high,
        period_number = 0 and retained <> cohort_size as breaks_its_own_rule
    from {{ ref('retention') }}

    union all

    select
        'retention_overall' as mart,
        retained as part,
        cohort_size as base,
        retention_rate as share,
        rate_low,
        rate_high,
        period_number = 0 and retained <> cohort_size as breaks_its_own_rule
    from {{ ref('retention_overall') }}

    union all

    select
        'activation' as mart,
        reached as part,
        entities as base,
        reach_rate as share,
        null as rate_low,
        null as rate_high,
        median_hours < 0 as breaks_its_own_rule
    from {{ ref('activation') }}

    union all

    select
        'feature_adoption' as mart,
        adopters as part,
        active as base,
        adoption_rate as share,
        null as rate_low,
        null as rate_high,
        uses < adopters as breaks_its_own_rule
    from {{ ref('feature_adoption') }}
)

select *
from shares
where
    part not between 0 and base
    or share not between 0 and 1
    or share not between rate_low and rate_high
    or (share is not null and base = 0)
    or breaks_its_own_rule
