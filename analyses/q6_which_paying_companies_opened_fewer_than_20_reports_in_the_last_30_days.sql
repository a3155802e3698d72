-- Which paying companies opened fewer than 20 reports in the last 30 days?
-- One row per such company, those with the fewest first; those with none are among them.
with

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

paying_companies as (
    select
        companies.company_id,
        companies.name,
        companies.plan,
        cast(coalesce(opened.reports_opened, 0) as bigint) as reports_opened,
        cast(companies.last_active_at as date) as last_active_on
    from marts.dim_companies as companies
    left join opened on companies.company_id = opened.company_id
    where
        companies.is_paying
        and not companies.is_internal
),

quiet_companies as (
    select * from paying_companies
    where reports_opened < 20
),

answer as (
    select
        case
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
