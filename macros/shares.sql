{# Share of a base, null if the base is empty. #}
{% macro share(count, base) -%}
    {{ count }} / cast(nullif({{ base }}, 0) as double)
{%- endmacro %}

{# Wilson score interval at 95 % (Wilson 1927), which also holds for small bases and for shares of 0 and 1.
   Rounding (1e-16) could leave the share outside of the interval; in that case the share is the bound. #}
{% macro wilson_low(count, base) -%}
    case
        when {{ base }} > 0
            then least({{ share(count, base) }}, greatest(0.0, {{ wilson_bound(count, base, '-') }}))
    end
{%- endmacro %}

{% macro wilson_high(count, base) -%}
    case
        when {{ base }} > 0
            then greatest({{ share(count, base) }}, least(1.0, {{ wilson_bound(count, base, '+') }}))
    end
{%- endmacro %}

{% macro wilson_bound(count, base, sign) -%}
    {%- set z = 1.959963984540054 -%}
    {%- set n = 'cast(nullif(' ~ base ~ ', 0) as double)' -%}
    {%- set p = '(' ~ count ~ ' / ' ~ n ~ ')' -%}
    (
        {{ p }} + {{ z * z / 2 }} / {{ n }}
        {{ sign }} {{ z }} * sqrt(
            {{ p }} * (1 - {{ p }}) / {{ n }} + {{ z * z / 4 }} / ({{ n }} * {{ n }})
        )
    ) / (1 + {{ z * z }} / {{ n }})
{%- endmacro %}
