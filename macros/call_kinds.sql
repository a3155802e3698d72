{# What a kind of call is: what was sent, on one day. Its number, `call_kind`, is quicker to look up. #}
{% macro columns_of_a_kind(of='') -%}
    {%- set columns = [] -%}
    {%- for column in ['type', 'event', 'user_id', 'anonymous_id', 'company_id', 'event_day'] -%}
    {%- do columns.append(of ~ column) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}
