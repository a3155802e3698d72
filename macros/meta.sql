{# Version of the contents of the models' columns. Raise it when a column changes its meaning but not its
   name: the next build then drops the tables of Daybook and rebuilds them. #}
{% macro models_version() -%}
    {{ return(8) }}
{%- endmacro %}

{# Before each run of dbt: stops with one message if the run must not begin, drops tables that cannot be
   kept, and gives the run a number in meta.builds. (A run that only compares has no number.) #}
{% macro begin_build() -%}
    {%- if execute -%}
    {%- set found = _ask('before', {
        'selected': selected_resources, 'is_build': flags.WHICH == 'build', 'is_empty': flags.EMPTY,
        'is_comparison': is_on('compare_only')
    }) -%}
    {%- if found.say -%} {%- do print(found.say) -%} {%- endif -%}
    {%- if found.is_outdated -%}
    {#- Numbering continues, because the published nightly runs refer to build numbers. -#}
    {%- do run_query('update meta.builds set ended_well = false, as_of = null, latest_day = null') -%}
    {%- endif -%}
    {%- for schema, name, type in found.drop -%}
    {%- do adapter.drop_relation(
        api.Relation.create(database=target.database, schema=schema, identifier=name, type=type)
    ) -%}
    {%- endfor -%}
    {%- if found.is_outdated -%} {%- do run_query('delete from meta.tables; delete from meta.model_runs') -%} {%- endif -%}
    {{ set_memory() }}
    {%- if not is_on('compare_only') %}
    insert into meta.builds by name
    select
        coalesce((select max(build) from meta.builds), 0) + 1 as build,
        '{{ invocation_id }}' as invocation,
        '{{ flags.WHICH }}' as command,
        {{ models_version() }} as version,
        coalesce((select max(load_id) from raw.loads), 0) as latest_load,
        (select count(*) from raw.taken_out) as taken_out,
        '{{ found.loads }}' as loads,
        false as ended_well
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# Calls loaders/builds.py through store_relation, the only method by which dbt-duckdb lets a macro call a
   plugin. The plugin writes its answer into the dict `answer` of the question. #}
{% macro _ask(ask, more) -%}
    {%- set vars = {} -%}
    {%- for name in [
        'timezone', 'week_start', 'as_of', 'earliest_day', 'signup_event', 'created_at_trait',
        'email_trait', 'company_plan_trait', 'company_mau_trait', 'unplanned_counts_as_active',
        'companies_by_email_domain'
    ] -%}
    {%- do vars.update({name: var(name)}) -%}
    {%- endfor -%}
    {%- set question = {
        'ask': ask, 'answer': {}, 'graph': graph, 'vars': vars, 'project': project_name,
        'version': models_version()
    } -%}
    {%- do question.update(more) -%}
    {%- do adapter.store_relation('dbt_plugin', none, [], none, none, question) -%}
    {{ return(question.answer) }}
{%- endmacro %}

{# A build from scratch may use all of the memory in profiles.yml. A build after one that ended well touches
   few pages, and touching memory for the first time costs more than reading a column twice: it leaves two
   fifths of the memory to the operating system's file cache. #}
{% macro set_memory() -%}
    {%- do run_query("set memory_limit = '" ~ target.config_options['memory_limit'] ~ "'") -%}
    {%- if _newest('build') and not flags.FULL_REFRESH -%}
    set memory_limit = '{{ run_query('select ' ~ memory_limit_in_bytes()).columns[0][0] * 3 // 5 }}B';
    {%- endif -%}
{%- endmacro %}

{# After each run of dbt: records the last complete day, lists the tables that were built with other vars
   or seeds, marks a whole build that ended well, and deletes old changes. #}
{% macro end_build(results) -%}
    {%- if execute and not is_on('compare_only') -%}
    {%- set as_of = api.Relation.create(database=target.database, schema='intermediate', identifier='int_as_of') -%}
    {%- if load_relation(as_of) -%}
    {%- do run_query(
        'update meta.builds set as_of = found.as_of, latest_day = found.latest_day from ' ~ as_of
        ~ ' as found where build = ' ~ this_build()
    ) -%}
    {%- endif -%}
    {%- set found = _ask('after', {'results': results}) -%}
    {%- if found.say -%} {%- do print(found.say) -%} {%- endif -%}
    {#- Exposures run nothing: no-op. -#}
    {%- set failed = results | rejectattr('status', 'in', ['success', 'pass', 'warn', 'no-op']) | list -%}
    update meta.builds set passed = {{ not failed }} where build = {{ this_build() }};
    {%- if flags.WHICH == 'build' and not _left_out(results, failed) -%}
    update meta.builds set ended_well = true where build = {{ this_build() }};
    {%- endif -%}
    {{ _forget_changes() }}
    {%- endif -%}
{%- endmacro %}

{# Deletes the changes that every model and the tests have read. The changes of the last seven builds that
   ended well are kept for the published copy. #}
{% macro _forget_changes() -%}
    {%- set models = [] -%}
    {%- for node in graph.nodes.values() if node.config.materialized == 'keyed' -%}
    {%- do models.append(node.schema ~ '.' ~ node.alias) -%}
    {%- endfor -%}
    {%- do run_query("delete from meta.model_runs where model not in ('" ~ models | join("', '") ~ "')") -%}
    {%- set found = run_query(
        'select least((select min(run) from meta.model_runs), min(build)) from '
        ~ '(select build from meta.builds where ended_well order by build desc limit 7)'
    ) -%}
    {%- set oldest = found.columns[0][0] -%}
    {%- if oldest -%}
    {%- for name in run_query(
        'select model from meta.model_runs where changes_since < ' ~ oldest
    ).columns[0].values() %}
    delete from {{ name }}__changes where run <= {{ oldest }};
    {%- endfor %}
    update meta.model_runs set changes_since = {{ oldest }} where changes_since < {{ oldest }};
    {%- endif -%}
{%- endmacro %}

{# Models and tests of Daybook, and seeds, that did not pass in this run. A failed model or test that a
   company added says nothing about Daybook's tables. #}
{% macro _left_out(results, failed) -%}
    {%- set passed = [] -%}
    {%- for result in results if result not in failed -%} {%- do passed.append(result.node.unique_id) -%}
    {%- endfor -%}
    {%- set needed = graph.nodes.values()
        | selectattr('package_name', 'equalto', 'daybook')
        | selectattr('resource_type', 'in', ['model', 'test']) | list
        + graph.nodes.values() | selectattr('resource_type', 'equalto', 'seed') | list -%}
    {{ return(needed | rejectattr('unique_id', 'in', passed) | list) }}
{%- endmacro %}

{% macro this_build() -%}
    (select max(build) from meta.builds)
{%- endmacro %}

{# Rows landed since the last build that ended well. Tests read only these rows; `make audit` reads all. #}
{% macro landed_lately(load_id) -%}
    {%- if is_on('audit') -%} true
    {%- else -%} {{ load_id }} > {{ _newest('latest_load') }}
    {%- endif -%}
{%- endmacro %}

{# Rows of a keyed model written since the last build that ended well. Tests read only these rows; an audit
   reads all rows. #}
{% macro rows_written_lately(relation) -%}
    {%- set good = _newest('build') -%}
    {%- set found = run_query(
        "select changes_since <= " ~ good ~ " from meta.model_runs where model = '" ~ _name_of(relation) ~ "'"
    ) if execute and not is_on('audit') -%}
    {%- if found and found.columns[0].values() and found.columns[0][0] -%}
    (select * from {{ changes_since(good, relation) }} where sign = 1)
    {%- else -%} {{ relation }}
    {%- endif -%}
{%- endmacro %}

{# Highest value over the builds that ended well; a literal, so that the engine can skip older row groups. #}
{% macro _newest(column) -%}
    {%- if not execute -%} {{ return(0) }} {%- endif -%}
    {%- set found = run_query(
        'select coalesce(max(' ~ column ~ '), 0) from meta.builds where ended_well'
    ) -%}
    {{ return(found.columns[0][0]) }}
{%- endmacro %}

{# Like dbt's macro, with two more values: `where: landed_lately` for a test on a table with a load_id,
   `where: written_lately` for a test on a keyed model. #}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where') -%}
    {%- if where == 'landed_lately' -%}
    {%- do return('(select * from ' ~ relation ~ ' where ' ~ landed_lately('load_id') ~ ') as lately') -%}
    {%- elif where == 'written_lately' -%}
    {%- do return('(select * from ' ~ rows_written_lately(relation) ~ ') as lately') -%}
    {%- endif -%}
    {%- do return(default__get_where_subquery(relation)) -%}
{%- endmacro %}
