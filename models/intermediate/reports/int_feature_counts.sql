-- One row per week or month, kind of entity, segment of companies and feature: how many of its active
-- entities used the feature, and how often. Without a feature: how many were active.
--
-- What can change tonight: the weeks and months with a row that is new in int_feature_periods since the
-- last good build, and those in which other companies are paying than they were. One that has nothing
-- left keeps a row, of no entity.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='calendar_period',
    pre_hook="{{ start_anew_on_other_grounds([ref('stg_plan_events')]) }}"
) }}

{% set plan = [ref('stg_plan_events')] -%}

with

periods as (
    select
        *,
        {{ hash_of(['period', 'period_start']) }} as calendar_period
    from {{ ref('int_periods') }}
    where period in ('week', 'month')
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

numbers as {{ read_anew() }} (
    select * from {{ ref('int_entity_numbers') }}
),

plan_traits as (
    select
        numbers.entity_number as company_number,
        traits.value_text as plan,
        traits.from_day,
        traits.to_day
    from {{ ref('int_traits') }} as traits
    inner join numbers
        on
            numbers.entity = 'company'
            and traits.entity_id = numbers.entity_id
    where
        traits.entity = 'company'
        and traits.trait = {{ name_in_vars('company_plan_trait') }}
),

plans as (
    select * from {{ ref('stg_plans') }}
),

-- A company is paying by the plan it has when the period ends, or now while it runs.
paying_companies as (
    select distinct
        periods.calendar_period,
        plan_traits.company_number
    from periods
    cross join as_of
    inner join plan_traits
        on
            plan_traits.from_day <= least(periods.period_end, as_of.as_of)
            and (
                plan_traits.to_day is null
                or plan_traits.to_day > least(periods.period_end, as_of.as_of)
            )
    inner join plans
        on
            plans.is_paying
            and {{ comparable('plan_traits.plan') }} = {{ comparable('plans.plan') }}
),

all_feature_periods as {{ read_anew() }} (
    select
        *,
        {{ hash_of(['period', 'period_start']) }} as calendar_period
    from {{ ref('int_feature_periods') }}
),

all_company_periods as {{ read_anew() }} (
    select
        *,
        {{ hash_of(['period', 'period_start']) }} as calendar_period
    from {{ ref('int_company_feature_periods') }}
),

payers as (
    select
        periods.calendar_period,
        periods.period,
        periods.period_start,
        {{ digest_of('paying_companies') }} as payers
    from periods
    left join paying_companies
        on periods.calendar_period = paying_companies.calendar_period
    group by periods.calendar_period, periods.period, periods.period_start
),

touched as (
    select payers.*
    from payers
    {%- if is_incremental() %}
    left join (select distinct calendar_period, payers from {{ this }}) as built
        on payers.calendar_period = built.calendar_period
    where
        payers.payers is distinct from built.payers
        or payers.calendar_period in (
            select all_feature_periods.calendar_period
            from all_feature_periods
            where all_feature_periods.build > {{ last_good_build(plan) }}
        )
    {%- endif %}
),

-- Users by each of their companies, and companies by all of their people.
found as {{ read_anew() }} (
    select
        'user' as entity,
        calendar_period,
        user_number,
        company_number,
        feature,
        uses,
        is_active,
        stands_for_pair as stands_for_entity
    from all_feature_periods
    where user_number is not null

    union all

    select
        'company' as entity,
        calendar_period,
        cast(null as integer) as user_number,
        company_number,
        feature,
        uses,
        is_active,
        stands_for_company as stands_for_entity
    from all_company_periods
),

feature_periods as {{ read_anew() }} (
    select
        found.entity,
        found.calendar_period,
        found.user_number,
        found.feature,
        found.uses,
        found.is_active,
        found.stands_for_entity,
        case
            when found.company_number is null then null
            when paying_companies.company_number is null then 'free'
            else 'paying'
        end as segment
    from found
    left join paying_companies
        on
            found.calendar_period = paying_companies.calendar_period
            and found.company_number = paying_companies.company_number
    where
        found.uses > 0
        and found.calendar_period in (select touched.calendar_period from touched)
),

users_of_several_companies as (
    select numbers.entity_number as user_number
    from {{ ref('int_presence') }} as presence
    inner join numbers
        on
            numbers.entity = 'user'
            and presence.user_id = numbers.entity_id
    group by numbers.entity_number
    having count(*) > 1
),

-- Companies, and users who act for one company only, have one row for each feature, and need not be
-- told apart.
rows_of_their_own as (
    select feature_periods.*
    from feature_periods
    anti join users_of_several_companies
        on feature_periods.user_number = users_of_several_companies.user_number
),

-- The other users once in each of their segments, and once in all.
users_told_apart as (
    select
        segments.segment,
        feature_periods.* except (segment)
    from feature_periods
    semi join users_of_several_companies
        on feature_periods.user_number = users_of_several_companies.user_number
    inner join (values ('all'), ('paying'), ('free')) as segments (segment)
        on
            segments.segment = 'all'
            or feature_periods.segment = segments.segment
),

active_users as (
    select distinct
        calendar_period,
        segment,
        user_number
    from users_told_apart
    where is_active
),

user_uses as (
    select
        calendar_period,
        segment,
        user_number,
        feature,
        sum(uses) as uses
    from users_told_apart
    where feature is not null
    group by calendar_period, segment, user_number, feature
),

counted_by_rows as (
    select
        calendar_period,
        entity,
        segment,
        feature,
        count(*) filter (is_active) as entities,
        count(*) filter (is_active and stands_for_entity) as stand_for_entities,
        sum(uses) as uses
    from rows_of_their_own
    group by calendar_period, entity, segment, feature
),

counted as (
    select
        calendar_period,
        entity,
        segment,
        feature,
        entities,
        uses,
        true as is_of_one_segment
    from counted_by_rows
    where feature is not null

    union all

    select
        calendar_period,
        entity,
        segment,
        cast(null as varchar) as feature,
        sum(stand_for_entities) as entities,
        0 as uses,
        true as is_of_one_segment
    from counted_by_rows
    group by calendar_period, entity, segment

    union all

    select
        user_uses.calendar_period,
        'user' as entity,
        user_uses.segment,
        user_uses.feature,
        count(active_users.user_number) as entities,
        sum(user_uses.uses) as uses,
        false as is_of_one_segment
    from user_uses
    left join active_users
        on
            user_uses.calendar_period = active_users.calendar_period
            and user_uses.segment = active_users.segment
            and user_uses.user_number = active_users.user_number
    group by user_uses.calendar_period, user_uses.segment, user_uses.feature

    union all

    select
        calendar_period,
        'user' as entity,
        segment,
        cast(null as varchar) as feature,
        count(*) as entities,
        0 as uses,
        false as is_of_one_segment
    from active_users
    group by calendar_period, segment
),

-- Whoever is in one segment, or in none, is in that of all too.
in_segments as (
    select
        calendar_period,
        entity,
        segment,
        feature,
        entities,
        uses
    from counted
    where segment is not null

    union all

    select
        calendar_period,
        entity,
        'all' as segment,
        feature,
        entities,
        uses
    from counted
    where is_of_one_segment
),

summed as (
    select
        calendar_period,
        entity,
        segment,
        feature,
        sum(entities) as entities,
        sum(uses) as uses
    from in_segments
    group by calendar_period, entity, segment, feature
)

select
    touched.calendar_period,
    touched.period,
    touched.period_start,
    touched.payers,
    summed.entity,
    summed.segment,
    summed.feature,
    cast(summed.entities as bigint) as entities,
    cast(summed.uses as bigint) as uses,
    {{ grounds(plan) }} as grounds
from touched
left join summed on touched.calendar_period = summed.calendar_period
