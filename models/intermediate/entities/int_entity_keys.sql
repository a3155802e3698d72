-- One row per user or company, with the number that stands for it in large tables: numbers are quicker to
-- sort and to look up than ids. No mart shows it.
with

entities as (
    select distinct
        'user' as entity,
        user_id as entity_id
    from {{ ref('int_presence') }}
    where user_id is not null

    union all

    select distinct
        'company' as entity,
        company_id as entity_id
    from {{ ref('int_presence') }}
    where company_id is not null
)

select
    entity,
    entity_id,
    {{ hash_of(['entity_id']) }} as entity_key
from entities
