-- One row per identify or group call that carries traits.
--
-- What can change tonight: the calls of loads that came since the last good build, and those of
-- messages of which another copy counts since. Of these, what was said before stays, with no traits:
-- so what is built on this table hears of it.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='message_key',
    pre_hook='{{ start_anew_on_other_grounds() }}'
) }}

{% set columns -%}
    message_key,
    message_id,
    type,
    user_id,
    anonymous_id,
    company_id,
    event_at,
    event_day,
    received_at
{%- endset %}

{% if is_incremental() -%}
{% set new_messages -%}
    select message_key from {{ ref('stg_calls') }}
    where load_id > {{ last_good_load() }}
{%- endset %}
{% set new_messages = kept_aside('new_messages', new_messages) -%}
{%- endif %}

with

calls as {{ read_anew() }} (
    select * from {{ ref('stg_calls') }}
    {%- if is_incremental() %}
    where load_id > {{ last_good_load() }}
    {%- endif %}
)

select
    {{ columns }},
    traits,
    {{ this_build() }} as build,
    {{ grounds() }} as grounds
from calls
where
    type in ('identify', 'group')
    and {{ json_is_filled_object('traits') }}

{%- if is_incremental() %}

union all

select
    {{ columns }},
    cast(null as json) as traits,
    {{ this_build() }} as build,
    grounds
from {{ this }}
where message_key in (select new_messages.message_key from {{ new_messages }} as new_messages)
{%- endif %}
