-- A cell that has not begun has no row; one in progress has counts, and null where they may fall.
with

cells as (
    select
        'activity' as mart,
        case when starts_with(clock, 'rolling') then period_end else period_start end as begins,
        is_complete,
        case when not starts_with(clock, 'rolling') then dormant end as unsettled,
        quick_ratio as rate
    from {{ ref('activity') }}

    union all

    select
        'retention' as mart,
        cast(
            cohort_start + case period
                when 'day' then to_days(cast(period_number as integer))
                when 'week' then to_days(cast(7 * period_number as integer))
                else to_months(cast(period_number as integer))
            end as date
        ) as begins,
        is_complete,
        null as unsettled,
        coalesce(retention_rate, rate_low, rate_high) as rate
    from {{ ref('retention') }}

    union all

    select
        'activation' as mart,
        cohort_week as begins,
        is_complete,
        null as unsettled,
        reach_rate as rate
    from {{ ref('activation') }}

    union all

    select
        'feature_adoption' as mart,
        period_start as begins,
        is_complete,
        null as unsettled,
        adoption_rate as rate
    from {{ ref('feature_adoption') }}
)

select cells.*
from cells
cross join {{ ref('calendar') }} as calendar
where
    cells.begins > calendar.as_of
    or cells.is_complete is null
    or (not cells.is_complete and (cells.unsettled is not null or cells.rate is not null))
