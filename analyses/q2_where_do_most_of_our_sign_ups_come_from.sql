-- Where do most of our sign-ups come from?
-- One row per source: how many signed up, and their share of those whose source is known.
with

-- Who was invited need not have heard of us elsewhere.
first_sign_ups as (
    select
        user_id,
        arg_min(
            coalesce(json_extract_string(properties, '$.source'), ''), (event_at, event_id)
        ) as source
    from marts.fct_events
    where
        event = 'signed_up'
        and event_day <= (select as_of from marts.calendar)
    group by user_id
),

sources as (
    select
        case
            when lower(trim(first_sign_ups.source)) = 'invited' then 'invited'
            else nullif(trim(users.signup_source), '')
        end as source,
        count(*) as users
    from marts.dim_users as users
    left join first_sign_ups on users.user_id = first_sign_ups.user_id
    where
        users.signed_up_at is not null
        and not users.is_internal
    group by 1
),

ranked as (
    select
        coalesce(source, '(unknown)') as source,
        users,
        case when source is not null then users / sum(users) over by_known end as share_of_known,
        case when source is not null then rank() over (by_known order by users desc) end as rank
    from sources
    window by_known as (partition by source is not null)
),

answer as (
    select
        case
            when count(rank) = 0
                then 'The logs cannot tell: nobody who signed up has a source.'
            when count(*) filter (rank = 1) > 1
                then format(
                    'Several lead alike: {}, each with {:,} of the {:,} sign-ups whose source is '
                    'known ({:.1f} %).',
                    string_agg('"' || source || '"', ', ' order by source) filter (rank = 1),
                    max(users) filter (rank = 1),
                    cast(sum(users) filter (rank > 0) as bigint),
                    100 * max(share_of_known)
                )
            else format(
                'The largest source is "{}": {:,} of the {:,} sign-ups whose source is known '
                '({:.1f} %){}.',
                max(source) filter (rank = 1),
                max(users) filter (rank = 1),
                cast(sum(users) filter (rank > 0) as bigint),
                100 * max(share_of_known),
                coalesce(format(
                    ', then "{}" ({:.1f} %)',
                    min(source) filter (rank = 2),
                    100 * max(share_of_known) filter (rank = 2)
                ), '')
            )
        end
        || coalesce(format(' Of {:,} more the source is unknown.', max(users) filter (
            rank is null and (select max(ranked.rank) from ranked) > 0
        )), '') as answer
    from ranked
)

select
    answer.answer,
    ranked.source,
    ranked.users,
    ranked.share_of_known
from answer
left join ranked on true
order by ranked.rank nulls last, ranked.source
