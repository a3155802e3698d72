-- One row per user, company, event and day, without our own.
--
-- What can change tonight: the rows that int_attributed_days counts other calls for since the last
-- good build. A row that is no more stays, with no events. Another plan starts anew.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='activity_day',
    pre_hook="{{ start_anew_on_other_grounds([ref('stg_plan_event_names'), ref('stg_plan_events')]) }}"
) }}

{% set plan = [ref('stg_plan_event_names'), ref('stg_plan_events')] -%}

with

attributed_days as (
    select * from {{ ref('int_attributed_days') }}
    where type in ('track', 'page', 'screen')
),

event_catalog as (
    select * from {{ ref('int_event_catalog') }}
),

{% if is_incremental() -%}
touched_days as (
    select distinct activity_day
    from attributed_days
    where build > {{ last_good_build(plan) }}
),
{%- endif %}

summed as (
    select
        activity_day,
        user_id,
        company_id,
        event,
        event_day,
        cast(coalesce(sum(calls) filter (not is_internal), 0) as bigint) as events,
        min(first_at) filter (not is_internal and calls is distinct from 0) as first_at,
        max(last_at) filter (not is_internal and calls is distinct from 0) as last_at
    from attributed_days
    {%- if is_incremental() %}
    where activity_day in (select touched_days.activity_day from touched_days)
    {%- endif %}
    group by activity_day, user_id, company_id, event, event_day
)

select
    summed.*,
    event_catalog.counts_as_active,
    event_catalog.feature,
    {{ this_build() }} as build,
    {{ grounds(plan) }} as grounds
from summed
inner join event_catalog on summed.event = event_catalog.event
{%- if not is_incremental() %}
where summed.events > 0
{%- endif %}
