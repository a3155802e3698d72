-- One row per identify or group call that carries traits.
--
-- What can change tonight: the calls of loads that came since the last good build, and those of
-- messages of which another copy counts since. Of these, what was said before stays, with no traits:
-- so what is built on this table hears of it. Other placeholder ids start anew.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='message_key',
    pre_hook="{{ start_anew_on_other_grounds([ref('stg_placeholder_ids')]) }}"
) }}

{% set plan = [ref('stg_placeholder_ids')] -%}

{% if is_incremental() -%}
{% set new_messages -%}
    select message_key from {{ ref('stg_calls') }}
    where load_id > {{ last_good_load(plan) }}
{%- endset %}
{% set new_messages = create_temp_table('new_messages', new_messages) -%}
{%- endif %}

with

calls as {{ not_materialized() }} (
    select * from {{ ref('stg_calls') }}
    {%- if is_incremental() %}
    where load_id > {{ last_good_load(plan) }}
    {%- endif %}
)

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
    traits,
    {{ this_build() }} as build,
    {{ grounds(plan) }} as grounds
from calls
where
    type in ('identify', 'group')
    and {{ json_is_filled_object('traits') }}

{%- if is_incremental() %}

union all

select * replace (
    cast(null as json) as traits,
    {{ this_build() }} as build
)
from {{ this }}
where message_key in (select new_messages.message_key from {{ new_messages }} as new_messages)
{%- endif %}
