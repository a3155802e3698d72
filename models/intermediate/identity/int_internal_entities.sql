-- One row per user or company that is our own, and counts in no number.
--
-- What can change tonight: any, by a trait or a seed. So all are found anew, and those written that
-- became our own or ceased to be, since. Who is no more stays, told apart by is_internal.
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
),

now as (
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
    now.*,
    {{ this_build() }} as build,
    {{ grounds() }} as grounds
from now
