{# The first day of the week that a day lies in. #}
{% macro week_start_of(day) -%}
    {%- if var('week_start') == 'monday' -%}
    cast(date_trunc('week', {{ day }}) as date)
    {%- elif var('week_start') == 'sunday' -%}
    cast(date_trunc('week', {{ day }} + 1) as date) - 1
    {%- else -%}
    {{ exceptions.raise_compiler_error(
        "dbt_project.yml, vars: week_start is '" ~ var('week_start') ~ "'. Write monday or sunday."
    ) }}
    {%- endif -%}
{%- endmacro %}
