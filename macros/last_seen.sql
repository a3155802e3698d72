{# Who was last seen with whom, as stretches of days: on or before a day the last one seen, and
   before the first sighting the first one. Within a day the order of times decides, then the id.

   seen: a CTE with one row per `key`, `other` and event_day, with first_at and last_at.
   Makes the CTE `last_seen`: key, other, from_day (null: from the beginning), to_day (exclusive;
   null: to the end), and seen_on, the day of the sighting that opened the stretch. #}
{% macro last_seen_by_day(seen, key, other) -%}
last_of_day as (
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

last_seen as (
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

    union all

    select
        {{ key }},
        {{ other }},
        event_day as from_day,
        lead(event_day) over (partition by {{ key }} order by event_day) as to_day,
        event_day as seen_on
    from changes
)
{%- endmacro %}

{# The rows of `seen` (a CTE: key, other, event_day, and is_lost where something was taken away)
   that may change a stretch of this table. To see somebody again within a stretch of its own, after
   the very first day, changes none: the last one seen stays the same on every day. #}
{% macro unsettled(seen, key, other) -%}
    select distinct seen.{{ key }}
    from {{ seen }} as seen
    left join {{ this }} as first_one
        on
            seen.{{ key }} = first_one.{{ key }}
            and first_one.from_day is null
    left join {{ this }} as stretch
        on
            seen.{{ key }} = stretch.{{ key }}
            and stretch.from_day <= seen.event_day
            and (stretch.to_day is null or stretch.to_day > seen.event_day)
    where
        seen.is_lost
        or first_one.seen_on is null
        or seen.event_day <= first_one.seen_on
        or stretch.{{ other }} is distinct from seen.{{ other }}
{%- endmacro %}
