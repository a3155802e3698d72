-- Every user and company of an event that reports see has its row, flagged where it is internal.
with

acted as (
    select distinct
        events.user_id,
        events.company_id
    from {{ rows_written_lately(ref('int_attributed_days')) }} as events
    inner join {{ ref('calendar') }} as calendar
        on events.event_day between {{ earliest_day() }} and calendar.as_of
    where
        events.is_event
        and not events.is_internal
)

select
    acted.user_id,
    acted.company_id
from acted
left join {{ ref('dim_users') }} as users on acted.user_id = users.user_id
left join {{ ref('dim_companies') }} as companies on acted.company_id = companies.company_id
where
    (acted.user_id is not null and users.is_internal is distinct from false)
    or (acted.company_id is not null and companies.is_internal is distinct from false)
