-- One row per entity and trait that a report filters or breaks down by, with its latest value:
-- a trait of the entity itself, or company.<trait> of the company that a user was last seen with.
{{ config(materialized='view') }}

with

asked as (
    select filter_by as trait from {{ ref('stg_activity_reports') }}
    union
    select filter_by as trait from {{ ref('stg_retention_reports') }}
    union
    select breakdown as trait from {{ ref('stg_retention_reports') }}
),

asked_of_companies as (
    select substr(trait, length('company.') + 1) as trait
    from asked
    where starts_with(trait, 'company.')
)

select
    entity,
    entity_id,
    trait,
    value,
    value_text
from {{ ref('int_latest_traits') }}
where trait in {{ in_list('asked', 'trait') }}

union all

select
    'user' as entity,
    user_latest_companies.user_id as entity_id,
    'company.' || latest_traits.trait as trait,
    latest_traits.value,
    latest_traits.value_text
from {{ ref('int_user_latest_companies') }} as user_latest_companies
inner join {{ ref('int_latest_traits') }} as latest_traits
    on
        latest_traits.entity = 'company'
        and latest_traits.trait in {{ in_list('asked_of_companies', 'trait') }}
        and user_latest_companies.company_id = latest_traits.entity_id
