{# dbt-duckdb lets DuckDB guess the quote character of a seed, and DuckDB may take an apostrophe for it.
   The checks read seeds with the quote ", so they are loaded with the same. #}
{% macro duckdb__load_csv_rows(model, agate_table) -%}
    {%- set sql -%}
    copy {{ this.render() }} from '{{ adapter.get_seed_file_path(model) | replace("'", "''") }}'
    (format csv, header true, delimiter '{{ config.get('delimiter', ',') }}', quote '"', escape '"')
    {%- endset -%}
    {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
    {{ return(sql) }}
{%- endmacro %}
