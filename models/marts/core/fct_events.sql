-- One row per unique track, page or screen call.
{{ config(materialized='view') }}

{% set fixed_columns = [
    'event_id', 'event', 'event_as_sent', 'event_at', 'event_day', 'received_at', 'user_id',
    'anonymous_id', 'company_id', 'company_source', 'name', 'properties', 'library', 'side', 'source',
    'is_planned', 'is_internal', 'time_quality', 'load_id', 'line_number', 'call_number'
] -%}

select
    event_id,
    event,
    event_as_sent,
    event_at,
    event_day,
    received_at,
    user_id,
    anonymous_id,
    company_id,
    company_source,
    name,
    properties,
    library,
    {{ side_of('channel', 'library') }} as side,
    {%- for column in planned_context_columns() %}
    {{ text_as_planned(text_in_list('context_values', loop.index), column.type) }} as "{{ column.column }}",
    {%- endfor %}
    source,
    is_planned,
    is_internal,
    time_quality,
    load_id,
    line_number,
    call_number
from {{ ref('int_events') }}
