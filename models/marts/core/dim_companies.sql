-- One row per company seen by the last complete day.
{%- set fixed_columns = [
    'company_id', 'first_seen_at', 'signed_up_at', 'activated_at', 'last_active_at', 'members',
    'monthly_active_users', 'plan', 'is_paying', 'mau_limit', 'is_over_mau_limit', 'is_internal'
] %}
{%- set planned = planned_traits('company') %}
{%- set traits = planned | rejectattr('column', 'equalto', 'plan') | list %}
{%- set customers_tell_their_mau =
    var('company_mau_trait') in planned | map(attribute='trait') | list %}

with

companies as (
    select * from {{ ref('int_entities') }}
    where entity = 'company'
),

activated as (
    select * from {{ ref('int_activated_entities') }}
    where entity = 'company'
),

latest_traits as (
    select * from {{ ref('int_latest_traits') }}
    where entity = 'company'
),

members as (
    select
        memberships.company_id,
        count(*) as members
    from {{ ref('fct_memberships') }} as memberships
    inner join {{ ref('int_memberships') }} as visible_memberships
        on
            visible_memberships.is_visible
            and memberships.user_id = visible_memberships.user_id
            and memberships.company_id = visible_memberships.company_id
    group by memberships.company_id
),

{% if not customers_tell_their_mau -%}
active_in_last_30_days as (
    select
        activity_days.company_id,
        count(distinct activity_days.user_id) as monthly_active_users
    from {{ ref('fct_activity_days') }} as activity_days
    inner join {{ ref('int_as_of') }} as as_of
        on
            activity_days.event_day
            between greatest(as_of.as_of - 29, {{ earliest_day() }}) and as_of.as_of
    inner join {{ ref('int_event_catalog') }} as event_catalog
        on
            activity_days.event = event_catalog.event
            and event_catalog.counts_as_active
    group by activity_days.company_id
),

{% endif -%}
trait_columns as (
    select
        entity_id,
        {{ trimmed('max(value_text) filter (trait = ' ~ name_in_vars('company_plan_trait') ~ ')') }}
            as plan,
        max(try_cast(value_text as double))
            filter (trait = {{ name_in_vars('company_mau_trait') }}) as told_mau
        {%- for trait in traits %},
        {{ trait_as_column(trait) }} as {{ trait_column(trait, fixed_columns) }}
        {%- endfor %}
    from latest_traits
    group by entity_id
),

measured as (
    select
        companies.*,
        trait_columns.* except (entity_id),
        {% if customers_tell_their_mau -%}
        try_cast(trait_columns.told_mau as bigint) as monthly_active_users
        {%- else -%}
        coalesce(active_in_last_30_days.monthly_active_users, 0) as monthly_active_users
        {%- endif %}
    from companies
    left join trait_columns on companies.entity_id = trait_columns.entity_id
    {%- if not customers_tell_their_mau %}
    left join active_in_last_30_days
        on companies.entity_id = active_in_last_30_days.company_id
    {%- endif %}
)

select
    measured.entity_id as company_id,
    measured.first_seen_at,
    measured.signed_up_at,
    activated.activated_at,
    measured.last_active_at,
    coalesce(members.members, 0) as members,
    measured.monthly_active_users,
    measured.plan,
    coalesce(plans.is_paying, false) as is_paying,
    plans.mau_limit,
    coalesce(measured.monthly_active_users > plans.mau_limit, false) as is_over_mau_limit,
    measured.is_internal
    {%- for trait in traits %},
    measured.{{ trait_column(trait, fixed_columns) }}
    {%- endfor %}
from measured
left join activated on measured.entity_id = activated.entity_id
left join members on measured.entity_id = members.company_id
left join {{ ref('stg_plans') }} as plans on {{ comparable('measured.plan') }} = {{ comparable('plans.plan') }}
