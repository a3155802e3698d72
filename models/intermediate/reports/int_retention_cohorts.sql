-- One row per retention report, cohort, entity in it, and breakdown value it is counted under.
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
            and retention_reports.filter_by is not distinct from selectors.filter_by
            and retention_reports.filter_values is not distinct from selectors.filter_values
),

selector_periods as (
    select
        *,
        row_number() over (
            partition by selector_id, period, entity_id
            order by period_number
        ) as cohort_event_period
    from {{ ref('int_selector_periods') }}
),

periods as (
    select * from {{ ref('int_periods') }}
),

traits as (
    select traits.*
    from {{ ref('int_traits') }} as traits
    inner join {{ ref('int_as_of') }} as as_of on traits.from_day <= as_of.as_of
),

entity_traits as (
    select * from {{ ref('int_entity_traits') }}
),

-- The first cohort event is the first ever: before starts_on too.
members as (
    select
        reports.report,
        reports.entity,
        reports.period,
        reports.breakdown,
        reports.breakdown_at,
        selector_periods.period_number as cohort_number,
        selector_periods.entity_id,
        selector_periods.first_day as entered_on,
        selector_periods.first_company_id
    from reports
    inner join selector_periods
        on
            reports.selector_id = selector_periods.selector_id
            and reports.period = selector_periods.period
            and (reports.cohort_rule = 'every' or selector_periods.cohort_event_period = 1)
    inner join periods
        on
            selector_periods.period = periods.period
            and selector_periods.period_number = periods.period_number
            and (reports.starts_on is null or periods.period_end >= reports.starts_on)
            and (reports.ends_on is null or periods.period_start <= reports.ends_on)
),

latest_values as (
    select
        members.report,
        members.cohort_number,
        members.entity_id,
        entity_traits.value_text
    from members
    inner join entity_traits
        on
            members.entity = entity_traits.entity
            and members.breakdown = entity_traits.trait
            and members.entity_id = entity_traits.entity_id
    where members.breakdown_at = 'latest'
),

-- Whose trait tells the value at entry: the entity's own, or that of the event's company.
asked_at_entry as (
    select
        report,
        cohort_number,
        entity_id,
        entered_on,
        'company' as trait_entity,
        first_company_id as trait_entity_id,
        substr(breakdown, length('company.') + 1) as trait
    from members
    where
        breakdown_at = 'entry'
        and entity = 'user'
        and starts_with(breakdown, 'company.')

    union all

    select
        report,
        cohort_number,
        entity_id,
        entered_on,
        entity as trait_entity,
        entity_id as trait_entity_id,
        breakdown as trait
    from members
    where
        breakdown_at = 'entry'
        and not (entity = 'user' and starts_with(breakdown, 'company.'))
),

-- The value at the end of the day of entry; without one, the first later one.
entry_values as (
    select
        asked_at_entry.report,
        asked_at_entry.cohort_number,
        asked_at_entry.entity_id,
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
            asked_at_entry.report, asked_at_entry.cohort_number, asked_at_entry.entity_id
        order by traits.valid_from
    ) = 1
),

values_found as (
    select * from latest_values
    union all
    select * from entry_values
)

select
    report,
    period,
    cohort_number,
    entity_id,
    '(all)' as breakdown_value
from members

union all

select
    members.report,
    members.period,
    members.cohort_number,
    members.entity_id,
    coalesce(values_found.value_text, '(none)') as breakdown_value
from members
left join values_found
    on
        members.report = values_found.report
        and members.cohort_number = values_found.cohort_number
        and members.entity_id = values_found.entity_id
where members.breakdown is not null
