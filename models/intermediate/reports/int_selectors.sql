-- One row per distinct way in which reports pick entity days: whose, which event, which filter.
-- Reports that pick alike share all further work.
with

picked as (
    select
        entity,
        event,
        filter_by,
        filter_values
    from {{ ref('stg_activity_reports') }}

    union

    select
        entity,
        cohort_event as event,
        filter_by,
        filter_values
    from {{ ref('stg_retention_reports') }}

    union

    select
        entity,
        return_event as event,
        filter_by,
        filter_values
    from {{ ref('stg_retention_reports') }}
)

select
    row_number() over (order by entity, event, filter_by, filter_values) as selector_id,
    entity,
    event,
    filter_by,
    filter_values
from picked
