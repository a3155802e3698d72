-- One row per user and stretch of days in which its calls belong to one company.
with

sightings as (
    select * from {{ ref('int_sightings') }}
)

{{ last_seen_by_day('sightings', 'user_id', 'company_id') }}
