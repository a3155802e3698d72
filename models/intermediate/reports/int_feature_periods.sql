-- One row per week or month, user and company that had an event together in it (one of the two may be
-- missing), and feature that it belongs to, if to any.
--
-- What can change tonight: the weeks and months of users and companies of which a row is new in
-- int_attributed_days since the last good build, and those with days that the last whole day has
-- passed since. What has nothing left stays, with no uses. Another plan starts anew.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='pair_period',
    pre_hook="{{ start_anew_on_other_grounds([ref('stg_plan_events')]) }}"
) }}

{% set plan = [ref('stg_plan_events')] -%}
{% set since = last_good_build(plan) if is_incremental() -%}
{% set starts = {
    'week': week_start_of('event_day'),
    'month': "cast(date_trunc('month', event_day) as date)",
} -%}

{% if is_incremental() -%}
{% set start_of_now = start_of_now() -%}
{% set pairs_of_before -%}
    select distinct
        user_key,
        company_key
    from {{ rows_in_question(ref('int_attributed_days'), since) }} as days
    where
        (user_id is not null or company_id is not null)
        and least({{ starts.values() | join(', ') }}) < {{ start_of_now }}
{%- endset %}
{% set pairs_of_before = kept_aside('pairs_of_before', pairs_of_before) -%}

{% set kinds_of_before -%}
    select days.call_kind
    from {{ ref('int_attributed_days') }} as days
    semi join {{ pairs_of_before }} as touched
        on
            days.user_key = touched.user_key
            and days.company_key = touched.company_key
    where days.event_day < {{ start_of_now }}
{%- endset %}
{% set kinds_of_before = kept_aside('kinds_of_before', kinds_of_before) -%}
{%- endif %}

with

as_of as (
    select * from {{ ref('int_as_of') }}
),

-- Looked up by key: names are long. (That two users share one is less likely than a broken disk.)
numbers as {{ read_anew() }} (
    select
        entity,
        entity_number,
        {{ hash_of(['entity_id']) }} as entity_key
    from {{ ref('int_entity_numbers') }}
),

event_catalog as (
    select * from {{ ref('int_event_catalog') }}
),

event_days as {{ read_anew() }} (
    select
        *,
        {{ hash_of(['user_key', 'company_key']) }} as pair
    from {{ ref('int_attributed_days') }}
    where type in ('track', 'page', 'screen')
),

{% if is_incremental() -%}
new_days as (
    select distinct
        pair,
        event_day
    from {{ rows_in_question('event_days', since) }} as days
),

{% for period, start in starts.items() -%}
touched_{{ period }}s as (
    select distinct
        pair,
        {{ start }} as period_start
    from new_days
),

{% endfor -%}

days_to_count as (
    select * from event_days
    where event_day >= {{ start_of_now }}

    union all

    select event_days.*
    from event_days
    semi join {{ kinds_of_before }} as touched on event_days.call_kind = touched.call_kind
    where event_days.event_day < {{ start_of_now }}
),
{%- else -%}
days_to_count as {{ read_anew() }} (
    select * from event_days
),
{%- endif %}

counting_days as {{ read_anew() }} (
    select
        days_to_count.*,
        event_catalog.feature,
        event_catalog.counts_as_active,
        not days_to_count.is_internal
        and days_to_count.calls is distinct from 0
        and days_to_count.event_day <= as_of.as_of as counts
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
            counting_days.pair = touched.pair
            and {{ start }} = touched.period_start
    {%- endif %}
    group by all
),

{% endfor -%}

found as (
    select * from weeks
    union all
    select * from months
)

select
    {{ hash_of(['found.user_key', 'found.company_key', 'found.period', 'found.period_start']) }}
        as pair_period,
    found.period,
    found.period_start,
    users.entity_number as user_number,
    companies.entity_number as company_number,
    found.feature,
    cast(coalesce(found.uses, 0) as integer) as uses,
    -- Of the pair, by whatever it did; and one of its rows, by which it is counted itself.
    bool_or(found.is_active) over one_pair as is_active,
    row_number() over (one_pair order by found.uses is null, found.feature) = 1 as stands_for_pair,
    {{ this_build() }} as build,
    {{ grounds(plan) }} as grounds
from found
left join numbers as users
    on
        users.entity = 'user'
        and found.user_key = users.entity_key
left join numbers as companies
    on
        companies.entity = 'company'
        and found.company_key = companies.entity_key
where
    (users.entity_number is not null or companies.entity_number is not null)
    {%- if not is_incremental() %}
    and found.uses > 0
    {%- endif %}
window one_pair as (
    partition by found.period, found.period_start, found.user_key, found.company_key
)
