-- One row per message id: the one copy of a call that counts, typed, with its time and day.
{{ config(materialized='table') }}

with

raw_calls as (
    select * from {{ source('raw', 'calls') }}
),

loads as (
    select * from {{ source('raw', 'loads') }}
),

-- A retry is the same message received later: the copy received first counts. Which one that is
-- may not depend on the order of landing: so ties are settled by content, and only then by place.
repeated_ids as (
    select message_id
    from raw_calls
    group by message_id
    having count(*) > 1
),

later_copies as (
    select
        raw_calls.load_id,
        raw_calls.line_number,
        raw_calls.call_number
    from raw_calls
    inner join repeated_ids on raw_calls.message_id = repeated_ids.message_id
    left join loads on raw_calls.load_id = loads.load_id
    qualify row_number() over (
        partition by raw_calls.message_id
        order by
            coalesce(
                {{ readable_time('raw_calls.received_at') }},
                {{ readable_time('raw_calls.sent_at') }}
            ) asc nulls last,
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
    from raw_calls
    anti join later_copies
        on
            raw_calls.load_id = later_copies.load_id
            and raw_calls.line_number = later_copies.line_number
            and raw_calls.call_number = later_copies.call_number
),

read_times as (
    select
        *,
        {{ readable_time('"timestamp"') }} as read_timestamp,
        {{ readable_time('original_timestamp') }} as read_original_timestamp,
        {{ readable_time('sent_at') }} as read_sent_at,
        {{ readable_time('received_at') }} as read_received_at
    from counting_calls
),

-- The rules by which a time is taken, in their order. An archive has corrected its
-- `timestamp`; in a batch body it is the sender's own clock.
timed as (
    select
        *,
        coalesce(read_received_at, read_sent_at) as receive_time,
        coalesce(
            read_original_timestamp,
            case when in_batch then read_timestamp end
        ) as sender_time,
        case
            when
                not coalesce(in_batch, false)
                and read_received_at is not null
                and read_timestamp is not null
                then 'corrected_by_sender'
            when read_timestamp is not null and read_original_timestamp is not null
                then 'set_by_caller'
            when
                read_received_at is not null
                and read_sent_at is not null
                and sender_time is not null
                then 'corrected'
            else 'as_sent'
        end as time_rule,
        case
            when time_rule in ('corrected_by_sender', 'set_by_caller') then read_timestamp
            when time_rule = 'corrected' then read_received_at - (read_sent_at - sender_time)
            else coalesce(
                read_timestamp, read_original_timestamp, read_sent_at, read_received_at
            )
        end as claimed_time,
        coalesce(claimed_time > receive_time + interval 1 day, false) as is_in_the_future
    from read_times
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
            else {{ json_text('timed.context', ['groupId']) }}
        end as company_id,
        case when is_in_the_future then receive_time else claimed_time end as event_at,
        timed.receive_time as received_at,
        case when is_in_the_future then 'clamped' else time_rule end as time_quality,
        timed.properties,
        case
            when timed.type = 'identify' and {{ json_is_filled_object('timed.traits') }}
                then timed.traits
            when timed.type = 'identify' then {{ json_part('timed.context', 'traits') }}
            when timed.type = 'group' then timed.traits
        end as traits,
        {{ json_text('timed.context', ['library', 'name']) }} as library,
        loads.source,
        timed.load_id,
        timed.line_number,
        timed.call_number
    from timed
    left join loads on timed.load_id = loads.load_id
)

select
    *,
    {{ day_of('event_at') }} as event_day
from typed
