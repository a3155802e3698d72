-- One row per cell or row of a seed that contradicts itself or names something unknown.
{% set entities = ['user', 'company'] %}
{% set booleans = ['true', 'false'] %}
{% set types = ['string', 'number', 'boolean', 'datetime', 'array', 'object'] %}
{% set a_date = 'a date like 2025-03-31' %}
{% set dates_in_order =
    'try_cast(' ~ cell('ends_on') ~ ' as date) < try_cast(' ~ cell('starts_on') ~ ' as date)' %}
{% set half_a_filter =
    '(' ~ cell('filter_by') ~ ' is null) <> (' ~ cell('filter_values') ~ ' is null)' %}

with

problems as (
    {{ blank_cells('tracking_plan_events', 'event') }}
    union all
    {{ cells_not_among('tracking_plan_events', 'counts_as_active', booleans, true) }}
    union all
    {{ cells_not_among('tracking_plan_events', 'expected_side', ['server', 'client'], true) }}

    union all
    {{ blank_cells('tracking_plan_properties', 'property') }}
    union all
    {{ blank_cells('tracking_plan_properties', 'event') }}
    union all
    {{ unknown_events('tracking_plan_properties', 'event') }}
    union all
    {{ repeated_rows('tracking_plan_properties', ['event', 'property']) }}
    union all
    {{ cells_not_among('tracking_plan_properties', 'type', types) }}
    union all
    {{ cells_not_among('tracking_plan_properties', 'required', booleans, true) }}
    union all
    {{ cells_not_among('tracking_plan_properties', 'is_pii', booleans, true) }}

    union all
    {{ blank_cells('tracking_plan_traits', 'trait') }}
    union all
    {{ rows_where('tracking_plan_traits', snake_case('trait') ~ " = ''", 'the trait has no letter or digit to name a column by', 'name it otherwise, or delete the row') }}
    union all
    {{ cells_not_among('tracking_plan_traits', 'entity', entities) }}
    union all
    {{ cells_not_among('tracking_plan_traits', 'type', types) }}
    union all
    {{ cells_not_among('tracking_plan_traits', 'required', booleans, true) }}
    union all
    {{ cells_not_among('tracking_plan_traits', 'is_pii', booleans, true) }}

    union all
    {{ blank_cells('plans', 'plan') }}
    union all
    {{ repeated_rows('plans', ['plan'], without_case=true) }}
    union all
    {{ cells_not_among('plans', 'is_paying', booleans) }}
    union all
    {{ cells_not_of_type('plans', 'mau_limit', 'bigint', 'a whole number', at_least=0) }}

    union all
    {{ cells_not_among('internal_accounts', 'match_on', ['user_id', 'email_domain', 'company_id']) }}
    union all
    {{ blank_cells('internal_accounts', 'value') }}

    union all
    {{ blank_cells('activity_reports', 'report') }}
    union all
    {{ repeated_rows('activity_reports', ['report']) }}
    union all
    {{ cells_not_among('activity_reports', 'entity', entities) }}
    union all
    {{ unknown_events('activity_reports', 'event') }}
    union all
    {{ unknown_traits('activity_reports', 'filter_by') }}
    union all
    {{ rows_where('activity_reports', half_a_filter, 'only one of filter_by and filter_values is filled in', 'fill in both, or neither') }}
    union all
    {{ cells_not_of_type('activity_reports', 'starts_on', 'date', a_date) }}
    union all
    {{ cells_not_of_type('activity_reports', 'ends_on', 'date', a_date) }}
    union all
    {{ rows_where('activity_reports', dates_in_order, 'ends_on is before starts_on', 'swap them, or leave one blank') }}

    union all
    {{ blank_cells('retention_reports', 'report') }}
    union all
    {{ repeated_rows('retention_reports', ['report']) }}
    union all
    {{ cells_not_among('retention_reports', 'entity', entities) }}
    union all
    {{ unknown_events('retention_reports', 'cohort_event') }}
    union all
    {{ unknown_events('retention_reports', 'return_event') }}
    union all
    {{ cells_not_among('retention_reports', 'cohort_rule', ['first', 'every']) }}
    union all
    {{ cells_not_among('retention_reports', 'period', ['day', 'week', 'month']) }}
    union all
    {{ cells_not_among('retention_reports', 'return_window', ['exact', 'on_or_after']) }}
    union all
    {{ cells_not_of_type('retention_reports', 'minimum_events', 'integer', 'a whole number from 1', at_least=1) }}
    union all
    {{ cells_not_of_type('retention_reports', 'periods', 'integer', 'a whole number from 1', at_least=1) }}
    union all
    {{ unknown_traits('retention_reports', 'filter_by') }}
    union all
    {{ rows_where('retention_reports', half_a_filter, 'only one of filter_by and filter_values is filled in', 'fill in both, or neither') }}
    union all
    {{ unknown_traits('retention_reports', 'breakdown') }}
    union all
    {{ cells_not_among('retention_reports', 'breakdown_at', ['latest', 'entry'], true) }}
    union all
    {{ cells_not_of_type('retention_reports', 'starts_on', 'date', a_date) }}
    union all
    {{ cells_not_of_type('retention_reports', 'ends_on', 'date', a_date) }}
    union all
    {{ rows_where('retention_reports', dates_in_order, 'ends_on is before starts_on', 'swap them, or leave one blank') }}

    union all
    {{ blank_cells('activation_milestones', 'milestone') }}
    union all
    {{ repeated_rows('activation_milestones', ['entity', 'milestone']) }}
    union all
    {{ repeated_rows('activation_milestones', ['entity', 'position']) }}
    union all
    {{ rows_where('activation_milestones', cell('milestone') ~ " = 'activated'", 'the milestone activated is made by Daybook: it means all of the others', 'give this one another name') }}
    union all
    {{ cells_not_among('activation_milestones', 'entity', entities) }}
    union all
    {{ blank_cells('activation_milestones', 'event') }}
    union all
    {{ unknown_events('activation_milestones', 'event') }}
    union all
    {{ cells_not_of_type('activation_milestones', 'position', 'integer', 'a whole number', may_be_blank=false) }}
    union all
    {{ cells_not_of_type('activation_milestones', 'minimum_events', 'integer', 'a whole number from 1', at_least=1) }}
    union all
    {{ cells_not_of_type('activation_milestones', 'within_days', 'double', 'a number of days', at_least=0, may_be_blank=false) }}
),

names_claimed_twice as (
    select
        'tracking_plan_events' as seed,
        line,
        event_as_sent as value,
        'the name "' || event_as_sent || '" stands in row '
            || min(line) over (partition by event_as_sent) || ' already' as problem,
        'let one event have it, as its event or among its former_names' as mend
    from {{ ref('stg_plan_event_names') }}
    qualify row_number() over (partition by event_as_sent order by line) > 1

    union all

    select
        'tracking_plan_traits' as seed,
        line,
        trait_as_sent as value,
        'the ' || entity || ' trait "' || trait_as_sent || '" stands in row '
            || min(line) over (partition by entity, trait_as_sent) || ' already' as problem,
        'let one trait have it, as its trait or among its former_names' as mend
    from {{ ref('stg_plan_trait_names') }}
    qualify row_number() over (partition by entity, trait_as_sent order by line) > 1
),

trait_columns_claimed_twice as (
    select
        'tracking_plan_traits' as seed,
        line,
        trait as value,
        'the ' || entity || ' trait "' || trait || '" would be the column '
            || {{ snake_case('trait') }} || ', as the one in row '
            || min(line) over (partition by entity, {{ snake_case('trait') }}) as problem,
        'name one of them otherwise, or give the older one as a former name' as mend
    from (select distinct on (entity, trait) * from {{ ref('stg_plan_traits') }} order by line) as traits
    qualify row_number() over (partition by entity, {{ snake_case('trait') }} order by line) > 1
),

all_problems as (
    select * from problems
    union all
    select * from names_claimed_twice
    union all
    select * from trait_columns_claimed_twice
)

select
    'seeds/' || case
        when starts_with(seed, 'tracking_plan') then 'tracking_plan/'
        when seed in ('plans', 'internal_accounts') then 'business/'
        else 'reports/'
    end || seed || '.csv' as file,
    line,
    value,
    problem,
    mend,
    file || ', row ' || line || ': ' || problem || '; ' || mend || '.' as message
from all_problems
