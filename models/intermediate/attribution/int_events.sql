-- One row per unique track, page or screen call, with the user and the company it belongs to.
--
-- They come from the daily table. Resolved here from the small tables (a third quicker over 99 million
-- calls), DuckDB 2.0.0 returns 10,000 rows for `order by ... limit 1` of this view.
{{ config(materialized='view') }}

with

events as (
    select * from {{ ref('stg_events') }}
),

attributed_days as (
    select * from {{ ref('int_attributed_days') }}
)

{%- if is_on('companies_by_email_domain') %},

users_by_email_domain as (
    select user_id from {{ ref('int_user_companies') }}
    where is_by_email_domain
)
{%- endif %}

select
    events.message_id as event_id,
    attributed_days.event,
    events.event as event_as_sent,
    events.event_at,
    events.event_day,
    events.received_at,
    attributed_days.user_id,
    events.anonymous_id,
    attributed_days.company_id,
    case
        when attributed_days.names_company then 'event'
        {%- if is_on('companies_by_email_domain') %}
        when
            attributed_days.company_id is not null
            and attributed_days.user_id in (select user_id from users_by_email_domain)
            then 'email_domain'
        {%- endif %}
        when attributed_days.company_id is not null then 'membership'
    end as company_source,
    events.name,
    events.properties,
    events.library,
    events.channel,
    events.context_values,
    events.source,
    attributed_days.is_planned,
    attributed_days.is_internal,
    events.time_quality,
    events.load_id,
    events.line_number,
    events.call_number
from events
inner join attributed_days on events.call_day_key = attributed_days.call_day_key
