-- One row per selector, entity and calendar period with an event that the selector picks.
with

selector_days as (
    select
        selector_days.*,
        days.day_number,
        days.week_number,
        days.month_number
    from {{ ref('int_selector_days') }} as selector_days
    inner join {{ ref('int_days') }} as days on selector_days.event_day = days.day
)

{% for period in ['day', 'week', 'month'] -%}
select
    selector_id,
    '{{ period }}' as period,
    {{ period }}_number as period_number,
    entity_id,
    sum(events) as events,
    min(event_day) as first_day,
    nullif(min_by(coalesce(first_company_id, ''), event_day), '') as first_company_id
from selector_days
group by selector_id, {{ period }}_number, entity_id
{% if not loop.last %}
union all

{% endif %}
{%- endfor %}
