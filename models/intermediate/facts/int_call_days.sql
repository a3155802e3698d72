-- One row per day and kind of call as it was sent: type, event and the ids that it carried.
-- No later identify, alias or group call can change this grain: who and which company are
-- concluded from it, in small tables.
--
-- What is found no more stays, with no calls: so what is built on this table hears of it.
--
-- What can change tonight: the kinds of call in loads that this table has not seen, and the days
-- that a message has left because a copy landed tonight was received earlier. A load that was
-- taken out, another timezone, or other placeholder ids start anew.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['call_kind', 'event_day'],
    pre_hook="{{ start_anew_on_other_grounds([ref('stg_placeholder_ids')]) }}"
) }}

{% set plan = [ref('stg_placeholder_ids')] -%}
{% set kind = columns_of_a_kind() -%}

{% if is_incremental() -%}
{% set new_calls -%}
    select * from {{ ref('stg_calls') }}
    where load_id > {{ newest_load('last_load_id', plan) }}
{%- endset %}

{% set left_days -%}
    select distinct {{ list_to_rows('left_days') }} as event_day
    from ({{ new_calls }}) as new_calls
{%- endset %}
{% set left_days = create_temp_table('days_left', left_days) -%}

{%- endif %}

with

calls as {{ not_materialized() }} (
    select * from {{ ref('stg_calls') }}
),

{% if is_incremental() -%}
new_calls as (
    {{ new_calls }}
),

left_days as (
    select * from {{ left_days }}
),

-- A day that a message has left is counted again; all other days only gain.
calls_to_count as (
    select calls.*
    from calls
    inner join left_days on calls.event_day = left_days.event_day

    union all

    select new_calls.*
    from new_calls
    anti join left_days on new_calls.event_day = left_days.event_day
),
{%- else -%}
calls_to_count as {{ not_materialized() }} (
    select * from calls
),
{%- endif %}

-- Counted by number, which is quicker and smaller than names; what was sent is read off one of the
-- calls. (That two kinds of one day share a number is less likely than a broken disk.)
counted as (
    select
        call_kind,
        event_day,
        count(*) as calls,
        min(event_at) as first_at,
        max(event_at) as last_at,
        bool_or(received_at is not null) as has_receive_time,
        max(load_id) as last_load_id,
        min(message_key) as message_key
    from calls_to_count
    group by call_kind, event_day
),

identified as (
    select
        counted.call_kind,
        one_call.type,
        one_call.event,
        {{ real_id('one_call.user_id', ['user']) }} as user_id,
        {{ real_id('one_call.anonymous_id', ['anonymous']) }} as anonymous_id,
        {{ real_id('one_call.company_id', ['company']) }} as company_id,
        counted.event_day,
        counted.calls,
        counted.first_at,
        counted.last_at,
        counted.has_receive_time,
        counted.last_load_id,
        cast(null as bigint) as lost_in -- the build that may have taken calls away
    from counted
    inner join calls_to_count as one_call
        on
            counted.message_key = one_call.message_key
            and counted.call_kind = one_call.call_kind
),

keyed as (
    select
        call_kind,
        -- Quicker to look up than the ids.
        {{ lookup_key_of('user_id') }} as user_key,
        {{ lookup_key_of('anonymous_id') }} as device_key,
        identified.* except (call_kind)
    from identified
)

{%- if is_incremental() %},

places as {{ not_materialized() }} (
    select
        call_kind,
        event_day,
        {{ row_id('call_kind') }} as place
    from {{ this }}
),

places_touched_before as (
    select places.place
    from places
    semi join new_calls on places.call_kind = new_calls.call_kind

    union

    select places.place
    from places
    semi join left_days on places.event_day = left_days.event_day
),

-- Of these, names are known: to read them again takes longer.
counted_before as (
    select
        built.call_kind,
        built.event_day,
        case when left_days.event_day is null then built.calls else 0 end as calls,
        case when left_days.event_day is null then built.first_at end as first_at,
        case when left_days.event_day is null then built.last_at end as last_at,
        left_days.event_day is null and built.has_receive_time as has_receive_time,
        built.last_load_id,
        case
            when left_days.event_day is null then built.lost_in
            else {{ this_build() }}
        end as lost_in
    from {{ this }} as built
    left join left_days on built.event_day = left_days.event_day
    where {{ row_id('call_kind') }} in (select place from places_touched_before)
),

gained as (
    select
        keyed.call_kind,
        keyed.user_key,
        keyed.device_key,
        {% for column in kind %}keyed.{{ column }}, {% endfor %}
        cast(keyed.calls + coalesce(counted_before.calls, 0) as bigint) as calls,
        least(keyed.first_at, counted_before.first_at) as first_at,
        greatest(keyed.last_at, counted_before.last_at) as last_at,
        keyed.has_receive_time
        or coalesce(counted_before.has_receive_time, false) as has_receive_time,
        greatest(keyed.last_load_id, counted_before.last_load_id) as last_load_id,
        counted_before.lost_in
    from keyed
    left join counted_before
        on
            keyed.call_kind = counted_before.call_kind
            and keyed.event_day = counted_before.event_day
),

gone as (
    select
        built.call_kind,
        built.user_key,
        built.device_key,
        {% for column in kind %}built.{{ column }}, {% endfor %}
        cast(0 as bigint) as calls,
        cast(null as timestamp) as first_at,
        cast(null as timestamp) as last_at,
        false as has_receive_time,
        built.last_load_id,
        {{ this_build() }} as lost_in
    from {{ this }} as built
    semi join left_days on built.event_day = left_days.event_day
    anti join keyed
        on
            built.call_kind = keyed.call_kind
            and built.event_day = keyed.event_day
)

select
    *,
    {{ this_build() }} as build,
    {{ grounds(plan) }} as grounds
from (
    select * from gained
    union all
    select * from gone
)
{%- else %}

select
    keyed.*,
    {{ this_build() }} as build,
    {{ grounds(plan) }} as grounds
from keyed
{%- endif %}
