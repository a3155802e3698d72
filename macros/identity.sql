{# Calls, or days of calls, with the user that they are attributed to: their user id, resolved through
   aliases; without a user id, the user of the anonymous id on that day. `user_ids` is int_alias_resolution,
   `anonymous_ids` is int_anonymous_id_map. All columns except user_id are unchanged. #}
{% macro with_users(calls, user_ids, anonymous_ids) -%}
    (
        select calls.* replace (
            coalesce(user_ids.user_id, calls.user_id, anonymous_ids.user_id) as user_id
        )
        from {{ calls }} as calls
        left join {{ user_ids }} as user_ids on calls.user_id = user_ids.id
        left join {{ anonymous_ids }} as anonymous_ids
            on
                case when calls.user_id is null then calls.anonymous_id end
                = anonymous_ids.anonymous_id
                and {{ is_within('calls.event_day', 'anonymous_ids') }}
    )
{%- endmacro %}

{# Whether a day lies in an interval from from_day (inclusive; null: no lower limit) to to_day (exclusive;
   null: no upper limit). #}
{% macro is_within(day, interval) -%}
    ({{ interval }}.from_day is null or {{ interval }}.from_day <= {{ day }})
    and ({{ interval }}.to_day is null or {{ interval }}.to_day > {{ day }})
{%- endmacro %}

{# Calls, or days of calls, that may belong to touched users: calls under a user id that resolves to one of
   them, and calls without a user id from a device that was theirs at any time. Rows are looked up by
   short_hash_of the ids. In a rebuild: all rows. #}
{% macro of_touched_users(calls, user_ids, anonymous_ids) -%}
    {%- if is_rebuilt() -%} {{ calls }}
    {%- else -%}
    (
        select * from {{ rows_with(calls, 'user_id_hash', '(
            select ' ~ short_hash_of('touched_users.user_id') ~ ' as user_id_hash
            from ' ~ touched_rows() ~ ' as touched_users
            union
            select ' ~ short_hash_of('user_ids.id') ~ ' as user_id_hash
            from ' ~ user_ids ~ ' as user_ids
            semi join ' ~ touched_rows() ~ ' as touched_users on user_ids.user_id = touched_users.user_id
        )') }}

        union all

        select * from {{ rows_with(calls, 'anonymous_id_hash', '(
            select ' ~ short_hash_of('anonymous_ids.anonymous_id') ~ ' as anonymous_id_hash
            from ' ~ anonymous_ids ~ ' as anonymous_ids
            semi join ' ~ touched_rows() ~ ' as touched_users on anonymous_ids.user_id = touched_users.user_id
        )') }}
        where user_id is null
    )
    {%- endif -%}
{%- endmacro %}

{# Users that gained or lost an id or a device since the last run of the calling model. #}
{% macro changed_users(user_ids, anonymous_ids) -%}
    (
        select user_id from {{ changes(user_ids) }}
        union
        select id as user_id from {{ changes(user_ids) }}
        union
        select user_id from {{ changes(anonymous_ids) }}
    )
{%- endmacro %}

{# Validity intervals of "last seen with": on each day, the key belongs to the `other` last seen with it by
   then; before its first sighting, to the first `other`. Within a day, times decide, then the id.

   seen: a CTE with `key`, `other`, event_day, first_at and last_at, with any number of rows per day. The
   query returns key, other, from_day (null: no lower limit), to_day (exclusive; null: no upper limit). #}
{% macro last_seen_intervals(seen, key, other) -%}
    with

    -- Most keys are seen with one `other` only, and then only its first day matters.
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

    first_of_all as (
        select * exclude (first_at, last_at)
        from seen_with_several
        qualify row_number() over (
            partition by {{ key }}
            order by event_day, first_at, {{ other }}
        ) = 1
        union all
        select * from seen_with_one
    ),

    last_of_day as (
        select * exclude (first_at, last_at)
        from seen_with_several
        qualify row_number() over (
            partition by {{ key }}, event_day
            order by last_at desc, {{ other }} desc
        ) = 1
        union all
        select * from seen_with_one
    ),

    beginnings as (
        select * from last_of_day
        qualify {{ other }} is distinct from lag({{ other }}) over (
            partition by {{ key }}
            order by event_day
        )
    )

    select
        {{ key }},
        {{ other }},
        cast(null as date) as from_day,
        event_day as to_day
    from first_of_all

    union all

    select
        {{ key }},
        {{ other }},
        event_day as from_day,
        lead(event_day) over (partition by {{ key }} order by event_day) as to_day
    from beginnings
{%- endmacro %}

{# Keys whose intervals in this table may differ after some changes. A new sighting within an interval of
   the same pair, after the key's first day, changes no interval: the last `other` seen stays the same.

   seen: as above, with `sign`, read once. A day whose sightings only span more time has lost none. #}
{% macro keys_of_other_intervals(seen, key, other) -%}
    select distinct seen.{{ key }}
    from (
        select
            {{ key }},
            {{ other }},
            event_day,
            coalesce(
                min(first_at) filter (sign = 1) > min(first_at) filter (sign = -1)
                or max(last_at) filter (sign = 1) < max(last_at) filter (sign = -1),
                count(*) filter (sign = 1) = 0
            ) as is_lost
        from {{ seen }}
        group by {{ key }}, {{ other }}, event_day
    ) as seen
    left join {{ this }} as before_first
        on
            seen.{{ key }} = before_first.{{ key }}
            and before_first.from_day is null
    left join {{ this }} as known
        on
            seen.{{ key }} = known.{{ key }}
            and known.from_day <= seen.event_day
            and (known.to_day is null or known.to_day > seen.event_day)
    where
        seen.is_lost
        or seen.event_day <= before_first.to_day
        or known.{{ other }} is distinct from seen.{{ other }}
{%- endmacro %}
