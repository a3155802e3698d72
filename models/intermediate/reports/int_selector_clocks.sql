-- One row per selector and calendar period that a report counts it by.
{{ config(materialized='view') }}

with

asked as (
    select
        activity_reports.entity,
        activity_reports.event,
        clocks.period
    from {{ ref('stg_activity_reports') }} as activity_reports
    cross join (values ('day'), ('week'), ('month')) as clocks (period)

    union

    select
        entity,
        cohort_event as event,
        period
    from {{ ref('stg_retention_reports') }}

    union

    select
        entity,
        return_event as event,
        period
    from {{ ref('stg_retention_reports') }}
)

select
    selectors.selector_id,
    asked.period
from asked
inner join {{ ref('int_selectors') }} as selectors
    on
        asked.entity = selectors.entity
        and asked.event is not distinct from selectors.event
