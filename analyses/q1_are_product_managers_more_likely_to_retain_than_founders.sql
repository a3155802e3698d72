-- Are product managers more likely to retain than founders?
-- One row per week since sign-up: both rates, their difference, and its 95 % interval.
with

retention as (
    select
        case lower(trim(breakdown_value))
            when 'product manager' then 'manager'
            when 'founder' then 'founder'
        end as role,
        period_number as week,
        sum(cohort_size) as people,
        sum(retained) as retained
    from marts.retention_overall
    where
        report = 'users by role'
        and period_number > 0
    group by 1, 2
),

rates as (
    select
        role,
        week,
        people,
        retained,
        retained / people as rate,
        1.959963984540054 * sqrt(
            retained / people * (1 - retained / people) / people + 0.960364717 / (people * people)
        ) as spread,
        (retained / people + 1.920729410 / people) as middle,
        1 + 3.841458821 / people as scale
    from retention
    where
        role is not null
        and people > 0
),

-- Newcombe's interval of a difference, from the Wilson intervals of both rates.
weeks as (
    select
        managers.week,
        managers.people as managers,
        managers.rate as managers_active,
        founders.people as founders,
        founders.rate as founders_active,
        managers.rate - founders.rate as difference,
        difference - sqrt(
            power(managers.rate - (managers.middle - managers.spread) / managers.scale, 2)
            + power((founders.middle + founders.spread) / founders.scale - founders.rate, 2)
        ) as low,
        difference + sqrt(
            power((managers.middle + managers.spread) / managers.scale - managers.rate, 2)
            + power(founders.rate - (founders.middle - founders.spread) / founders.scale, 2)
        ) as high
    from rates as managers
    inner join rates as founders on managers.week = founders.week
    where
        managers.role = 'manager'
        and founders.role = 'founder'
),

-- The fourth week, or the last one that is known before it.
judged as (
    select *
    from weeks
    where week <= 4
    order by week desc
    limit 1
),

answer as (
    select coalesce(max(
        case
            when low > 0 then 'Yes: '
            when high < 0 then 'No, less likely: '
            else 'No difference beyond chance: '
        end
        || format(
            'in week {} after sign-up {:.1f} % of {:,} product managers were active, and {:.1f} % '
            'of {:,} founders ({:+.1f} points; 95 % interval {:+.1f} to {:+.1f}). Roles are those '
            'at sign-up.',
            week, 100 * managers_active, managers, 100 * founders_active, founders,
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
