-- One row per entity and trait that has a value on the last complete day, with that value.
{{ config(materialized='view') }}

select
    traits.entity,
    traits.entity_id,
    traits.trait,
    traits.value,
    traits.value_text
from {{ ref('int_trait_history') }} as traits
inner join {{ ref('int_as_of') }} as as_of
    on
        traits.from_day between {{ earliest_day() }} and as_of.as_of
        and (traits.to_day is null or traits.to_day > as_of.as_of)
where traits.value is not null
