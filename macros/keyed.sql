{# Materialization of tables of which a nightly run changes only some rows. The model is a SELECT that
   defines its rows; a block above it selects the keys whose rows may have changed:

       {{ config(materialized='keyed', key='message_key') }}

       {% call touched_keys() -%}
       select distinct message_key from {{ changes(ref('stg_calls')) }}
       {%- endcall %}

       select ... from {{ touched(ref('stg_calls'), 'message_key') }}

   In one transaction, the rows of these keys are selected and compared with the rows in the table, and
   the differences are written to the table. They are also kept in <model>__changes, where other models
   read the changes since their last run (only the columns of config(feed=[...]), if that is set). Without
   a block, all rows are selected and compared.

   The table is rebuilt from all rows with --full-refresh, after a new version of the model or the engine,
   after a change of a var or of a relation in config(plan=[...]), after a rebuild of an input, and after a
   partial run that skipped a table it reads; meta.model_runs keeps track of this. With the var compare_only,
   the table is compared with all rows of its SELECT and nothing is written (`make audit`). #}
{% materialization keyed, adapter='duckdb' -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set parts = sql.split(_end_of_block()) -%}
    {%- set rows, block = parts[-1], parts[0] if parts | length > 1 -%}
    {%- if is_on('compare_only') -%}
    {%- call statement('main') -%} {{ _audit(rows) }} {%- endcall -%}
    {%- elif is_rebuilt() -%}
    {%- if existing -%}
    {%- call statement('drop') -%} drop {{ existing.type }} if exists {{ existing }} {%- endcall -%}
    {%- endif -%}
    {%- call statement('main') -%}
    {{ create_table_as(False, this.incorporate(type='table'), rows) }};
    {{ _empty_feed() }};
    {{ _remember_rebuild() }}
    {%- endcall -%}
    {%- else -%}
    {%- call statement('touch') -%}
    create or replace temporary table {{ touched_rows() }} as {{ block or 'select 1' }}
    {%- endcall -%}
    {%- set any_touched = run_query('select exists (from ' ~ touched_rows() ~ ')').columns[0][0] -%}
    {%- call statement('main') -%}
    {%- if any_touched -%} {{ _write_differences(rows, is_partial=block) }} {%- endif -%}
    update meta.model_runs set run = {{ this_build() }} where model = '{{ _name_of(this) }}'
    {%- endcall -%}
    {%- endif -%}
    {%- if not is_on('compare_only') and _reads_older_tables() -%}
    {%- do run_query("update meta.model_runs set fingerprint = null where model = '" ~ _name_of(this) ~ "'") -%}
    {%- endif -%}
    {%- do adapter.commit() -%}
    {{ return({'relations': [this.incorporate(type='table')]}) }}
{%- endmaterialization %}

{# --- for models --- #}

{# The block: a query for the keys whose rows may have changed. It has the columns of config(key=...) and
   any others that touched() looks up rows by. It may read `this`, the table before the run. #}
{% macro touched_keys() -%}
    {%- set block = caller() -%}
    {%- if not is_rebuilt() -%} {{ block }} {{ _end_of_block() }} {%- endif -%}
{%- endmacro %}

{# Rows of a keyed model that are new (sign 1) or gone (sign -1) since the last run of the calling model. A
   changed row appears twice. In a rebuild: all rows. #}
{% macro changes(relation) -%}
    {%- if is_rebuilt() -%} (select *, 1 as sign from {{ relation }})
    {%- else -%} {{ changes_since(_last_run(), relation) }}
    {%- endif -%}
{%- endmacro %}

{# Rows of a large table that have touched keys. In a rebuild: all rows. `keys` are columns of both the
   table and the touched keys, or pairs [expression over the table, column of the touched keys]. #}
{% macro touched(relation, keys) -%}
    {{ rows_with(relation, keys, touched_rows()) }}
{%- endmacro %}

{# Like touched(), with the keys of another small table. #}
{% macro rows_with(relation, keys, small) -%}
    {%- if is_rebuilt() -%} {{ relation }}
    {%- else -%}
    (
        select * from {{ relation }}
        where {{ row_id(keys) }} in {{ in_list('(' ~ row_ids_with(relation, keys, small) ~ ')', 'place') }}
    )
    {%- endif -%}
{%- endmacro %}

{# Name of the table of touched keys, which the block fills. #}
{% macro touched_rows() -%}
    touched_{{ this.identifier }}
{%- endmacro %}

{# Rows of this table with touched keys, as they were before the run. #}
{% macro rows_before() -%}
    (select * from {{ this }} where {{ row_id(this) }} in {{ in_list('rows_before', 'place') }})
{%- endmacro %}

{# Whether this run rebuilds the table from all rows. #}
{% macro is_rebuilt() -%}
    {%- if 'is_rebuilt' not in model -%}
    {%- do model.update({'is_rebuilt': _must_be_rebuilt()}) -%}
    {%- endif -%}
    {{ return(model['is_rebuilt']) }}
{%- endmacro %}

{# Whether a load is new since the last run of the calling model. #}
{% macro is_new_load(load_id) -%}
    {%- if is_rebuilt() -%} true
    {%- else -%}
    {%- set found = run_query('select latest_load from meta.builds where build = ' ~ _last_run()) -%}
    {{ load_id }} > {{ found.columns[0][0] }}
    {%- endif -%}
{%- endmacro %}

{# Changes of a table of days, plus its rows of the days that became complete, or stopped being complete,
   since the last run of the calling model. The days are literals, so that the engine can skip the row
   groups of all other days. #}
{% macro changed_days(relation, as_of) -%}
    {%- set found = run_query(
        "select coalesce(min(as_of), date '1970-01-01'), coalesce(max(as_of), date '1970-01-01') from "
        ~ changes(as_of)
    ) if not is_rebuilt() -%}
    (
        select * exclude (run, sign, row_hash) from {{ changes(relation) }}
        union all
        select * from {{ relation }}
        where
            event_day > date '{{ found and found.columns[0][0] }}'
            and event_day <= date '{{ found and found.columns[1][0] }}'
    )
{%- endmacro %}

{# --- how it works --- #}

{# Net changes of a keyed model after a run: a row that was added and removed again is not included. #}
{% macro changes_since(run, relation) -%}
    (
        select * from {{ _feed_of(relation) }}
        where run > {{ run }}
        qualify
            sum(sign) over (partition by row_hash) <> 0
            and row_number() over (partition by row_hash order by run desc) = 1
    )
{%- endmacro %}

{# Compares the table's rows of the touched keys, or all rows, with the rows that the SELECT gives now. Rows
   are compared by their hashes. #}
{% macro _write_differences(rows, is_partial) -%}
    {%- set columns = adapter.get_columns_in_relation(this) | map(attribute='quoted') | join(', ') -%}
    {%- set fed = config.get('feed', []) | join(', ') or columns -%}
    {%- set keys = [config.require('key')] if config.get('key') is string else config.require('key') -%}
    {%- set row_hash = hash_of(['kept']) -%}

    create or replace temporary table rows_before as
    select
        {{ row_id(keys[0]) }} as place,
        {{ row_hash }} as row_hash
    from {{ this }} as kept
    {%- if is_partial %}
    where {{ row_id(keys[0]) }} in {{ in_list('(' ~ row_ids_with(this, keys, touched_rows()) ~ ')', 'place') }}
    {%- endif %};

    create or replace temporary table rows_now as
    from {{ this }} limit 0;

    insert into rows_now by name
    select selected.* from ({{ rows }}) as selected
    {%- if is_partial %}
    semi join {{ touched_rows() }} as touched_keys on {{ equal_keys('selected', keys, 'touched_keys') }}
    {%- endif %};

    create or replace temporary table rows_gone as
    select place from rows_before
    where row_hash not in (select {{ row_hash }} from rows_now as kept);

    insert into {{ _feed_of(this) }}
    select {{ this_build() }}, -1, {{ row_hash }}, {{ fed }}
    from {{ this }} as kept
    where {{ row_id(keys[0]) }} in {{ in_list('rows_gone', 'place') }};

    insert into {{ _feed_of(this) }}
    select {{ this_build() }}, 1, {{ row_hash }}, {{ fed }}
    from rows_now as kept
    where {{ row_hash }} not in (select rows_before.row_hash from rows_before);

    delete from {{ this }}
    where {{ row_id(keys[0]) }} in {{ in_list('rows_gone', 'place') }};

    insert into {{ this }}
    select {{ columns }}
    from rows_now as kept
    where {{ row_hash }} not in (select rows_before.row_hash from rows_before);
{%- endmacro %}

{# Stops with a message if the table's rows differ from those of its SELECT; writes nothing. #}
{% macro _audit(rows) -%}
    {%- set hashes = 'select ' ~ hash_of(['kept']) ~ ' as row_hash from ' -%}
    create or replace temporary table rows_now as
    from {{ this }} limit 0;

    insert into rows_now by name
    {{ rows }};

    select
        case
            when count(*) > 0
                then {{ stop_with(
                    "'" ~ this.schema ~ "." ~ this.identifier ~ " differs from its SELECT in ' || count(*)"
                    ~ " || ' rows; run: dbt build --full-refresh'"
                ) }}
        end
    from (
        ({{ hashes }} rows_now as kept except all {{ hashes }} {{ this }} as kept)
        union all
        ({{ hashes }} {{ this }} as kept except all {{ hashes }} rows_now as kept)
    ) as differences
{%- endmacro %}

{% macro _empty_feed() -%}
    create or replace table {{ _feed_of(this) }} as
    select
        cast(0 as bigint) as run,
        cast(0 as tinyint) as sign,
        {{ hash_of(['kept']) }} as row_hash,
        {{ config.get('feed', ['kept.*']) | join(', ') }}
    from {{ this }} as kept
    limit 0
{%- endmacro %}

{# Each table has one feed, in the same schema. #}
{% macro _feed_of(relation) -%}
    {{ return(api.Relation.create(
        database=relation.database, schema=relation.schema, identifier=relation.identifier ~ '__changes'
    )) }}
{%- endmacro %}

{% macro _end_of_block() -%}
    /* end of the touched keys */
{%- endmacro %}

{% macro _name_of(relation) -%}
    {{ relation.schema }}.{{ relation.identifier }}
{%- endmacro %}

{% macro _last_run() -%}
    {%- set found = run_query("select run from meta.model_runs where model = '" ~ _name_of(this) ~ "'") -%}
    {{ return(found.columns[0][0]) }}
{%- endmacro %}

{# Only a run that writes the table can write just a part of it. In a unit test, in `dbt compile` and `dbt
   show`, and with another materialization, the model is its SELECT over all rows. #}
{% macro _must_be_rebuilt() -%}
    {%- if (
        not execute
        or config.get('materialized') != 'keyed'
        or flags.WHICH not in ('build', 'run')
        or flags.FULL_REFRESH
        or is_on('compare_only')
        or not load_cached_relation(this)
        or not load_cached_relation(_feed_of(this))
    ) -%}
    {{ return(true) }}
    {%- endif -%}
    {%- set found = run_query(
        "select fingerprint = " ~ _fingerprint() ~ " from meta.model_runs where model = '" ~ _name_of(this) ~ "'"
    ) -%}
    {{ return(not found.columns[0].values() or not found.columns[0][0]) }}
{%- endmacro %}

{% macro _remember_rebuild() -%}
    delete from meta.model_runs where model = '{{ _name_of(this) }}';
    insert into meta.model_runs by name
    select
        '{{ _name_of(this) }}' as model,
        {{ this_build() }} as run,
        {{ this_build() }} as rebuilt_in,
        {{ this_build() }} as changes_since,
        {{ _fingerprint() }} as fingerprint
{%- endmacro %}

{# Hash of all settings and inputs that all rows of the table depend on. A model without a block compares
   all rows in every run, so it depends on versions and its own code only. #}
{% macro _fingerprint() -%}
    {%- set found = [models_version(), engine_version(), "'" ~ model.checksum.checksum ~ "'"] -%}
    {%- if 'touched_keys' in model.raw_code -%}
    {%- do found.append('(select count(*) from raw.taken_out)') -%}
    {%- for name in [
        'timezone', 'week_start', 'earliest_day', 'signup_event', 'unplanned_counts_as_active',
        'email_trait', 'companies_by_email_domain'
    ] -%}
    {%- do found.append("'" ~ var(name) | string | replace("'", "''") ~ "'") -%}
    {%- endfor -%}
    {%- for name in config.get('plan', []) -%}
    {%- set node = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | selectattr('name', 'equalto', name) | first -%}
    {%- do found.append('(select ' ~ digest_of('small') ~ ' from ' ~ node.schema ~ '.' ~ node.alias ~ ' as small)') -%}
    {%- endfor -%}
    {%- set inputs = [] -%}
    {%- for node in _inputs(model.depends_on.nodes) if node.config.materialized == 'keyed' -%}
    {%- do inputs.append(node.schema ~ '.' ~ node.alias) -%}
    {%- endfor -%}
    {%- if inputs -%}
    {%- do found.append(
        "(select string_agg(model || ' ' || rebuilt_in, ',' order by model) from meta.model_runs where model in ('"
        ~ inputs | unique | join("', '") ~ "'))"
    ) -%}
    {%- endif -%}
    {%- endif -%}
    {{ hash_of(found) }}
{%- endmacro %}

{# Whether this run skipped a plain table that the model reads: the table may be older than the changes. #}
{% macro _reads_older_tables() -%}
    {%- for node in _inputs(model.depends_on.nodes) -%}
    {%- if node.config.materialized == 'table' and node.unique_id not in selected_resources -%}
    {{ return(true) }}
    {%- endif -%}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}

{# Models that a model reads, directly or through others, up to and including the first keyed ones. #}
{% macro _inputs(unique_ids) -%}
    {%- set found = [] -%}
    {%- for unique_id in unique_ids if unique_id in graph.nodes -%}
    {%- set node = graph.nodes[unique_id] -%}
    {%- do found.append(node) -%}
    {%- if node.config.materialized != 'keyed' -%}
    {%- do found.extend(_inputs(node.depends_on.nodes)) -%}
    {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
