-- Calls are grouped by a 64-bit hash. With a billion kinds of call, two of them share one with a chance
-- of 3 %: then one takes the place of the other. A second hash tells them apart.
select
    call_day_key,
    count(*) as calls
from {{ ref('stg_calls') }}
where {{ landed_lately('load_id') }}
group by call_day_key
{% set second_hash = hash_of(['type', 'event', 'user_id', 'anonymous_id', 'company_id', 'event_day'] + ["'second'"]) -%}
having min({{ second_hash }}) <> max({{ second_hash }})
