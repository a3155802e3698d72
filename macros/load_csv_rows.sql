{# dbt-duckdb lets DuckDB guess the quote of a seed, and it may take an apostrophe for one. The checks
   read a seed with the quote ", so it is loaded with that. #}
{% macro duckdb__load_csv_rows(model, agate_table) -%}
    {%- set sql -%}
    copy {{ this.render() }} from '{{ adapter.get_seed_file_path(model) | replace("'", "''") }}'
    (format csv, header true, delimiter '{{ config.get('delimiter', ',') }}', quote '"', escape '"')
    {%- endset -%}
    {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
    {{ return(sql) }}
{%- endmacro %}
