-- One row per user or company that is internal, and counts in no number.
{{ config(materialized='keyed', key=['entity', 'entity_id']) }}

with

internal_accounts as (
    select * from {{ ref('stg_internal_accounts') }}
),

user_ids as (
    select * from {{ ref('int_alias_resolution') }}
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
    anti join user_ids on call_days.user_id = user_ids.id
    where
        contains(call_days.user_id, '@')
        and exists (select 1 from internal_domains)
),

-- Users all of whose intervals are of internal companies. Earlier on a day they may have been sighted with
-- another company, which no interval shows: so all sightings of these users are checked below.
users_of_internal_companies as (
    select user_companies.user_id
    from {{ ref('int_user_companies') }} as user_companies
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
)

select * from matched
