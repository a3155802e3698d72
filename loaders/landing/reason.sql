-- Why a call is quarantined; null: it is not. loaders/landing/quarantine.py says what the reasons mean.
-- (`in` with six constants would become a hash join, which loses the order of the lines.)
case
    when type is null
        or not list_contains(['identify', 'group', 'track', 'page', 'screen', 'alias'], type)
        then if(distinct_id is null, 'unknown_type', 'posthog_format')
    when user_id is null and anonymous_id is null then 'no_user_id'
    when type = 'track' and event is null then 'no_event'
    when type = 'group' and group_id is null then 'no_group_id'
    when type = 'alias' and previous_id is null then 'no_previous_id'
    when {no_readable_time} then 'no_readable_time'
end
