-- Which drivers finished the most trips in the last 30 days?
-- One row per driver, those with the most trips first.
select
    users.user_id as driver,
    sum(activity_days.events) as trips
from {{ ref('fct_activity_days') }} as activity_days
inner join {{ ref('dim_users') }} as users on activity_days.user_id = users.user_id
inner join {{ ref('calendar') }} as calendar
    on activity_days.event_day between calendar.last_30_days_from and calendar.as_of
where activity_days.event = 'trip_finished'
group by users.user_id
order by trips desc, driver
