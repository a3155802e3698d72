{# Each run of dbt has a number, kept in raw.builds. #}
{% macro begin_build() -%}
    insert into raw.builds
    select
        coalesce((select max(build) from raw.builds), 0) + 1 as build,
        coalesce((select max(load_id) from raw.loads), 0) as latest_load,
        false as ended_well
{%- endmacro %}

{# A build that ended well has tested what it brought: the next one need not test it again. #}
{% macro end_build(results) -%}
    {%- if execute and flags.WHICH == 'build' -%}
    {%- set tests = graph.nodes.values() | selectattr('resource_type', 'equalto', 'test') -%}
    {%- set tested = results | selectattr('node.resource_type', 'equalto', 'test') -%}
    {%- set failed = results | rejectattr('status', 'in', ['success', 'pass', 'warn']) -%}
    {%- if tests | list | length == tested | list | length and not failed | list -%}
    update raw.builds set ended_well = true where build = {{ this_build() }}
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro this_build() -%}
    (select max(build) from raw.builds)
{%- endmacro %}

{# Landed since a build last ended well. Tests look at such rows only; `make audit` at all. #}
{% macro landed_lately(load_id) -%}
    {%- if var('audit') -%} true
    {%- else -%}
    {{ load_id }} > (select coalesce(max(latest_load), 0) from raw.builds where ended_well)
    {%- endif -%}
{%- endmacro %}

{# dbt's own, beside it `where: landed_lately` for a test on a table with a load_id. #}
{% macro get_where_subquery(relation) -%}
    {%- if config.get('where') == 'landed_lately' -%}
    {%- do return(
        '(select * from ' ~ relation ~ ' where ' ~ landed_lately('load_id') ~ ') as lately'
    ) -%}
    {%- endif -%}
    {%- do return(default__get_where_subquery(relation)) -%}
{%- endmacro %}
