-- One row per user with an e-mail address, with the latest one in all logs, and its domain.
{{ config(materialized='view') }}

select
    entity_id as user_id,
    value_text as email,
    {{ email_domain('value_text') }} as domain
from {{ ref('int_trait_history') }}
where
    entity = 'user'
    and trait = {{ name_in_vars('email_trait') }}
    and valid_to is null
    and value is not null
