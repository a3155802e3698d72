-- How many people do we know, and how many of them had an event in the last 30 days?
-- A question is any SELECT. `daybook ask` prints its first comment line, then its rows.
select
    (select count(*) from {{ ref('dim_users') }} where not is_internal) as people,
    count(distinct activity_days.user_id) as people_with_an_event
from {{ ref('calendar') }} as calendar
left join {{ ref('fct_activity_days') }} as activity_days
    on activity_days.event_day between calendar.last_30_days_from and calendar.as_of
