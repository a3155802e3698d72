-- One row per day and kind of call that ties a user to a company: a group call, or an event with a
-- company id.
{{ config(materialized='view') }}

select
    user_id,
    company_id,
    event_day,
    first_at,
    last_at
from {{ with_users(
    ref('int_call_days'), ref('int_alias_resolution'), ref('int_anonymous_id_map')
) }}
where
    user_id is not null
    and company_id is not null
    and type in ('group', 'track', 'page', 'screen')
