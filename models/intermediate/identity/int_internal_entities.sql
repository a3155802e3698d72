-- One row per user or company that is internal, and counts in no number.
--
-- What can change tonight: any, by a trait, a sighting or a seed. So all are found anew, and those
-- written that became internal or ceased to be, since. Who is no more stays, told apart by is_internal.
-- depends_on: {{ ref('int_anonymous_id_map') }}
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['entity', 'entity_id'],
    pre_hook='{{ start_anew_on_other_grounds() }}'
) }}

with

internal_accounts as (
    select * from {{ ref('stg_internal_accounts') }}
),

user_ids as (
    select * from {{ ref('int_alias_resolution') }}
),

user_companies as (
    select * from {{ ref('int_user_companies') }}
    where company_id is not null
),

internal_domains as (
    select value as domain
    from internal_accounts
    where match_on = 'email_domain'
),

internal_companies as (
    select value as company_id
    from internal_accounts
    where match_on = 'company_id'
),

-- The domain of a user's latest e-mail, and of its id where that is an address.
domains as (
    select
        user_id,
        domain
    from {{ ref('int_user_emails') }}

    union

    select
        call_days.user_id,
        {{ email_domain('call_days.user_id') }} as domain
    from {{ ref('int_call_days') }} as call_days
    anti join user_ids
        on
            call_days.user_id = user_ids.id
            and user_ids.id <> user_ids.user_id
    where
        contains(call_days.user_id, '@')
        and call_days.calls is distinct from 0
        and exists (select 1 from internal_domains)
),

-- Users who were last seen with internal companies only, on every day. There may be other companies
-- that they were seen with earlier on such a day: so all their sightings are looked at.
users_of_internal_companies as (
    select user_companies.user_id
    from user_companies
    left join internal_companies on user_companies.company_id = internal_companies.company_id
    group by user_companies.user_id
    having count(*) = count(internal_companies.company_id)
),

users_of_other_companies as (
    select sightings.user_id
    from {{ ref('int_sightings') }} as sightings
    semi join users_of_internal_companies
        on sightings.user_id = users_of_internal_companies.user_id
    anti join internal_companies on sightings.company_id = internal_companies.company_id
    where sightings.calls is distinct from 0
),

matched as (
    select
        'user' as entity,
        coalesce(user_ids.user_id, internal_accounts.value) as entity_id
    from internal_accounts
    left join user_ids on internal_accounts.value = user_ids.id
    where internal_accounts.match_on = 'user_id'

    union

    select
        'user' as entity,
        domains.user_id as entity_id
    from internal_domains
    inner join domains
        on
            domains.domain = internal_domains.domain
            or domains.domain like '%.' || internal_domains.domain

    union

    select
        'user' as entity,
        user_id as entity_id
    from users_of_internal_companies
    where user_id not in (select users_of_other_companies.user_id from users_of_other_companies)

    union

    select
        'company' as entity,
        company_id as entity_id
    from internal_companies
),

changed as (
    {%- if is_incremental() %}
    select
        coalesce(matched.entity, built.entity) as entity,
        coalesce(matched.entity_id, built.entity_id) as entity_id,
        matched.entity_id is not null as is_internal
    from matched
    full join {{ this }} as built
        on
            matched.entity = built.entity
            and matched.entity_id = built.entity_id
    where (matched.entity_id is not null) is distinct from built.is_internal
    {%- else %}
    select
        entity,
        entity_id,
        true as is_internal
    from matched
    {%- endif %}
)

select
    changed.*,
    {{ this_build() }} as build,
    {{ grounds() }} as grounds
from changed
