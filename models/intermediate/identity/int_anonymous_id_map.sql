-- One row per anonymous id and stretch of days in which its calls belong to one user.
--
-- What can change tonight: the stretches of anonymous ids that were seen with a user outside of a
-- stretch of that user's, by calls and aliases new since the last good build; and of those seen
-- with an id that leads to another user since. They are written with those who owned them before,
-- who lost something. An id that nobody is seen with any more keeps one row, with no user. Who is seen
-- with another user on days that no build had seen keeps the build that it has: of the days that were
-- there, none changes hands.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='anonymous_id',
    pre_hook='{{ start_anew_on_other_grounds() }}'
) }}

with

user_ids as {{ not_materialized() }} (
    select * from {{ ref('int_alias_resolution') }}
),

-- Any call that carries both ids; and an alias ties the id it leaves, should that be an anonymous one.
sent_together as {{ not_materialized() }} (
    select
        anonymous_id,
        device_key,
        user_id,
        user_key,
        event_day,
        first_at,
        last_at,
        calls = 0 as is_gone,
        lost_in,
        build
    from {{ ref('int_call_days') }}
    where
        anonymous_id is not null
        and user_id is not null

    union all

    select
        previous_id as anonymous_id,
        {{ lookup_key_of('previous_id') }} as device_key,
        user_id,
        {{ lookup_key_of('user_id') }} as user_key,
        event_day,
        event_at as first_at,
        event_at as last_at,
        user_id is null as is_gone,
        cast(null as bigint) as lost_in,
        build
    from {{ ref('stg_aliases') }}
),

{% if is_incremental() -%}
{% set since = last_good_build() -%}

new_together as (
    select
        sent_together.anonymous_id,
        coalesce(user_ids.user_id, sent_together.user_id) as user_id,
        sent_together.event_day,
        sent_together.first_at,
        sent_together.last_at,
        sent_together.is_gone or coalesce(sent_together.lost_in > {{ since }}, false) as is_lost
    from sent_together
    left join user_ids on sent_together.user_id = user_ids.id
    where sent_together.build > {{ since }}
),

touched as (
    select
        anonymous_id,
        max(build) as build
    from (
        {{ unsettled('new_together', 'anonymous_id', 'user_id', since) }}

        union all

        select
            sent_together.anonymous_id,
            {{ this_build() }} as build
        from sent_together
        inner join user_ids
            on
                sent_together.user_key = {{ lookup_key_of('user_ids.id') }}
                and sent_together.user_id = user_ids.id
        where user_ids.build > {{ since }}
    ) as touched
    group by anonymous_id
),

{{ told_from_all_or_going_on('anonymous_id') }},

together as (
    select sent_together.*
    from sent_together
    semi join told_from_all
        on sent_together.device_key = {{ lookup_key_of('told_from_all.anonymous_id') }}
    where not sent_together.is_gone
),
{%- else -%}
together as {{ not_materialized() }} (
    select * from sent_together
    where is_gone is distinct from true
),
{%- endif %}

seen_together as {{ not_materialized() }} (
    select
        together.anonymous_id,
        coalesce(user_ids.user_id, together.user_id) as user_id,
        together.event_day,
        together.first_at,
        together.last_at
    from together
    left join user_ids on together.user_id = user_ids.id

    {%- if is_incremental() %}

    union all

    {{ seen_as_they_go_on('new_together', 'anonymous_id', 'user_id', since) }}
    {%- endif %}
),

{{ last_seen_by_day('seen_together', 'anonymous_id', 'user_id') }}

{%- if is_incremental() %},

former_owners as (
    select
        built.anonymous_id,
        {{ values_of_lists(list_with('built.former_user_ids', 'built.user_id')) }} as user_ids
    from {{ this }} as built
    semi join touched on built.anonymous_id = touched.anonymous_id
    group by built.anonymous_id
)

select
    touched.anonymous_id,
    last_seen.user_id,
    last_seen.from_day,
    last_seen.to_day,
    last_seen.seen_on,
    coalesce(former_owners.user_ids, {{ empty_list('varchar') }}) as former_user_ids,
    touched.build,
    {{ grounds() }} as grounds
from touched
left join last_seen on touched.anonymous_id = last_seen.anonymous_id
left join former_owners on touched.anonymous_id = former_owners.anonymous_id
{%- else %}

select
    last_seen.*,
    {{ empty_list('varchar') }} as former_user_ids,
    {{ this_build() }} as build,
    {{ grounds() }} as grounds
from last_seen
{%- endif %}
