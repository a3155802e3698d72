-- One row per week or month, segment of companies, planned feature, and kind of entity.
with

feature_periods as {{ read_anew() }} (
    select * from {{ ref('int_feature_periods') }}
    where uses > 0
),

periods as (
    select * from {{ ref('int_periods') }}
    where period in ('week', 'month')
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

plan_traits as (
    select
        traits.*,
        numbers.entity_number as company_number
    from {{ ref('int_traits') }} as traits
    inner join {{ ref('int_entity_numbers') }} as numbers
        on
            traits.entity = numbers.entity
            and traits.entity_id = numbers.entity_id
    where
        traits.entity = 'company'
        and traits.trait = {{ name_in_vars('company_plan_trait') }}
),

plans as (
    select * from {{ ref('stg_plans') }}
),

features as (
    select distinct feature
    from {{ ref('stg_plan_events') }}
    where feature is not null
),

-- A company is paying by the plan it has when the period ends, or now while it runs.
paying_companies as (
    select distinct
        periods.period,
        periods.period_start,
        plan_traits.company_number
    from periods
    cross join as_of
    inner join plan_traits
        on
            plan_traits.from_day <= least(periods.period_end, as_of.as_of)
            and (
                plan_traits.to_day is null
                or plan_traits.to_day > least(periods.period_end, as_of.as_of)
            )
    inner join plans
        on
            plans.is_paying
            and {{ comparable('plan_traits.value_text') }} = {{ comparable('plans.plan') }}
),

-- What has no company is in no segment but that of all.
segmented as (
    select
        'all' as segment,
        feature_periods.*
    from feature_periods

    union all

    select
        case
            when paying_companies.company_number is null then 'free'
            else 'paying'
        end as segment,
        feature_periods.*
    from feature_periods
    left join paying_companies
        on
            feature_periods.period = paying_companies.period
            and feature_periods.period_start = paying_companies.period_start
            and feature_periods.company_number = paying_companies.company_number
    where feature_periods.company_number is not null
),

entity_uses as (
    {% for entity in ['user', 'company'] -%}
    select
        '{{ entity }}' as entity,
        period,
        period_start,
        segment,
        {{ entity }}_number as entity_number,
        feature,
        bool_or(is_active) as is_active,
        sum(uses) as uses
    from segmented
    where {{ entity }}_number is not null
    group by period, period_start, segment, {{ entity }}_number, feature
    {% if not loop.last %}
    union all

    {% endif %}
    {%- endfor %}
),

active_entities as (
    select
        entity,
        period,
        period_start,
        segment,
        entity_number
    from entity_uses
    group by entity, period, period_start, segment, entity_number
    having bool_or(is_active)
),

bases as (
    select
        entity,
        period,
        period_start,
        segment,
        count(*) as active
    from active_entities
    group by entity, period, period_start, segment
),

adoptions as (
    select
        entity_uses.entity,
        entity_uses.period,
        entity_uses.period_start,
        entity_uses.segment,
        entity_uses.feature,
        count(active_entities.entity_number) as adopters,
        sum(entity_uses.uses) as uses
    from entity_uses
    left join active_entities
        on
            entity_uses.entity = active_entities.entity
            and entity_uses.period = active_entities.period
            and entity_uses.period_start = active_entities.period_start
            and entity_uses.segment = active_entities.segment
            and entity_uses.entity_number = active_entities.entity_number
    where entity_uses.feature is not null
    group by
        entity_uses.entity, entity_uses.period, entity_uses.period_start,
        entity_uses.segment, entity_uses.feature
),

first_periods as (
    select
        period,
        min(period_start) as first_start
    from feature_periods
    group by period
),

cells as (
    select
        periods.period,
        periods.period_start,
        segments.segment,
        features.feature,
        entities.entity,
        periods.is_complete
    from periods
    inner join first_periods
        on
            periods.period = first_periods.period
            and periods.period_start >= first_periods.first_start
    cross join (values ('all'), ('paying'), ('free')) as segments (segment)
    cross join features
    cross join (values ('user'), ('company')) as entities (entity)
),

counted as (
    select
        cells.*,
        coalesce(bases.active, 0) as active,
        coalesce(adoptions.adopters, 0) as adopters,
        cast(coalesce(adoptions.uses, 0) as bigint) as uses
    from cells
    left join bases
        on
            cells.entity = bases.entity
            and cells.period = bases.period
            and cells.period_start = bases.period_start
            and cells.segment = bases.segment
    left join adoptions
        on
            cells.entity = adoptions.entity
            and cells.period = adoptions.period
            and cells.period_start = adoptions.period_start
            and cells.segment = adoptions.segment
            and cells.feature = adoptions.feature
)

select
    period,
    period_start,
    segment,
    feature,
    entity,
    active,
    adopters,
    case when is_complete then {{ share('adopters', 'active') }} end as adoption_rate,
    uses,
    rank() over (
        partition by period, period_start, segment, entity
        order by adopters desc, uses desc, feature
    ) as rank,
    is_complete
from counted
