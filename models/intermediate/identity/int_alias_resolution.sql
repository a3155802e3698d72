-- One row per user id that was left behind in an alias, with the user it leads to.
--
-- What can change tonight: any id, for one alias can lead a long chain elsewhere. So all of them are
-- followed anew, and those written that lead elsewhere since, with the users that they led to before:
-- they lost something. What is left behind no more leads to itself.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='id',
    pre_hook='{{ start_anew_on_other_grounds() }}'
) }}

with recursive

aliases as (
    select * from {{ ref('stg_aliases') }}
    where user_id is not null
),

-- Of several aliases of one id the latest counts.
counting_aliases as (
    select
        previous_id,
        user_id,
        event_at,
        received_at,
        message_id
    from aliases
    where previous_id <> user_id
    qualify row_number() over (
        partition by previous_id
        order by event_at desc, received_at desc nulls first, message_id desc
    ) = 1
),

-- `union`, not `union all`: a circle is walked once and then left.
walks as (
    select
        previous_id as id,
        user_id as reached
    from counting_aliases

    union

    select
        walks.id,
        counting_aliases.user_id as reached
    from walks
    inner join counting_aliases on walks.reached = counting_aliases.previous_id
),

-- The members of a circle reach themselves, and each other.
circles as (
    select
        id,
        min(reached) as circle
    from walks
    where id in (select members.id from walks as members where members.id = members.reached)
    group by id
),

-- The latest alias of a circle is ignored: so the id that it would have left is its end.
circle_ends as (
    select counting_aliases.previous_id as id
    from counting_aliases
    inner join circles on counting_aliases.previous_id = circles.id
    qualify row_number() over (
        partition by circles.circle
        order by
            counting_aliases.event_at desc,
            counting_aliases.received_at desc nulls first,
            counting_aliases.message_id desc
    ) = 1
),

ends as (
    select
        walks.id,
        walks.reached as user_id
    from walks
    where
        walks.reached not in (select counting_aliases.previous_id from counting_aliases)
        or walks.reached in (select circle_ends.id from circle_ends)
),

now as (
    {%- if is_incremental() %}
    select
        coalesce(ends.id, built.id) as id,
        coalesce(ends.user_id, built.id) as user_id,
        {{ list_with('built.former_user_ids', 'coalesce(built.user_id, ends.id)') }}
            as former_user_ids
    from (select * from ends where id <> user_id) as ends
    full join {{ this }} as built on ends.id = built.id
    where coalesce(ends.user_id, built.id) is distinct from built.user_id
    {%- else %}
    select
        id,
        user_id,
        {{ list_with(empty_list('varchar'), 'id') }} as former_user_ids
    from ends
    where id <> user_id
    {%- endif %}
)

select
    now.*,
    {{ this_build() }} as build,
    {{ grounds() }} as grounds
from now
