-- One row per user, company and day on which a group call or an event showed them together.
select
    user_id,
    sent_company_id as company_id,
    event_day,
    min(first_at) as first_at,
    max(last_at) as last_at
from {{ ref('int_identified_days') }}
where
    user_id is not null
    and sent_company_id is not null
    and type in ('group', 'track', 'page', 'screen')
group by user_id, sent_company_id, event_day
