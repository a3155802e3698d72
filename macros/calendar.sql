{# The first day of the week that a day lies in. #}
{% macro week_start_of(day) -%}
    {%- if var('week_start') == 'sunday' -%}
    cast(date_trunc('week', {{ day }} + 1) as date) - 1
    {%- else -%}
    cast(date_trunc('week', {{ day }}) as date)
    {%- endif -%}
{%- endmacro %}

{# Days, weeks and months are numbered without gaps. Number 1 is that of this day. #}
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

{# The day on which the week or the month of the newest last whole day begins, whichever comes first:
   most of what a night brings lies after it, and the engine can pass over all earlier days. #}
{% macro start_of_now() -%}
    {%- set found = run_query(
        'select least(' ~ week_start_of('as_of') ~ ", cast(date_trunc('month', as_of) as date))"
        ~ ' from meta.builds where as_of is not null order by build desc limit 1'
    ) if execute -%}
    {%- set days = found.columns[0].values() if found else [] -%}
    date '{{ days[0] if days else '1970-01-01' }}'
{%- endmacro %}
