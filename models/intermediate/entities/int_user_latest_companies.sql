-- One row per user that was sighted with a company by the last whole day, with the last one.
select
    user_companies.user_id,
    user_companies.company_id
from {{ ref('int_user_companies') }} as user_companies
inner join {{ ref('int_as_of') }} as as_of
    on
        user_companies.from_day <= as_of.as_of
        and (user_companies.to_day is null or user_companies.to_day > as_of.as_of)
