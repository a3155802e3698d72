-- Where do most of our sign-ups come from?
-- One row per source: how many signed up, and their share of those whose source is known.
with

sign_ups as (
    select
        user_id,
        signup_source
    from marts.dim_users
    where
        signed_up_at is not null
        and not is_internal
),

-- Who was invited need not have heard of us elsewhere.
invited as (
    select user_id
    from marts.fct_events
    where
        event = 'signed_up'
        and event_day <= (select as_of from marts.calendar)
    group by user_id
    having lower(trim(
        arg_min(coalesce(json_extract_string(properties, '$.source'), ''), (event_at, event_id))
    )) = 'invited'
),

sources as (
    select
        case
            when invited.user_id is not null then 'invited'
            else nullif(trim(sign_ups.signup_source), '')
        end as source,
        count(*) as users
    from sign_ups
    left join invited on sign_ups.user_id = invited.user_id
    group by source
),

ranked as (
    select
        coalesce(source, '(unknown)') as source,
        users,
        case
            when source is not null
                then users / sum(users) filter (source is not null) over ()
        end as share_of_known,
        sum(users) filter (source is not null) over () as known,
        sum(users) over () as total,
        row_number() over (order by source is null, users desc, source) as place,
        lead(source) over (order by source is null, users desc, source) as next_source,
        lead(users) over (order by source is null, users desc, source) as next_users
    from sources
),

answer as (
    select coalesce(max(
        format(
            case
                when users = next_users and next_source is not null then 'Two lead alike: '
                else 'From '
            end || '{}: {:,} of the {:,} sign-ups whose source is known ({:.1f} %)',
            source, users, known, 100 * share_of_known
        )
        || coalesce(format(', then {} ({:.1f} %)', next_source, 100 * next_users / known), '')
        || case when total > known then format('. Of {:,} it is unknown.', total - known) else '.' end
    ), 'The logs cannot tell: nobody who signed up has a source.') as answer
    from ranked
    where
        place = 1
        and known > 0
)

select
    answer.answer,
    ranked.source,
    ranked.users,
    ranked.share_of_known
from answer
left join ranked on true
order by ranked.place
