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

times_of_paying as (
    select distinct
        entity_keys.entity_key as company_key,
        traits.from_day,
        traits.to_day
    from {{ ref('int_trait_history') }} as traits
    inner join {{ ref('int_entity_keys') }} as entity_keys
        on
            entity_keys.entity = 'company'
            and traits.entity_id = entity_keys.entity_id
    inner join {{ ref('stg_plans') }} as plans
        on
            plans.is_paying
            and {{ comparable('traits.value_text') }} = {{ comparable('plans.plan') }}
    where
        traits.entity = 'company'
        and traits.from_day >= {{ earliest_day() }}
        and traits.trait = {{ name_in_vars('company_plan_trait') }}
),

-- A company is paying if its plan is, at the end of the period (on the last complete day while it runs).
{% for rows, relation in [
    ('company_periods', ref('int_company_feature_periods')), ('user_periods', ref('int_feature_periods'))
] -%}
{{ rows }} as (
    select
        found.*,
        case
            when found.company_key is null then 'none'
            when times_of_paying.company_key is null then 'free'
            else 'paying'
        end as segment
    from {{ relation }} as found
    inner join periods
        on
            found.period = periods.period
            and found.period_start = periods.period_start
    left join times_of_paying
        on
            found.company_key = times_of_paying.company_key
            and periods.last_day >= times_of_paying.from_day
            and (times_of_paying.to_day is null or periods.last_day < times_of_paying.to_day)
),

{% endfor -%}

-- Companies, and users with one company in the period, belong to one segment: they can be added up.
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

-- Users with several companies count once in each segment of theirs, and once in `all`.
user_features as (
    select
        user_periods.period,
        user_periods.period_start,
        segments.segment,
        user_periods.user_key,
        user_periods.feature,
        sum(user_periods.uses) as uses,
        bool_or(user_periods.is_active) as is_active
    from user_periods
    inner join (values ('all'), ('paying'), ('free')) as segments (segment)
        on
            segments.segment = 'all'
            or user_periods.segment = segments.segment
    where
        user_periods.user_key is not null
        and not user_periods.is_only_company
    group by
        user_periods.period, user_periods.period_start, segments.segment,
        user_periods.user_key, user_periods.feature
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
            and features.user_key = everything.user_key
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
