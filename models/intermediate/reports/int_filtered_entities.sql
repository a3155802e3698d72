-- One row per filter of a report, and entity that it keeps: those whose latest value is named.
with

filters as (
    select
        entity,
        filter_by,
        filter_values
    from {{ ref('stg_activity_reports') }}
    where filter_by is not null

    union

    select
        entity,
        filter_by,
        filter_values
    from {{ ref('stg_retention_reports') }}
    where filter_by is not null
),

named_values as (
    select
        *,
        {{ comparable(split_to_rows('filter_values')) }} as filter_value
    from filters
),

entity_traits as (
    select * from {{ ref('int_entity_traits') }}
),

numbers as (
    select * from {{ ref('int_entity_numbers') }}
)

select distinct
    named_values.entity,
    named_values.filter_by,
    named_values.filter_values,
    numbers.entity_number
from named_values
inner join entity_traits
    on
        named_values.entity = entity_traits.entity
        and named_values.filter_by = entity_traits.trait
        and named_values.filter_value = {{ comparable('entity_traits.value_text') }}
inner join numbers
    on
        entity_traits.entity = numbers.entity
        and entity_traits.entity_id = numbers.entity_id
