-- An alias is followed to the end everywhere.
with

left_behind as {{ not_materialized() }} (
    select * from {{ ref('int_alias_resolution') }}
    where id <> user_id
),

ids_in_use as (
    select days.user_id
    from {{ rows_built_lately(ref('int_attributed_days')) }} as days
    where days.calls is distinct from 0
    union all
    select user_id from {{ ref('fct_memberships') }}
    union all
    select user_id from {{ ref('dim_users') }}
    union all
    select entity_id as user_id from {{ ref('fct_traits') }}
    where entity = 'user'
    union all
    select user_id from left_behind
)

select ids_in_use.user_id
from ids_in_use
semi join left_behind on ids_in_use.user_id = left_behind.id
