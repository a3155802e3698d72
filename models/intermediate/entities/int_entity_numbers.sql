-- One row per user or company that was ever there, with a number: reports count by it, since numbers
-- are quicker to sort and to look up than names.
--
-- What can change tonight: nothing that is here; who is new in int_presence is added. A number is for
-- good, whatever else is built anew, and no table that people query shows it.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false
) }}

with

presence as {{ not_materialized() }} (
    select * from {{ ref('int_presence') }}
),

entities as (
    select distinct
        'user' as entity,
        user_id as entity_id
    from presence
    where user_id is not null

    union all

    select distinct
        'company' as entity,
        company_id as entity_id
    from presence
    where company_id is not null
)

{%- if is_incremental() %}

select
    entities.entity,
    entities.entity_id,
    cast(
        (select coalesce(max(entity_number), 0) from {{ this }})
        + row_number() over (order by entities.entity, entities.entity_id) as integer
    ) as entity_number
from entities
left join {{ this }} as built
    on
        entities.entity = built.entity
        and entities.entity_id = built.entity_id
where built.entity_id is null
{%- else %}

select
    entity,
    entity_id,
    cast(row_number() over (order by entity, entity_id) as integer) as entity_number
from entities
{%- endif %}
