{# A schema is named as it is configured: `seeds`, not `main_seeds`. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ daybook.generate_schema_name(custom_schema_name, node) }}
{%- endmacro %}
