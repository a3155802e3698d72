-- One row per selector and calendar period that a retention report counts it by, and whether one asks
-- for more than one event in the period.
{{ config(materialized='view') }}

with

asked as (
    select
        entity,
        cohort_event as event,
        period,
        1 as minimum_events
    from {{ ref('stg_retention_reports') }}

    union all

    select
        entity,
        return_event as event,
        period,
        minimum_events
    from {{ ref('stg_retention_reports') }}
)

select
    selectors.selector_id,
    asked.period,
    bool_or(asked.minimum_events > 1) as counts_events
from asked
inner join {{ ref('int_selectors') }} as selectors
    on
        asked.entity = selectors.entity
        and asked.event is not distinct from selectors.event
group by selectors.selector_id, asked.period
