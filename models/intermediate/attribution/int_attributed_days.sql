-- One row per day and kind of call, as in int_call_days, with the user and the company that it belongs to,
-- the name of the event in the plan, and whether it is internal.
{{ config(materialized='keyed', key='call_day_key', plan=['stg_plan_event_names']) }}

{% call touched_keys() -%}
with

changed_ids as (
    select distinct {{ short_hash_of('id') }} as user_id_hash
    from {{ changes(ref('int_alias_resolution')) }}
),

changed_anonymous_ids as (
    select distinct {{ short_hash_of('anonymous_id') }} as anonymous_id_hash
    from {{ changes(ref('int_anonymous_id_map')) }}
),

changed_users as (
    select distinct {{ hash_of(['user_id']) }} as user_key
    from {{ changes(ref('int_user_companies')) }}
),

changed_internal_entities as (
    select
        case when entity = 'user' then {{ hash_of(['entity_id']) }} end as user_key,
        case when entity = 'company' then {{ hash_of(['entity_id']) }} end as company_key
    from {{ changes(ref('int_internal_entities')) }}
)

select call_day_key
from {{ changes(ref('int_call_days')) }}

union

select call_day_key
from {{ rows_with(ref('int_call_days'), 'user_id_hash', 'changed_ids') }}

union

select call_day_key
from {{ rows_with(ref('int_call_days'), 'anonymous_id_hash', 'changed_anonymous_ids') }}
where user_id is null

union

-- Days of users that belong to another company now.
select days.call_day_key
from {{ rows_with(this, 'user_key', 'changed_users') }} as days
left join {{ ref('int_user_companies') }} as user_companies
    on
        days.user_id = user_companies.user_id
        and {{ is_within('days.event_day', 'user_companies') }}
where
    not days.names_company
    and days.company_id is distinct from user_companies.company_id

union

select call_day_key
from {{ rows_with(this, 'user_key', 'changed_internal_entities') }}

union

select call_day_key
from {{ rows_with(this, 'company_key', 'changed_internal_entities') }}
{%- endcall %}

with

attributed as (
    select
        days.* replace (coalesce(days.company_id, user_companies.company_id) as company_id),
        days.company_id is not null as names_company
    from {{ with_users(
        touched(ref('int_call_days'), 'call_day_key'),
        ref('int_alias_resolution'),
        ref('int_anonymous_id_map')
    ) }} as days
    left join {{ ref('int_user_companies') }} as user_companies
        on
            case when days.company_id is null then days.user_id end = user_companies.user_id
            and {{ is_within('days.event_day', 'user_companies') }}
)

select
    attributed.call_day_key,
    case when attributed.user_id is not null then {{ hash_of(['attributed.user_id']) }} end as user_key,
    case when attributed.company_id is not null then {{ hash_of(['attributed.company_id']) }} end
        as company_key,
    coalesce(user_key, company_key) as actor_key,
    attributed.type in ('track', 'page', 'screen') as is_event,
    attributed.type = 'group' as is_group,
    attributed.event_day,
    attributed.user_id,
    attributed.company_id,
    attributed.names_company,
    coalesce(event_names.event, attributed.event) as event,
    event_names.event is not null as is_planned,
    internal_users.entity_id is not null
    or internal_companies.entity_id is not null as is_internal,
    attributed.calls,
    attributed.first_at,
    attributed.last_at
from attributed
left join {{ ref('stg_plan_event_names') }} as event_names
    on attributed.event = event_names.event_as_sent
left join {{ ref('int_internal_entities') }} as internal_users
    on
        internal_users.entity = 'user'
        and attributed.user_id = internal_users.entity_id
left join {{ ref('int_internal_entities') }} as internal_companies
    on
        internal_companies.entity = 'company'
        and attributed.company_id = internal_companies.entity_id
