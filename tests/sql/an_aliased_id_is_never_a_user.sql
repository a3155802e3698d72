-- An alias is followed to the end everywhere.
with

aliased as (
    select * from {{ ref('int_alias_resolution') }}
),

ids_in_use as (
    select days.user_id
    from {{ rows_written_lately(ref('int_attributed_days')) }} as days
    union all
    select user_id from {{ ref('fct_memberships') }}
    union all
    select user_id from {{ ref('dim_users') }}
    union all
    select entity_id as user_id from {{ ref('fct_traits') }}
    where entity = 'user'
    union all
    select user_id from aliased
)

select ids_in_use.user_id
from ids_in_use
semi join aliased on ids_in_use.user_id = aliased.id
