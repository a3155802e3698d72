-- One row per entity, trait and interval of time in which it had one value, cast to the type that the
-- plan gives the trait. The value is null where what was sent cannot be cast.
--
-- What can change tonight: the traits of users and companies of which a call is new in stg_trait_calls
-- since the last good build, and of users that gained or lost an id or a device since. Who has no
-- trait any more keeps one row, without one. Another plan starts anew.
-- depends_on: {{ ref('int_changed_users') }}
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['entity', 'entity_id'],
    pre_hook="{{ start_anew_on_other_grounds([ref('stg_plan_trait_names')]) }}"
) }}

{% set plan = [ref('stg_plan_trait_names')] -%}

{% set trait_as_sent = trimmed('pairs.key') -%}
{% set trait = 'coalesce(trait_names.trait, ' ~ trait_as_sent ~ ')' -%}

{# Users' traits come from identify calls, companies' from group calls. #}
{% set owned -%}
select
    case when trait_calls.type = 'group' then 'company' else 'user' end as entity,
    case
        when trait_calls.type = 'group' then trait_calls.company_id
        else coalesce(user_ids.user_id, trait_calls.user_id, device_owners.user_id)
    end as entity_id,
    trait_calls.*
from trait_calls
left join {{ ref('int_alias_resolution') }} as user_ids on trait_calls.user_id = user_ids.id
left join {{ ref('int_anonymous_id_map') }} as device_owners
    on
        trait_calls.user_id is null
        and trait_calls.anonymous_id = device_owners.anonymous_id
        and (device_owners.from_day is null or device_owners.from_day <= trait_calls.event_day)
        and (device_owners.to_day is null or device_owners.to_day > trait_calls.event_day)
{%- endset %}

{% if is_incremental() -%}
{% set since = last_good_build(plan) -%}
{% set touched -%}
    with

    trait_calls as (
        select * from {{ ref('stg_trait_calls') }}
        where build > {{ since }}
    )

    select
        entity,
        entity_id
    from ({{ owned }}) as owned
    where entity_id is not null

    union

    select
        'user' as entity,
        user_id as entity_id
    from {{ ref('int_changed_users') }}
    where build > {{ since }}
{%- endset %}
{% set touched = create_temp_table('entities_with_new_traits', touched) -%}

{# What they were told is found by the ids and the devices they go by, and read for them alone: it is
   long. (A device has several owners: whose a call is is asked below.) #}
{% set their_calls -%}
    with

    trait_calls as {{ not_materialized() }} (
        select * from {{ ref('stg_trait_calls') }}
    ),

    users as (
        select entity_id as user_id from {{ touched }}
        where entity = 'user'
    )

    select message_key from trait_calls
    where
        type = 'group'
        and company_id in (
            select companies.entity_id from {{ touched }} as companies
            where companies.entity = 'company'
        )

    union all

    select message_key from trait_calls
    where
        type <> 'group'
        and user_id in (
            select users.user_id from users
            union all
            select user_ids.id from {{ ref('int_alias_resolution') }} as user_ids
            semi join users on user_ids.user_id = users.user_id
        )

    union all

    select message_key from trait_calls
    where
        type <> 'group'
        and user_id is null
        and anonymous_id in (
            select device_owners.anonymous_id from {{ ref('int_anonymous_id_map') }} as device_owners
            semi join users on device_owners.user_id = users.user_id
        )
{%- endset %}
{% set their_calls = create_temp_table('trait_calls_of_theirs', their_calls) -%}
{%- endif %}

with

trait_names as (
    select * from {{ ref('stg_plan_trait_names') }}
),

{% if is_incremental() -%}
trait_calls as (
    select trait_calls.*
    from {{ ref('stg_trait_calls') }} as trait_calls
    semi join {{ their_calls }} as theirs on trait_calls.message_key = theirs.message_key
),

touched as (
    select * from {{ touched }}
),

told as (
    select owned.*
    from ({{ owned }}) as owned
    semi join touched
        on
            owned.entity = touched.entity
            and owned.entity_id = touched.entity_id
),
{%- else -%}
trait_calls as (
    select * from {{ ref('stg_trait_calls') }}
),

told as (
    {{ owned }}
),
{%- endif %}

exploded as {{ not_materialized() if not is_incremental() }} (
    select
        told.entity,
        told.entity_id,
        {{ trait }} as trait,
        {{ trait_as_sent }} as trait_as_sent,
        nullif(nullif(cast(pairs.value as varchar), 'null'), '""') as value_as_sent,
        {{ json_as_planned('pairs.value', 'trait_names.type') }} as planned_value,
        told.event_at,
        told.event_day,
        told.received_at,
        told.message_id,
        pairs.id as position,
        {{ hash_of(['told.entity', 'told.entity_id', trait, 'told.event_at']) }} as told_key
    from told
    cross join {{ json_pairs('told.traits') }} as pairs
    left join trait_names
        on
            told.entity = trait_names.entity
            and {{ trait_as_sent }} = trait_names.trait_as_sent
    where told.entity_id is not null
),

-- Told more than once of the same time: by two calls, or twice by one. Few are, and to put all in order
-- takes longer. (Should two share a number, both are put in order, each by itself.)
told_again as (
    select told_key
    from exploded
    group by told_key
    having count(*) > 1
),

-- Event time decides, never the time of arrival.
one_per_time as (
    select exploded.*
    from exploded
    anti join told_again on exploded.told_key = told_again.told_key

    union all

    select exploded.*
    from exploded
    semi join told_again on exploded.told_key = told_again.told_key
    qualify row_number() over (
        partition by
            exploded.entity, exploded.entity_id, exploded.trait, exploded.event_at
        order by
            exploded.received_at desc nulls first,
            exploded.message_id desc,
            exploded.trait_as_sent = exploded.trait desc,
            exploded.position desc
    ) = 1
),

-- A null or an empty text clears the trait.
cast_values as (
    select
        *,
        case when value_as_sent is not null then planned_value end as value,
        case when value_as_sent is not null then coalesce(planned_value, value_as_sent) end
            as compared_value
    from one_per_time
),

-- A value that is set again is no change. But reports must see it from the earliest day on, if that is
-- when it was set again: there the row is cut in two, and the second one continues the first.
changes as (
    select
        *,
        compared_value is not distinct from lag(compared_value) over set_before
        and lag(event_day) over set_before is not null as continues
    from cast_values
    window set_before as (
        partition by entity, entity_id, trait
        order by event_at
    )
    qualify
        compared_value is distinct from lag(compared_value) over set_before
        or (
            event_day >= {{ earliest_day() }}
            and lag(event_day) over set_before < {{ earliest_day() }}
        )
),

intervals as (
    select
        entity,
        entity_id,
        trait,
        value,
        value_as_sent,
        continues,
        event_at as valid_from,
        lead(event_at) over (
            partition by entity, entity_id, trait
            order by event_at
        ) as valid_to,
        event_day as from_day,
        lead(event_day) over (
            partition by entity, entity_id, trait
            order by event_at
        ) as to_day
    from changes
),

-- A cleared trait has no row.
valued as (
    select
        entity,
        entity_id,
        trait,
        value,
        value_as_sent,
        {{ json_value_text('cast(value as json)') }} as value_text,
        continues,
        valid_from,
        valid_to,
        from_day,
        to_day
    from intervals
    where value_as_sent is not null
)

{%- if is_incremental() %}

select
    touched.entity,
    touched.entity_id,
    valued.* except (entity, entity_id),
    {{ this_build() }} as build,
    {{ grounds(plan) }} as grounds
from touched
left join valued
    on
        touched.entity = valued.entity
        and touched.entity_id = valued.entity_id
{%- else %}

select
    valued.*,
    {{ this_build() }} as build,
    {{ grounds(plan) }} as grounds
from valued
{%- endif %}
