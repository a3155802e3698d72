-- How many people do we know, how many of them signed up, and how many activated?
-- A question is any SELECT. `daybook ask` prints its first comment line, then its rows.
select
    count(*) as people,
    count(signed_up_at) as signed_up,
    count(activated_at) as activated
from {{ ref('dim_users') }}
where not is_internal
