-- One row per entity kind, week of sign-up, and milestone.
with

-- The logs do not show what an entity did before their first day: so earlier sign-ups are in no cohort.
reached_milestones as (
    select reached_milestones.*
    from {{ ref('int_reached_milestones') }} as reached_milestones
    inner join {{ ref('int_as_of') }} as as_of
        on reached_milestones.signed_up_on >= as_of.first_day
    where not reached_milestones.is_internal
),

milestones as (
    select * from {{ ref('stg_activation_milestones') }}
),

periods as (
    select * from {{ ref('int_periods') }}
    where period = 'week'
),

entity_windows as (
    select
        entity,
        max(within_days) as longest_within_days,
        max(position) as last_position
    from milestones
    group by entity
),

-- The milestone `activated` means all of the others.
all_milestones as (
    select
        entity,
        milestone,
        position
    from milestones

    union all

    select
        entity,
        'activated' as milestone,
        last_position + 1 as position
    from entity_windows
),

outcomes as (
    select
        entity,
        entity_id,
        milestone,
        signed_up_at,
        signed_up_on,
        reached_at
    from reached_milestones

    union all

    select distinct
        reached_milestones.entity,
        reached_milestones.entity_id,
        'activated' as milestone,
        reached_milestones.signed_up_at,
        reached_milestones.signed_up_on,
        activated_entities.activated_at as reached_at
    from reached_milestones
    left join {{ ref('int_activated_entities') }} as activated_entities
        on
            reached_milestones.entity = activated_entities.entity
            and reached_milestones.entity_id = activated_entities.entity_id
),

cohorts as (
    select
        outcomes.entity,
        outcomes.milestone,
        days.week_number,
        count(*) as entities,
        count(outcomes.reached_at) as reached,
        median({{ hours_between('outcomes.signed_up_at', 'outcomes.reached_at') }})
            as median_hours
    from outcomes
    inner join {{ ref('int_days') }} as days on outcomes.signed_up_on = days.day
    group by outcomes.entity, outcomes.milestone, days.week_number
),

first_weeks as (
    select
        entity,
        min(week_number) as first_week
    from cohorts
    group by entity
),

cells as (
    select
        all_milestones.entity,
        periods.period_start as cohort_week,
        all_milestones.milestone,
        all_milestones.position,
        coalesce(cohorts.entities, 0) as entities,
        coalesce(cohorts.reached, 0) as reached,
        cohorts.median_hours,
        periods.period_end + cast(ceil(entity_windows.longest_within_days) as integer)
        <= as_of.as_of as is_complete
    from all_milestones
    inner join first_weeks on all_milestones.entity = first_weeks.entity
    inner join entity_windows on all_milestones.entity = entity_windows.entity
    inner join periods on first_weeks.first_week <= periods.period_number
    cross join {{ ref('int_as_of') }} as as_of
    left join cohorts
        on
            all_milestones.entity = cohorts.entity
            and all_milestones.milestone = cohorts.milestone
            and periods.period_number = cohorts.week_number
)

select
    entity,
    cohort_week,
    milestone,
    position,
    entities,
    reached,
    case when is_complete then {{ share('reached', 'entities') }} end as reach_rate,
    median_hours,
    is_complete
from cells
