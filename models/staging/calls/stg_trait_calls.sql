-- One row per identify or group call that carries traits.
{{ config(materialized='keyed', key='message_key', plan=['stg_placeholder_ids']) }}

{% call touched_keys() -%}
select distinct
    message_key,
    load_id
from {{ changes(ref('stg_calls')) }}
where type in ('identify', 'group')
{%- endcall %}

with

trait_calls as (
    select
        message_key,
        message_id,
        type,
        {{ real_id('user_id', ['user']) }} as user_id,
        {{ real_id('anonymous_id', ['anonymous']) }} as anonymous_id,
        {{ real_id('company_id', ['company']) }} as company_id,
        event_at,
        event_day,
        received_at,
        traits
    from {{ touched(ref('stg_calls'), ['load_id', 'message_key']) }}
    where
        type in ('identify', 'group')
        and {{ json_is_filled_object('traits') }}
)

select
    message_key,
    message_id,
    type,
    user_id,
    anonymous_id,
    company_id,
    {{ short_hash_of('user_id') }} as user_id_hash,
    {{ short_hash_of('anonymous_id') }} as anonymous_id_hash,
    event_at,
    event_day,
    received_at,
    traits
from trait_calls
