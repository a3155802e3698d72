-- One row per user, company, event and day. Anonymous days have no user.
{{ config(materialized='view') }}

with

attributed_days as (
    select * from {{ ref('int_attributed_days') }}
    where
        is_event
        and not is_internal
)

select
    user_id,
    company_id,
    event,
    event_day,
    cast(sum(calls) as bigint) as events,
    min(first_at) as first_at,
    max(last_at) as last_at
from attributed_days
group by user_id, company_id, event, event_day
