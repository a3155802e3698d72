-- One row per retention report, cohort and entity in it, with the breakdown value it is counted under;
-- null where there is no breakdown.
with

reports as (
    select
        retention_reports.*,
        selectors.selector_id
    from {{ ref('stg_retention_reports') }} as retention_reports
    inner join {{ ref('int_selectors') }} as selectors
        on
            retention_reports.entity = selectors.entity
            and retention_reports.cohort_event is not distinct from selectors.event
),

periods as (
    select * from {{ ref('int_periods') }}
),

filtered_entities as (
    select * from {{ ref('int_filtered_entities') }}
),

traits as (
    select traits.*
    from {{ ref('int_trait_history') }} as traits
    inner join {{ ref('int_as_of') }} as as_of
        on traits.from_day between {{ earliest_day() }} and as_of.as_of
    where traits.value is not null
),

entity_traits as (
    select * from {{ ref('int_entity_traits') }}
),

-- With the rule `first`, an entity enters with its first event ever, even if that is before starts_on.
entered as (
    select
        reports.report,
        selector_periods.entity_key,
        selector_periods.period_number as cohort_number,
        selector_periods.first_day as entered_on
    from reports
    inner join {{ ref('int_selector_periods') }} as selector_periods
        on
            reports.selector_id = selector_periods.selector_id
            and reports.period = selector_periods.period
    where
        reports.cohort_rule = 'every'
        or selector_periods.is_first
),

members as (
    select
        reports.report,
        reports.entity,
        reports.period,
        reports.selector_id,
        reports.breakdown,
        reports.breakdown_at,
        entered.cohort_number,
        entered.entity_key,
        entered.entered_on
    from entered
    inner join reports on entered.report = reports.report
    inner join periods
        on
            reports.period = periods.period
            and entered.cohort_number = periods.period_number
            and (reports.starts_on is null or periods.period_end >= reports.starts_on)
            and (reports.ends_on is null or periods.period_start <= reports.ends_on)
    left join filtered_entities
        on
            reports.entity = filtered_entities.entity
            and reports.filter_by = filtered_entities.filter_by
            and reports.filter_values = filtered_entities.filter_values
            and entered.entity_key = filtered_entities.entity_key
    where
        reports.filter_by is null
        or filtered_entities.entity_key is not null
),

-- The tables of traits have ids, not keys.
named_members as (
    select
        members.*,
        entity_keys.entity_id
    from members
    inner join {{ ref('int_entity_keys') }} as entity_keys
        on
            members.entity = entity_keys.entity
            and members.entity_key = entity_keys.entity_key
    where members.breakdown is not null
),

latest_values as (
    select
        named_members.report,
        named_members.cohort_number,
        named_members.entity_key,
        entity_traits.value_text
    from named_members
    inner join entity_traits
        on
            named_members.entity = entity_traits.entity
            and named_members.breakdown = entity_traits.trait
            and named_members.entity_id = entity_traits.entity_id
    where named_members.breakdown_at = 'latest'
),

-- The company of the event with which a user entered.
entered_with as (
    select
        named_members.report,
        named_members.cohort_number,
        named_members.entity_key,
        named_members.entered_on,
        substr(named_members.breakdown, length('company.') + 1) as trait,
        nullif(
            min_by(
                coalesce(days.company_id, ''), (days.first_at, coalesce(days.company_id, ''))
            ),
            ''
        ) as company_id
    from named_members
    inner join {{ ref('int_selector_events') }} as selector_events
        on named_members.selector_id = selector_events.selector_id
    inner join {{ ref('int_attributed_days') }} as days
        on
            named_members.entity_id = days.user_id
            and named_members.entered_on = days.event_day
            and selector_events.event = days.event
            and days.is_event
            and not days.is_internal
    where
        named_members.breakdown_at = 'entry'
        and named_members.entity = 'user'
        and starts_with(named_members.breakdown, 'company.')
    group by
        named_members.report, named_members.cohort_number, named_members.entity_key,
        named_members.entered_on, named_members.breakdown
),

-- The value at entry is a trait of the entity itself, or of the company of its event.
asked_at_entry as (
    select
        report,
        cohort_number,
        entity_key,
        entered_on,
        'company' as trait_entity,
        company_id as trait_entity_id,
        trait
    from entered_with

    union all

    select
        report,
        cohort_number,
        entity_key,
        entered_on,
        entity as trait_entity,
        entity_id as trait_entity_id,
        breakdown as trait
    from named_members
    where
        breakdown_at = 'entry'
        and not (entity = 'user' and starts_with(breakdown, 'company.'))
),

-- The value at the end of the day of entry; without one, the first value after it.
entry_values as (
    select
        asked_at_entry.report,
        asked_at_entry.cohort_number,
        asked_at_entry.entity_key,
        traits.value_text
    from asked_at_entry
    inner join traits
        on
            asked_at_entry.trait_entity = traits.entity
            and asked_at_entry.trait_entity_id = traits.entity_id
            and asked_at_entry.trait = traits.trait
            and (traits.to_day is null or traits.to_day > asked_at_entry.entered_on)
    qualify row_number() over (
        partition by
            asked_at_entry.report, asked_at_entry.cohort_number, asked_at_entry.entity_key
        order by traits.valid_from
    ) = 1
),

values_found as (
    select * from latest_values
    union all
    select * from entry_values
)

select
    members.report,
    members.period,
    members.cohort_number,
    members.entity_key,
    case when members.breakdown is not null then coalesce(values_found.value_text, '(none)') end
        as breakdown_value
from members
left join values_found
    on
        members.report = values_found.report
        and members.cohort_number = values_found.cohort_number
        and members.entity_key = values_found.entity_key
