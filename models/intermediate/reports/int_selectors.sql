-- One row per pair of entity kind and event that reports count. Reports with the same pair share all
-- further work.
with

picked as (
    select
        entity,
        event
    from {{ ref('stg_activity_reports') }}

    union

    select
        entity,
        cohort_event as event
    from {{ ref('stg_retention_reports') }}

    union

    select
        entity,
        return_event as event
    from {{ ref('stg_retention_reports') }}
)

select
    {{ hash_of(['entity', 'event']) }} as selector_id,
    entity,
    event
from picked
