{# The planned traits of an entity in the plan's order, each with trait, type and column.
   Read while compiling, because a table's columns cannot be known later; empty before the first build. #}
{% macro planned_traits(entity) -%}
    {%- set traits = [] -%}
    {%- set plan = ref('stg_plan_traits') -%}
    {%- if execute and load_relation(plan) is not none -%}
        {%- set rows = run_query(
            "select trait, type, " ~ snake_case('trait') ~ " as column_name from " ~ plan
            ~ " where entity = '" ~ entity ~ "' order by line"
        ) -%}
        {%- for row in rows -%}
            {%- do traits.append({'trait': row[0], 'type': row[1], 'column': row[2]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(traits) }}
{%- endmacro %}

{# A trait's column in a table that has fixed columns already. #}
{% macro trait_column(trait, fixed_columns) -%}
    "{{ 'trait_' if trait.column in fixed_columns }}{{ trait.column }}"
{%- endmacro %}

{# A trait's latest value, of the type that the plan gives it; null where it is of another. #}
{% macro trait_as_column(trait) -%}
    {%- set value -%}
        max(value{{ '_text' if trait.type not in ('array', 'object') }})
        filter (trait = '{{ trait.trait | replace("'", "''") }}')
    {%- endset -%}
    {%- if trait.type == 'number' -%} try_cast({{ value }} as double)
    {%- elif trait.type == 'boolean' -%} try_cast({{ value }} as boolean)
    {%- elif trait.type == 'datetime' -%} {{ readable_time(value) }}
    {%- elif trait.type in ('array', 'object') -%} cast({{ value }} as json)
    {%- else -%} {{ value }}
    {%- endif -%}
{%- endmacro %}
