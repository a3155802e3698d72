-- Are product managers more likely to retain than founders?
-- One row per week since sign-up: both rates, their difference, and its 95 % interval.
-- needs: user trait role
-- needs: retention report users by role
with

-- The report may be missing from the plan, or be another one under this name.
not_planned as (
    select
        'No weekly retention report of users is called "users by role" and broken down by role at '
        'entry.' as sentence
    where not exists (
        select 1 from seeds.retention_reports
        where
            trim(report) = 'users by role'
            and lower(trim(entity)) = 'user'
            and lower(trim(period)) = 'week'
            and trim(breakdown) = 'role'
            and lower(trim(breakdown_at)) = 'entry'
    )
),

-- A role may be spelled in several ways; its Wilson interval is that of all of them.
roles as (
    select
        lower(trim(breakdown_value)) as role,
        period_number as week,
        sum(cohort_size) as people,
        sum(retained) / sum(cohort_size) as rate,
        3.841458821 / sum(cohort_size) as z,
        (rate + z / 2 - sqrt(z * (rate * (1 - rate) + z / 4))) / (1 + z) as rate_low,
        (rate + z / 2 + sqrt(z * (rate * (1 - rate) + z / 4))) / (1 + z) as rate_high
    from marts.retention_overall
    where
        report = 'users by role'
        and not exists (select 1 from not_planned)
        and period_number > 0
        and cohort_size > 0
    group by all
),

-- Newcombe's interval of a difference, from the intervals of both rates.
weeks as (
    select
        managers.week,
        cast(managers.people as bigint) as managers,
        managers.rate as managers_rate,
        cast(founders.people as bigint) as founders,
        founders.rate as founders_rate,
        managers.rate - founders.rate as difference,
        difference - sqrt(
            power(managers.rate - managers.rate_low, 2)
            + power(founders.rate_high - founders.rate, 2)
        ) as low,
        difference + sqrt(
            power(managers.rate_high - managers.rate, 2)
            + power(founders.rate - founders.rate_low, 2)
        ) as high
    from roles as managers
    inner join roles as founders on managers.week = founders.week
    where
        managers.role = 'product manager'
        and founders.role = 'founder'
),

-- The fourth week, or the last complete one before it.
judged as (
    select *
    from weeks
    where week <= 4
    order by week desc
    limit 1
),

answer as (
    select coalesce((select sentence from not_planned), max(
        case
            when low > 0 then 'Yes: '
            when high < 0 then 'No, less likely: '
            else 'No difference beyond chance: '
        end
        || format(
            'in week {} after sign-up {:.1f} % of {:,} product managers were active, and {:.1f} % '
            'of {:,} founders ({:+.1f} points; 95 % interval {:+.1f} to {:+.1f}). Roles are those '
            'at sign-up.',
            week, 100 * managers_rate, managers, 100 * founders_rate, founders,
            100 * difference, 100 * low, 100 * high
        )
    ), 'The logs cannot tell: there is no complete week since sign-up with both a product manager '
       'and a founder in it.') as answer
    from judged
)

select
    answer.answer,
    weeks.*
from answer
left join weeks on true
order by weeks.week
