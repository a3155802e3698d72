-- One row per user, company, event and day. Anonymous days have no user.
{{ config(materialized='view') }}

select
    user_id,
    company_id,
    event,
    event_day,
    events,
    first_at,
    last_at
from {{ ref('int_activity_days') }}
where events > 0
