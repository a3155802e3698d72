-- Which features are most popular among paying companies, and among free ones?
-- One row per rank in the last complete month: the feature of paying companies, and of free ones.
-- needs: var company_plan_trait
with

not_planned as (
    select 'The tracking plan gives no event a feature.' as sentence
    where not exists (
        select 1 from seeds.tracking_plan_events
        where trim(feature) <> ''
    )
),

last_month as (
    select *
    from marts.feature_adoption
    where
        period = 'month'
        and is_complete
        and entity = 'company'
        and segment in ('paying', 'free')
    qualify period_start = max(period_start) over ()
),

ranks as (
    select
        paying.rank,
        paying.feature as paying_companies_use,
        paying.adopters as paying_adopters,
        paying.adoption_rate as paying_share,
        free.feature as free_companies_use,
        free.adopters as free_adopters,
        free.adoption_rate as free_share
    from last_month as paying
    inner join last_month as free on paying.rank = free.rank
    where
        paying.segment = 'paying'
        and free.segment = 'free'
),

winners as (
    select
        segment,
        format('{} most ({:.1f} % of {:,} active)', feature, 100 * adoption_rate, active) as most
    from last_month
    where
        rank = 1
        and adopters > 0
),

answer as (
    select
        case
            when exists (select 1 from not_planned) then (select sentence from not_planned)
            when count(*) = 0 then 'The logs cannot tell: no month is complete yet.'
            when max(active) = 0
                then 'The logs cannot tell: no company was active in the last complete month.'
            else format(
                'In {}: {}; {}.',
                strftime(max(period_start), '%B %Y'),
                coalesce(
                    'paying companies used '
                    || (select most from winners where segment = 'paying'),
                    'no paying company used a feature'
                ),
                coalesce(
                    'free ones used ' || (select most from winners where segment = 'free'),
                    'no free company used a feature'
                )
            )
        end as answer
    from last_month
)

select
    answer.answer,
    ranks.*
from answer
left join ranks on not starts_with(answer.answer, 'The logs cannot tell')
order by ranks.rank
