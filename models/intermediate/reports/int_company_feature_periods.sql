-- One row per week or month, company, if any, and feature that its people used in it; and one without a
-- feature, for all they did. Each counts those of its active users that were there for no other company.
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
{% set company_period = hash_of(['company_number', 'period', 'period_start']) -%}

with

feature_periods as {{ not_materialized() }} (
    select
        *,
        {{ company_period }} as company_period
    from {{ ref('int_feature_periods') }}
),

found as (
    select
        company_period,
        period,
        period_start,
        company_number,
        feature,
        cast(sum(uses) as integer) as uses,
        cast(
            coalesce(sum(uses) filter (user_number is not null and is_only_company), 0) as integer
        ) as uses_of_users,
        cast(
            count(*) filter (user_number is not null and is_only_company and is_active and uses > 0)
            as integer
        ) as users,
        bool_or(is_active) as is_active
    from feature_periods
    {%- if is_incremental() %}
    where company_period in (
        select new_periods.company_period
        from feature_periods as new_periods
        where new_periods.build > {{ last_good_build(plan) }}
    )
    {%- endif %}
    group by company_period, period, period_start, company_number, feature
)

select
    found.company_period,
    found.period,
    found.period_start,
    found.company_number,
    found.feature,
    found.uses,
    found.uses_of_users,
    found.users,
    everything.is_active,
    {{ this_build() }} as build,
    {{ grounds(plan) }} as grounds
from found
inner join found as everything
    on
        found.company_period = everything.company_period
        and everything.feature is null
