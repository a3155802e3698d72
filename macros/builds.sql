{# The version of what the models keep in their columns. Raise it when a model keeps something else
   under the same name: the next build then drops the tables of Daybook and builds them anew. #}
{% macro models_version() -%}
    {{ return(6) }}
{%- endmacro %}

{# Before each run of dbt: stops with one message if it must not begin, drops what cannot be kept, and
   gives the run a number in meta.builds. #}
{% macro begin_build() -%}
    {%- if execute -%}
    {%- set found = _ask('before', {'selected': selected_resources, 'is_build': flags.WHICH == 'build'}) -%}
    {%- if found.say -%} {%- do print(found.say) -%} {%- endif -%}
    {%- if found.is_outdated -%} {%- do run_query('delete from meta.builds') -%} {%- endif -%}
    {%- for schema, name, type in found.drop -%}
    {%- do adapter.drop_relation(
        api.Relation.create(database=target.database, schema=schema, identifier=name, type=type)
    ) -%}
    {%- endfor -%}
    {%- if found.is_outdated -%} {%- do run_query('delete from meta.tables') -%} {%- endif -%}
    {{ set_memory() }}
    insert into meta.builds by name
    select
        coalesce((select max(build) from meta.builds), 0) + 1 as build,
        '{{ flags.WHICH }}' as command,
        {{ models_version() }} as version,
        coalesce((select max(load_id) from raw.loads), 0) as latest_load,
        (select count(*) from raw.taken_out) as taken_out,
        '{{ found.loads }}' as loads,
        false as ended_well
    {%- endif -%}
{%- endmacro %}

{# Calls loaders/builds.py: dbt-duckdb lets a macro call its plugins by this name only. The answer is
   put into a dict that is passed along. #}
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

{# A build from scratch may use all of the memory in profiles.yml. After a build that ended well few
   pages are touched, and touching memory for the first time costs more than reading a column twice:
   two fifths are left to the operating system's file cache. #}
{% macro set_memory() -%}
    {%- do run_query("set memory_limit = '" ~ target.config_options['memory_limit'] ~ "'") -%}
    {%- if _newest('build') and not flags.FULL_REFRESH -%}
    set memory_limit = '{{ run_query('select ' ~ memory_limit_in_bytes()).columns[0][0] * 3 // 5 }}B';
    {%- endif -%}
{%- endmacro %}

{# Written as soon as int_as_of is built, so that a build that is stopped later has it too. #}
{% macro note_as_of() -%}
    update meta.builds
    set
        as_of = (select as_of from {{ this }}),
        latest_day = (select latest_day from {{ this }})
    where build = (select max(build) from meta.builds)
{%- endmacro %}

{# The latest day with a call, as of a build: every row of a later day has been written since. #}
{% macro latest_day(build) -%}
    {%- set found = run_query(
        'select max(latest_day) from meta.builds where build <= ' ~ build
    ) if execute -%}
    {%- set day = found.columns[0][0] if found -%}
    {{- "date '" ~ day ~ "'" if day else 'cast(null as date)' -}}
{%- endmacro %}

{# Whether a day lies between the last complete days of the builds from `since` on: some of those
   builds have counted it, and others have not. The days are literals, so that the engine can skip
   all other row groups. #}
{% macro is_in_question(day, since) -%}
    {%- set found = run_query(
        'select min(as_of), max(as_of) from meta.builds where build >= ' ~ since
    ) if execute -%}
    {%- set first, last = (found.columns[0][0], found.columns[1][0]) if found else (none, none) -%}
    {%- if first == last -%} false
    {%- else -%} ({{ day }} > date '{{ first }}' and {{ day }} <= date '{{ last }}')
    {%- endif -%}
{%- endmacro %}

{# The rows of a table that were written since a build, and the rows of a day in question. In two
   parts, because with an `or` the engine would read the whole table. #}
{% macro rows_in_question(relation, since) -%}
    (
        select * from {{ relation }}
        where build > {{ since }}

        union all

        select * from {{ relation }}
        where
            build <= {{ since }}
            and {{ is_in_question('event_day', since) }}
    )
{%- endmacro %}

{# After each run of dbt: names the tables that rest on other vars or seeds, and marks a whole build
   that ended well. The rows that it wrote have been tested and need no test in the next build. #}
{% macro end_build(results) -%}
    {%- if execute -%}
    {%- set found = _ask('after', {'results': results}) -%}
    {%- if found.say -%} {%- do print(found.say) -%} {%- endif -%}
    {#- Exposures run nothing: no-op. -#}
    {%- set failed = results | rejectattr('status', 'in', ['success', 'pass', 'warn', 'no-op']) | list -%}
    update meta.builds set passed = {{ not failed }} where build = {{ this_build() }};
    {%- endif -%}
    {%- if execute and flags.WHICH == 'build' -%}
    {#- A failed test or model of a company's own says nothing about Daybook's tables. -#}
    {%- set tests = graph.nodes.values()
        | selectattr('package_name', 'equalto', 'daybook')
        | selectattr('resource_type', 'equalto', 'test') -%}
    {%- set tested = results
        | selectattr('node.package_name', 'equalto', 'daybook')
        | selectattr('node.resource_type', 'equalto', 'test') -%}
    {%- set ours_failed = failed | selectattr('node.package_name', 'equalto', 'daybook') -%}
    {%- if tests | list | length == tested | list | length and not ours_failed | list -%}
    update meta.builds set ended_well = true where build = {{ this_build() }}
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro this_build() -%}
    (select max(build) from meta.builds)
{%- endmacro %}

{# Landed since a build last ended well. Tests read such rows only; `make audit` reads all. #}
{% macro landed_lately(load_id) -%}
    {%- if var('audit') -%} true
    {%- else -%} {{ load_id }} > {{ _newest('latest_load') }}
    {%- endif -%}
{%- endmacro %}

{# Written since a build last ended well. #}
{% macro built_lately(build) -%}
    {%- if is_all_lately() -%} true
    {%- else -%} {{ build }} > {{ _newest('build') }}
    {%- endif -%}
{%- endmacro %}

{# Whether tests read all rows: in an audit, and in the first build. #}
{% macro is_all_lately() -%}
    {{ return(var('audit') or not _newest('build')) }}
{%- endmacro %}

{# The rows of a table that were written since a build last ended well, or whose day has become
   complete since. #}
{% macro rows_built_lately(relation) -%}
    {%- if is_all_lately() -%} {{ relation }}
    {%- else -%} {{ rows_in_question(relation, _newest('build')) }}
    {%- endif -%}
{%- endmacro %}

{# Of the builds that ended well; a literal, so that the engine can skip older row groups. #}
{% macro _newest(column) -%}
    {%- if not execute -%} {{ return(0) }} {%- endif -%}
    {%- set found = run_query(
        'select coalesce(max(' ~ column ~ '), 0) from meta.builds where ended_well'
    ) -%}
    {{ return(found.columns[0][0]) }}
{%- endmacro %}

{# As dbt's own, and: `where: landed_lately` for a test on a table with a load_id, `where:
   built_lately` for one on a table with a build. #}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where') -%}
    {%- if where not in ('landed_lately', 'built_lately') -%}
    {%- do return(default__get_where_subquery(relation)) -%}
    {%- endif -%}
    {%- set lately = landed_lately('load_id') if where == 'landed_lately' else built_lately('build') -%}
    {%- do return('(select * from ' ~ relation ~ ' where ' ~ lately ~ ') as lately') -%}
{%- endmacro %}

{# --- what is incremental --- #}

{# A hash of what an incremental model depends on beside its new rows: the time zone, the first day of
   the week, the sign-up event, whether unplanned events are active, the number of unloaded loads, and
   the whole content of the small tables in `also`. Each row keeps it in the column `grounds`. The
   engine's hash function may change with its version, which then counts as another ground. #}
{% macro grounds(also=[]) -%}
    {%- set taken_out = run_query('select count(*) from raw.taken_out') if execute -%}
    {%- set found = [taken_out.columns[0][0] if taken_out else 0] -%}
    {%- for name in [
        'timezone', 'week_start', 'earliest_day', 'signup_event', 'unplanned_counts_as_active',
        'email_trait', 'companies_by_email_domain'
    ] -%}
    {%- do found.append("'" ~ var(name) | string | replace("'", "''") ~ "'") -%}
    {%- endfor -%}
    {%- for relation in also -%}
    {%- do found.append('(select ' ~ digest_of('small') ~ ' from ' ~ relation ~ ' as small)') -%}
    {%- endfor -%}
    {{ hash_of(found) }}
{%- endmacro %}

{# Before an incremental model, in its transaction: deletes all rows if they were built on other
   grounds, so that the model is built again from all calls. #}
{% macro start_anew_on_other_grounds(also=[]) -%}
    {%- set built = load_relation(this) if execute -%}
    {%- if built and built.is_table and not flags.FULL_REFRESH -%}
    delete from {{ this }}
    where (select built.grounds from {{ this }} as built limit 1) <> {{ grounds(also) }}
    {%- endif -%}
{%- endmacro %}

{# The newest build whose rows this table has taken in; a literal, so that the engine can skip older
   row groups; 0 where the table is built from all rows. In a build that ended well every model ran, so
   this table has all changes up to it. #}
{% macro last_good_build(also=[]) -%}
    {{ return(_unless_it_starts_anew(
        'select coalesce(max(build), 0) from meta.builds where ended_well', also
    )) }}
{%- endmacro %}

{# The newest load that was there when that build began. #}
{% macro last_good_load(also=[]) -%}
    {{ return(_unless_it_starts_anew(
        'select coalesce(max(latest_load), 0) from meta.builds where ended_well', also
    )) }}
{%- endmacro %}

{# The newest load in this table, by a column of its own; 0 where it is built from all rows. #}
{% macro newest_load(column, also=[]) -%}
    {{ return(_unless_it_starts_anew(
        'select coalesce(max(' ~ column ~ '), 0) from ' ~ this, also
    )) }}
{%- endmacro %}

{% macro _unless_it_starts_anew(sql, also) -%}
    {%- if not execute -%} {{ return(0) }} {%- endif -%}
    {%- set found = run_query(
        'select case when (select grounds from ' ~ this ~ ' limit 1) = ' ~ grounds(also)
        ~ ' then (' ~ sql ~ ') else 0 end'
    ) -%}
    {{ return(found.columns[0][0]) }}
{%- endmacro %}

{# Before an incremental model: deletes the rows whose value is not in that column of `relation`. #}
{% macro keep_only(column, relation) -%}
    {%- if execute and load_relation(this) -%}
    delete from {{ this }} where {{ column }} not in (select {{ column }} from {{ relation }})
    {%- endif -%}
{%- endmacro %}

{# The values of a column of `relation` that this table lacks among the `rows` (a condition), as a list
   for `in`; empty if it lacks none. #}
{% macro not_here_yet(column, relation, rows) -%}
    {%- set found = run_query(
        'select ' ~ column ~ ' from ' ~ relation ~ ' where ' ~ column ~ ' not in (select '
        ~ column ~ ' from ' ~ this ~ ' where ' ~ rows ~ ')'
    ) if execute and is_incremental() -%}
    {{ return((found.columns[0].values() if found else []) | join(', ')) }}
{%- endmacro %}
