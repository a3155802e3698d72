-- One row per user, company, event and day, without our own.
with

attributed_days as (
    select * from {{ ref('int_attributed_days') }}
),

event_catalog as (
    select * from {{ ref('int_event_catalog') }}
),

summed as (
    select
        user_id,
        company_id,
        event,
        event_day,
        sum(calls) as events,
        min(first_at) as first_at,
        max(last_at) as last_at
    from attributed_days
    where
        type in ('track', 'page', 'screen')
        and not is_internal
    group by user_id, company_id, event, event_day
)

select
    summed.*,
    event_catalog.counts_as_active,
    event_catalog.feature
from summed
inner join event_catalog on summed.event = event_catalog.event
