-- One row per filter of a report and entity that it keeps: those whose latest value the filter names. Of a
-- list, one named element is enough.
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

filter_texts as (
    select
        *,
        {{ split_to_rows('filter_values') }} as filter_text
    from filters
),

-- The filter's values are cast to the trait's type, as the trait's own values are: 50.0 names 50.
named_values as (
    select
        filter_texts.entity,
        filter_texts.filter_by,
        filter_texts.filter_values,
        {{ comparable('coalesce(' ~ json_value_text('cast(' ~ json_as_planned(
            json_string('filter_texts.filter_text'),
            "case when plan_traits.type not in ('array', 'object') then plan_traits.type end"
        ) ~ ' as json)') ~ ', filter_texts.filter_text)') }} as filter_value
    from filter_texts
    left join {{ ref('stg_plan_traits') }} as plan_traits
        on
            filter_texts.filter_by
            = case when filter_texts.entity <> plan_traits.entity then 'company.' else '' end
            || plan_traits.trait
            and (filter_texts.entity = plan_traits.entity or filter_texts.entity = 'user')
),

entity_values as (
    select
        entity,
        entity_id,
        trait,
        {{ list_to_rows(json_elements('value')) }} as value_text
    from {{ ref('int_entity_traits') }}
)

select distinct
    named_values.entity,
    named_values.filter_by,
    named_values.filter_values,
    entity_keys.entity_key
from named_values
inner join entity_values
    on
        named_values.entity = entity_values.entity
        and named_values.filter_by = entity_values.trait
        and named_values.filter_value = {{ comparable('entity_values.value_text') }}
inner join {{ ref('int_entity_keys') }} as entity_keys
    on
        entity_values.entity = entity_keys.entity
        and entity_values.entity_id = entity_keys.entity_id
