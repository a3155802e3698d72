-- One row per user and interval of days in which its calls belong to one company: the one that the user
-- was last sighted with; for a user who was never sighted with any, that of its e-mail's domain.
{{ config(materialized='keyed', key='user_id', plan=['stg_public_email_domains']) }}

{% call touched_keys() -%}
with

changed_sightings as (
    select * from {{ with_users(
        changes(ref('int_call_days')), ref('int_alias_resolution'), ref('int_anonymous_id_map')
    ) }}
    where
        user_id is not null
        and company_id is not null
        and type in ('group', 'track', 'page', 'screen')
)

{{ keys_of_other_intervals('changed_sightings', 'user_id', 'company_id') }}

union

select user_id
from {{ changed_users(ref('int_alias_resolution'), ref('int_anonymous_id_map')) }} as users
{%- if is_on('companies_by_email_domain') %}

union

select entity_id as user_id from {{ changes(ref('int_trait_history')) }}
where
    entity = 'user'
    and trait = {{ name_in_vars('email_trait') }}
{%- endif %}
{%- endcall %}

with

sightings as (
    select * from {{ with_users(
        of_touched_users(
            ref('int_call_days'), ref('int_alias_resolution'), ref('int_anonymous_id_map')
        ),
        ref('int_alias_resolution'),
        ref('int_anonymous_id_map')
    ) }}
    where
        user_id is not null
        and company_id is not null
        and type in ('group', 'track', 'page', 'screen')
),

sighted as (
    {{ last_seen_intervals('sightings', 'user_id', 'company_id') }}
),

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
)

select
    coalesce(sighted.user_id, email_companies.user_id) as user_id,
    coalesce(sighted.company_id, email_companies.company_id) as company_id,
    sighted.from_day,
    sighted.to_day,
    sighted.user_id is null as is_by_email_domain
from sighted
full join email_companies on sighted.user_id = email_companies.user_id
