-- One row per entity and name that a planned trait is or was sent under.
with

traits as (
    select * from {{ ref('stg_plan_traits') }}
),

former_names as (
    select
        line,
        entity,
        trait,
        type,
        {{ cell(split_to_rows('former_names')) }} as trait_as_sent
    from traits
)

select
    line,
    entity,
    trait,
    type,
    trait as trait_as_sent
from traits
where trait is not null

union all

select
    line,
    entity,
    trait,
    type,
    trait_as_sent
from former_names
where trait_as_sent is not null
