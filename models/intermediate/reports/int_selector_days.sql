-- One row per selector, entity and day with an event that the selector picks, with its week and its
-- month, and the day before on which it had one.
--
-- What can change tonight: the days of users and companies of which a row is new in
-- int_attributed_days since the last good build, and the day that follows each. A selector that is
-- new is told over all history, one that no report uses any more goes. A day that has nothing left
-- stays, with no events; so does one row without a day for each selector, which says that it was
-- told. Another plan starts anew.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='selector_day',
    pre_hook=[
        "{{ start_anew_on_other_grounds([ref('stg_plan_events')]) }}",
        "{{ keep_only('selector_id', ref('int_selectors')) }}"
    ]
) }}

{% set plan = [ref('stg_plan_events')] -%}
{% set number_of = {'week': week_number_of, 'month': month_number_of} -%}
{% set since = last_good_build(plan) if is_incremental() -%}
{% set new_selectors = not_here_yet('selector_id', ref('int_selectors'), 'event_day is null') -%}

{% set touched_days = {} -%}
{% if is_incremental() -%}
{% set start_of_now = start_of_now() -%}
{% for entity in ['user', 'company'] -%}
{% set touched -%}
    select distinct
        {{ entity }}_key,
        event_day
    from {{ ref('int_attributed_days') }}
    where
        build > {{ since }}
        and is_event
        and {{ entity }}_id is not null
{%- endset %}
{% do touched_days.update({entity: create_temp_table('touched_' ~ entity ~ '_days', touched)}) -%}
{% endfor -%}
{%- endif %}

with

selector_events as (
    select * from {{ ref('int_selector_events') }}
),

-- Looked up by key: names are long. (That two entities share one is less likely than a broken disk.)
numbers as {{ not_materialized() }} (
    select
        entity,
        entity_number,
        {{ hash_of(['entity_id']) }} as entity_key
    from {{ ref('int_entity_numbers') }}
),

event_days as {{ not_materialized() }} (
    select * from {{ ref('int_attributed_days') }}
    where
        is_event
        and event_day >= {{ earliest_day() }}
),

{% if since and not new_selectors -%}
-- By whose they are first, the engine looking up one key at a time, then by day; and then they are read.
places_of_before as (
    {% for entity, touched in touched_days.items() -%}
    select days.place
    from (
        select
            {{ entity }}_key,
            event_day,
            {{ row_id('call_kind') }} as place
        from {{ ref('int_attributed_days') }}
        where
            event_day < {{ start_of_now }}
            and {{ entity }}_key in (
                select touched.{{ entity }}_key from {{ touched }} as touched
                where touched.event_day < {{ start_of_now }}
            )
    ) as days
    semi join {{ touched }} as touched
        on
            days.{{ entity }}_key = touched.{{ entity }}_key
            and days.event_day = touched.event_day
    {{ 'union' if not loop.last }}
    {% endfor -%}
),

days_to_count as (
    select * from event_days
    where event_day >= {{ start_of_now }}

    union all

    select * from {{ ref('int_attributed_days') }}
    where
        is_event
        and event_day >= {{ earliest_day() }}
        and {{ row_id('call_kind') }} in {{ in_list('places_of_before', 'place') }}
),
{%- else -%}
days_to_count as {{ not_materialized() }} (
    select * from event_days
),
{%- endif %}

{% for entity in ['user', 'company'] -%}
{{ entity }}_days as (
    select
        selector_events.selector_id,
        event_days.{{ entity }}_key,
        event_days.event_day,
        sum(event_days.calls) filter (
            not event_days.is_internal and event_days.calls is distinct from 0
        ) as events
    from days_to_count as event_days
    inner join selector_events
        on
            selector_events.entity = '{{ entity }}'
            and event_days.event = selector_events.event
    {%- if is_incremental() %}
    {{ 'left' if new_selectors else 'inner' }} join {{ touched_days[entity] }} as touched
        on
            event_days.{{ entity }}_key = touched.{{ entity }}_key
            and event_days.event_day = touched.event_day
    {%- endif %}
    {%- if new_selectors %}
    where
        touched.event_day is not null
        or selector_events.selector_id in ({{ new_selectors }})
    {%- endif %}
    group by selector_events.selector_id, event_days.{{ entity }}_key, event_days.event_day
),

numbered_{{ entity }}_days as (
    select
        days.selector_id,
        numbers.entity_number,
        days.event_day,
        days.events
    from {{ entity }}_days as days
    inner join numbers
        on
            numbers.entity = '{{ entity }}'
            and days.{{ entity }}_key = numbers.entity_key
),

{% endfor -%}

picked as (
    select * from numbered_user_days
    union all
    select * from numbered_company_days
    union all
    select
        selector_id,
        0 as entity_number,
        cast(null as date) as event_day,
        0 as events
    from {{ ref('int_selectors') }}
    {%- if is_incremental() and since %}
    where selector_id in ({{ new_selectors or 'null' }})
    {%- endif %}
),

{% if is_incremental() -%}
-- Which day comes before which: of those who have a new one, all days from then on and the last one
-- before.
touched_entities as (
    select
        selector_id,
        entity_number,
        min(event_day) as first_touched_day
    from picked
    group by selector_id, entity_number
),

built_days as (
    select
        built.selector_id,
        built.entity_number,
        built.event_day,
        built.events,
        built.previous_day,
        touched_entities.first_touched_day
    from {{ this }} as built
    inner join touched_entities
        on
            built.entity_number = touched_entities.entity_number
            and built.selector_id = touched_entities.selector_id
    where built.events > 0
),

days_before as (
    select
        built_days.selector_id,
        built_days.entity_number,
        built_days.event_day,
        built_days.events,
        built_days.previous_day as previous_day_before
    from built_days
    anti join picked
        on
            built_days.entity_number = picked.entity_number
            and built_days.selector_id = picked.selector_id
            and built_days.event_day is not distinct from picked.event_day
    where built_days.event_day >= built_days.first_touched_day

    union all

    select
        selector_id,
        entity_number,
        max(event_day) as event_day,
        min(events) as events,
        cast(null as date) as previous_day_before
    from built_days
    where event_day < first_touched_day
    group by selector_id, entity_number
),

all_days as (
    select
        *,
        false as is_touched
    from days_before

    union all

    select
        selector_id,
        entity_number,
        event_day,
        events,
        cast(null as date) as previous_day_before,
        true as is_touched
    from picked
),
{%- else -%}
all_days as (
    select
        *,
        true as is_touched
    from picked
    where
        events > 0
        or event_day is null
),
{%- endif %}

in_sequence as (
    select
        *,
        lag(event_day) over (
            partition by selector_id, entity_number
            order by event_day
        ) as previous_day
    from all_days
    where events > 0
),

to_write as (
    select
        selector_id,
        entity_number,
        event_day,
        events,
        previous_day
    from in_sequence
    {%- if is_incremental() %}
    where
        is_touched
        or previous_day is distinct from previous_day_before
    {%- endif %}

    union all

    select
        selector_id,
        entity_number,
        event_day,
        0 as events,
        cast(null as date) as previous_day
    from all_days
    where coalesce(events, 0) = 0
)

select
    {{ hash_of(['selector_id', 'entity_number', 'event_day']) }} as selector_day,
    selector_id,
    entity_number,
    event_day,
    cast(events as integer) as events,
    previous_day,
    {%- for period in ['week', 'month'] %}
    {{ number_of[period]('event_day') }} as {{ period }}_number,
    {{ number_of[period]('previous_day') }} is distinct from {{ period }}_number
        as is_first_of_{{ period }},
    {%- endfor %}
    {{ this_build() }} as build,
    {{ grounds(plan) }} as grounds
from to_write
