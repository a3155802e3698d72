-- One row per selector and event that it picks.
{{ config(materialized='view') }}

select
    selectors.selector_id,
    selectors.entity,
    event_catalog.event
from {{ ref('int_selectors') }} as selectors
inner join {{ ref('int_event_catalog') }} as event_catalog
    on
        selectors.event = event_catalog.event
        or (selectors.event is null and event_catalog.counts_as_active)
