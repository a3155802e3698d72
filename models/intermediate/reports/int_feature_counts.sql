-- One row per week or month, kind of entity, segment of companies and feature: how many of its active
-- entities used the feature, and how often. Without a feature: how many were active.
with

periods as (
    select
        periods.period,
        periods.period_start,
        least(periods.period_end, as_of.as_of) as last_day
    from {{ ref('int_periods') }} as periods
    cross join {{ ref('int_as_of') }} as as_of
    where periods.period in ('week', 'month')
),

numbers as {{ not_materialized() }} (
    select * from {{ ref('int_entity_numbers') }}
),

plans as (
    select * from {{ ref('stg_plans') }}
),

times_of_paying as (
    select distinct
        numbers.entity_number as company_number,
        traits.from_day,
        traits.to_day
    from {{ ref('int_trait_history') }} as traits
    inner join numbers
        on
            numbers.entity = 'company'
            and traits.entity_id = numbers.entity_id
    inner join plans
        on
            plans.is_paying
            and {{ comparable('traits.value_text') }} = {{ comparable('plans.plan') }}
    where
        traits.entity = 'company'
        and traits.from_day >= {{ earliest_day() }}
        and traits.trait = {{ name_in_vars('company_plan_trait') }}
),

-- A company is paying by the plan it has when the period ends, or now while it runs.
{% for rows, relation in [
    ('company_periods', ref('int_company_feature_periods')), ('user_periods', ref('int_feature_periods'))
] -%}
{{ rows }} as {{ not_materialized() }} (
    select
        found.*,
        case
            when found.company_number is null then 'none'
            when times_of_paying.company_number is null then 'free'
            else 'paying'
        end as segment
    from {{ relation }} as found
    inner join periods
        on
            found.period = periods.period
            and found.period_start = periods.period_start
    left join times_of_paying
        on
            found.company_number = times_of_paying.company_number
            and periods.last_day >= times_of_paying.from_day
            and (times_of_paying.to_day is null or periods.last_day < times_of_paying.to_day)
    where found.uses > 0
),

{% endfor -%}

-- Companies, and users who were there for one company only, are in one segment.
counted_in_one_segment as (
    select
        period,
        period_start,
        segment,
        feature,
        count(*) filter (is_active) as companies,
        sum(uses) as uses_of_companies,
        sum(users) as users,
        sum(uses_of_users) as uses_of_users
    from company_periods
    group by period, period_start, segment, feature
),

-- The other users are in each of their segments once, and once in all.
user_features as (
    select
        user_periods.period,
        user_periods.period_start,
        segments.segment,
        user_periods.user_number,
        user_periods.feature,
        sum(user_periods.uses) as uses,
        bool_or(user_periods.is_active) as is_active
    from user_periods
    inner join (values ('all'), ('paying'), ('free')) as segments (segment)
        on
            segments.segment = 'all'
            or user_periods.segment = segments.segment
    where
        user_periods.user_number is not null
        and not user_periods.is_only_company
    group by
        user_periods.period, user_periods.period_start, segments.segment,
        user_periods.user_number, user_periods.feature
),

counted_in_several as (
    select
        features.period,
        features.period_start,
        features.segment,
        features.feature,
        count(*) filter (everything.is_active) as users,
        sum(features.uses) as uses_of_users
    from user_features as features
    inner join user_features as everything
        on
            features.period = everything.period
            and features.period_start = everything.period_start
            and features.segment = everything.segment
            and features.user_number = everything.user_number
            and everything.feature is null
    group by features.period, features.period_start, features.segment, features.feature
),

counted as (
    {% for segment in ['segment', "'all'"] -%}
    select
        'company' as entity,
        period,
        period_start,
        {{ segment }} as segment,
        feature,
        companies as entities,
        uses_of_companies as uses
    from counted_in_one_segment
    where counted_in_one_segment.segment <> 'none'

    union all

    select
        'user' as entity,
        period,
        period_start,
        {{ segment }} as segment,
        feature,
        users as entities,
        uses_of_users as uses
    from counted_in_one_segment
    where uses_of_users > 0

    union all

    {% endfor -%}
    select
        'user' as entity,
        period,
        period_start,
        segment,
        feature,
        users as entities,
        uses_of_users as uses
    from counted_in_several
)

select
    period,
    period_start,
    entity,
    segment,
    feature,
    cast(sum(entities) as bigint) as entities,
    cast(sum(uses) as bigint) as uses
from counted
where segment <> 'none'
group by period, period_start, entity, segment, feature
