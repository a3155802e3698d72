-- One row per entity, trait and interval of time in which it had one value.
{{ config(materialized='view') }}

select
    traits.entity,
    traits.entity_id,
    traits.trait,
    traits.value,
    traits.value_as_sent,
    traits.valid_from,
    traits.valid_to
from {{ ref('int_traits') }} as traits
where traits.trait is not null and not exists (
    select 1
    from {{ ref('int_internal_entities') }} as internal_entities
    where
        internal_entities.is_internal
        and internal_entities.entity = traits.entity
        and internal_entities.entity_id = traits.entity_id
)
