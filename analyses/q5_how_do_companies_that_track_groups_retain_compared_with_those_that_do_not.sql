-- How do companies that track groups retain, compared with those that do not?
-- One row per clock and week since sign-up: both rates, and their difference.
with

weeks as (
    select
        breakdown_at as clock,
        period_number as week,
        max(cohort_size) filter (lower(breakdown_value) = 'true') as tracking,
        max(retention_rate) filter (lower(breakdown_value) = 'true') as tracking_active,
        max(cohort_size) filter (lower(breakdown_value) = 'false') as not_tracking,
        max(retention_rate) filter (lower(breakdown_value) = 'false') as not_tracking_active,
        tracking_active - not_tracking_active as difference
    from marts.retention_overall
    where
        report in ('companies by tracks_groups at entry', 'companies by tracks_groups latest')
        and period_number > 0
    group by breakdown_at, period_number
    having
        tracking > 0
        and not_tracking > 0
),

-- By the value at entry: the latest one favours those who stayed long enough to set it.
judged as (
    select *
    from weeks
    where
        clock = 'entry'
        and week <= 4
    order by week desc
    limit 1
),

answer as (
    select coalesce(max(
        case
            when difference > 0 then 'Better: '
            when difference < 0 then 'Worse: '
            else 'Alike: '
        end
        || format(
            'in week {} after sign-up {:.1f} % of the {:,} companies that tracked groups were '
            'active, and {:.1f} % of the {:,} that did not ({:+.1f} points). This goes by whether '
            'they tracked groups at entry; by the latest value, which favours those who stayed '
            'long enough to set it, see the rows of the clock latest.',
            week, 100 * tracking_active, tracking, 100 * not_tracking_active, not_tracking,
            100 * difference
        )
    ), 'The logs cannot tell: there is no complete week since sign-up with both a company that '
       'tracks groups and one that does not.') as answer
    from judged
)

select
    answer.answer,
    weeks.*
from answer
left join weeks on true
order by weeks.clock, weeks.week
