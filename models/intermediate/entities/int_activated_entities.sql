-- One row per entity that reached all of its milestones, with the moment of the last one.
select
    entity,
    entity_id,
    max(reached_at) as activated_at
from {{ ref('int_reached_milestones') }}
group by entity, entity_id
having count(*) = count(reached_at)
