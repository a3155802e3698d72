{# Functions that differ between engines: JSON, time zones, series. The rest of the models is plain SQL. #}

{# --- time --- #}

{# Day of a UTC timestamp in the reporting time zone. #}
{% macro day_of(timestamp) -%}
    {%- if var('timezone') == 'UTC' -%}
    cast({{ timestamp }} as date)
    {%- else -%}
    cast(timezone('{{ var("timezone") }}', timezone('UTC', {{ timestamp }})) as date)
    {%- endif -%}
{%- endmacro %}

{# UTC timestamp at which a day begins in the reporting time zone. #}
{% macro start_of(day) -%}
    timezone('UTC', timezone('{{ var("timezone") }}', cast({{ day }} as timestamp)))
{%- endmacro %}

{% macro plus_days(timestamp, days) -%}
    {{ timestamp }} + to_microseconds(cast({{ days }} * 86400000000 as bigint))
{%- endmacro %}

{% macro hours_between(earlier, later) -%}
    (epoch({{ later }}) - epoch({{ earlier }})) / 3600.0
{%- endmacro %}

{# One row per day of [first_day, last_day]: a table expression with the column `day`. #}
{% macro days_from_to(first_day, last_day) -%}
    (select cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as date) as day)
{%- endmacro %}

{# Value of a trait of type datetime, as a UTC timestamp; null if unreadable. Accepts any readable time and
   also years before 1970; a date alone is the beginning of that day in the reporting time zone. #}
{% macro datetime_of(text) -%}
    case
        when regexp_full_match({{ text }}, '\d{4}-\d{2}-\d{2}')
            then {{ start_of('try_cast(' ~ text ~ ' as date)') }}
        when regexp_full_match({{ text }}, {{ iso_8601() }})
            and year(timezone('UTC', try_cast(replace(upper({{ text }}), ',', '.') as timestamptz)))
                between 1 and 2099
            then timezone('UTC', try_cast(replace(upper({{ text }}), ',', '.') as timestamptz))
        else {{ readable_time(text) }}
    end
{%- endmacro %}

{# --- text --- #}

{# Text without white space at its ends: all Unicode white space, the same characters that the loader and
   the checks of the seeds remove. Most texts begin and end with a visible ASCII character, which is ten
   times quicker to check than to trim. #}
{% macro trimmed(text) -%}
    {%- set others = [9, 10, 11, 12, 13, 28, 29, 30, 31, 133, 160, 5760, 8192, 8193, 8194, 8195, 8196, 8197,
        8198, 8199, 8200, 8201, 8202, 8232, 8233, 8239, 8287, 12288] -%}
    case
        when regexp_matches({{ text }}, '^[^!-~]|[^!-~]$')
            then trim({{ text }}, ' '{% for code in others %} || chr({{ code }}){% endfor %})
        else {{ text }}
    end
{%- endmacro %}

{# Whether a text contains one of the words (given in lower case) as a whole word, in any case. #}
{% macro has_word(text, words) -%}
    regexp_matches(lower({{ text }}), '(^|[^a-z])({{ words | join("|") }})([^a-z]|$)')
{%- endmacro %}

{# --- JSON --- #}

{# Path of keys as an SQL string literal. Keys are quoted, because bare keys with $ or / would be read as
   paths. A key may be any text except `*`. #}
{% macro json_path(keys) -%}
    '$
    {%- for key in keys -%}
    ."{{ key | replace('\\', '\\\\') | replace('"', '\\"') | replace("'", "''") }}"
    {%- endfor -%}
    '
{%- endmacro %}

{# List of the texts at several paths of keys, found in one pass over the JSON. #}
{% macro json_texts(json, paths) -%}
    json_extract_string({{ json }}, [
        {%- for keys in paths -%} {{ json_path(keys) }}{{ ', ' if not loop.last }} {%- endfor -%}
    ])
{%- endmacro %}

{# JSON value as text: strings without quotes, other types as JSON. #}
{% macro json_value_text(json) -%}
    json_extract_string({{ json }}, '$')
{%- endmacro %}

{# A text as a JSON string. #}
{% macro json_string(text) -%}
    cast(to_json({{ text }}) as varchar)
{%- endmacro %}

{# Id at a path of keys in a JSON object, or null. `text` is the text that json_texts found there. An id is
   a text or a number; a list, an object or a boolean counts as absent. White space at the ends is removed,
   and a number without a fraction is written without one. Most ids need only the first two branches. #}
{% macro json_id(json, keys, text) -%}
    {%- set path = json_path(keys) -%}
    case
        when {{ text }} is null then null
        when not regexp_matches({{ text }}, '^[\[{]|^(true|false)$|^-?\d+[.eE][\d.eE+-]*$|^[^!-~]|[^!-~]$')
            then {{ text }}
        when json_type({{ json }}, {{ path }}) = 'VARCHAR' then nullif({{ trimmed(text) }}, '')
        when json_type({{ json }}, {{ path }}) in ('BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE')
            then {{ number_as_id(text) }}
    end
{%- endmacro %}

{# Id of a number in a JSON column. The engine writes 42.0 if that was sent, and an exponent from 1e21 on;
   the id has all digits and no fraction, like the ids that the loader writes. A number beyond the range of
   a double stays as sent. #}
{% macro number_as_id(text) -%}
    case
        when {{ text }} = '-0.0' then '0'
        when {{ text }} like '%.0' then {{ text }}[:-3]
        when regexp_full_match({{ text }}, '-?\d(\.\d+)?e\d+') and isfinite(try_cast({{ text }} as double))
            then rpad(
                replace(split_part({{ text }}, 'e', 1), '.', ''),
                cast(split_part({{ text }}, 'e', 2) as integer) + if({{ text }} like '-%', 2, 1),
                '0'
            )
        else {{ text }}
    end
{%- endmacro %}

{# Number as text, without superfluous zeros: 50.0 becomes 50. Null if the text is not a finite number. #}
{% macro number_text(text) -%}
    case
        when regexp_full_match({{ text }}, '-?(0|[1-9]\d{0,17})') then {{ text }}
        when not regexp_full_match({{ text }}, '[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?')
            or not isfinite(try_cast({{ text }} as double))
            then null
        when abs(try_cast({{ text }} as double)) < 1e15
            and try_cast({{ text }} as double) = trunc(try_cast({{ text }} as double))
            then cast(cast(try_cast({{ text }} as double) as bigint) as varchar)
        else cast(try_cast({{ text }} as double) as varchar)
    end
{%- endmacro %}

{# Boolean as text, true or false; null if the text is not a boolean. #}
{% macro boolean_text(text) -%}
    case
        when lower({{ text }}) in ('true', '1', '1.0') then 'true'
        when lower({{ text }}) in ('false', '0', '0.0') then 'false'
    end
{%- endmacro %}

{# Text as a column of a planned type; null if it cannot be cast. #}
{% macro text_as_planned(text, type) -%}
    {%- if type == 'number' -%} try_cast({{ number_text(trimmed(text)) }} as double)
    {%- elif type == 'boolean' -%} cast({{ boolean_text(trimmed(text)) }} as boolean)
    {%- elif type == 'datetime' -%} {{ datetime_of(trimmed(text)) }}
    {%- elif type in ('array', 'object') -%}
    case when json_type(try_cast({{ text }} as json)) = '{{ type | upper }}' then try_cast({{ text }} as json) end
    {%- else -%} {{ text }}
    {%- endif -%}
{%- endmacro %}

{# Value as JSON text of its planned type; null if it cannot be cast. `json` is the JSON value as sent,
   `type` an SQL expression; without a type the value is unchanged. #}
{% macro json_as_planned(json, type) -%}
    {%- set text = trimmed(json_value_text(json)) -%}
    case {{ type }}
        when 'string' then {{ json_string(json_value_text(json)) }}
        when 'number' then {{ number_text(text) }}
        when 'boolean' then {{ boolean_text(text) }}
        when 'datetime'
            then '"' || replace(cast({{ datetime_of(text) }} as varchar), ' ', 'T') || 'Z"'
        when 'array' then
            case
                when json_type({{ json }}) = 'ARRAY' then cast(to_json({{ distinct_in_order(
                    'json_extract(' ~ json ~ ", '$[*]')"
                ) }}) as varchar)
            end
        when 'object'
            then case when json_type({{ json }}) = 'OBJECT' then cast({{ json }} as varchar) end
        else cast({{ json }} as varchar)
    end
{%- endmacro %}

{# List of the texts that a filter compares for a JSON value: the elements of an array, or the value. #}
{% macro json_elements(json) -%}
    case
        when json_type({{ json }}) = 'ARRAY' then json_extract_string({{ json }}, '$[*]')
        else [{{ json_value_text(json) }}]
    end
{%- endmacro %}

{# Table expression with one row per key of an object: `key` and `value`. #}
{% macro json_pairs(json) -%}
    json_each({{ json }})
{%- endmacro %}

{% macro json_part(json, key) -%}
    json_extract({{ json }}, {{ json_path([key]) }})
{%- endmacro %}

{# Whether a JSON value is an object with at least one key. #}
{% macro json_is_filled_object(json) -%}
    (json_type({{ json }}) = 'OBJECT' and cast({{ json }} as varchar) <> '{}')
{%- endmacro %}

{# Rows of a `;`-separated list. #}
{% macro split_to_rows(text) -%}
    unnest(string_split({{ text }}, ';'))
{%- endmacro %}

{# 64-bit hash of columns. Among a billion values, the chance that any two share a hash is 3 %. #}
{% macro hash_of(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{# 32-bit hash to look up rows by; null for null. A pre-filter: the values are compared after it. #}
{% macro short_hash_of(column) -%}
    case when {{ column }} is not null then cast({{ hash_of([column]) }} % 4294967296 as uinteger) end
{%- endmacro %}

{# Version of the engine; a different version may hash differently. #}
{% macro engine_version() -%}
    version()
{%- endmacro %}

{# Digest of a small table, as text: equal for the same rows in any order. #}
{% macro digest_of(relation) -%}
    coalesce(cast(bit_xor(hash({{ relation }})) as varchar), 'none')
{%- endmacro %}

{# --- tables and lists --- #}

{# Identifies a row of its table within one query. On an engine without row ids, the key does. #}
{% macro row_id(key) -%}
    rowid
{%- endmacro %}

{# Row ids of the rows of a large table that have the keys of a small table. `keys` is a column of both, or
   a list of columns or of pairs (an expression over the large table, a column of the small one). The
   engine filters a scan by one key only, so the first of several keys is also looked up on its own. #}
{% macro row_ids_with(relation, keys, small) -%}
    {%- set pairs = _pairs(keys) -%}
    select rows_in_question.place
    from (
        select
            {{ row_id(keys) }} as place,
            {%- for expression, column in pairs %}
            {{ expression }} as {{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ relation }}
        {%- if pairs | length > 1 %}
        where {{ pairs[0][0] }} in {{ in_list(small, pairs[0][1]) }}
        {%- endif %}
    ) as rows_in_question
    semi join {{ small }} as small_table on {{ equal_keys('rows_in_question', keys, 'small_table') }}
{%- endmacro %}

{% macro equal_keys(one, keys, other) -%}
    {%- for _, column in _pairs(keys) -%}
    {{ one }}.{{ column }} = {{ other }}.{{ column }}{{ ' and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{% macro _pairs(keys) -%}
    {%- set pairs = [] -%}
    {%- for key in ([keys] if keys is string else keys) -%}
    {%- do pairs.append((key, key) if key is string else key) -%}
    {%- endfor -%}
    {{ return(pairs) }}
{%- endmacro %}

{# Values of a column of a small CTE or table, for `in`. They come from one list, whose size the engine
   estimates as small: so it looks them up in the large table instead of the other way round. #}
{% macro in_list(relation, column) -%}
    (select {{ list_to_rows('list(' ~ column ~ ')') }} from {{ relation }})
{%- endmacro %}

{# Computes a small CTE before the joins: `name as {{ materialized_first() }} (...)`. #}
{% macro materialized_first() -%}
    materialized
{%- endmacro %}

{# List without repeated elements, in the order of their first occurrence. #}
{% macro distinct_in_order(values) -%}
    list_filter({{ values }}, lambda element, place: list_position({{ values }}, element) = place)
{%- endmacro %}

{# Element of a list by its position, counted from 1; null for an empty text. #}
{% macro text_in_list(values, position) -%}
    nullif({{ values }}[{{ position }}], '')
{%- endmacro %}

{# Rest of a list from a position on; null if it has only nulls or no elements. #}
{% macro list_from(values, position) -%}
    case when len(list_filter({{ values }}[{{ position }}:], lambda value: value is not null)) > 0
        then {{ values }}[{{ position }}:] end
{%- endmacro %}

{% macro list_to_rows(values) -%}
    unnest({{ values }})
{%- endmacro %}

{# --- memory --- #}

{# Current memory limit of the engine, in bytes. #}
{% macro memory_limit_in_bytes() -%}
    cast(parse_formatted_bytes(current_setting('memory_limit')) as bigint)
{%- endmacro %}

{# --- messages --- #}

{# Stops the query and shows this message on the terminal. #}
{% macro stop_with(message) -%}
    error({{ message }})
{%- endmacro %}
