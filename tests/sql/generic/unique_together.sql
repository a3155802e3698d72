{# The grain of a table: no two rows share these columns. Nulls are compared as values. A number for
   them, `key`, is looked at first, which is quicker than many names; and before that, whether there
   are as many numbers as rows, which is quicker than how often there is each. #}
{% test unique_together(model, columns, key=none) %}
    {%- set key = key or hash_of(columns) %}
    with

    counted as {{ materialized_first() }} (
        select
            count(*) as rows_found,
            count(distinct {{ key }}) as numbers
        from {{ model }}
    ),

    repeated as (
        select {{ key }} as number
        from {{ model }}
        where exists (select 1 from counted where counted.rows_found > counted.numbers)
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
