-- One row per selector, entity and day with an event that the selector picks.
with

selectors as (
    select * from {{ ref('int_selectors') }}
),

event_catalog as (
    select * from {{ ref('int_event_catalog') }}
),

activity_days as (
    select activity_days.*
    from {{ ref('int_activity_days') }} as activity_days
    inner join {{ ref('int_as_of') }} as as_of on activity_days.event_day <= as_of.as_of
    where activity_days.events is distinct from 0
),

entity_traits as (
    select * from {{ ref('int_entity_traits') }}
),

-- No event named means any that counts as active.
selector_events as (
    select
        selectors.selector_id,
        selectors.entity,
        selectors.filter_by,
        event_catalog.event
    from selectors
    inner join event_catalog
        on
            selectors.event = event_catalog.event
            or (selectors.event is null and event_catalog.counts_as_active)
),

filter_values as (
    select
        selector_id,
        entity,
        filter_by,
        {{ comparable(split_to_rows('filter_values')) }} as filter_value
    from selectors
    where filter_by is not null
),

filtered_entities as (
    select distinct
        filter_values.selector_id,
        entity_traits.entity_id
    from filter_values
    inner join entity_traits
        on
            filter_values.entity = entity_traits.entity
            and filter_values.filter_by = entity_traits.trait
            and filter_values.filter_value = {{ comparable('entity_traits.value_text') }}
),

picked_days as (
    select
        selector_events.selector_id,
        selector_events.filter_by,
        case
            when selector_events.entity = 'user' then activity_days.user_id
            else activity_days.company_id
        end as entity_id,
        coalesce(activity_days.company_id, '') as company_or_none,
        activity_days.event_day,
        activity_days.events,
        activity_days.first_at
    from activity_days
    inner join selector_events on activity_days.event = selector_events.event
),

entity_days as (
    select
        selector_id,
        filter_by,
        entity_id,
        event_day,
        sum(events) as events,
        nullif(min_by(company_or_none, (first_at, company_or_none)), '') as first_company_id
    from picked_days
    where entity_id is not null
    group by selector_id, filter_by, entity_id, event_day
)

select
    entity_days.selector_id,
    entity_days.entity_id,
    entity_days.event_day,
    entity_days.events,
    entity_days.first_company_id
from entity_days
left join filtered_entities
    on
        entity_days.selector_id = filtered_entities.selector_id
        and entity_days.entity_id = filtered_entities.entity_id
where
    entity_days.filter_by is null
    or filtered_entities.entity_id is not null
