-- One row per user and company that were sighted together.
with

sightings as (
    select * from {{ ref('int_sightings') }}
    where calls is distinct from 0
),

internal_entities as (
    select * from {{ ref('int_internal_entities') }}
    where is_internal
)

select
    sightings.user_id,
    sightings.company_id,
    min(sightings.event_day) as first_day,
    max(sightings.event_day) as last_day
from sightings
left join internal_entities as internal_users
    on
        internal_users.entity = 'user'
        and sightings.user_id = internal_users.entity_id
left join internal_entities as internal_companies
    on
        internal_companies.entity = 'company'
        and sightings.company_id = internal_companies.entity_id
where
    internal_users.entity_id is null
    and internal_companies.entity_id is null
group by sightings.user_id, sightings.company_id
