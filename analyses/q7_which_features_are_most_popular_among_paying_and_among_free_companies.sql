-- Which features are most popular among paying companies, and among free ones?
-- One row per segment and feature in the last complete month.
with

months as (
    select
        segment,
        rank,
        feature,
        adopters,
        active,
        adoption_rate,
        uses,
        period_start as month
    from marts.feature_adoption
    where
        period = 'month'
        and is_complete
        and entity = 'company'
        and segment in ('paying', 'free')
),

last_month as (
    select * from months
    where month = (select max(months.month) from months)
),

answer as (
    select
        case
            when count(*) = 0 then 'The logs cannot tell: no month is complete yet.'
            when coalesce(max(active), 0) = 0
                then 'The logs cannot tell: no company was active in the last complete month.'
            else 'In ' || strftime(max(month), '%B %Y') || ': '
                || coalesce('paying companies used ' || max(format(
                    '{} most ({:.1f} % of {:,} active)', feature, 100 * adoption_rate, active
                )) filter (segment = 'paying' and rank = 1 and adopters > 0),
                'no paying company used a feature')
                || '; '
                || coalesce('free ones used ' || max(format(
                    '{} most ({:.1f} % of {:,} active)', feature, 100 * adoption_rate, active
                )) filter (segment = 'free' and rank = 1 and adopters > 0),
                'no free company used a feature')
                || '.'
        end as answer
    from last_month
)

select
    answer.answer,
    last_month.segment,
    last_month.rank,
    last_month.feature,
    last_month.adopters,
    last_month.active,
    last_month.adoption_rate,
    last_month.uses
from answer
left join last_month on true
order by last_month.segment desc, last_month.rank
