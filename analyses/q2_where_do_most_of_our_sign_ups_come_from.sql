-- Where do most of our sign-ups come from?
-- One row per source: how many signed up, and their share of those whose source is known.
-- needs: event signed_up
-- needs: user trait signup_source
with

not_planned as (
    select
        'The tracking plan has no event "signed_up", or no user trait "signup_source".' as sentence
    where
        not exists (
            select 1 from seeds.tracking_plan_events
            where trim(event) = 'signed_up'
        )
        or not exists (
            select 1 from seeds.tracking_plan_traits
            where
                lower(trim(entity)) = 'user'
                and trim(trait) = 'signup_source'
        )
),

-- A sign-up before signed_up_at lies on a day that no report sees.
first_sign_ups as (
    select
        events.user_id,
        arg_min(
            coalesce(json_extract_string(events.properties, '$.source'), ''),
            (events.event_at, events.event_id)
        ) as source
    from marts.fct_events as events
    inner join marts.dim_users as users
        on
            events.user_id = users.user_id
            and events.event_at >= users.signed_up_at
    where
        events.event = 'signed_up'
        and events.event_day <= (select as_of from marts.calendar)
    group by events.user_id
),

-- From the history of traits: a column of dim_users is there only where the trait is planned.
signup_sources as (
    select
        traits.entity_id as user_id,
        nullif(trim(json_extract_string(traits.value, '$')), '') as signup_source
    from marts.fct_traits as traits
    inner join marts.calendar
        on
            traits.valid_from < calendar.as_of_ends_at
            and coalesce(traits.valid_to >= calendar.as_of_ends_at, true)
    where
        traits.entity = 'user'
        and traits.trait = 'signup_source'
),

-- An invited user counts as invited, whatever source it names.
sources as (
    select
        case
            when lower(trim(first_sign_ups.source)) = 'invited' then 'invited'
            else signup_sources.signup_source
        end as source,
        count(*) as users
    from marts.dim_users as users
    left join first_sign_ups on users.user_id = first_sign_ups.user_id
    left join signup_sources on users.user_id = signup_sources.user_id
    where
        users.signed_up_at is not null
        and not users.is_internal
        and not exists (select 1 from not_planned)
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
            when exists (select 1 from not_planned) then (select sentence from not_planned)
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
left join ranked on not starts_with(answer.answer, 'The logs cannot tell')
order by ranked.rank nulls last, ranked.source
