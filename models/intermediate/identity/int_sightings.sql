-- One row as in int_identified_days, of a group call or an event that showed a user with a company.
{{ config(materialized='view') }}

select
    user_id,
    sent_company_id as company_id,
    event_day,
    calls,
    first_at,
    last_at,
    lost_in,
    build,
    place
from {{ ref('int_identified_days') }}
where
    user_id is not null
    and sent_company_id is not null
    and type in ('group', 'track', 'page', 'screen')
