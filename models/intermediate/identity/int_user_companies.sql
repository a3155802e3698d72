-- One row per user and stretch of days in which its calls belong to one company.
--
-- What can change tonight: the stretches of users that were sighted with a company outside of a
-- stretch of that company's, by what is new in int_sightings since the last good build. A user that
-- is sighted with none any more keeps one row, with no company.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='user_id',
    pre_hook='{{ start_anew_on_other_grounds() }}'
) }}

with

{% if is_incremental() -%}
{% set since = last_good_build() -%}
new_sightings as (
    select
        user_id,
        company_id,
        event_day,
        calls = 0 or coalesce(lost_in > {{ since }}, false) as is_lost
    from {{ ref('int_sightings') }}
    where build > {{ since }}
),

touched as (
    {{ unsettled('new_sightings', 'user_id', 'company_id') }}
),
{%- endif %}

sightings as (
    select
        user_id,
        company_id,
        event_day,
        min(first_at) as first_at,
        max(last_at) as last_at
    from {{ ref('int_sightings') }}
    where
        calls is distinct from 0
        {%- if is_incremental() %}
        and user_id in (select touched.user_id from touched)
        {%- endif %}
    group by user_id, company_id, event_day
),

{{ last_seen_by_day('sightings', 'user_id', 'company_id') }}

select
    last_seen.*,
    {{ this_build() }} as build,
    {{ grounds() }} as grounds
from last_seen

{%- if is_incremental() %}

union all

select
    touched.user_id,
    cast(null as varchar) as company_id,
    cast(null as date) as from_day,
    cast(null as date) as to_day,
    cast(null as date) as seen_on,
    {{ this_build() }} as build,
    {{ grounds() }} as grounds
from touched
anti join last_seen on touched.user_id = last_seen.user_id
{%- endif %}
