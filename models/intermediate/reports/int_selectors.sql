-- One row per distinct way in which reports pick days: whose, and with which event. Reports that pick
-- alike share all further work.
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
