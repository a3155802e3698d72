-- One row per user and company that were there together; one of the two may be missing.
select
    user_id,
    company_id,
    min(first_at) as first_at,
    min(first_together_at) as first_together_at,
    min(sign_up_event_at) as sign_up_event_at,
    max(last_active_at) as last_active_at,
    min(first_sighted_on) as first_sighted_on,
    max(last_sighted_on) as last_sighted_on,
    min(first_visible_sighting_on) as first_visible_sighting_on,
    min(first_day) as first_day,
    max(last_day) as last_day
from {{ ref('int_presence_months') }}
group by user_id, company_id
