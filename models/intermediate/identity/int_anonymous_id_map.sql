-- One row per anonymous id and interval of days in which its calls belong to one user.
{{ config(materialized='keyed', key='anonymous_id') }}

{% call touched_keys() -%}
with

changed_ids as (
    select
        id,
        {{ short_hash_of('id') }} as user_id_hash
    from {{ changes(ref('int_alias_resolution')) }}
),

changed_days as (
    select
        days.anonymous_id,
        coalesce(user_ids.user_id, days.user_id) as user_id,
        days.event_day,
        days.first_at,
        days.last_at,
        days.sign
    from {{ changes(ref('int_call_days')) }} as days
    left join {{ ref('int_alias_resolution') }} as user_ids on days.user_id = user_ids.id
    where
        days.anonymous_id is not null
        and days.user_id is not null
),

changed_keys as (
    {{ keys_of_other_intervals('changed_days', 'anonymous_id', 'user_id') }}

    union

    select previous_id as anonymous_id
    from {{ changes(ref('stg_aliases')) }}

    union

    select anonymous_id
    from {{ rows_with(ref('int_call_days'), 'user_id_hash', 'changed_ids') }}
    where anonymous_id is not null

    union

    select aliases.previous_id as anonymous_id
    from {{ ref('stg_aliases') }} as aliases
    semi join changed_ids on aliases.user_id = changed_ids.id
)

select
    anonymous_id,
    {{ short_hash_of('anonymous_id') }} as anonymous_id_hash
from changed_keys
{%- endcall %}

with

-- Any call that carries both ids. An alias ties the id that it replaces, which may be an anonymous one.
sent_together as (
    select
        anonymous_id,
        user_id,
        event_day,
        first_at,
        last_at
    from {{ touched(ref('int_call_days'), 'anonymous_id_hash') }}
    where
        anonymous_id is not null
        and user_id is not null

    union all

    select
        previous_id as anonymous_id,
        user_id,
        event_day,
        event_at as first_at,
        event_at as last_at
    from {{ touched(ref('stg_aliases'), [('previous_id', 'anonymous_id')]) }}
),

seen_together as (
    select
        sent_together.anonymous_id,
        coalesce(user_ids.user_id, sent_together.user_id) as user_id,
        sent_together.event_day,
        sent_together.first_at,
        sent_together.last_at
    from sent_together
    left join {{ ref('int_alias_resolution') }} as user_ids on sent_together.user_id = user_ids.id
)

select *
from (
    {{ last_seen_intervals('seen_together', 'anonymous_id', 'user_id') }}
) as intervals
