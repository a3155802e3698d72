-- One row per selector, entity, and week or month with an event that the selector picks, of those that
-- a report asks for.
with

selector_days as {{ read_anew() }} (
    select
        selector_days.*,
        days.week_number,
        days.month_number
    from {{ ref('int_selector_days') }} as selector_days
    inner join {{ ref('int_days') }} as days on selector_days.event_day = days.day
    where selector_days.events > 0
),

wanted as (
    select * from {{ ref('int_selector_clocks') }}
)

{% for period in ['week', 'month'] -%}
select
    selector_id,
    '{{ period }}' as period,
    cast({{ period }}_number as integer) as period_number,
    entity_number,
    cast(sum(events) as integer) as events,
    min(event_day) as first_day
from selector_days
where selector_id in (select wanted.selector_id from wanted where wanted.period = '{{ period }}')
group by selector_id, {{ period }}_number, entity_number
{% if not loop.last %}
union all

{% endif %}
{%- endfor %}
