-- One row per message id: the copy of a call that counts, typed, with its time and day.
{{ config(
    materialized='keyed',
    key='message_key',
    plan=['stg_context_columns'],
    feed=['message_key', 'call_day_key', 'event_day', 'type', 'load_id']
) }}

{% set context_columns = planned_context_columns() -%}

{% call touched_keys() -%}
select distinct {{ hash_of(['message_id']) }} as message_key
from {{ source('raw', 'calls') }}
where {{ is_new_load('load_id') }}
{%- endcall %}

{% set raw_calls = source('raw', 'calls') if is_rebuilt() else 'calls_to_compare' -%}

with

{% if not is_rebuilt() -%}
-- Of the copies that were landed earlier, only the one that counts matters. This table has its place in
-- raw.calls, which is quicker than looking for its message id there.
calls_to_compare as (
    select * from {{ source('raw', 'calls') }}
    where {{ is_new_load('load_id') }}

    union all

    select calls.*
    from {{ source('raw', 'calls') }} as calls
    semi join {{ rows_before() }} as counted_before
        on
            calls.load_id = counted_before.load_id
            and calls.line_number = counted_before.line_number
            and calls.call_number = counted_before.call_number
),

{% endif -%}
loads as (
    select * from {{ source('raw', 'loads') }}
),

-- Of several copies of a message the one received first counts. Of copies received at one time the content
-- decides, so that the order of landing does not matter.
repeated_keys as (
    select {{ hash_of(['message_id']) }} as message_key
    from {{ raw_calls }}
    group by message_key
    having count(*) > 1
),

copies as (
    select
        raw_calls.load_id,
        raw_calls.line_number,
        raw_calls.call_number,
        raw_calls.message_id,
        rank() over (
            partition by raw_calls.message_id
            order by
                coalesce(
                    {{ readable_time('raw_calls.received_at') }},
                    {{ readable_time('raw_calls.sent_at') }}
                ) asc nulls last
        ) as place
    from {{ raw_calls }} as raw_calls
    inner join repeated_keys
        on {{ hash_of(['raw_calls.message_id']) }} = repeated_keys.message_key
),

-- Copies received first at one time. Only their content is read, since it is long.
tied_copies as (
    select *
    from copies
    where place = 1
    qualify count(*) over (partition by message_id) > 1
),

later_copies as (
    select
        load_id,
        line_number,
        call_number
    from copies
    where place > 1

    union all

    select
        raw_calls.load_id,
        raw_calls.line_number,
        raw_calls.call_number
    from {{ raw_calls }} as raw_calls
    semi join tied_copies
        on
            raw_calls.load_id = tied_copies.load_id
            and raw_calls.line_number = tied_copies.line_number
            and raw_calls.call_number = tied_copies.call_number
    left join loads on raw_calls.load_id = loads.load_id
    qualify row_number() over (
        partition by raw_calls.message_id
        order by
            raw_calls."timestamp", raw_calls.original_timestamp,
            raw_calls.received_at, raw_calls.sent_at, raw_calls.in_batch,
            raw_calls.type, raw_calls.event, raw_calls.user_id, raw_calls.anonymous_id,
            raw_calls.group_id, raw_calls.previous_id,
            cast(raw_calls.properties as varchar), cast(raw_calls.traits as varchar),
            cast(raw_calls.context as varchar), loads.source,
            raw_calls.load_id, raw_calls.line_number, raw_calls.call_number
    ) > 1
),

counting_calls as (
    select raw_calls.*
    from {{ raw_calls }} as raw_calls
    anti join later_copies
        on
            raw_calls.load_id = later_copies.load_id
            and raw_calls.line_number = later_copies.line_number
            and raw_calls.call_number = later_copies.call_number
),

-- These two give the time of most calls. The other two are parsed only where a rule needs them.
received as (
    select
        *,
        {{ readable_time('"timestamp"') }} as read_timestamp,
        {{ readable_time('received_at') }} as read_received_at
    from counting_calls
),

{% set read_sent_at = readable_time('sent_at') -%}
{% set read_original_timestamp = readable_time('original_timestamp') -%}
{% set sender_time -%}
    coalesce({{ read_original_timestamp }}, case when in_batch then read_timestamp end)
{%- endset -%}

-- The rules for the event time, in their order. In an archive `timestamp` is corrected already; in a batch
-- body it is the sender's own clock.
ruled as (
    select
        *,
        coalesce(read_received_at, {{ read_sent_at }}) as receive_time,
        case
            when
                not in_batch
                and read_received_at is not null
                and read_timestamp is not null
                then 'corrected_by_sender'
            when read_timestamp is not null and {{ read_original_timestamp }} is not null
                then 'set_by_caller'
            when
                read_received_at is not null
                and {{ read_sent_at }} is not null
                and {{ sender_time }} is not null
                then 'corrected'
            else 'as_sent'
        end as time_rule
    from received
),

timed as (
    select
        *,
        case
            when time_rule = 'corrected'
                then read_received_at - ({{ read_sent_at }} - {{ sender_time }})
            else coalesce(
                read_timestamp, {{ read_original_timestamp }}, {{ read_sent_at }}, read_received_at
            )
        end as claimed_time,
        claimed_time > receive_time + interval 1 day
        or (
            claimed_time < {{ start_of(earliest_day()) }}
            and receive_time >= {{ start_of(earliest_day()) }}
        ) as is_clamped
    from ruled
),

read_context as (
    select
        *,
        {{ json_texts(
            'context', [['groupId'], ['library', 'name']] + context_columns | map(attribute='keys') | list
        ) }} as context_texts
    from timed
),

typed as (
    select
        timed.message_id,
        timed.type,
        case when timed.type in ('page', 'screen') then timed.type else timed.event end as event,
        timed.user_id,
        timed.anonymous_id,
        timed.previous_id,
        case
            when timed.type = 'group' then timed.group_id
            else {{ json_id('timed.context', ['groupId'], text_in_list('timed.context_texts', 1)) }}
        end as company_id,
        case when is_clamped then receive_time else claimed_time end as event_at,
        {{ day_of('event_at') }} as event_day,
        timed.receive_time as received_at,
        case when is_clamped then 'clamped' else time_rule end as time_quality,
        case when timed.type in ('page', 'screen') then timed.name end as name,
        timed.properties,
        case
            when timed.type = 'identify' and {{ json_is_filled_object('timed.traits') }}
                then timed.traits
            when timed.type = 'identify' then {{ json_part('timed.context', 'traits') }}
            when timed.type = 'group' then timed.traits
        end as traits,
        {{ text_in_list('timed.context_texts', 2) }} as library,
        timed.channel,
        {% if context_columns -%}
        {{ list_from('timed.context_texts', 3) }} as context_values,
        {%- else -%}
        cast(null as varchar[]) as context_values,
        {%- endif %}
        loads.source,
        timed.load_id,
        timed.line_number,
        timed.call_number
    from read_context as timed
    left join loads on timed.load_id = loads.load_id
)

select
    *,
    {{ hash_of(['message_id']) }} as message_key,
    {{ hash_of(['type', 'event', 'user_id', 'anonymous_id', 'company_id', 'event_day']) }} as call_day_key
from typed
