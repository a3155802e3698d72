{# First day of the week of a given day. #}
{% macro week_start_of(day) -%}
    {%- if var('week_start') == 'sunday' -%}
    cast(date_trunc('week', {{ day }} + 1) as date) - 1
    {%- else -%}
    cast(date_trunc('week', {{ day }}) as date)
    {%- endif -%}
{%- endmacro %}

{# Days, weeks and months are numbered without gaps; this day lies in number 1 of each. #}
{% macro first_of_all_days() -%}
    date '1970-01-01'
{%- endmacro %}

{% macro day_number_of(day) -%}
    cast({{ day }} - {{ first_of_all_days() }} as integer) + 1
{%- endmacro %}

{% macro week_number_of(day) -%}
    cast(({{ week_start_of(day) }} - ({{ week_start_of(first_of_all_days()) }})) / 7 as integer) + 1
{%- endmacro %}

{% macro month_number_of(day) -%}
    cast((year({{ day }}) - year({{ first_of_all_days() }})) * 12 + month({{ day }}) as integer)
{%- endmacro %}
