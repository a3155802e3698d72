-- One row per kind of id (user, anonymous, company) and value that identifies nobody, in lower case.
select distinct
    kinds.kind,
    {{ comparable('placeholder_ids.value') }} as value
from {{ ref('placeholder_ids') }} as placeholder_ids
inner join (values ('user'), ('anonymous'), ('company')) as kinds (kind)
    on coalesce(lower({{ cell('placeholder_ids.id') }}), kinds.kind) = kinds.kind
where {{ cell('placeholder_ids.value') }} is not null
