-- One row per user and interval of days in which its calls belong to one company: the one that the user
-- was last seen with, or, for a user who was never seen with any, that of its e-mail's domain.
--
-- What can change tonight: the stretches of users that were sighted with a company outside of a
-- stretch of that company's, by what is new in int_sightings since the last good build; and those of
-- users that gained or lost an id or a device since, or whose e-mail has another domain. A user that is sighted with none any more keeps
-- one row, with no company. Who is sighted with another company on days that no build had seen keeps
-- the build that it has: of the days that were there, none changes hands.
-- depends_on: {{ ref('int_changed_users') }}, {{ ref('int_alias_resolution') }}, {{ ref('int_anonymous_id_map') }}
-- depends_on: {{ ref('int_call_days') }}
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='user_id',
    pre_hook='{{ start_anew_on_other_grounds() }}'
) }}

{% set since = last_good_build() if is_incremental() -%}

with

email_companies as (
    select
        emails.user_id,
        emails.domain as company_id
    from {{ ref('int_user_emails') }} as emails
    where
        {{ 'true' if is_on('companies_by_email_domain') else 'false' }}
        and emails.domain is not null
        and emails.domain not in (
            select public_domains.domain
            from {{ ref('stg_public_email_domains') }} as public_domains
        )
),

{% if is_incremental() -%}
new_sightings as (
    select
        user_id,
        company_id,
        event_day,
        first_at,
        last_at,
        calls = 0 or coalesce(lost_in > {{ since }}, false) as is_lost
    from {{ ref('int_sightings') }}
    where build > {{ since }}
),

touched as (
    select
        user_id,
        max(build) as build
    from (
        {{ unsettled('new_sightings', 'user_id', 'company_id', since) }}

        union all

        select
            user_id,
            {{ this_build() }} as build
        from {{ ref('int_changed_users') }}
        where build > {{ since }}
        {%- if is_on('companies_by_email_domain') %}

        union all

        select
            coalesce(email_companies.user_id, built.user_id) as user_id,
            {{ this_build() }} as build
        from email_companies
        full join (select * from {{ this }} where is_by_email_domain) as built
            on email_companies.user_id = built.user_id
        where
            email_companies.company_id is distinct from built.company_id
            -- A user who was seen with a company stays with it, whatever its e-mail.
            and (
                built.user_id is not null
                or email_companies.user_id not in (
                    select sighted.user_id from {{ this }} as sighted
                    where sighted.company_id is not null
                )
            )
        {%- endif %}
    ) as touched
    group by user_id
),

{{ told_from_all_or_going_on('user_id') }},

{%- endif -%}

{% if since -%}
-- Their calls are found by the ids and the devices they go by: quicker than to tell whose all are.
-- (Two ids may share a key, and a device has several owners: whose the calls are is asked below.)
their_ids as (
    select {{ lookup_key_of('user_id') }} as user_key from told_from_all
    union
    select {{ lookup_key_of('user_ids.id') }} as user_key
    from {{ ref('int_alias_resolution') }} as user_ids
    semi join told_from_all as touched on user_ids.user_id = touched.user_id
),

their_devices as (
    select distinct {{ lookup_key_of('device_owners.anonymous_id') }} as device_key
    from {{ ref('int_anonymous_id_map') }} as device_owners
    semi join told_from_all as touched on device_owners.user_id = touched.user_id
),

call_days as {{ not_materialized() }} (
    select
        user_key,
        device_key,
        {{ row_id('call_kind') }} as place
    from {{ ref('int_call_days') }}
),

their_places as (
    select place from call_days
    where user_key in {{ in_list('their_ids', 'user_key') }}

    union all

    select place from call_days
    where
        user_key is null
        and device_key in {{ in_list('their_devices', 'device_key') }}
),

all_sightings as (
    select * from {{ ref('int_sightings') }}
    where place in {{ in_list('their_places', 'place') }}
),
{%- else -%}
all_sightings as {{ not_materialized() }} (
    select * from {{ ref('int_sightings') }}
),
{%- endif %}

sightings as {{ not_materialized() if not is_incremental() }} (
    select
        user_id,
        company_id,
        event_day,
        first_at,
        last_at
    from all_sightings
    where
        calls is distinct from 0
        {%- if is_incremental() %}
        and user_id in (select touched.user_id from told_from_all as touched)

    union all

    {{ seen_as_they_go_on('new_sightings', 'user_id', 'company_id', since) }}
        {%- endif %}
),

{{ last_seen_by_day('sightings', 'user_id', 'company_id') }}

{%- if is_incremental() %}

select
    touched.user_id,
    coalesce(last_seen.company_id, email_companies.company_id) as company_id,
    last_seen.from_day,
    last_seen.to_day,
    last_seen.seen_on,
    last_seen.user_id is null and email_companies.user_id is not null as is_by_email_domain,
    touched.build,
    {{ grounds() }} as grounds
from touched
left join last_seen on touched.user_id = last_seen.user_id
left join email_companies on touched.user_id = email_companies.user_id
{%- else %}

select
    coalesce(last_seen.user_id, email_companies.user_id) as user_id,
    coalesce(last_seen.company_id, email_companies.company_id) as company_id,
    last_seen.from_day,
    last_seen.to_day,
    last_seen.seen_on,
    last_seen.user_id is null as is_by_email_domain,
    {{ this_build() }} as build,
    {{ grounds() }} as grounds
from last_seen
full join email_companies on last_seen.user_id = email_companies.user_id
{%- endif %}
