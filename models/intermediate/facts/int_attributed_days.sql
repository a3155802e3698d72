-- One row as in int_call_days, with the user and the company it belongs to, the event's name in
-- the plan, and whether it is our own.
--
-- What can change tonight: the kinds of call that are new in int_call_days since the last good build;
-- those sent under an id or by a device that somebody else owns since; those without a company of
-- their own, of users that were in another company since; and those of users and companies that
-- became our own, or cease to be. A row that belongs elsewhere now stays, with no calls. Another plan
-- starts anew.
-- depends_on: {{ ref('int_call_days') }}, {{ ref('int_alias_resolution') }}, {{ ref('int_anonymous_id_map') }}
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='call_kind',
    pre_hook="{{ start_anew_on_other_grounds([ref('stg_plan_event_names')]) }}"
) }}

{% set plan = [ref('stg_plan_event_names')] -%}

{% set since = last_good_build(plan) if is_incremental() -%}

{% if since -%}

{# Looked up by keys: to read names of all calls takes longer. Two names may share a key: then a row
   is written again, as it was. #}
{% set changed_ids -%}
    select {{ lookup_key_of('id') }} as user_key
    from {{ ref('int_alias_resolution') }}
    where build > {{ since }}
{%- endset %}
{% set changed_ids = create_temp_table('changed_ids', changed_ids) -%}

{% set changed_devices -%}
    select distinct {{ lookup_key_of('anonymous_id') }} as device_key
    from {{ ref('int_anonymous_id_map') }}
    where build > {{ since }}
{%- endset %}
{% set changed_devices = create_temp_table('changed_devices', changed_devices) -%}

{% set touched_before -%}
    with

    in_other_companies as (
        select
            {{ hash_of(['user_id']) }} as user_key,
            {{ hash_of(['company_id']) }} as company_key,
            from_day,
            to_day
        from {{ ref('int_user_companies') }}
        where build > {{ since }}
    ),

    users_in_other_companies as (
        select distinct user_key from in_other_companies
    ),

    places_in_other_companies as (
        select {{ row_id('call_kind') }} as place
        from {{ this }}
        where user_key in {{ in_list('users_in_other_companies', 'user_key') }}
    ),

    new_internals as (
        select
            entity,
            {{ hash_of(['entity_id']) }} as entity_key
        from {{ ref('int_internal_entities') }}
        where build > {{ since }}
    )

    select call_kind
    from {{ ref('int_call_days') }}
    where user_key in (select changed_ids.user_key from {{ changed_ids }} as changed_ids)

    union

    select call_kind
    from {{ ref('int_call_days') }}
    where
        user_key is null
        and device_key in (
            select changed_devices.device_key from {{ changed_devices }} as changed_devices
        )

    union

    select built.call_kind
    from (
        select * from {{ this }}
        where
            not names_company
            and calls is distinct from 0
            and {{ row_id('call_kind') }} in {{ in_list('places_in_other_companies', 'place') }}
    ) as built
    inner join in_other_companies
        on
            built.user_key = in_other_companies.user_key
            and built.company_key <> in_other_companies.company_key
            and (
                in_other_companies.from_day is null
                or in_other_companies.from_day <= built.event_day
            )
            and (
                in_other_companies.to_day is null
                or in_other_companies.to_day > built.event_day
            )

    {% for entity in ['user', 'company'] -%}
    union

    select built.call_kind
    from {{ this }} as built
    inner join new_internals
        on
            new_internals.entity = '{{ entity }}'
            and built.{{ entity }}_key = new_internals.entity_key
    {% endfor %}
{%- endset %}
{% set touched_before = create_temp_table('kinds_touched_before', touched_before) -%}
{%- endif %}

{% set attributed -%}
with

identified_days as {{ not_materialized() }} (
    select * from {{ ref('int_identified_days') }}
),

user_companies as {{ not_materialized() }} (
    select * from {{ ref('int_user_companies') }}
),

event_names as (
    select * from {{ ref('stg_plan_event_names') }}
),

internal_entities as (
    select * from {{ ref('int_internal_entities') }}
),

{% if since -%}
places_touched_before as (
    select call_days.place
    from (
        select
            call_kind,
            {{ row_id('call_kind') }} as place
        from {{ ref('int_call_days') }}
    ) as call_days
    semi join {{ touched_before }} as touched on call_days.call_kind = touched.call_kind
),

days_to_attribute as (
    select * from identified_days
    where build > {{ since }}

    union all

    select * from identified_days
    where
        build <= {{ since }}
        and place in {{ in_list('places_touched_before', 'place') }}
),
{%- else -%}
days_to_attribute as {{ not_materialized() }} (
    select * from identified_days
),
{%- endif %}

attributed as (
    select
        days.*,
        coalesce(days.sent_company_id, user_companies.company_id) as company_id
    from days_to_attribute as days
    left join user_companies
        on
            case when days.sent_company_id is null then days.user_id end = user_companies.user_id
            and (user_companies.from_day is null or user_companies.from_day <= days.event_day)
            and (user_companies.to_day is null or user_companies.to_day > days.event_day)
    where days.calls is distinct from 0
),

named as (
    select
        attributed.call_kind,
        attributed.type in ('track', 'page', 'screen') as is_event,
        attributed.type = 'group' as is_group,
        attributed.event_day,
        attributed.user_id,
        attributed.company_id,
        attributed.sent_company_id is not null as names_company,
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
    call_kind,
    -- Quicker to look up than names. Two users or companies may, once in a great while, share one. They
    -- lie beside the kind: what the system reads ahead of one is the other.
    {{ hash_of(['user_id']) }} as user_key,
    {{ hash_of(['company_id']) }} as company_key,
    named.* except (call_kind),
    {{ this_build() }} as build,
    {{ grounds(plan) }} as grounds
from named
{%- endset %}

{%- if is_incremental() %}
{% set attributed = create_temp_table('attributed_tonight', attributed) -%}

{% set touched_kinds -%}
    select call_kind from {{ ref('int_call_days') }}
    where build > {{ since }}
    {%- if since %}
    union
    select call_kind from {{ touched_before }}
    {%- endif %}
{%- endset %}
{% set touched_kinds = create_temp_table('touched_kinds', touched_kinds) -%}

with

places as {{ not_materialized() }} (
    select
        call_kind,
        user_key,
        company_key,
        is_internal,
        {{ row_id('call_kind') }} as place
    from {{ this }}
),

places_left as (
    select places.place
    from places
    semi join {{ touched_kinds }} as touched on places.call_kind = touched.call_kind
    anti join {{ attributed }} as attributed
        on
            places.call_kind = attributed.call_kind
            and places.user_key = attributed.user_key
            and places.company_key = attributed.company_key
            and places.is_internal = attributed.is_internal
)

select * from {{ attributed }}

union all by name

-- As they were, but with no calls: what is built on this table finds in them what lost something.
select * replace (
    cast(0 as bigint) as calls,
    case when calls = 0 then build else {{ this_build() }} end as build
)
from {{ this }}
where {{ row_id('call_kind') }} in {{ in_list('places_left', 'place') }}
{%- else %}

{{ attributed }}
{%- endif %}
