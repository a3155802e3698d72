-- One row per entity, trait and interval of time in which it had one value.
{{ config(materialized='view') }}

with

traits as (
    select traits.*
    from {{ ref('int_trait_history') }} as traits
    anti join {{ ref('int_internal_entities') }} as internal_entities
        on
            traits.entity = internal_entities.entity
            and traits.entity_id = internal_entities.entity_id
)

select
    traits.entity,
    traits.entity_id,
    traits.trait,
    traits.value,
    traits.value_as_sent,
    traits.valid_from,
    case when rest.valid_from is null then traits.valid_to else rest.valid_to end as valid_to
from traits
left join traits as rest
    on
        rest.continues
        and traits.entity = rest.entity
        and traits.entity_id = rest.entity_id
        and traits.trait = rest.trait
        and traits.valid_to = rest.valid_from
where not traits.continues
