-- One row per alias call that ties a former id to a user.
--
-- What can change tonight: the aliases of loads that came since the last good build, and those of
-- messages of which another copy counts since. Of these, what was said before stays, with no user:
-- so what is built on this table hears of it. Other placeholder ids start anew.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='message_id',
    pre_hook="{{ start_anew_on_other_grounds([ref('stg_placeholder_ids')]) }}"
) }}

{% set plan = [ref('stg_placeholder_ids')] -%}

with

calls as (
    select * from {{ ref('stg_calls') }}
    {%- if is_incremental() %}
    where load_id > {{ last_good_load(plan) }}
    {%- endif %}
),

ids_of_aliases as (
    select
        message_id,
        {{ real_id('previous_id', ['user', 'anonymous']) }} as previous_id,
        {{ real_id('user_id', ['user']) }} as user_id,
        event_at,
        event_day,
        received_at
    from calls
    where type = 'alias'
),

aliases as (
    select * from ids_of_aliases
    where
        previous_id is not null
        and user_id is not null
)

select
    aliases.*,
    {{ this_build() }} as build,
    {{ grounds(plan) }} as grounds
from aliases

{%- if is_incremental() %}

union all

select distinct
    built.message_id,
    built.previous_id,
    cast(null as varchar) as user_id,
    built.event_at,
    built.event_day,
    built.received_at,
    {{ this_build() }} as build,
    built.grounds
from {{ this }} as built
inner join calls on built.message_id = calls.message_id
anti join aliases
    on
        built.message_id = aliases.message_id
        and built.previous_id = aliases.previous_id
{%- endif %}
