-- One row per week or month, segment of companies, planned feature, and kind of entity.
with

activity_days as (
    select
        activity_days.*,
        days.week_number,
        days.month_number
    from {{ ref('int_activity_days') }} as activity_days
    inner join {{ ref('int_days') }} as days on activity_days.event_day = days.day
    where activity_days.events is distinct from 0
),

periods as (
    select * from {{ ref('int_periods') }}
    where period in ('week', 'month')
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

plan_traits as (
    select * from {{ ref('int_traits') }}
    where
        entity = 'company'
        and trait = {{ name_in_vars('company_plan_trait') }}
),

plans as (
    select * from {{ ref('stg_plans') }}
),

features as (
    select distinct feature
    from {{ ref('stg_plan_events') }}
    where feature is not null
),

period_days as (
    select
        'week' as period,
        week_number as period_number,
        *
    from activity_days

    union all

    select
        'month' as period,
        month_number as period_number,
        *
    from activity_days
),

-- A company is paying by the plan it has when the period ends, or now while it runs.
paying_companies as (
    select
        periods.period,
        periods.period_number,
        plan_traits.entity_id as company_id
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
        period_days.*
    from period_days

    union all

    select
        case
            when paying_companies.company_id is null then 'free'
            else 'paying'
        end as segment,
        period_days.*
    from period_days
    left join paying_companies
        on
            period_days.period = paying_companies.period
            and period_days.period_number = paying_companies.period_number
            and period_days.company_id = paying_companies.company_id
    where period_days.company_id is not null
),

entity_uses as (
    {% for entity in ['user', 'company'] -%}
    select
        '{{ entity }}' as entity,
        period,
        period_number,
        segment,
        {{ entity }}_id as entity_id,
        feature,
        bool_or(counts_as_active) as is_active,
        sum(events) as events
    from segmented
    where {{ entity }}_id is not null
    group by period, period_number, segment, {{ entity }}_id, feature
    {% if not loop.last %}
    union all

    {% endif %}
    {%- endfor %}
),

active_entities as (
    select
        entity,
        period,
        period_number,
        segment,
        entity_id
    from entity_uses
    group by entity, period, period_number, segment, entity_id
    having bool_or(is_active)
),

bases as (
    select
        entity,
        period,
        period_number,
        segment,
        count(*) as active
    from active_entities
    group by entity, period, period_number, segment
),

adoptions as (
    select
        entity_uses.entity,
        entity_uses.period,
        entity_uses.period_number,
        entity_uses.segment,
        entity_uses.feature,
        count(active_entities.entity_id) as adopters,
        sum(entity_uses.events) as uses
    from entity_uses
    left join active_entities
        on
            entity_uses.entity = active_entities.entity
            and entity_uses.period = active_entities.period
            and entity_uses.period_number = active_entities.period_number
            and entity_uses.segment = active_entities.segment
            and entity_uses.entity_id = active_entities.entity_id
    where entity_uses.feature is not null
    group by
        entity_uses.entity, entity_uses.period, entity_uses.period_number,
        entity_uses.segment, entity_uses.feature
),

first_periods as (
    select
        period,
        min(period_number) as first_number
    from period_days
    group by period
),

cells as (
    select
        periods.period,
        periods.period_number,
        periods.period_start,
        segments.segment,
        features.feature,
        entities.entity,
        periods.is_complete
    from periods
    inner join first_periods
        on
            periods.period = first_periods.period
            and periods.period_number >= first_periods.first_number
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
            and cells.period_number = bases.period_number
            and cells.segment = bases.segment
    left join adoptions
        on
            cells.entity = adoptions.entity
            and cells.period = adoptions.period
            and cells.period_number = adoptions.period_number
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
