-- One row per selector, entity and day with an event that the selector picks, with its week and its
-- month, and the day before on which it had one.
{{ config(
    materialized='keyed',
    key='selector_day_key',
    plan=['stg_plan_events', 'int_selectors']
) }}

{% set number_of = {'week': week_number_of, 'month': month_number_of} -%}
{% set selector_day_key = hash_of(['selector_id', 'entity_key', 'event_day']) -%}

{% call touched_keys() -%}
with

changed_days as (
    {% for entity in ['user', 'company'] -%}
    select distinct
        selector_events.selector_id,
        days.{{ entity }}_key as entity_key,
        days.event_day
    from {{ changes(ref('int_attributed_days')) }} as days
    inner join {{ ref('int_selector_events') }} as selector_events
        on
            selector_events.entity = '{{ entity }}'
            and days.event = selector_events.event
    where
        days.is_event
        and days.{{ entity }}_key is not null
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

-- The next day after a changed day may have another previous_day.
next_days as (
    select
        changed_days.selector_id,
        changed_days.entity_key,
        min(later_days.event_day) as event_day
    from changed_days
    inner join {{ rows_with(this, 'entity_key', 'changed_days') }} as later_days
        on
            changed_days.selector_id = later_days.selector_id
            and changed_days.entity_key = later_days.entity_key
            and changed_days.event_day < later_days.event_day
    group by changed_days.selector_id, changed_days.entity_key, changed_days.event_day
)

select
    *,
    {{ selector_day_key }} as selector_day_key
from (
    select * from changed_days
    union
    select * from next_days
) as days
{%- endcall %}

with

picked_days as (
    {% for entity in ['user', 'company'] -%}
    select
        selector_events.selector_id,
        days.{{ entity }}_key as entity_key,
        days.event_day,
        sum(days.calls) as events
    from {{ touched(ref('int_attributed_days'), [(entity ~ '_key', 'entity_key'), 'event_day']) }} as days
    inner join {{ ref('int_selector_events') }} as selector_events
        on
            selector_events.entity = '{{ entity }}'
            and days.event = selector_events.event
    where
        days.is_event
        and not days.is_internal
        and days.{{ entity }}_key is not null
        and days.event_day >= {{ earliest_day() }}
    group by selector_events.selector_id, days.{{ entity }}_key, days.event_day
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

all_days as (
    select *
    from picked_days

    {%- if not is_rebuilt() %}
    where {{ selector_day_key }} in (
        select touched_days.selector_day_key from {{ touched_rows() }} as touched_days
    )

    union all

    -- Untouched days of the same entities, to find the day before each touched one: all from the first
    -- touched day on, and of those before it the last. Only this table knows them.
    select
        days.selector_id,
        days.entity_key,
        max(days.event_day) as event_day,
        0 as events
    from {{ touched(this, 'entity_key') }} as days
    inner join (
        select
            selector_id,
            entity_key,
            min(event_day) as first_touched_day
        from {{ touched_rows() }}
        group by selector_id, entity_key
    ) as entities
        on
            days.selector_id = entities.selector_id
            and days.entity_key = entities.entity_key
    anti join {{ touched_rows() }} as touched_days
        on days.selector_day_key = touched_days.selector_day_key
    group by
        days.selector_id, days.entity_key,
        case when days.event_day >= entities.first_touched_day then days.event_day end
    {%- endif %}
),

in_sequence as (
    select
        *,
        lag(event_day) over (
            partition by selector_id, entity_key
            order by event_day
        ) as previous_day
    from all_days
)

select
    {{ selector_day_key }} as selector_day_key,
    selector_id,
    entity_key,
    event_day,
    cast(events as integer) as events,
    previous_day,
    {%- for period in ['week', 'month'] %}
    {{ number_of[period]('event_day') }} as {{ period }}_number,
    {{ number_of[period]('previous_day') }} is distinct from {{ period }}_number
        as is_first_of_{{ period }}
    {{- ',' if not loop.last }}
    {%- endfor %}
from in_sequence
