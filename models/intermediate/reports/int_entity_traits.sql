-- One row per entity and trait that a report can filter or break down by, with its latest value:
-- a trait of the entity itself, or company.<trait> of the company that a user was last seen with.
{{ config(materialized='view') }}

with

latest_traits as (
    select * from {{ ref('int_latest_traits') }}
),

user_latest_companies as (
    select * from {{ ref('int_user_latest_companies') }}
)

select
    entity,
    entity_id,
    trait,
    value_text
from latest_traits

union all

select
    'user' as entity,
    user_latest_companies.user_id as entity_id,
    'company.' || latest_traits.trait as trait,
    latest_traits.value_text
from user_latest_companies
inner join latest_traits
    on
        latest_traits.entity = 'company'
        and user_latest_companies.company_id = latest_traits.entity_id
