-- One row per e-mail domain that is shared by people of many companies, in lower case.
select distinct {{ domain('domain') }} as domain
from {{ ref('public_email_domains') }}
where {{ cell('domain') }} is not null
