-- One row per user seen by the last complete day.
{%- set fixed_columns = [
    'user_id', 'company_id', 'first_seen_at', 'signed_up_at', 'activated_at', 'last_active_at',
    'is_internal'
] %}
{%- set traits = planned_traits('user') %}

with

users as (
    select * from {{ ref('int_entities') }}
    where entity = 'user'
),

activated as (
    select * from {{ ref('int_activated_entities') }}
    where entity = 'user'
),

latest_traits as (
    select * from {{ ref('int_latest_traits') }}
    where entity = 'user'
),

trait_columns as (
    select
        entity_id
        {%- for trait in traits %},
        {{ trait_as_column(trait) }} as {{ trait_column(trait, fixed_columns) }}
        {%- endfor %}
    from latest_traits
    group by entity_id
)

select
    users.entity_id as user_id,
    latest_companies.company_id,
    users.first_seen_at,
    users.signed_up_at,
    activated.activated_at,
    users.last_active_at,
    users.is_internal
    {%- for trait in traits %},
    trait_columns.{{ trait_column(trait, fixed_columns) }}
    {%- endfor %}
from users
left join {{ ref('int_user_latest_companies') }} as latest_companies on users.entity_id = latest_companies.user_id
left join activated on users.entity_id = activated.entity_id
left join trait_columns on users.entity_id = trait_columns.entity_id
