{# A seed's cell: trimmed, and null where it is blank. #}
{% macro cell(column) -%}
    nullif(trim({{ column }}), '')
{%- endmacro %}

{# Plan names, allowed values and filters are compared trimmed and without case. #}
{% macro comparable(text) -%}
    lower(trim({{ text }}))
{%- endmacro %}

{# A trait's column: `createdAt` and `Created at` both become created_at. #}
{% macro snake_case(text) -%}
    trim(lower(regexp_replace(regexp_replace(
        {{ text }}, '([a-z0-9])([A-Z])', '\1_\2', 'g'
    ), '[^\p{L}\p{N}]+', '_', 'g')), '_')
{%- endmacro %}

{# A name that was configured in `vars`, as SQL text. #}
{% macro name_in_vars(name) -%}
    '{{ var(name) | replace("'", "''") }}'
{%- endmacro %}
