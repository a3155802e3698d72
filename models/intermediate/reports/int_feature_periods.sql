-- One row per week or month, user and company that had an event together in it (one of the two may be
-- missing), and feature that they used; and one row without a feature, for all events. Each says whether the
-- pair was active in the period, and whether the user had events for this company only.
{{ config(materialized='keyed', key='actor_period', plan=['stg_plan_events']) }}

{% set starts = {
    'week': week_start_of('event_day'),
    'month': "cast(date_trunc('month', event_day) as date)",
} -%}

{% call touched_keys() -%}
with

changed_actor_days as (
    select distinct
        actor_key,
        event_day
    from {{ changed_days(ref('int_attributed_days'), ref('int_as_of')) }} as days
    where
        is_event
        and actor_key is not null
)

{% for period, start in starts.items() -%}
select distinct
    {{ hash_of(['actor_key', "'" ~ period ~ "'", start]) }} as actor_period,
    actor_key,
    {{ start }} as period_start
from changed_actor_days
{{ 'union all' if not loop.last }}
{% endfor -%}
{%- endcall %}

with

{% for period, start in starts.items() -%}
{{ period }}s as (
    select
        {{ hash_of(['days.actor_key', "'" ~ period ~ "'", start]) }} as actor_period,
        '{{ period }}' as period,
        {{ start }} as period_start,
        days.user_key,
        days.company_key,
        event_catalog.feature,
        sum(days.calls) as uses,
        bool_or(event_catalog.counts_as_active) as is_active
    from {{ touched(ref('int_attributed_days'), ['actor_key', (start, 'period_start')]) }} as days
    inner join {{ ref('int_as_of') }} as as_of
        on days.event_day between {{ earliest_day() }} and as_of.as_of
    inner join {{ ref('int_event_catalog') }} as event_catalog on days.event = event_catalog.event
    where
        days.is_event
        and not days.is_internal
        and days.actor_key is not null
    group by all
),

{% endfor -%}

feature_uses as (
    select * from weeks
    union all
    select * from months
),

pairs as (
    select
        actor_period,
        period,
        period_start,
        user_key,
        company_key,
        sum(uses) as uses,
        bool_or(is_active) as is_active,
        count(*) over (partition by actor_period) = 1 as is_only_company
    from feature_uses
    group by actor_period, period, period_start, user_key, company_key
)

select
    actor_period,
    period,
    period_start,
    user_key,
    company_key,
    cast(null as varchar) as feature,
    cast(uses as integer) as uses,
    is_active,
    is_only_company
from pairs

union all

select
    feature_uses.actor_period,
    feature_uses.period,
    feature_uses.period_start,
    feature_uses.user_key,
    feature_uses.company_key,
    feature_uses.feature,
    cast(feature_uses.uses as integer) as uses,
    pairs.is_active,
    pairs.is_only_company
from feature_uses
inner join pairs
    on
        feature_uses.actor_period = pairs.actor_period
        and feature_uses.company_key is not distinct from pairs.company_key
where feature_uses.feature is not null
