{# UTC timestamp of a text; null if it holds no readable time. Accepts ISO 8601 (a date, or a date and a
   time; without an offset the time is UTC) and Unix times in seconds (9 or 10 digits) or milliseconds
   (12 or 13 digits), with or without a fraction, from 1970 to 2099. Digits beyond microseconds are cut
   off. The loader reads this file too (loaders/fields.py). #}
{% macro readable_time(text) -%}
    case
        -- The usual form comes first, because glob is fast. `?` matches any character, but try_cast
        -- rejects all but digits there. `[0-9]` rejects a blank before the hour.
        when {{ text }} glob '20??-??-??T[0-9]?:??:??.[0-9][0-9][0-9]Z' then try_cast({{ text }} as timestamp)
        when regexp_full_match({{ text }}, '20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z')
            then try_cast({{ text }} as timestamp)
        when regexp_full_match({{ text }}, {{ iso_8601() }})
        and year(timezone('UTC', try_cast(replace(upper({{ text }}), ',', '.') as timestamptz)))
            between 1970 and 2099
        then timezone('UTC', try_cast(replace(upper({{ text }}), ',', '.') as timestamptz))
        -- Decimals are exact to the microsecond. 4102444800 is the first second of 2100.
        when regexp_full_match({{ text }}, '[1-9]\d{8,9}([.]\d+)?')
        and try_cast(regexp_extract({{ text }}, '\d+([.]\d{1,6})?') as decimal(20, 6)) < 4102444800
        then make_timestamp(cast(
            try_cast(regexp_extract({{ text }}, '\d+([.]\d{1,6})?') as decimal(20, 6)) * 1000000 as bigint
        ))
        when regexp_full_match({{ text }}, '[1-9]\d{11,12}([.]\d+)?')
        and try_cast(regexp_extract({{ text }}, '\d+([.]\d{1,3})?') as decimal(20, 3)) < 4102444800000
        then make_timestamp(cast(
            try_cast(regexp_extract({{ text }}, '\d+([.]\d{1,3})?') as decimal(20, 3)) * 1000 as bigint
        ))
    end
{%- endmacro %}

{# Pattern of a date, or of a date and a time with or without an offset. #}
{% macro iso_8601() -%}
    '\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?([Zz]|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)?)?'
{%- endmacro %}
