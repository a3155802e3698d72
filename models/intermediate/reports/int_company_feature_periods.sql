-- One row per week or month, company, and feature that its people used in it, if any: like
-- int_feature_periods, and whoever they were.
--
-- What can change tonight: the weeks and months of companies of which a row is new in
-- int_feature_periods since the last good build. What has nothing left stays, with no uses.
-- Another plan starts anew.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='company_period',
    pre_hook="{{ start_anew_on_other_grounds([ref('stg_plan_events')]) }}"
) }}

{% set plan = [ref('stg_plan_events')] -%}

with

feature_periods as {{ read_anew() }} (
    select * from {{ ref('int_feature_periods') }}
    where company_number is not null
),

{% if is_incremental() -%}
touched as (
    select distinct
        period,
        period_start,
        company_number
    from feature_periods
    where build > {{ last_good_build(plan) }}
),
{%- endif %}

found as (
    select
        feature_periods.period,
        feature_periods.period_start,
        feature_periods.company_number,
        feature_periods.feature,
        sum(feature_periods.uses) as uses,
        bool_or(feature_periods.is_active) as is_active
    from feature_periods
    {%- if is_incremental() %}
    semi join touched
        on
            feature_periods.period = touched.period
            and feature_periods.period_start = touched.period_start
            and feature_periods.company_number = touched.company_number
    {%- endif %}
    group by
        feature_periods.period, feature_periods.period_start, feature_periods.company_number,
        feature_periods.feature
)

select
    {{ hash_of(['company_number', 'period', 'period_start']) }} as company_period,
    period,
    period_start,
    company_number,
    feature,
    cast(uses as integer) as uses,
    -- Of the company, by whatever it did; and one of its rows, by which it is counted itself.
    bool_or(is_active) over one_company as is_active,
    row_number() over (one_company order by uses = 0, feature) = 1 as stands_for_company,
    {{ this_build() }} as build,
    {{ grounds(plan) }} as grounds
from found
{%- if not is_incremental() %}
where uses > 0
{%- endif %}
window one_company as (
    partition by period, period_start, company_number
)
