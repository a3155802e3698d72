-- An alias is followed to the end everywhere.
with

ids_in_use as (
    select user_id from {{ ref('fct_activity_days') }}
    union
    select user_id from {{ ref('fct_memberships') }}
    union
    select user_id from {{ ref('dim_users') }}
    union
    select entity_id as user_id from {{ ref('fct_traits') }}
    where entity = 'user'
    union
    select user_id from {{ ref('int_user_ids') }}
    where id <> user_id
)

select ids_in_use.user_id
from ids_in_use
inner join {{ ref('int_user_ids') }} as left_behind
    on
        ids_in_use.user_id = left_behind.id
        and left_behind.id <> left_behind.user_id
