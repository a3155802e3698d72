-- active = new + retained + resurrected, and
-- active(t) = active(t - 1) + new + resurrected - dormant, where the period is over.
with

periods as (
    select
        *,
        lag(active) over one_clock as active_before,
        lag(period_end) over one_clock as before_ended
    from {{ ref('activity') }}
    where clock in ('day', 'week', 'month')
    window one_clock as (partition by report, clock order by period_start)
)

select *
from periods
where
    active <> new + retained + resurrected
    or (is_complete and active <> active_before + new + resurrected - dormant)
    -- No period is missing, or the one before would be another.
    or before_ended + 1 <> period_start
