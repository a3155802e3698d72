-- One row per user or company that is our own, and counts in no number.
with

internal_accounts as (
    select * from {{ ref('stg_internal_accounts') }}
),

user_ids as (
    select * from {{ ref('int_user_ids') }}
),

traits as (
    select * from {{ ref('int_traits') }}
),

latest_traits as (
    select * from {{ ref('int_latest_traits') }}
),

-- The latest e-mail by the last whole day; for those who had none by then, the latest there is.
emails as (
    select
        entity_id as user_id,
        value_text as email
    from latest_traits
    where
        entity = 'user'
        and trait = {{ name_in_vars('email_trait') }}

    union all

    select
        entity_id as user_id,
        value_text as email
    from traits
    where
        entity = 'user'
        and trait = {{ name_in_vars('email_trait') }}
        and valid_to is null
        and entity_id not in (
            select latest_traits.entity_id
            from latest_traits
            where
                latest_traits.entity = 'user'
                and latest_traits.trait = {{ name_in_vars('email_trait') }}
        )
),

domains as (
    select
        user_id,
        split_part({{ comparable('email') }}, '@', 2) as domain
    from emails
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
    from internal_accounts
    inner join domains
        on
            domains.domain = {{ comparable('internal_accounts.value') }}
            or domains.domain like '%.' || {{ comparable('internal_accounts.value') }}
    where internal_accounts.match_on = 'email_domain'

    union

    select
        'company' as entity,
        value as entity_id
    from internal_accounts
    where match_on = 'company_id'
)

select
    entity,
    entity_id
from matched
