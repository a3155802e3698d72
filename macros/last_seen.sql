{# Who was last seen with whom, as stretches of days: on or before a day the last one seen, and
   before the first sighting the first one. Within a day the order of times decides, then the id.

   seen: a CTE with `key`, `other`, event_day, first_at and last_at, any number of rows for a day; it
   is read twice. Makes the CTE `last_seen`: key, other, from_day (null: from the beginning), to_day
   (exclusive; null: to the end), and seen_on, the day of the sighting that opened the stretch. #}
{% macro last_seen_by_day(seen, key, other) -%}
-- Most are seen with one only: then its first day is all that counts.
seen_with_one as (
    select
        {{ key }},
        min({{ other }}) as {{ other }},
        min(event_day) as event_day
    from {{ seen }}
    group by {{ key }}
    having min({{ other }}) = max({{ other }})
),

seen_with_several as (
    select
        seen.{{ key }},
        seen.{{ other }},
        seen.event_day,
        min(seen.first_at) as first_at,
        max(seen.last_at) as last_at
    from {{ seen }} as seen
    anti join seen_with_one on seen.{{ key }} = seen_with_one.{{ key }}
    group by seen.{{ key }}, seen.{{ other }}, seen.event_day
),

last_of_day as (
    select
        {{ key }},
        {{ other }},
        event_day
    from seen_with_several
    qualify row_number() over (
        partition by {{ key }}, event_day
        order by last_at desc, {{ other }} desc
    ) = 1
),

first_ones as (
    select
        {{ key }},
        {{ other }},
        event_day
    from seen_with_several
    qualify row_number() over (
        partition by {{ key }}
        order by event_day, first_at, {{ other }}
    ) = 1

    union all

    select * from seen_with_one
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

    union all

    select * from seen_with_one
),

last_seen as (
    select
        {{ key }},
        {{ other }},
        cast(null as date) as from_day,
        event_day as to_day,
        event_day as seen_on
    from first_ones

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

{# Whose stretches in this table the rows of `seen` may change (a CTE: key, other, event_day, and is_lost
   where something was taken away), and in which build they were last told from all there is. To see
   somebody again within a stretch of its own, after the very first day, changes none: the last one
   seen stays the same on every day. And who is seen with others on new days only goes on from there. #}
{% macro unsettled(seen, key, other, since) -%}
    {%- set latest_day = latest_day(since) -%}
    select
        seen.{{ key }},
        max(
            case
                when
                    not seen.is_lost
                    and seen.event_day > {{ latest_day }}
                    and first_one.seen_on <= {{ latest_day }}
                    then first_one.build
                else {{ this_build() }}
            end
        ) as build
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
    group by seen.{{ key }}
{%- endmacro %}

{# Two CTEs of `touched` (key, and build as `unsettled` tells it): whose stretches are told from all there
   is, in this build; and who only goes on, and keeps the build that there is. #}
{% macro told_from_all_or_going_on(key) -%}
told_from_all as (
    select {{ key }} from touched
    where build = {{ this_build() }}
),

going_on as (
    select {{ key }} from touched
    where build < {{ this_build() }}
)
{%- endmacro %}

{# What is seen of those that only go on: in `seen` (as for last_seen_by_day) on the days that are new,
   and before as their stretches tell. Of each, the day that opened it is enough: the first one ever
   was the first of its day, any other the last. #}
{% macro seen_as_they_go_on(seen, key, other, since) -%}
    {%- set latest_day = latest_day(since) -%}
    select
        seen.{{ key }},
        seen.{{ other }},
        seen.event_day,
        seen.first_at,
        seen.last_at
    from {{ seen }} as seen
    semi join going_on on seen.{{ key }} = going_on.{{ key }}
    where seen.event_day > {{ latest_day }}

    union all

    select
        built.{{ key }},
        built.{{ other }},
        built.seen_on as event_day,
        cast(case when built.from_day is null then seen_on else seen_on + 1 end as timestamp)
            as first_at,
        cast(case when built.from_day is null then seen_on else seen_on + 1 end as timestamp)
            as last_at
    from {{ this }} as built
    semi join going_on on built.{{ key }} = going_on.{{ key }}
    where built.seen_on <= {{ latest_day }}
{%- endmacro %}
