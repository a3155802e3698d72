-- How do companies that track groups retain, compared with those that do not?
-- One row per week since sign-up and clock: both rates, and their difference. The clock says which
-- value of tracks_groups counts: the one at sign-up (entry), or the latest.
-- needs: company trait tracks_groups
-- needs: retention report companies by tracks_groups at entry
-- needs: retention report companies by tracks_groups latest
with

-- The reports may be missing from the plan, or be others under these names.
reports as (
    select
        trim(report) as report,
        coalesce(lower(trim(breakdown_at)), 'latest') as breakdown_at
    from seeds.retention_reports
    where
        lower(trim(entity)) = 'company'
        and lower(trim(period)) = 'week'
        and trim(breakdown) = 'tracks_groups'
),

not_planned as (
    select
        'No weekly retention reports of companies are called "companies by tracks_groups at entry" '
        'and "companies by tracks_groups latest" and broken down by tracks_groups, at entry and '
        'latest.' as sentence
    where 2 > (
        select count(*) from reports
        where (report, breakdown_at) in (
            ('companies by tracks_groups at entry', 'entry'),
            ('companies by tracks_groups latest', 'latest')
        )
    )
),

weeks as (
    select
        trackers.period_number as week,
        trackers.breakdown_at as clock,
        trackers.cohort_size as tracking,
        trackers.retention_rate as tracking_rate,
        others.cohort_size as not_tracking,
        others.retention_rate as not_tracking_rate,
        trackers.retention_rate - others.retention_rate as difference,
        -- Newcombe's interval of a difference.
        difference - sqrt(
            power(trackers.retention_rate - trackers.rate_low, 2)
            + power(others.rate_high - others.retention_rate, 2)
        ) as low,
        difference + sqrt(
            power(trackers.rate_high - trackers.retention_rate, 2)
            + power(others.retention_rate - others.rate_low, 2)
        ) as high
    from marts.retention_overall as trackers
    inner join marts.retention_overall as others
        on
            trackers.report = others.report
            and trackers.period_number = others.period_number
    where
        trackers.report in (
            'companies by tracks_groups at entry', 'companies by tracks_groups latest'
        )
        and not exists (select 1 from not_planned)
        and trackers.breakdown_value = 'true'
        and others.breakdown_value = 'false'
        and trackers.period_number > 0
        and trackers.retention_rate is not null
        and others.retention_rate is not null
),

-- The fourth week, or the last complete one before it. By the value at entry: the latest value
-- favours companies that stayed long enough to set it.
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
    select coalesce((select sentence from not_planned), max(
        case
            when judged.low > 0 then 'Better: '
            when judged.high < 0 then 'Worse: '
            else 'No difference beyond chance: '
        end
        || format(
            'in week {} after sign-up {:.1f} % of the {:,} companies that tracked groups were '
            'active, and {:.1f} % of the {:,} that did not ({:+.1f} points; 95 % interval {:+.1f} '
            'to {:+.1f}). This goes by whether they tracked groups at entry',
            judged.week, 100 * judged.tracking_rate, judged.tracking,
            100 * judged.not_tracking_rate, judged.not_tracking,
            100 * judged.difference, 100 * judged.low, 100 * judged.high
        )
        || coalesce(format(
            '; by the latest value, which favours those who stayed long enough to set it, the '
            'difference is {:+.1f} points.', 100 * by_latest_value.difference
        ), '.')
    ), 'The logs cannot tell: there is no complete week since sign-up with both a company that '
       'tracks groups and one that does not.') as answer
    from judged
    left join weeks as by_latest_value
        on
            judged.week = by_latest_value.week
            and by_latest_value.clock = 'latest'
)

select
    answer.answer,
    weeks.* exclude (low, high)
from answer
left join weeks on true
order by weeks.week, weeks.clock
