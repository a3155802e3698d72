-- One row as in int_call_days, with the user and the company it belongs to, the event's name in
-- the plan, and whether it is our own.
with

identified_days as (
    select * from {{ ref('int_identified_days') }}
),

user_companies as (
    select * from {{ ref('int_user_companies') }}
),

event_names as (
    select * from {{ ref('stg_plan_event_names') }}
),

internal_entities as (
    select * from {{ ref('int_internal_entities') }}
),

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
)

select
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
    internal_users.entity_id is not null
    or internal_companies.entity_id is not null as is_internal,
    attributed.calls,
    attributed.first_at,
    attributed.last_at
from attributed
left join event_names on attributed.event = event_names.event_as_sent
left join internal_entities as internal_users
    on
        internal_users.entity = 'user'
        and attributed.user_id = internal_users.entity_id
left join internal_entities as internal_companies
    on
        internal_companies.entity = 'company'
        and attributed.company_id = internal_companies.entity_id
