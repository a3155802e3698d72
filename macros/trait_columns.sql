{# List of an entity's planned traits in the plan's order, each with trait, type and column. Read at compile
   time, because a table's columns must be known then; empty before the first build. #}
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

{# Column name of a trait: prefixed with trait_ where a fixed column of the table has the name. #}
{% macro trait_column(trait, fixed_columns) -%}
    "{{ 'trait_' if trait.column in fixed_columns }}{{ trait.column }}"
{%- endmacro %}

{# Latest value of a trait as a column of its planned type. int_trait_history has already cast it. #}
{% macro trait_as_column(trait) -%}
    {%- set value -%}
        max(value{{ '_text' if trait.type not in ('array', 'object') }})
        filter (trait = '{{ trait.trait | replace("'", "''") }}')
    {%- endset -%}
    {%- set type = {
        'number': 'double', 'boolean': 'boolean', 'datetime': 'timestamp', 'array': 'json',
        'object': 'json'
    }.get(trait.type, 'varchar') -%}
    try_cast({{ value }} as {{ type }})
{%- endmacro %}

{# List of the planned context columns of fct_events in the plan's order, each with column, keys (its path)
   and type. Read at compile time, like the traits. #}
{% macro planned_context_columns() -%}
    {%- set columns = [] -%}
    {%- set plan = ref('stg_context_columns') -%}
    {%- if execute and load_relation(plan) is not none -%}
        {%- for row in run_query(
            'select column_name, path, type from ' ~ plan ~ ' order by line'
        ) -%}
            {%- set keys = [] -%}
            {%- for key in row[1].split('.') -%} {%- do keys.append(key.strip()) -%} {%- endfor -%}
            {%- do columns.append({'column': row[0], 'keys': keys, 'type': row[2]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(columns) }}
{%- endmacro %}
