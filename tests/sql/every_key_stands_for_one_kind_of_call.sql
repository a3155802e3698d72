-- Calls are grouped by a 64-bit hash. With a billion kinds of call, two of them share one with a chance
-- of 3 %: then one takes the place of the other. A second hash tells them apart.
select
    call_kind,
    count(*) as calls
from {{ ref('stg_calls') }}
where {{ landed_lately('load_id') }}
group by call_kind
{% set second_hash = hash_of(columns_of_a_kind() + ["'second'"]) -%}
having min({{ second_hash }}) <> max({{ second_hash }})
