-- Intervals end after they begin, and the next one does not begin before.
select *
from {{ ref('int_trait_history') }}
where
    trait is not null
    and {{ built_lately('build') }}
qualify
    valid_to <= valid_from
    or value_as_sent is null
    or coalesce(valid_to, timestamp 'infinity') > lead(valid_from) over (
        partition by entity, entity_id, trait
        order by valid_from
    )
