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

traits as (
    select traits.*
    from {{ ref('int_trait_history') }} as traits
    inner join {{ ref('int_as_of') }} as as_of
        on traits.from_day between {{ earliest_day() }} and as_of.as_of
    where traits.value is not null
),

-- With the rule `first`, an entity enters with its first event ever, even if that is before starts_on.
-- The tables of traits have ids, not keys.
members as (
    select
        reports.report,
        reports.entity,
        reports.period,
        reports.selector_id,
        reports.breakdown,
        reports.breakdown_at,
        entered.period_number as cohort_number,
        entered.entity_key,
        entered.first_day as entered_on,
        entity_keys.entity_id
    from reports
    inner join {{ ref('int_selector_periods') }} as entered
        on
            reports.selector_id = entered.selector_id
            and reports.period = entered.period
            and (reports.cohort_rule = 'every' or entered.is_first)
    inner join {{ ref('int_periods') }} as periods
        on
            reports.period = periods.period
            and entered.period_number = periods.period_number
            and (reports.starts_on is null or periods.period_end >= reports.starts_on)
            and (reports.ends_on is null or periods.period_start <= reports.ends_on)
    left join {{ ref('int_filtered_entities') }} as filtered_entities
        on
            reports.entity = filtered_entities.entity
            and reports.filter_by = filtered_entities.filter_by
            and reports.filter_values = filtered_entities.filter_values
            and entered.entity_key = filtered_entities.entity_key
    left join {{ ref('int_entity_keys') }} as entity_keys
        on
            reports.breakdown is not null
            and reports.entity = entity_keys.entity
            and entered.entity_key = entity_keys.entity_key
    where
        reports.filter_by is null
        or filtered_entities.entity_key is not null
),

members_by_company as (
    select * from members
    where breakdown_at = 'entry' and entity = 'user' and starts_with(breakdown, 'company.')
),

-- The company of the event with which a user entered. If no report asks for it, no event is read.
entered_with as (
    select
        members.report,
        members.cohort_number,
        members.entity_key,
        members.entered_on,
        substr(members.breakdown, length('company.') + 1) as trait,
        nullif(
            min_by(coalesce(days.company_id, ''), (days.first_at, coalesce(days.company_id, ''))),
            ''
        ) as company_id
    from members_by_company as members
    inner join {{ ref('int_selector_events') }} as selector_events
        on members.selector_id = selector_events.selector_id
    inner join (
        select * from {{ ref('int_attributed_days') }}
        where is_event and not is_internal and user_id in {{ in_list('members_by_company', 'entity_id') }}
    ) as days
        on
            members.entity_id = days.user_id
            and members.entered_on = days.event_day
            and selector_events.event = days.event
    group by all
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
    from members
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
)

{% set trait_value = 'coalesce(latest_values.value_text, entry_values.value_text)' -%}

select
    members.report,
    members.period,
    members.cohort_number,
    members.entity_key,
    -- (all) and (none) have a meaning: as the text of a trait they stand in quotes.
    case
        when members.breakdown is null then null
        when {{ trait_value }} in ('(all)', '(none)') then '"' || {{ trait_value }} || '"'
        else coalesce({{ trait_value }}, '(none)')
    end as breakdown_value
from members
left join {{ ref('int_entity_traits') }} as latest_values
    on
        members.breakdown_at = 'latest'
        and members.entity = latest_values.entity
        and members.breakdown = latest_values.trait
        and members.entity_id = latest_values.entity_id
left join entry_values
    on
        members.report = entry_values.report
        and members.cohort_number = entry_values.cohort_number
        and members.entity_key = entry_values.entity_key
