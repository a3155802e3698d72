{# A seed's cell: trimmed, and null where it is blank. #}
{% macro cell(column) -%}
    nullif({{ trimmed(column) }}, '')
{%- endmacro %}

{# Plan names, allowed values and filters are compared trimmed and without case. #}
{% macro comparable(text) -%}
    lower({{ trimmed(text) }})
{%- endmacro %}

{# The domain of an e-mail address, in lower case; null where the text is no address. #}
{% macro email_domain(text) -%}
    case
        when contains({{ text }}, '@') then nullif(split_part({{ comparable(text) }}, '@', -1), '')
    end
{%- endmacro %}

{# A domain as it is compared: in lower case, without an @ before it. #}
{% macro domain(text) -%}
    ltrim({{ comparable(text) }}, '@')
{%- endmacro %}

{# An id as sent, or null where the plan says that its value identifies nobody. `kinds` is what the id
   may be: user, anonymous, company. #}
{% macro real_id(column, kinds) -%}
    case
        when lower({{ column }}) not in (
            select placeholder_ids.value
            from {{ ref('stg_placeholder_ids') }} as placeholder_ids
            where placeholder_ids.kind in ('{{ kinds | join("', '") }}')
        ) then {{ column }}
    end
{%- endmacro %}

{# The first day that reports and dims may see. #}
{% macro earliest_day() -%}
    date '{{ var("earliest_day") }}'
{%- endmacro %}

{# A trait's column: `createdAt` and `Created at` both become created_at. #}
{% macro snake_case(text) -%}
    trim(lower(regexp_replace(regexp_replace(
        {{ text }}, '([a-z0-9])([A-Z])', '\1_\2', 'g'
    ), '[^\p{L}\p{N}]+', '_', 'g')), '_')
{%- endmacro %}

{# Whether a var is on: the boolean true, or the text true as --vars may give it. #}
{% macro is_on(name) -%}
    {{ return(var(name) | string | lower == 'true') }}
{%- endmacro %}

{# A name that was configured in `vars`, as SQL text. #}
{% macro name_in_vars(name) -%}
    '{{ var(name) | replace("'", "''") }}'
{%- endmacro %}
