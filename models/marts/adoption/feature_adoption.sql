-- One row per week or month, segment of companies, planned feature, and kind of entity.
with

feature_counts as (
    select * from {{ ref('int_feature_counts') }}
),

periods as (
    select * from {{ ref('int_periods') }}
    where period in ('week', 'month')
),

features as (
    select distinct feature
    from {{ ref('stg_plan_events') }}
    where feature is not null
),

first_periods as (
    select
        period,
        min(period_start) as first_start
    from feature_counts
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
        coalesce(bases.entities, 0) as active,
        coalesce(adoptions.entities, 0) as adopters,
        coalesce(adoptions.uses, 0) as uses
    from cells
    left join feature_counts as bases
        on
            cells.entity = bases.entity
            and cells.period = bases.period
            and cells.period_start = bases.period_start
            and cells.segment = bases.segment
            and bases.feature is null
    left join feature_counts as adoptions
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
