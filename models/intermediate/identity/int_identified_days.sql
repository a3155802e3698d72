-- One row as in int_call_days, with the user who did it.
--
-- What can change tonight: the kinds of call that are new since the last good build, and those that
-- belong to somebody else since: by an id that leads to another user, or a device that has another
-- owner. A row whose user has gone stays, with no calls.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='call_kind',
    pre_hook='{{ start_anew_on_other_grounds() }}'
) }}

{% set kind = [
    'call_kind', 'type', 'event', 'sent_user_id', 'anonymous_id', 'sent_company_id', 'event_day'
] -%}

with

call_days as (
    select
        call_kind,
        type,
        event,
        user_id as sent_user_id,
        anonymous_id,
        company_id as sent_company_id,
        event_day,
        calls,
        first_at,
        last_at,
        lost_in,
        build
    from {{ ref('int_call_days') }}
),

user_ids as (
    select * from {{ ref('int_user_ids') }}
),

device_owners as (
    select * from {{ ref('int_device_owners') }}
),

{% if is_incremental() -%}
{% set since = last_good_build() -%}

touched_kinds as (
    select call_kind
    from call_days
    where build > {{ since }}

    union

    select call_kind
    from call_days
    where sent_user_id in (select user_ids.id from user_ids where user_ids.build > {{ since }})

    union

    select call_kind
    from call_days
    where
        sent_user_id is null
        and anonymous_id in (
            select device_owners.anonymous_id
            from device_owners
            where device_owners.build > {{ since }}
        )
),
{%- endif %}

identified as (
    select
        {% for column in kind %}call_days.{{ column }}, {% endfor %}
        coalesce(user_ids.user_id, call_days.sent_user_id, device_owners.user_id) as user_id,
        call_days.calls,
        call_days.first_at,
        call_days.last_at,
        call_days.lost_in
    from call_days
    left join user_ids on call_days.sent_user_id = user_ids.id
    left join device_owners
        on
            call_days.sent_user_id is null
            and call_days.anonymous_id = device_owners.anonymous_id
            and (device_owners.from_day is null or device_owners.from_day <= call_days.event_day)
            and (device_owners.to_day is null or device_owners.to_day > call_days.event_day)
    {%- if is_incremental() %}
    where call_days.call_kind in (select touched_kinds.call_kind from touched_kinds)
    {%- endif %}
)

select
    identified.*,
    {{ this_build() }} as build,
    {{ grounds() }} as grounds
from identified

{%- if is_incremental() %}

union all

{{ left_behind('identified', 'touched_kinds', kind + ['user_id']) }}
{%- endif %}
