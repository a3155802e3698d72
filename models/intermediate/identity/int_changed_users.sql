-- One row per build and user that, in it, gained or lost an id or a device.
{{ config(materialized='view') }}

with

user_ids as (
    select * from {{ ref('int_alias_resolution') }}
),

device_owners as (
    select * from {{ ref('int_anonymous_id_map') }}
),

changes as (
    select
        build,
        user_id
    from user_ids

    union

    select
        build,
        {{ list_to_rows('former_user_ids') }} as user_id
    from user_ids

    union

    select
        build,
        user_id
    from device_owners

    union

    select
        build,
        {{ list_to_rows('former_user_ids') }} as user_id
    from device_owners
)

select
    build,
    user_id
from changes
where user_id is not null
