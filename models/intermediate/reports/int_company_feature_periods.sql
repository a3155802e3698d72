-- One row per week or month, company and feature that its users used in it; and one row without a feature,
-- for all events. Events without a company have rows too. `users` had events for this company only.
{{ config(materialized='keyed', key='company_period') }}

{% set company_period = hash_of(['company_key', 'period', 'period_start']) -%}

{% call touched_keys() -%}
select distinct {{ company_period }} as company_period
from {{ changes(ref('int_feature_periods')) }}
{%- endcall %}

with

feature_uses as (
    select
        {{ company_period }} as company_period,
        period,
        period_start,
        company_key,
        feature,
        cast(sum(uses) as integer) as uses,
        cast(
            coalesce(sum(uses) filter (user_key is not null and is_only_company), 0) as integer
        ) as uses_of_users,
        cast(
            count(*) filter (user_key is not null and is_only_company and is_active) as integer
        ) as users,
        bool_or(is_active) as is_active
    from {{ touched(ref('int_feature_periods'), [(company_period, 'company_period')]) }}
    group by period, period_start, company_key, feature
)

select
    feature_uses.* replace (everything.is_active as is_active)
from feature_uses
inner join feature_uses as everything
    on
        feature_uses.company_period = everything.company_period
        and everything.feature is null
