-- One row per day and kind of call: its type, its event and the ids that it carries.
--
-- No later identify, alias or group call changes this grain: users and companies are resolved downstream.
{{ config(materialized='keyed', key='call_day_key', plan=['stg_placeholder_ids']) }}

{% call touched_keys() -%}
select distinct call_day_key from {{ changes(ref('stg_calls')) }}
{%- endcall %}

with

counted as (
    select
        call_day_key,
        count(*) as calls,
        min(event_at) as first_at,
        max(event_at) as last_at,
        bool_or(received_at is not null) as has_receive_time,
        min(message_key) as message_key
    from {{ touched(ref('stg_calls'), 'call_day_key') }}
    group by call_day_key
),

-- Grouping by a number is quicker than by names: so the names come from one call of each group.
named as (
    select
        counted.call_day_key,
        calls.type,
        calls.event,
        {{ real_id('calls.user_id', ['user']) }} as user_id,
        {{ real_id('calls.anonymous_id', ['anonymous']) }} as anonymous_id,
        {{ real_id('calls.company_id', ['company']) }} as company_id,
        calls.event_day,
        counted.calls,
        counted.first_at,
        counted.last_at,
        counted.has_receive_time
    from counted
    inner join {{ touched(ref('stg_calls'), 'call_day_key') }} as calls
        on
            counted.message_key = calls.message_key
            and counted.call_day_key = calls.call_day_key
)

select
    call_day_key,
    {{ short_hash_of('user_id') }} as user_id_hash,
    {{ short_hash_of('anonymous_id') }} as anonymous_id_hash,
    type,
    event,
    user_id,
    anonymous_id,
    company_id,
    event_day,
    calls,
    first_at,
    last_at,
    has_receive_time
from named
