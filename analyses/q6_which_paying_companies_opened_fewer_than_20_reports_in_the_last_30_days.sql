-- Which paying companies opened fewer than 20 reports in the last 30 days?
-- One row per such company, those with the fewest first; those with none are among them.
-- needs: event report_loaded
-- needs: var company_plan_trait
-- chart: reports_opened by name
with

-- Without the event in the plan every company would count as one that opened none.
not_planned as (
    select 'The tracking plan has no event "report_loaded".' as sentence
    where not exists (
        select 1 from seeds.tracking_plan_events
        where trim(event) = 'report_loaded'
    )
),

opened as (
    select
        activity_days.company_id,
        sum(activity_days.events) as reports_opened
    from marts.fct_activity_days as activity_days
    inner join marts.calendar
        on activity_days.event_day between calendar.last_30_days_from and calendar.as_of
    where activity_days.event = 'report_loaded'
    group by activity_days.company_id
),

-- From the history of traits: a column of dim_companies is there only where the trait is planned.
names as (
    select
        traits.entity_id as company_id,
        json_extract_string(traits.value, '$') as name
    from marts.fct_traits as traits
    inner join marts.calendar
        on
            traits.valid_from < calendar.as_of_ends_at
            and coalesce(traits.valid_to >= calendar.as_of_ends_at, true)
    where
        traits.entity = 'company'
        and traits.trait = 'name'
),

paying_companies as (
    select
        companies.company_id,
        names.name,
        companies.plan,
        cast(coalesce(opened.reports_opened, 0) as bigint) as reports_opened,
        cast(companies.last_active_at as date) as last_active_on
    from marts.dim_companies as companies
    left join opened on companies.company_id = opened.company_id
    left join names on companies.company_id = names.company_id
    where
        companies.is_paying
        and not companies.is_internal
        and not exists (select 1 from not_planned)
),

quiet_companies as (
    select * from paying_companies
    where reports_opened < 20
),

answer as (
    select
        case
            when exists (select 1 from not_planned) then (select sentence from not_planned)
            when count(*) = 0 then 'The logs cannot tell: they show no paying company.'
            else format(
                '{:,} of {:,} paying companies opened fewer than 20 reports in the 30 days up to '
                '{}; {:,} of them opened none.',
                count(*) filter (reports_opened < 20), count(*),
                cast((select as_of from marts.calendar) as varchar),
                count(*) filter (reports_opened = 0)
            )
        end as answer
    from paying_companies
)

select
    answer.answer,
    quiet_companies.*
from answer
left join quiet_companies on true
order by quiet_companies.reports_opened, quiet_companies.company_id
