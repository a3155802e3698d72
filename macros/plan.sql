{# Cell of a seed: trimmed, null if blank. #}
{% macro cell(column) -%}
    nullif({{ trimmed(column) }}, '')
{%- endmacro %}

{# Text to compare plan names, allowed values and filters by: trimmed, in lower case. #}
{% macro comparable(text) -%}
    lower({{ trimmed(text) }})
{%- endmacro %}

{# Domain of an e-mail address, in lower case; null if the text is not an address. #}
{% macro email_domain(text) -%}
    case
        when contains({{ text }}, '@') then nullif(split_part({{ comparable(text) }}, '@', -1), '')
    end
{%- endmacro %}

{# Text to compare domains by: in lower case, without a leading @. #}
{% macro domain(text) -%}
    ltrim({{ comparable(text) }}, '@')
{%- endmacro %}

{# An id as sent, or null if the plan lists it as a placeholder. `kinds` are the kinds of id that it may
   be: user, anonymous, company. #}
{% macro real_id(column, kinds) -%}
    case
        when lower({{ column }}) not in (
            select placeholder_ids.value
            from {{ ref('stg_placeholder_ids') }} as placeholder_ids
            where placeholder_ids.kind in ('{{ kinds | join("', '") }}')
        ) then {{ column }}
    end
{%- endmacro %}

{# The first day that reports and dims take into account. #}
{% macro earliest_day() -%}
    date '{{ var("earliest_day") }}'
{%- endmacro %}

{# Name in snake case: `createdAt` and `Created at` both become created_at. #}
{% macro snake_case(text) -%}
    trim(lower(regexp_replace(regexp_replace(
        {{ text }}, '([a-z0-9])([A-Z])', '\1_\2', 'g'
    ), '[^\p{L}\p{N}]+', '_', 'g')), '_')
{%- endmacro %}

{# Whether a var is true: the boolean, or the text `true`, which --vars may pass. #}
{% macro is_on(name) -%}
    {{ return(var(name) | string | lower == 'true') }}
{%- endmacro %}

{# Value of a var that holds a name, as an SQL string literal. #}
{% macro name_in_vars(name) -%}
    '{{ var(name) | replace("'", "''") }}'
{%- endmacro %}
