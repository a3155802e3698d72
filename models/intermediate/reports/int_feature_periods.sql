-- One row per week or month, user and company that had an event together in it (one of the two may be
-- missing), and feature that they used; and one without a feature, for all they did. Each says whether
-- the two were active, by whatever they did, and whether the user was there for no other company.
--
-- What can change tonight: the weeks and months of users, and of companies without a user, of which a
-- row is new in int_attributed_days since the last good build, and those with days that the last whole
-- day has passed since. What has nothing left stays, with no uses. Another plan starts anew.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='actor_period',
    pre_hook="{{ start_anew_on_other_grounds([ref('stg_plan_events')]) }}"
) }}

{% set plan = [ref('stg_plan_events')] -%}
{% set since = last_good_build(plan) if is_incremental() -%}
{% set starts = {
    'week': week_start_of('event_day'),
    'month': "cast(date_trunc('month', event_day) as date)",
} -%}

{# The user, or without one the company. (That two share a key is less likely than a broken disk.) #}
{% set no_user = hash_of(['cast(null as varchar)']) -%}
{% set actor = hash_of(['user_key', 'case when user_key = ' ~ no_user ~ ' then company_key end']) -%}

{% if since -%}
{% set start_of_now = start_of_now() -%}
{% set actors_of_before -%}
    select distinct
        case when user_id is not null then user_key end as user_key,
        case when user_id is null then company_key end as company_key
    from {{ rows_in_question(ref('int_attributed_days'), since) }} as days
    where
        (user_id is not null or company_id is not null)
        and least({{ starts.values() | join(', ') }}) < {{ start_of_now }}
{%- endset %}
{% set actors_of_before = create_temp_table('actors_of_before', actors_of_before) -%}
{%- endif %}

with

as_of as (
    select * from {{ ref('int_as_of') }}
),

-- Looked up by key: names are long.
numbers as {{ not_materialized() }} (
    select
        entity,
        entity_number,
        {{ hash_of(['entity_id']) }} as entity_key
    from {{ ref('int_entity_numbers') }}
),

event_catalog as (
    select * from {{ ref('int_event_catalog') }}
),

event_days as {{ not_materialized() }} (
    select
        *,
        {{ actor }} as actor
    from {{ ref('int_attributed_days') }}
    where is_event
),

{% if is_incremental() -%}
new_days as (
    select distinct
        actor,
        event_day
    from {{ rows_in_question('event_days', since) }} as days
),

{% for period, start in starts.items() -%}
touched_{{ period }}s as (
    select distinct
        actor,
        {{ start }} as period_start
    from new_days
),

{% endfor -%}
{%- endif -%}

{% if since -%}
-- Found by who was there, the engine looking up one key at a time, and then read.
places_of_before as (
    select {{ row_id('call_kind') }} as place
    from {{ ref('int_attributed_days') }}
    where
        event_day < {{ start_of_now }}
        and user_key in {{ in_list(actors_of_before, 'user_key') }}

    union all

    select {{ row_id('call_kind') }} as place
    from {{ ref('int_attributed_days') }}
    where
        event_day < {{ start_of_now }}
        and user_key = {{ no_user }}
        and company_key in {{ in_list(actors_of_before, 'company_key') }}
),

days_to_count as (
    select * from event_days
    where event_day >= {{ start_of_now }}

    union all

    select
        *,
        {{ actor }} as actor
    from {{ ref('int_attributed_days') }}
    where
        is_event
        and {{ row_id('call_kind') }} in {{ in_list('places_of_before', 'place') }}
),
{%- else -%}
days_to_count as {{ not_materialized() }} (
    select * from event_days
),
{%- endif %}

counting_days as {{ not_materialized() }} (
    select
        days_to_count.*,
        event_catalog.feature,
        event_catalog.counts_as_active,
        not days_to_count.is_internal
        and days_to_count.calls is distinct from 0
        and days_to_count.event_day between {{ earliest_day() }} and as_of.as_of as counts
    from days_to_count
    cross join as_of
    inner join event_catalog on days_to_count.event = event_catalog.event
),

{% for period, start in starts.items() -%}
{{ period }}s as (
    select
        '{{ period }}' as period,
        {{ start }} as period_start,
        counting_days.user_key,
        counting_days.company_key,
        counting_days.feature,
        sum(counting_days.calls) filter (counts) as uses,
        bool_or(counts and counts_as_active) as is_active
    from counting_days
    {%- if is_incremental() %}
    semi join touched_{{ period }}s as touched
        on
            counting_days.actor = touched.actor
            and {{ start }} = touched.period_start
    {%- endif %}
    group by all
),

{% endfor -%}

found as (
    select
        *,
        {{ hash_of([actor, 'period', 'period_start']) }} as actor_period
    from (
        select * from weeks
        union all
        select * from months
    )
    {%- if not is_incremental() %}
    where uses > 0
    {%- endif %}
),

pairs as (
    select
        actor_period,
        company_key,
        any_value(period) as period,
        any_value(period_start) as period_start,
        any_value(user_key) as user_key,
        sum(uses) as uses,
        coalesce(bool_or(is_active), false) as is_active
    from found
    group by actor_period, company_key
),

with_several as (
    select actor_period
    from pairs
    group by actor_period
    having count(*) > 1
),

feature_rows as (
    select
        actor_period,
        company_key,
        period,
        period_start,
        user_key,
        cast(null as varchar) as feature,
        uses,
        is_active
    from pairs

    union all

    select
        found.actor_period,
        found.company_key,
        found.period,
        found.period_start,
        found.user_key,
        found.feature,
        found.uses,
        pairs.is_active
    from found
    inner join pairs
        on
            found.actor_period = pairs.actor_period
            and found.company_key = pairs.company_key
    where found.feature is not null
)

select
    feature_rows.actor_period,
    feature_rows.period,
    feature_rows.period_start,
    users.entity_number as user_number,
    companies.entity_number as company_number,
    feature_rows.feature,
    cast(coalesce(feature_rows.uses, 0) as integer) as uses,
    feature_rows.is_active,
    with_several.actor_period is null as is_only_company,
    {{ this_build() }} as build,
    {{ grounds(plan) }} as grounds
from feature_rows
left join with_several on feature_rows.actor_period = with_several.actor_period
left join numbers as users
    on
        users.entity = 'user'
        and feature_rows.user_key = users.entity_key
left join numbers as companies
    on
        companies.entity = 'company'
        and feature_rows.company_key = companies.entity_key
where
    users.entity_number is not null
    or companies.entity_number is not null
