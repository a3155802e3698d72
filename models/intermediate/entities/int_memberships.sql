-- One row per user and company that were sighted together, or that belong together by the domain of the
-- user's e-mail, and whether one of those days is visible to the dims.
{{ config(materialized='view') }}

with

presence as (
    select * from {{ ref('int_presence') }}
    where user_id is not null
),

email_companies as (
    select
        user_id,
        company_id
    from {{ ref('int_user_companies') }}
    where is_by_email_domain
)

select
    user_id,
    company_id,
    first_sighted_on as first_day,
    last_sighted_on as last_day,
    first_visible_sighting_on is not null as is_visible
from presence
where first_sighted_on is not null

union all

select
    presence.user_id,
    presence.company_id,
    presence.first_day,
    presence.last_day,
    presence.first_at is not null as is_visible
from presence
inner join email_companies
    on
        presence.user_id = email_companies.user_id
        and presence.company_id = email_companies.company_id
