-- Intervals end after they begin, and the next one does not begin before.
select *
from {{ rows_written_lately(ref('int_trait_history')) }}
qualify
    valid_to <= valid_from
    or value_as_sent is null
    or coalesce(valid_to, timestamp 'infinity') > lead(valid_from) over (
        partition by entity, entity_id, trait
        order by valid_from
    )
