-- One row per user and company that were there together; one of the two may be missing.
--
-- What can change tonight: the pairs of rows that are new in int_attributed_days since the last good
-- build, and of days that the last whole day has passed since. They gain what those rows add. A pair
-- that lost something is counted anew, from all its rows; with nothing left, it stays without times.
-- Another plan starts anew.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='pair',
    pre_hook="{{ start_anew_on_other_grounds([ref('stg_plan_events')]) }}"
) }}

{% set plan = [ref('stg_plan_events')] -%}
{% set pair = hash_of(['user_key', 'company_key']) -%}

with

as_of as (
    select * from {{ ref('int_as_of') }}
),

attributed_days as {{ not_materialized() }} (
    select
        *,
        {{ pair }} as pair
    from {{ ref('int_attributed_days') }}
),

event_catalog as (
    select * from {{ ref('int_event_catalog') }}
),

{% if is_incremental() -%}
{% set since = last_good_build(plan) -%}

new_days as (
    select * from {{ rows_in_question('attributed_days', since) }} as days
    where
        user_id is not null
        or company_id is not null
),

pairs_that_lost as (
    select distinct
        new_days.pair,
        new_days.user_key,
        new_days.company_key
    from new_days
    cross join as_of
    where
        new_days.calls = 0
        or new_days.lost_in > {{ since }}
        or (new_days.event_day > as_of.as_of and {{ is_in_question('new_days.event_day', since) }})
),

-- Found by user first: the engine looks up one key at a time.
their_places as (
    select places.place
    from (
        select
            user_key,
            company_key,
            {{ row_id('call_kind') }} as place
        from {{ ref('int_attributed_days') }}
        where user_key in (select pairs_that_lost.user_key from pairs_that_lost)
    ) as places
    semi join pairs_that_lost
        on
            places.user_key = pairs_that_lost.user_key
            and places.company_key = pairs_that_lost.company_key
),

days as (
    select new_days.*
    from new_days
    anti join pairs_that_lost on new_days.pair = pairs_that_lost.pair

    union all

    select
        *,
        {{ pair }} as pair
    from {{ ref('int_attributed_days') }}
    where {{ row_id('call_kind') }} in {{ in_list('their_places', 'place') }}
),
{%- else -%}
days as (
    select * from attributed_days
    where
        user_id is not null
        or company_id is not null
),
{%- endif %}

seen_days as (
    select
        days.*,
        days.event_day between {{ earliest_day() }} and as_of.as_of as is_visible,
        event_catalog.counts_as_active
    from days
    cross join as_of
    left join event_catalog on days.event = event_catalog.event
    where days.calls is distinct from 0
),

counted as (
    select
        pair,
        user_id,
        company_id,
        min(first_at) filter (is_visible) as first_at,
        min(first_at) filter (is_visible and (is_event or is_group)) as first_together_at,
        min(first_at) filter (
            is_visible and is_event and event = {{ name_in_vars('signup_event') }}
        ) as sign_up_event_at,
        max(last_at) filter (is_visible and is_event and counts_as_active) as last_active_at,
        min(event_day) filter (
            names_company and (is_event or is_group)
        ) as first_sighted_on,
        max(event_day) filter (
            names_company and (is_event or is_group)
        ) as last_sighted_on,
        min(event_day) filter (
            is_visible and names_company and (is_event or is_group)
        ) as first_visible_sighting_on,
        min(event_day) as first_day,
        max(event_day) as last_day
    from seen_days
    group by pair, user_id, company_id

    {%- if is_incremental() %}

    union all

    select
        built.pair,
        built.user_id,
        built.company_id,
        case when pairs_that_lost.pair is null then built.first_at end as first_at,
        case when pairs_that_lost.pair is null then built.first_together_at end
            as first_together_at,
        case when pairs_that_lost.pair is null then built.sign_up_event_at end
            as sign_up_event_at,
        case when pairs_that_lost.pair is null then built.last_active_at end as last_active_at,
        case when pairs_that_lost.pair is null then built.first_sighted_on end
            as first_sighted_on,
        case when pairs_that_lost.pair is null then built.last_sighted_on end as last_sighted_on,
        case when pairs_that_lost.pair is null then built.first_visible_sighting_on end
            as first_visible_sighting_on,
        case when pairs_that_lost.pair is null then built.first_day end as first_day,
        case when pairs_that_lost.pair is null then built.last_day end as last_day
    from {{ this }} as built
    left join pairs_that_lost on built.pair = pairs_that_lost.pair
    where built.pair in (select new_days.pair from new_days)
    {%- endif %}
)

select
    pair,
    user_id,
    company_id,
    min(first_at) as first_at,
    min(first_together_at) as first_together_at,
    min(sign_up_event_at) as sign_up_event_at,
    max(last_active_at) as last_active_at,
    min(first_sighted_on) as first_sighted_on,
    max(last_sighted_on) as last_sighted_on,
    min(first_visible_sighting_on) as first_visible_sighting_on,
    min(first_day) as first_day,
    max(last_day) as last_day,
    {{ this_build() }} as build,
    {{ grounds(plan) }} as grounds
from counted
group by pair, user_id, company_id
