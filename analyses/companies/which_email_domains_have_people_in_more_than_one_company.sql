-- Which e-mail domains have people in more than one company?
-- One row per such domain and company: the product should have made one workspace of these
-- companies. Public mail domains and internal accounts are not looked at.
-- needs: var email_trait
-- needs: user trait {{ var('email_trait') }}
with

-- The latest e-mail of each user; fct_traits holds no internal user.
emails as (
    select
        traits.entity_id as user_id,
        lower(trim(json_extract_string(traits.value, '$'))) as email
    from {{ ref('fct_traits') }} as traits
    inner join {{ ref('calendar') }} as calendar
        on
            traits.valid_from < calendar.as_of_ends_at
            and coalesce(traits.valid_to >= calendar.as_of_ends_at, true)
    where
        traits.entity = 'user'
        and traits.trait = trim('{{ var("email_trait") | replace("'", "''") }}')
),

public_domains as (
    select ltrim(lower(trim(domain)), '@') as domain
    from {{ ref('public_email_domains') }}
),

domains as (
    select
        user_id,
        split_part(email, '@', -1) as domain
    from emails
    where
        contains(email, '@')
        and not ends_with(email, '@')
),

-- Every company that a user was ever seen with, or has by its e-mail's domain.
user_companies as (
    select
        memberships.user_id,
        memberships.company_id
    from {{ ref('fct_memberships') }} as memberships
    inner join {{ ref('calendar') }} as calendar
        on
            memberships.first_day <= calendar.as_of
            and memberships.last_day >= date '{{ var("earliest_day") }}'
),

companies_of_domains as (
    select
        domains.domain,
        user_companies.company_id,
        count(*) as people
    from domains
    inner join user_companies on domains.user_id = user_companies.user_id
    anti join public_domains on domains.domain = public_domains.domain
    group by
        domains.domain,
        user_companies.company_id
),

several as (
    select
        domain,
        count(*) over (partition by domain) as companies,
        company_id,
        people
    from companies_of_domains
    qualify companies > 1
),

answer as (
    select
        case
            when count(*) = 0
                then 'The logs cannot tell: no user of a company has an e-mail address outside of '
                    'the public mail domains.'
            else format(
                '{:,} of {:,} e-mail domains have people in more than one company.',
                (select count(distinct domain) from several),
                count(distinct domain)
            )
        end as answer
    from companies_of_domains
)

select
    answer.answer,
    several.*
from answer
left join several on true
order by
    several.companies desc,
    several.domain,
    several.people desc,
    several.company_id
