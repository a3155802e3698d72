-- One row per alias call that ties a former id to a user.
{{ config(materialized='keyed', key='message_key', plan=['stg_placeholder_ids']) }}

{% call touched_keys() -%}
select distinct
    message_key,
    load_id
from {{ changes(ref('stg_calls')) }}
where type = 'alias'
{%- endcall %}

with

ids_of_aliases as (
    select
        message_key,
        message_id,
        {{ real_id('previous_id', ['user', 'anonymous']) }} as previous_id,
        {{ real_id('user_id', ['user']) }} as user_id,
        event_at,
        event_day,
        received_at
    from {{ touched(ref('stg_calls'), ['load_id', 'message_key']) }}
    where type = 'alias'
)

select *
from ids_of_aliases
where
    previous_id is not null
    and user_id is not null
