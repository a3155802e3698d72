-- One row as in int_call_days, with the user and the company it belongs to, the event's name in
-- the plan, and whether it is our own.
--
-- What can change tonight: the kinds of call that are new in int_call_days since the last good build;
-- those sent under an id or by a device that somebody else owns since; those without a company of
-- their own, of users that were in another company since; and those of users and companies that
-- became our own, or cease to be. A row that belongs elsewhere now stays, with no calls. Another plan
-- starts anew.
-- depends_on: {{ ref('int_call_days') }}, {{ ref('int_user_ids') }}, {{ ref('int_device_owners') }}
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='call_kind',
    pre_hook="{{ start_anew_on_other_grounds([ref('stg_plan_event_names')]) }}"
) }}

{% set plan = [ref('stg_plan_event_names')] -%}

with

identified_days as (
    select * from {{ ref('int_identified_days') }}
),

user_companies as {{ read_anew() }} (
    select * from {{ ref('int_user_companies') }}
),

event_names as (
    select * from {{ ref('stg_plan_event_names') }}
),

internal_entities as (
    select * from {{ ref('int_internal_entities') }}
),

{% if is_incremental() -%}
{% set since = last_good_build(plan) -%}

sent_otherwise as (
    select id as sent_user_id
    from {{ ref('int_user_ids') }}
    where build > {{ since }}
),

devices_owned_otherwise as (
    select anonymous_id
    from {{ ref('int_device_owners') }}
    where build > {{ since }}
),

in_other_companies as (
    select {{ hash_of(['user_id']) }} as user_key
    from user_companies
    where build > {{ since }}
),

new_internals as (
    select
        entity,
        {{ hash_of(['entity_id']) }} as entity_key
    from internal_entities
    where build > {{ since }}
),

touched_kinds as (
    select call_kind
    from {{ ref('int_call_days') }}
    where
        build > {{ since }}
        or user_id in (select sent_otherwise.sent_user_id from sent_otherwise)
        or (
            user_id is null
            and anonymous_id in (
                select devices_owned_otherwise.anonymous_id from devices_owned_otherwise
            )
        )

    union

    select call_kind
    from {{ this }}
    where
        (
            sent_company_id is null
            and user_key in (select in_other_companies.user_key from in_other_companies)
        )
        or user_key in (
            select new_internals.entity_key from new_internals where new_internals.entity = 'user'
        )
        or company_key in (
            select new_internals.entity_key from new_internals where new_internals.entity = 'company'
        )
),
{%- endif %}

attributed as (
    select
        identified_days.*,
        coalesce(identified_days.sent_company_id, user_companies.company_id) as company_id,
        case
            when identified_days.sent_company_id is not null then 'event'
            when user_companies.company_id is not null then 'membership'
        end as company_source
    from identified_days
    left join user_companies
        on
            identified_days.sent_company_id is null
            and identified_days.user_id = user_companies.user_id
            and (
                user_companies.from_day is null
                or user_companies.from_day <= identified_days.event_day
            )
            and (
                user_companies.to_day is null
                or user_companies.to_day > identified_days.event_day
            )
    where
        identified_days.calls is distinct from 0
        {%- if is_incremental() %}
        and identified_days.call_kind in (select touched_kinds.call_kind from touched_kinds)
        {%- endif %}
),

named as (
    select
        attributed.call_kind,
        attributed.type,
        attributed.event as event_as_sent,
        attributed.sent_user_id,
        attributed.anonymous_id,
        attributed.sent_company_id,
        attributed.event_day,
        attributed.user_id,
        attributed.company_id,
        attributed.company_source,
        coalesce(event_names.event, attributed.event) as event,
        event_names.event is not null as is_planned,
        internal_users.is_internal is not null
        or internal_companies.is_internal is not null as is_internal,
        attributed.calls,
        attributed.first_at,
        attributed.last_at,
        attributed.lost_in -- the build that may have taken calls away
    from attributed
    left join event_names on attributed.event = event_names.event_as_sent
    left join internal_entities as internal_users
        on
            internal_users.is_internal
            and internal_users.entity = 'user'
            and attributed.user_id = internal_users.entity_id
    left join internal_entities as internal_companies
        on
            internal_companies.is_internal
            and internal_companies.entity = 'company'
            and attributed.company_id = internal_companies.entity_id
)

select
    named.*,
    -- Quicker to look up than names. Two users or companies may, once in a great while, share one.
    {{ hash_of(['user_id']) }} as user_key,
    {{ hash_of(['company_id']) }} as company_key,
    {{ this_build() }} as build,
    {{ grounds(plan) }} as grounds
from named

{%- if is_incremental() %}

union all by name

{{ left_behind('named', 'touched_kinds', [
    'call_kind', 'type', 'event_as_sent', 'sent_user_id', 'anonymous_id', 'sent_company_id',
    'event_day', 'user_id', 'company_id', 'is_internal'
]) }}
{%- endif %}
