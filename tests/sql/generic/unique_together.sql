{# The grain of a table: no two rows share these columns. Nulls are compared as values. A number for
   them, `key`, is looked at first: which is quicker than many names. #}
{% test unique_together(model, columns, key=none) %}
    {%- set key = key or hash_of(columns) %}
    with

    repeated as (
        select {{ key }} as number
        from {{ model }}
        group by number
        having count(*) > 1
    )

    select
        {{ columns | join(', ') }},
        count(*) as rows_found
    from {{ model }}
    where {{ key }} in (select repeated.number from repeated)
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}
