-- One row as in int_call_days, with the user who did it, and the place where that row lies.
{{ config(materialized='view') }}

with

call_days as (
    select
        *,
        {{ row_id('call_kind') }} as place
    from {{ ref('int_call_days') }}
),

user_ids as (
    select * from {{ ref('int_alias_resolution') }}
),

device_owners as (
    select * from {{ ref('int_anonymous_id_map') }}
)

select
    call_days.call_kind,
    call_days.type,
    call_days.event,
    call_days.user_id as sent_user_id,
    call_days.anonymous_id,
    call_days.company_id as sent_company_id,
    call_days.event_day,
    coalesce(user_ids.user_id, call_days.user_id, device_owners.user_id) as user_id,
    call_days.calls,
    call_days.first_at,
    call_days.last_at,
    call_days.lost_in,
    call_days.build,
    call_days.place
from call_days
left join user_ids on call_days.user_id = user_ids.id
left join device_owners
    on
        case when call_days.user_id is null then call_days.anonymous_id end
        = device_owners.anonymous_id
        and (device_owners.from_day is null or device_owners.from_day <= call_days.event_day)
        and (device_owners.to_day is null or device_owners.to_day > call_days.event_day)
