{# One row per cell of a seed that is not among the values its column takes. #}
{% macro cells_not_among(seed, column, values, may_be_blank=false) -%}
    select
        '{{ seed }}' as seed,
        row_number() over () + 1 as line,
        {{ cell(column) }} as value,
        '{{ column }} is ' || coalesce('"' || {{ cell(column) }} || '"', 'blank') as problem,
        'write one of: {{ values | join(", ") }}{{ ", or leave it blank" if may_be_blank }}' as mend
    from {{ ref(seed) }}
    qualify
        coalesce(lower({{ cell(column) }}), '')
        not in ('{{ values | join("', '") }}'{{ ", ''" if may_be_blank }})
{%- endmacro %}

{# One row per cell of a seed that cannot be read as the type of its column. #}
{% macro cells_not_of_type(seed, column, type, example, at_least=none, may_be_blank=true) -%}
    select
        '{{ seed }}' as seed,
        row_number() over () + 1 as line,
        {{ cell(column) }} as value,
        '{{ column }} is ' || coalesce('"' || {{ cell(column) }} || '"', 'blank') as problem,
        'write {{ example }}{{ ", or leave it blank" if may_be_blank }}' as mend
    from {{ ref(seed) }}
    qualify
        {% if may_be_blank -%}
        ({{ cell(column) }} is not null and try_cast({{ cell(column) }} as {{ type }}) is null)
        {%- else -%}
        try_cast({{ cell(column) }} as {{ type }}) is null
        {%- endif %}
        {% if at_least is not none -%}
        or try_cast({{ cell(column) }} as {{ type }}) < {{ at_least }}
        {%- endif %}
{%- endmacro %}

{# One row per blank cell in a column that needs a value. #}
{% macro blank_cells(seed, column) -%}
    select
        '{{ seed }}' as seed,
        row_number() over () + 1 as line,
        cast(null as varchar) as value,
        '{{ column }} is blank' as problem,
        'fill it in, or delete the row' as mend
    from {{ ref(seed) }}
    qualify {{ cell(column) }} is null
{%- endmacro %}

{# One row per row of a seed whose key an earlier row has already. #}
{% macro repeated_rows(seed, key, without_case=false) -%}
    select
        '{{ seed }}' as seed,
        line,
        value,
        '{{ key | join(" and ") }} "' || value || '" stands in row ' || first_line || ' already'
            as problem,
        'keep one of the two rows' as mend
    from (
        select
            *,
            min(line) over (partition by value) as first_line
        from (
            select
                row_number() over () + 1 as line,
                {% for column in key -%}
                coalesce(
                    {{ comparable(column) if without_case else cell(column) }}, ''
                ){{ " || ' / ' || " if not loop.last }}
                {%- endfor %} as value
            from {{ ref(seed) }}
        ) as named
    ) as compared
    where line > first_line
{%- endmacro %}

{# One row per cell that names an event which nobody planned. #}
{% macro unknown_events(seed, column) -%}
    select
        '{{ seed }}' as seed,
        line,
        value,
        '{{ column }} "' || value || '" is not an event of the tracking plan' as problem,
        coalesce(
            'write "' || current_name || '", its name today',
            'add it to tracking_plan_events.csv, or write the name as it stands there'
        ) as mend
    from (
        select
            rows_of_seed.line,
            rows_of_seed.value,
            names.event as current_name
        from (
            select
                row_number() over () + 1 as line,
                {{ cell(column) }} as value
            from {{ ref(seed) }}
        ) as rows_of_seed
        left join {{ ref('stg_plan_event_names') }} as names
            on rows_of_seed.value = names.event_as_sent
        where
            rows_of_seed.value is not null
            and rows_of_seed.value not in ('page', 'screen')
            and (names.event is null or names.event <> rows_of_seed.value)
    ) as unknown
{%- endmacro %}

{# One row per cell that names a trait which nobody planned for that entity. #}
{% macro unknown_traits(seed, column) -%}
    select
        '{{ seed }}' as seed,
        rows_of_seed.line,
        rows_of_seed.value,
        '{{ column }} "' || rows_of_seed.value || '" is not a trait of a '
            || rows_of_seed.entity as problem,
        'add it to tracking_plan_traits.csv, or write a trait as it stands there '
            || '(for the company of a user: company.<trait>)' as mend
    from (
        select
            row_number() over () + 1 as line,
            lower({{ cell('entity') }}) as entity,
            {{ cell(column) }} as value
        from {{ ref(seed) }}
    ) as rows_of_seed
    left join {{ ref('stg_plan_traits') }} as traits
        on
            rows_of_seed.value
            = case
                when rows_of_seed.entity = 'user' and traits.entity = 'company' then 'company.'
                else ''
            end || traits.trait
            and (rows_of_seed.entity = traits.entity or rows_of_seed.entity = 'user')
    where
        rows_of_seed.value is not null
        and traits.trait is null
{%- endmacro %}

{# One row per row that meets a condition which no row may meet. #}
{% macro rows_where(seed, condition, problem, mend) -%}
    select
        '{{ seed }}' as seed,
        row_number() over () + 1 as line,
        cast(null as varchar) as value,
        '{{ problem }}' as problem,
        '{{ mend }}' as mend
    from {{ ref(seed) }}
    qualify {{ condition }}
{%- endmacro %}
