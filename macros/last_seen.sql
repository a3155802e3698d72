{# Who was last seen with whom, as stretches of days: on or before a day the last one seen, and
   before the first sighting the first one. Within a day the order of times decides, then the id.

   seen: a CTE with one row per `key`, `other` and event_day, with first_at and last_at.
   Columns: key, other, from_day (null: from the beginning), to_day (exclusive; null: to the
   end), and seen_on, the day of the sighting that opened the stretch. #}
{% macro last_seen_by_day(seen, key, other) -%}
, last_of_day as (
    select
        {{ key }},
        {{ other }},
        event_day
    from {{ seen }}
    qualify row_number() over (
        partition by {{ key }}, event_day
        order by last_at desc, {{ other }} desc
    ) = 1
),

-- Only where the answer changes does a stretch begin.
changes as (
    select
        {{ key }},
        {{ other }},
        event_day
    from last_of_day
    qualify {{ other }} is distinct from lag({{ other }}) over (
        partition by {{ key }}
        order by event_day
    )
),

stretches as (
    select
        {{ key }},
        {{ other }},
        event_day as from_day,
        lead(event_day) over (partition by {{ key }} order by event_day) as to_day,
        event_day as seen_on
    from changes
),

first_ones as (
    select
        {{ key }},
        {{ other }},
        cast(null as date) as from_day,
        event_day as to_day,
        event_day as seen_on
    from {{ seen }}
    qualify row_number() over (
        partition by {{ key }}
        order by event_day, first_at, {{ other }}
    ) = 1
)

select * from first_ones
union all
select * from stretches
{%- endmacro %}
