-- One row per month, user and company that were there together in it; one of the two may be missing.
{{ config(
    materialized='keyed',
    key='presence_key',
    plan=['stg_plan_events']
) }}

{% set month_start = "cast(date_trunc('month', event_day) as date)" -%}
{% set presence_key = hash_of(['user_key', 'company_key', month_start]) -%}

{% call touched_keys() -%}
select distinct
    {{ presence_key }} as presence_key,
    actor_key,
    {{ month_start }} as month_start
from {{ changed_days(ref('int_attributed_days'), ref('int_as_of')) }} as days
where actor_key is not null
{%- endcall %}

with

days as (
    select
        days.*,
        {{ presence_key }} as presence_key,
        {{ month_start }} as month_start,
        days.event_day between {{ earliest_day() }} and as_of.as_of as is_visible,
        event_catalog.counts_as_active
    from {{ touched(ref('int_attributed_days'), ['actor_key', (month_start, 'month_start')]) }} as days
    cross join {{ ref('int_as_of') }} as as_of
    left join {{ ref('int_event_catalog') }} as event_catalog on days.event = event_catalog.event
    where days.actor_key is not null
)

select
    presence_key,
    month_start,
    user_id,
    company_id,
    min(first_at) filter (is_visible) as first_at,
    min(first_at) filter (is_visible and (is_event or is_group)) as first_together_at,
    min(first_at) filter (
        is_visible and is_event and event = {{ name_in_vars('signup_event') }}
    ) as sign_up_event_at,
    max(last_at) filter (is_visible and is_event and counts_as_active) as last_active_at,
    min(event_day) filter (names_company and (is_event or is_group)) as first_sighted_on,
    max(event_day) filter (names_company and (is_event or is_group)) as last_sighted_on,
    min(event_day) filter (
        is_visible and names_company and (is_event or is_group)
    ) as first_visible_sighting_on,
    min(event_day) as first_day,
    max(event_day) as last_day
from days
group by presence_key, month_start, user_id, company_id
