"""Break each rule of the contract, one line at a time, and see its own test turn red.

    python tests/mutants.py [WORD...]     # all mutants, or those whose rule has one of the words

A copy of the dbt project is built once, without a mutant and without logs: every test that is
named below has to be green there. Then each mutant is put in, its test is run alone, and the mutant
is taken out again. `killed` is what we want to read: the test failed because its expectation was
not met. A mutant that does not run at all (`broken`) proves nothing, and fails like a survivor.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import _close_every_connection, write_dbt_project, write_seeds
from rich.console import Console
from rich.progress import track
from rich.table import Table

REPO = Path(__file__).resolve().parent.parent
DBT_PART = ("models", "macros", "tests/sql", "profiles.yml")


@dataclass(frozen=True)
class Mutant:
    """A rule, and the line of SQL without which it does not hold."""

    rule: str
    file: str
    old: str
    new: str
    test: str


CALLS = "models/staging/calls/stg_calls.sql"
PLAN = "models/staging/plan"
WHO = "models/intermediate/identity"
FACTS = "models/intermediate/facts"
ENTITIES = "models/intermediate/entities"
CALENDAR = "models/intermediate/calendar"
REPORTS = "models/intermediate/reports"
PRESENCE = f"{ENTITIES}/int_presence.sql"
MILESTONES = f"{ENTITIES}/int_reached_milestones.sql"
COHORT_MEMBERS = f"{REPORTS}/int_retention_cohorts.sql"
FEATURE_PERIODS = f"{REPORTS}/int_feature_periods.sql"
COMPANY_FEATURE_PERIODS = f"{REPORTS}/int_company_feature_periods.sql"
FEATURE_COUNTS = f"{REPORTS}/int_feature_counts.sql"
CORE = "models/marts/core"
ACTIVITY = "models/marts/activity/activity.sql"
RETENTION = "models/marts/retention/retention.sql"
OVERALL = "models/marts/retention/retention_overall.sql"
ACTIVATION = "models/marts/activation/activation.sql"
ADOPTION = "models/marts/adoption/feature_adoption.sql"

TIME_RULES = "the_first_time_rule_that_applies_gives_the_time"
COPIES = "of_several_copies_the_one_received_first_counts"
COMPANY_OF_AN_EVENT = "the_company_on_the_call_wins_over_the_one_last_sighted"
DEVICES = "a_device_belongs_to_whoever_was_last_seen_on_it"
GOES_ON = "on_a_new_day_a_device_goes_on_from_the_stretches_that_it_has"
TIES = "traits_of_one_moment_are_settled_by_receipt_and_then_by_message"
INTERNAL = "a_user_is_internal_by_the_domain_of_its_email_or_its_id"
THERE = "who_was_there_together_is_one_row_and_either_may_be_missing"
SIGHTED = "they_are_sighted_by_group_calls_and_events_that_name_the_company"
SIGN_UP_EVENT = "sign_up_is_the_first_sign_up_event_by_the_last_whole_day"
SIGN_UP = "sign_up_is_the_earlier_of_the_first_sign_up_event_and_the_creation_trait"
OUR_OWN = "what_our_own_people_do_does_not_sign_a_customer_up"
NUMBERS = "who_is_new_gets_the_next_number_and_all_others_keep_theirs"
OWN_NAME = "an_event_counts_for_whom_it_belongs_to_under_its_name_of_today"
WINDOW = "both_ends_of_an_activation_window_count"
VISITOR = "a_company_is_active_through_an_anonymous_visitor_who_is_no_user"
CLOCKS = "a_selector_is_counted_by_the_periods_that_a_report_asks_for"
PERIODS = "a_period_has_one_row_and_the_events_of_all_its_days_where_they_are_asked_for"
FILTER = "a_filter_keeps_those_whose_latest_value_is_named"
FILTERED = "a_filtered_report_counts_those_that_its_filter_keeps"
FILTERED_COHORT = "a_cohort_holds_those_that_the_filter_keeps"
LIFECYCLE = "new_retained_resurrected_and_dormant_add_up"
WIDENED = "a_report_widens_to_whole_periods_and_looks_back_before_them"
ROLLING = "a_rolling_window_holds_its_last_day_and_the_ones_before_it"
COHORTS = "the_first_cohort_is_that_of_the_first_event_ever"
ENTRY = "a_breakdown_at_entry_takes_the_value_at_the_end_of_that_day"
AT_ENTRY = "at_entry_a_companys_trait_is_that_of_the_events_company"
ENTERED_WITH = "a_period_is_entered_with_the_company_of_its_first_event"
EXACT = "exact_retention_asks_for_enough_events_in_that_very_period"
ON_OR_AFTER = "on_or_after_counts_the_last_return_up_to_the_end_of_the_report"
SEGMENTS = "a_company_is_paying_by_its_plan_at_the_end_of_the_period"
COUNTED_USES = "uses_of_our_own_and_of_days_to_come_do_not_count"
ONE_PAIR = "user_and_company_are_active_by_all_they_did"
ONE_COMPANY = "a_company_is_active_by_any_of_its_people"
ADOPTERS = "who_is_not_active_in_a_segment_adopts_nothing_there"
RATES = "adoption_is_the_adopters_among_the_active_of_their_segment"
RANKS = "features_are_ranked_by_adopters_then_uses_then_name"
WEEK_DONE = "a_cohort_week_is_complete_when_its_last_day_had_the_longest_window"
PLANS = "an_unknown_plan_is_not_paying_and_has_no_limit"

MUTANTS = [
    # Contract 2: when it happened, and which copy counts
    Mutant(
        "an archive's time is not corrected twice",
        CALLS,
        "not coalesce(in_batch, false)",
        "coalesce(in_batch, false)",
        TIME_RULES,
    ),
    Mutant(
        "a time that the caller set is taken",
        CALLS,
        "when read_timestamp is not null and {{ read_original_timestamp }} is not null",
        "when false",
        TIME_RULES,
    ),
    Mutant(
        "the sender's clock is corrected by the time of receipt",
        CALLS,
        "then read_received_at - ({{ read_sent_at }} - {{ sender_time }})",
        "then {{ sender_time }}",
        TIME_RULES,
    ),
    Mutant(
        "an event of the future happened when it was received",
        CALLS,
        "receive_time + interval 1 day",
        "receive_time + interval 2 day",
        "an_event_more_than_a_day_ahead_of_its_receipt_happened_when_it_was_received",
    ),
    Mutant(
        "exactly a day ahead is still believed",
        CALLS,
        "claimed_time > receive_time",
        "claimed_time >= receive_time",
        "an_event_more_than_a_day_ahead_of_its_receipt_happened_when_it_was_received",
    ),
    Mutant(
        "the copy received first counts",
        CALLS,
        ") asc nulls last",
        ") desc nulls last",
        COPIES,
    ),
    Mutant(
        "a copy that was never received comes last",
        CALLS,
        ") asc nulls last",
        ") asc nulls first",
        COPIES,
    ),
    Mutant(
        "copies are told apart by content, not by place",
        CALLS,
        'raw_calls."timestamp", raw_calls.original_timestamp',
        "raw_calls.load_id, raw_calls.original_timestamp",
        COPIES,
    ),
    Mutant(
        "ids are unique over all types",
        CALLS,
        "            partition by raw_calls.message_id",
        "            partition by raw_calls.message_id, raw_calls.type",
        COPIES,
    ),
    Mutant(
        "ids are unique over all types, also of calls received at once",
        CALLS,
        "\n        partition by raw_calls.message_id",
        "\n        partition by raw_calls.message_id, raw_calls.type",
        COPIES,
    ),
    Mutant(
        "a day is a day of the reporting timezone",
        "macros/engine.sql",
        "{%- if var('timezone') == 'UTC' -%}",
        "{%- if var('timezone') -%}",
        "a_day_is_a_day_of_the_reporting_timezone",
    ),
    # Contract 5: who did it
    Mutant(
        "aliases are followed to the end",
        f"{WHO}/int_user_ids.sql",
        "inner join counting_aliases on walks.reached = counting_aliases.previous_id",
        "inner join counting_aliases on walks.reached = counting_aliases.previous_id and false",
        "a_chain_of_aliases_is_followed_to_its_end",
    ),
    Mutant(
        "the latest alias of an id counts",
        f"{WHO}/int_user_ids.sql",
        "order by event_at desc, received_at desc nulls first, message_id desc",
        "order by event_at asc, received_at desc nulls first, message_id desc",
        "of_several_aliases_of_one_id_the_latest_counts",
    ),
    Mutant(
        "of aliases of one moment the one received last counts",
        f"{WHO}/int_user_ids.sql",
        "order by event_at desc, received_at desc nulls first, message_id desc",
        "order by event_at desc, message_id desc",
        "of_several_aliases_of_one_id_the_latest_counts",
    ),
    Mutant(
        "the latest alias of a circle is the one ignored",
        f"{WHO}/int_user_ids.sql",
        "            counting_aliases.event_at desc,",
        "            counting_aliases.event_at asc,",
        "the_alias_that_closes_a_circle_is_ignored",
    ),
    Mutant(
        "an alias ties an anonymous id to its user",
        f"{WHO}/int_device_owners.sql",
        "    from {{ ref('stg_aliases') }}\n",
        "    from {{ ref('stg_aliases') }} where false\n",
        "an_alias_ties_an_anonymous_id_to_its_user",
    ),
    Mutant(
        "a device's user is followed through aliases",
        f"{WHO}/int_device_owners.sql",
        "coalesce(user_ids.user_id, together.user_id) as user_id",
        "together.user_id",
        "an_alias_ties_an_anonymous_id_to_its_user",
    ),
    Mutant(
        "the last one seen on a device within a day has it",
        "macros/last_seen.sql",
        "order by last_at desc, {{ other }} desc",
        "order by first_at asc, {{ other }} desc",
        DEVICES,
    ),
    Mutant(
        "a day before the first sighting is the first one's",
        "macros/last_seen.sql",
        "        cast(null as date) as from_day,\n        event_day as to_day,\n",
        "        event_day as from_day,\n        event_day as to_day,\n",
        DEVICES,
    ),
    Mutant(
        "a device changes hands when somebody else is seen on it",
        "macros/last_seen.sql",
        "lead(event_day) over (partition by {{ key }} order by event_day) as to_day",
        "cast(null as date) as to_day",
        DEVICES,
    ),
    Mutant(
        "who alone is seen on a device has it from the first day on",
        "macros/last_seen.sql",
        "min(event_day) as event_day",
        "max(event_day) as event_day",
        DEVICES,
    ),
    Mutant(
        "a device on which several are seen is not one's alone",
        "macros/last_seen.sql",
        "    having min({{ other }}) = max({{ other }})\n",
        "",
        DEVICES,
    ),
    Mutant(
        "a device that only goes on has the stretches that it had",
        "macros/last_seen.sql",
        "    where built.seen_on <= {{ latest_day }}\n",
        "    where false\n",
        GOES_ON,
    ),
    Mutant(
        "of the stretches that were told, the first opened its day",
        "macros/last_seen.sql",
        "then seen_on else seen_on + 1 end as timestamp)\n            as first_at",
        "then seen_on + 2 else seen_on + 1 end as timestamp)\n            as first_at",
        GOES_ON,
    ),
    Mutant(
        "of the stretches that were told, any other closed its day",
        "macros/last_seen.sql",
        "then seen_on else seen_on + 1 end as timestamp)\n            as last_at",
        "then seen_on + 2 else seen_on + 1 end as timestamp)\n            as last_at",
        GOES_ON,
    ),
    Mutant(
        "a sighting on a day that was there has all told again",
        "macros/last_seen.sql",
        "                    and seen.event_day > {{ latest_day }}\n",
        "",
        GOES_ON,
    ),
    Mutant(
        "a device that nobody was seen on has all told again",
        "macros/last_seen.sql",
        "                    and first_one.seen_on <= {{ latest_day }}\n",
        "",
        GOES_ON,
    ),
    Mutant(
        "who loses an id or a device has changed",
        f"{WHO}/int_changed_users.sql",
        "        {{ list_to_rows('former_user_ids') }} as user_id\n    from device_owners",
        "        cast(null as varchar) as user_id\n    from device_owners",
        "who_gained_or_lost_an_id_or_a_device_has_changed",
    ),
    Mutant(
        "who gains an id has changed",
        f"{WHO}/int_changed_users.sql",
        "    select\n        build,\n        user_id\n    from user_ids\n",
        "    select\n        build,\n        id as user_id\n    from user_ids\n",
        "who_gained_or_lost_an_id_or_a_device_has_changed",
    ),
    Mutant(
        "the user named by the call wins over the device's",
        f"{WHO}/int_identified_days.sql",
        "coalesce(user_ids.user_id, call_days.user_id, device_owners.user_id)",
        "coalesce(user_ids.user_id, device_owners.user_id)",
        "a_call_belongs_to_its_own_user_and_else_to_the_devices_of_its_day",
    ),
    Mutant(
        "the day of a sighting counts with its new owner",
        f"{WHO}/int_identified_days.sql",
        "device_owners.from_day <= call_days.event_day",
        "device_owners.from_day < call_days.event_day",
        "a_call_belongs_to_its_own_user_and_else_to_the_devices_of_its_day",
    ),
    # Contract 5: for which company
    Mutant(
        "the company on the call wins",
        f"{FACTS}/int_attributed_days.sql",
        "coalesce(days.sent_company_id, user_companies.company_id) as company_id",
        "user_companies.company_id as company_id",
        COMPANY_OF_AN_EVENT,
    ),
    Mutant(
        "a sighting counts from its day on",
        f"{FACTS}/int_attributed_days.sql",
        "or user_companies.from_day <= days.event_day",
        "or user_companies.from_day < days.event_day",
        COMPANY_OF_AN_EVENT,
    ),
    Mutant(
        "before its first sighting a user is with the first company",
        f"{FACTS}/int_attributed_days.sql",
        "user_companies.from_day is null or ",
        "false or ",
        COMPANY_OF_AN_EVENT,
    ),
    Mutant(
        "the source of the company is told",
        f"{FACTS}/int_attributed_days.sql",
        "attributed.sent_company_id is not null as names_company",
        "attributed.company_id is not null as names_company",
        COMPANY_OF_AN_EVENT,
    ),
    Mutant(
        "an identify call is no sighting",
        f"{WHO}/int_sightings.sql",
        "type in ('group', 'track', 'page', 'screen')",
        "type in ('group', 'track', 'page', 'screen', 'identify')",
        "a_group_call_or_an_event_is_a_sighting_and_an_identify_is_not",
    ),
    Mutant(
        "a membership ends with the last sighting",
        f"{ENTITIES}/int_memberships.sql",
        "last_sighted_on as last_day",
        "first_sighted_on as last_day",
        "a_membership_lasts_from_the_first_sighting_to_the_last",
    ),
    Mutant(
        "who was never sighted together is no member",
        f"{ENTITIES}/int_memberships.sql",
        "where first_sighted_on is not null\n",
        "",
        "a_membership_lasts_from_the_first_sighting_to_the_last",
    ),
    Mutant(
        "they are last sighted on the last day",
        PRESENCE,
        "max(event_day) filter (",
        "min(event_day) filter (",
        SIGHTED,
    ),
    Mutant(
        "a sighting names the company",
        PRESENCE,
        "min(event_day) filter (\n            names_company and (is_event",
        "min(event_day) filter (\n            (is_event",
        SIGHTED,
    ),
    Mutant(
        "an identify call sights nobody",
        PRESENCE,
        "min(event_day) filter (\n            names_company and (is_event or is_group)\n",
        "min(event_day) filter (\n            names_company\n",
        SIGHTED,
    ),
    Mutant(
        "a sighting after the last whole day counts",
        PRESENCE,
        "max(event_day) filter (\n            names_company",
        "max(event_day) filter (\n            is_visible and names_company",
        SIGHTED,
    ),
    Mutant(
        "a user's company is the last one by the last whole day",
        f"{ENTITIES}/int_user_latest_companies.sql",
        "user_companies.to_day > as_of.as_of",
        "user_companies.to_day >= as_of.as_of",
        "a_users_company_is_the_last_one_by_the_last_whole_day",
    ),
    Mutant(
        "an identify call puts nobody in a company",
        PRESENCE,
        "filter (is_visible and (is_event or is_group))",
        "filter (is_visible)",
        "a_group_call_or_an_event_puts_somebody_in_a_company_and_an_identify_does_not",
    ),
    Mutant(
        "a group call puts somebody in a company",
        PRESENCE,
        "filter (is_visible and (is_event or is_group))",
        "filter (is_visible and is_event)",
        "a_group_call_or_an_event_puts_somebody_in_a_company_and_an_identify_does_not",
    ),
    Mutant(
        "what belongs to nobody is in no row",
        PRESENCE,
        "    select * from attributed_days\n    where\n        user_id is not null\n",
        "    select * from attributed_days\n    where\n        true\n",
        THERE,
    ),
    Mutant(
        "what has no calls any more is not seen",
        PRESENCE,
        "    where days.calls is distinct from 0\n",
        "",
        THERE,
    ),
    Mutant(
        "a company is there from its first group call or event on",
        f"{ENTITIES}/int_entities.sql",
        "        and first_together_at is not null\n",
        "",
        OUR_OWN,
    ),
    Mutant(
        "numbers go on from the highest one",
        f"{ENTITIES}/int_entity_numbers.sql",
        "(select coalesce(max(entity_number), 0) from {{ this }})\n        + ",
        "",
        NUMBERS,
    ),
    Mutant(
        "a number is for good",
        f"{ENTITIES}/int_entity_numbers.sql",
        "where built.entity_id is null",
        "where true",
        NUMBERS,
    ),
    # Contract 5: traits
    Mutant(
        "traits follow event time",
        f"{WHO}/int_traits.sql",
        "trait\n            order by event_at\n        ) as valid_to",
        "trait\n            order by received_at\n        ) as valid_to",
        "a_trait_set_late_does_not_overwrite_a_newer_one",
    ),
    Mutant(
        "of two calls of one moment one is heard",
        f"{WHO}/int_traits.sql",
        "having count(*) > 1",
        "having count(*) > 2",
        TIES,
    ),
    Mutant(
        "of traits of one moment the one received last wins",
        f"{WHO}/int_traits.sql",
        "received_at desc nulls first",
        "received_at asc nulls first",
        TIES,
    ),
    Mutant(
        "of traits received at once the message id decides",
        f"{WHO}/int_traits.sql",
        "message_id desc,",
        "message_id asc,",
        TIES,
    ),
    Mutant(
        "an explicit null clears",
        f"{WHO}/int_traits.sql",
        "    where told.entity_id is not null\n",
        "    where told.entity_id is not null and pairs.value not in ('null', '\"\"')\n",
        "an_explicit_null_clears_a_trait",
    ),
    Mutant(
        "a trait is counted under its name of today",
        f"{WHO}/int_traits.sql",
        "'coalesce(trait_names.trait, ' ~ trait_as_sent ~ ')'",
        "trait_as_sent",
        "a_trait_is_counted_under_its_name_of_today",
    ),
    Mutant(
        "a former name is one of its entity only",
        f"{WHO}/int_traits.sql",
        "told.entity = trait_names.entity\n            and",
        "true\n            and",
        "a_trait_is_counted_under_its_name_of_today",
    ),
    Mutant(
        "companies have traits by group calls only",
        f"{WHO}/int_traits.sql",
        "case when trait_calls.type = 'group' then 'company' else 'user' end as entity",
        "'user' as entity",
        "users_get_traits_by_identify_and_companies_by_group",
    ),
    Mutant(
        "a trait belongs to the user at the end of the aliases",
        f"{WHO}/int_traits.sql",
        "coalesce(user_ids.user_id, trait_calls.user_id, device_owners.user_id)",
        "coalesce(trait_calls.user_id, device_owners.user_id)",
        "users_get_traits_by_identify_and_companies_by_group",
    ),
    Mutant(
        "an anonymous identify is the device owner's",
        f"{WHO}/int_traits.sql",
        "coalesce(user_ids.user_id, trait_calls.user_id, device_owners.user_id)",
        "coalesce(user_ids.user_id, trait_calls.user_id)",
        "users_get_traits_by_identify_and_companies_by_group",
    ),
    Mutant(
        "an anonymous identify is that of the owner of its day",
        f"{WHO}/int_traits.sql",
        "device_owners.to_day > trait_calls.event_day",
        "device_owners.to_day >= trait_calls.event_day",
        "an_anonymous_identify_is_that_of_the_devices_owner_of_its_day",
    ),
    Mutant(
        "only an identify or a group call tells traits",
        "models/staging/calls/stg_trait_calls.sql",
        "type in ('identify', 'group')\n    and ",
        "",
        "an_identify_or_a_group_call_with_traits_tells_them",
    ),
    Mutant(
        "a call without traits tells none",
        "models/staging/calls/stg_trait_calls.sql",
        "    and {{ json_is_filled_object('traits') }}\n",
        "",
        "an_identify_or_a_group_call_with_traits_tells_them",
    ),
    Mutant(
        "the context's traits stand in where there are none",
        CALLS,
        "when timed.type = 'identify' then {{ json_part('timed.context', 'traits') }}",
        "when timed.type = 'identify' then timed.traits",
        "the_traits_of_the_context_stand_in_where_a_user_has_none",
    ),
    Mutant(
        "the context's traits are the user's only",
        CALLS,
        "when timed.type = 'identify' then {{ json_part('timed.context', 'traits') }}",
        "when timed.type <> 'track' then {{ json_part('timed.context', 'traits') }}",
        "the_traits_of_the_context_stand_in_where_a_user_has_none",
    ),
    Mutant(
        "the latest value is that of the last whole day",
        f"{WHO}/int_latest_traits.sql",
        "traits.to_day > as_of.as_of",
        "traits.to_day >= as_of.as_of",
        "the_latest_value_is_that_of_the_last_whole_day",
    ),
    # Contract 5: our own people
    Mutant(
        "a subdomain of ours is ours",
        f"{WHO}/int_internal_entities.sql",
        "or domains.domain like '%.' || internal_domains.domain",
        "or false",
        INTERNAL,
    ),
    Mutant(
        "a domain that looks like ours is not",
        f"{WHO}/int_internal_entities.sql",
        "domains.domain like '%.' || ",
        "domains.domain like '%' || ",
        INTERNAL,
    ),
    Mutant(
        "an internal id is followed through aliases",
        f"{WHO}/int_internal_entities.sql",
        "coalesce(user_ids.user_id, internal_accounts.value) as entity_id",
        "internal_accounts.value as entity_id",
        "an_internal_user_id_is_followed_through_aliases",
    ),
    Mutant(
        "an event is internal by its company too",
        f"{FACTS}/int_attributed_days.sql",
        "or internal_companies.is_internal is not null as is_internal",
        "or false as is_internal",
        "an_event_is_internal_if_its_user_or_its_company_is",
    ),
    Mutant(
        "internal events are no activity",
        f"{CORE}/fct_activity_days.sql",
        "        and not is_internal\n",
        "",
        "activity_is_events_that_are_not_our_own",
    ),
    Mutant(
        "what belongs to another since is no activity",
        f"{CORE}/fct_activity_days.sql",
        "        and calls is distinct from 0\n",
        "",
        "activity_is_events_that_are_not_our_own",
    ),
    Mutant(
        "internal traits are not in the history",
        f"{CORE}/fct_traits.sql",
        "and not exists (",
        "or not exists (",
        "internal_traits_are_not_in_the_history",
    ),
    Mutant(
        "who has no trait any more is not in the history",
        f"{CORE}/fct_traits.sql",
        "traits.trait is not null\n",
        "true\n",
        "internal_traits_are_not_in_the_history",
    ),
    Mutant(
        "internal people are no members",
        f"{CORE}/fct_memberships.sql",
        "internal_users.entity_id is null\n",
        "true\n",
        "an_internal_user_or_company_has_no_membership",
    ),
    Mutant(
        "internal people do not sign a customer up",
        f"{ENTITIES}/int_entities.sql",
        "is_internal_company or not is_internal_user as counts",
        "true as counts",
        OUR_OWN,
    ),
    Mutant(
        "in our own company a customer does not sign up",
        f"{ENTITIES}/int_entities.sql",
        "is_internal_user or not is_internal_company as counts",
        "true as counts",
        OUR_OWN,
    ),
    Mutant(
        "of internal people their own events tell",
        f"{ENTITIES}/int_entities.sql",
        "is_internal_user or not is_internal_company as counts",
        "not is_internal_user as counts",
        OUR_OWN,
    ),
    # Contract 4 and 6: names, sign-up, plans
    Mutant(
        "an event is counted under its name of today",
        f"{FACTS}/int_attributed_days.sql",
        "coalesce(event_names.event, attributed.event) as event,",
        "attributed.event as event,",
        "an_event_is_counted_under_its_name_of_today",
    ),
    Mutant(
        "sign-up is the first sign-up event",
        PRESENCE,
        "min(first_at) filter (\n            is_visible and is_event and event =",
        "max(first_at) filter (\n            is_visible and is_event and event =",
        SIGN_UP_EVENT,
    ),
    Mutant(
        "only a sign-up event is one",
        PRESENCE,
        "is_visible and is_event and event = {{ name_in_vars('signup_event') }}",
        "is_visible and is_event",
        SIGN_UP_EVENT,
    ),
    Mutant(
        "nothing later than the last whole day is seen of anybody",
        PRESENCE,
        "days.event_day between {{ earliest_day() }} and as_of.as_of as is_visible",
        "true as is_visible",
        SIGN_UP_EVENT,
    ),
    Mutant(
        "sign-up is the first one in any company",
        f"{ENTITIES}/int_entities.sql",
        "min(sign_up_event_at) filter (counts)",
        "max(sign_up_event_at) filter (counts)",
        SIGN_UP,
    ),
    Mutant(
        "who was not there by the last whole day is nobody yet",
        f"{ENTITIES}/int_entities.sql",
        "        and first_at is not null\n",
        "",
        SIGN_UP,
    ),
    Mutant(
        "an earlier creation counts",
        f"{ENTITIES}/int_entities.sql",
        "least(seen.sign_up_event_at, created.created_at)",
        "coalesce(seen.sign_up_event_at, created.created_at)",
        SIGN_UP,
    ),
    Mutant(
        "an unknown plan is not paying",
        f"{CORE}/dim_companies.sql",
        "coalesce(plans.is_paying, false) as is_paying",
        "coalesce(plans.is_paying, true) as is_paying",
        PLANS,
    ),
    Mutant(
        "plans are compared trimmed and without case",
        "macros/plan.sql",
        "lower({{ trimmed(text) }})",
        "{{ text }}",
        PLANS,
    ),
    Mutant(
        "a limit is passed from the next user on",
        f"{CORE}/dim_companies.sql",
        "measured.monthly_active_users > plans.mau_limit",
        "measured.monthly_active_users >= plans.mau_limit",
        PLANS,
    ),
    Mutant(
        "the last 30 days end with the last whole day",
        f"{CORE}/dim_companies.sql",
        "as_of.as_of - 29",
        "as_of.as_of - 30",
        "without_a_count_of_its_own_a_companys_users_of_the_last_30_days_count",
    ),
    Mutant(
        "what does not count as active makes no active user",
        f"{CORE}/dim_companies.sql",
        "            and event_catalog.counts_as_active\n",
        "",
        "without_a_count_of_its_own_a_companys_users_of_the_last_30_days_count",
    ),
    # Contract 7: now, and not yet
    Mutant(
        "now is the day before the latest day in the logs",
        f"{FACTS}/int_as_of.sql",
        "coalesce(latest_received_day, latest_day) - 1",
        "coalesce(latest_received_day, latest_day)",
        "now_is_the_day_before_the_latest_day_received",
    ),
    Mutant(
        "a day that was never received does not tell now",
        f"{FACTS}/int_as_of.sql",
        "coalesce(latest_received_day, latest_day)",
        "coalesce(latest_day, latest_received_day)",
        "now_is_the_day_before_the_latest_day_received",
    ),
    Mutant(
        "now can be set",
        f"{FACTS}/int_as_of.sql",
        "{% if var('as_of') -%}",
        "{% if false -%}",
        "now_can_be_set",
    ),
    Mutant(
        "a period is complete when its last day is",
        f"{CALENDAR}/int_periods.sql",
        "periods.period_end <= as_of.as_of",
        "periods.period_end < as_of.as_of",
        "a_period_is_complete_when_its_last_day_is",
    ),
    Mutant(
        "a week begins on monday",
        "macros/calendar.sql",
        "cast(date_trunc('week', {{ day }}) as date)",
        "cast(date_trunc('week', {{ day }} + 1) as date)",
        "a_week_begins_on_monday",
    ),
    Mutant(
        "a week begins on sunday where that is set",
        "macros/calendar.sql",
        "cast(date_trunc('week', {{ day }} + 1) as date) - 1",
        "cast(date_trunc('week', {{ day }}) as date)",
        "a_week_begins_on_sunday_where_that_is_set",
    ),
    # Contract 7: active
    Mutant(
        "what nobody planned counts as active",
        f"{FACTS}/int_event_catalog.sql",
        "else {{ 'true' if is_on('unplanned_counts_as_active') else 'false' }}",
        "else false",
        "what_nobody_planned_counts_as_active_but_a_page_only_if_planned",
    ),
    Mutant(
        "what nobody planned can be left out",
        f"{FACTS}/int_event_catalog.sql",
        "else {{ 'true' if is_on('unplanned_counts_as_active') else 'false' }}",
        "else true",
        "what_nobody_planned_can_be_left_out",
    ),
    Mutant(
        "a page counts only if planned",
        f"{FACTS}/int_event_catalog.sql",
        "when names.event in ('page', 'screen') then false",
        "when names.event in ('page', 'screen') then true",
        "what_nobody_planned_counts_as_active_but_a_page_only_if_planned",
    ),
    Mutant(
        "a blank event means any that counts",
        f"{REPORTS}/int_selector_events.sql",
        "or (selectors.event is null and event_catalog.counts_as_active)",
        "or selectors.event is null",
        "a_blank_event_means_any_that_counts_as_active",
    ),
    Mutant(
        "what does not count is no activity",
        PRESENCE,
        "filter (is_visible and is_event and counts_as_active)",
        "filter (is_visible and is_event)",
        "what_does_not_count_as_active_is_seen_and_is_no_activity",
    ),
    Mutant(
        "a company is active through an anonymous visitor",
        f"{REPORTS}/int_selector_days.sql",
        "        is_event\n        and event_day >= {{ earliest_day() }}\n),",
        "        is_event\n        and user_id is not null\n),",
        VISITOR,
    ),
    Mutant(
        "no report counts our own",
        f"{REPORTS}/int_selector_days.sql",
        "not event_days.is_internal and event_days.calls",
        "event_days.calls",
        VISITOR,
    ),
    Mutant(
        "a user and a company of one id are two",
        f"{REPORTS}/int_selector_days.sql",
        "            numbers.entity = '{{ entity }}'\n",
        "            true\n",
        VISITOR,
    ),
    Mutant(
        "each selector says that it was told",
        f"{REPORTS}/int_selector_days.sql",
        "    or event_day is null\n",
        "",
        VISITOR,
    ),
    Mutant(
        "a filter is compared without case",
        f"{REPORTS}/int_filtered_entities.sql",
        "= {{ comparable('entity_values.value_text') }}",
        "= entity_values.value_text",
        FILTER,
    ),
    Mutant(
        "a filter is one of its trait",
        f"{REPORTS}/int_filtered_entities.sql",
        "        and named_values.filter_by = entity_values.trait\n",
        "",
        FILTER,
    ),
    Mutant(
        "a filter keeps its own kind",
        f"{REPORTS}/int_filtered_entities.sql",
        "        named_values.entity = entity_values.entity\n",
        "        true\n",
        FILTER,
    ),
    Mutant(
        "an activity report counts those that its filter keeps",
        ACTIVITY,
        "            and selector_days.entity_number = filtered_entities.entity_number\n",
        "",
        FILTERED,
    ),
    Mutant(
        "an activity report without a filter counts all",
        ACTIVITY,
        "' and audiences.filter_by is null'",
        "' and false'",
        FILTERED,
    ),
    Mutant(
        "an activity report has its own filter",
        ACTIVITY,
        "            and audiences.filter_values = filtered_entities.filter_values\n",
        "",
        FILTERED,
    ),
    Mutant(
        "a user enters with an event, and not with another call that names one",
        COHORT_MEMBERS,
        "            and days.is_event\n",
        "",
        "a_period_is_entered_with_the_company_of_its_first_event",
    ),
    Mutant(
        "a cohort holds those that the filter keeps",
        COHORT_MEMBERS,
        "        or filtered_entities.entity_number is not null\n",
        "        or true\n",
        FILTERED_COHORT,
    ),
    Mutant(
        "a report without a filter has everybody in its cohorts",
        COHORT_MEMBERS,
        "        reports.filter_by is null\n",
        "        false\n",
        FILTERED_COHORT,
    ),
    Mutant(
        "the filter of a cohort is of its own kind",
        COHORT_MEMBERS,
        "            reports.entity = filtered_entities.entity\n",
        "            true\n",
        FILTERED_COHORT,
    ),
    Mutant(
        "nothing later than the last whole day is seen",
        f"{REPORTS}/int_selector_periods.sql",
        "inner join {{ ref('int_days') }}",
        "left join {{ ref('int_days') }}",
        PERIODS,
    ),
    Mutant(
        "a week is counted where a report asks for weeks",
        f"{REPORTS}/int_selector_periods.sql",
        "clocks.period = '{{ period }}' and not clocks.counts_events",
        "not clocks.counts_events",
        PERIODS,
    ),
    Mutant(
        "a period has one row",
        f"{REPORTS}/int_selector_periods.sql",
        "    is_first_of_{{ period }}\n",
        "    true\n",
        PERIODS,
    ),
    Mutant(
        "the events of all days are added up where a report asks for several",
        f"{REPORTS}/int_selector_periods.sql",
        "cast(sum(events) as integer) as events",
        "cast(min(events) as integer) as events",
        PERIODS,
    ),
    Mutant(
        "a week begins with its first day",
        f"{REPORTS}/int_selector_periods.sql",
        "min(event_day) as first_day",
        "max(event_day) as first_day",
        PERIODS,
    ),
    Mutant(
        "the first period is the one with the first day",
        f"{REPORTS}/int_selector_periods.sql",
        "bool_or(is_first)",
        "bool_and(is_first)",
        PERIODS,
    ),
    Mutant(
        "a day with nothing left is none",
        f"{REPORTS}/int_selector_periods.sql",
        "    where selector_days.events > 0\n",
        "",
        PERIODS,
    ),
    Mutant(
        "events are counted where a report asks for several",
        f"{REPORTS}/int_selector_clocks.sql",
        "bool_or(asked.minimum_events > 1)",
        "bool_or(false)",
        CLOCKS,
    ),
    Mutant(
        "a day follows the last one on which there was an event",
        f"{REPORTS}/int_selector_days.sql",
        "            partition by selector_id, entity_number\n",
        "            partition by selector_id\n",
        VISITOR,
    ),
    Mutant(
        "the first day of a week is told by the day before",
        f"{REPORTS}/int_selector_days.sql",
        "{{ number_of[period]('previous_day') }} is distinct from",
        "{{ number_of[period]('event_day') }} is distinct from",
        VISITOR,
    ),
    Mutant(
        "a day that nothing is left of is followed by none",
        ACTIVITY,
        "        selector_days.events > 0\n",
        "        true\n",
        LIFECYCLE,
    ),
    Mutant(
        "a report lends its period to its own events only",
        f"{REPORTS}/int_selector_clocks.sql",
        "        and asked.event is not distinct from selectors.event\n",
        "",
        CLOCKS,
    ),
    # Contract 7: lifecycle
    Mutant(
        "new is the first period ever",
        ACTIVITY,
        "filter (previous_number is null), 0) as bigint) as new",
        "filter (previous_number is distinct from {{ period }}_number - 1), 0) as bigint) as new",
        LIFECYCLE,
    ),
    Mutant(
        "retained was active in the period before",
        ACTIVITY,
        "filter (previous_number = {{ period }}_number - 1)",
        "filter (previous_number < {{ period }}_number)",
        LIFECYCLE,
    ),
    Mutant(
        "resurrected was not",
        ACTIVITY,
        "filter (previous_number < {{ period }}_number - 1)",
        "filter (previous_number < {{ period }}_number)",
        LIFECYCLE,
    ),
    Mutant(
        "dormant stands in the period that they missed",
        ACTIVITY,
        "and periods.period_number = before.period_number + 1",
        "and periods.period_number = before.period_number",
        LIFECYCLE,
    ),
    Mutant(
        "dormant is null while the period runs",
        ACTIVITY,
        "when periods.is_complete then coalesce(before.active, 0) - coalesce(now.retained, 0)",
        "when true then coalesce(before.active, 0) - coalesce(now.retained, 0)",
        LIFECYCLE,
    ),
    Mutant(
        "twice in a period is once",
        ACTIVITY,
        "filter (previous_number is distinct from {{ period }}_number)",
        "filter (true)",
        LIFECYCLE,
    ),
    Mutant(
        "dormant were there before, and are there no more",
        ACTIVITY,
        "coalesce(before.active, 0) - coalesce(now.retained, 0)",
        "coalesce(before.active, 0)",
        LIFECYCLE,
    ),
    Mutant(
        "the quick ratio is null where nobody went dormant",
        ACTIVITY,
        "cast(nullif(dormant, 0) as double) as quick_ratio",
        "cast(greatest(dormant, 1) as double) as quick_ratio",
        LIFECYCLE,
    ),
    Mutant(
        "the range widens back to a whole period",
        ACTIVITY,
        "periods.period_end >= report_ranges.first_day",
        "periods.period_start >= report_ranges.first_day",
        WIDENED,
    ),
    Mutant(
        "the range widens on to a whole period",
        ACTIVITY,
        "and periods.period_start <= report_ranges.last_day",
        "and periods.period_end <= report_ranges.last_day",
        WIDENED,
    ),
    Mutant(
        "a report begins with starts_on, not with the first event",
        ACTIVITY,
        "coalesce(reports.starts_on, first_days.first_day) as first_day",
        "first_days.first_day as first_day",
        WIDENED,
    ),
    Mutant(
        "rolling rows end on the days as given",
        ACTIVITY,
        "and days.day <= report_ranges.last_day",
        "and true",
        WIDENED,
    ),
    Mutant(
        "rolling rows begin on the days as given",
        ACTIVITY,
        "    where is_in_report\n",
        "",
        WIDENED,
    ),
    Mutant(
        "a rolling row has no lifecycle",
        ACTIVITY,
        "cast(null as bigint) as new",
        "cast(0 as bigint) as new",
        WIDENED,
    ),
    Mutant(
        "a rolling window includes both its ends",
        ACTIVITY,
        "day_number + {{ length }} as day_number",
        "day_number + {{ length }} + 1 as day_number",
        ROLLING,
    ),
    Mutant(
        "within a rolling window an entity counts once",
        ACTIVITY,
        "greatest(day_number, coalesce(previous_day_number + {{ length }}, day_number))",
        "day_number",
        ROLLING,
    ),
    Mutant(
        "a rolling window of 7 days has 7",
        ACTIVITY,
        "day - length + 1 as period_start",
        "day - length as period_start",
        ROLLING,
    ),
    # Contract 7: retention
    Mutant(
        "by first, an entity is in one cohort",
        COHORT_MEMBERS,
        "where reports.cohort_rule = 'every'",
        "where true",
        COHORTS,
    ),
    Mutant(
        "the first cohort is the first ever",
        COHORT_MEMBERS,
        "        and selector_periods.is_first\n",
        "",
        COHORTS,
    ),
    Mutant(
        "by every, in one of each period",
        COHORT_MEMBERS,
        "where reports.cohort_rule = 'every'",
        "where false",
        COHORTS,
    ),
    Mutant(
        "starts_on widens to a whole period",
        COHORT_MEMBERS,
        "periods.period_end >= reports.starts_on",
        "periods.period_start >= reports.starts_on",
        COHORTS,
    ),
    Mutant(
        "ends_on widens to a whole period",
        COHORT_MEMBERS,
        "periods.period_start <= reports.ends_on",
        "periods.period_end <= reports.ends_on",
        COHORTS,
    ),
    Mutant(
        "at entry, the end of the day decides",
        COHORT_MEMBERS,
        "traits.to_day > asked_at_entry.entered_on",
        "traits.to_day >= asked_at_entry.entered_on",
        ENTRY,
    ),
    Mutant(
        "at entry, without a value the first later one",
        COHORT_MEMBERS,
        "and (traits.to_day is null or traits.to_day > asked_at_entry.entered_on)",
        "and (traits.to_day is null or traits.to_day > asked_at_entry.entered_on)\n"
        "            and traits.from_day <= asked_at_entry.entered_on",
        ENTRY,
    ),
    Mutant(
        "at entry and latest are told apart",
        COHORT_MEMBERS,
        "where named_members.breakdown_at = 'latest'",
        "where named_members.breakdown_at is not null",
        ENTRY,
    ),
    Mutant(
        "who has no value is under (none)",
        COHORT_MEMBERS,
        "coalesce(values_found.value_text, '(none)')",
        "coalesce(values_found.value_text, '')",
        ENTRY,
    ),
    Mutant(
        "at entry, a company's trait is that of the event's company",
        COHORT_MEMBERS,
        "            and selector_events.event = days.event\n",
        "",
        AT_ENTRY,
    ),
    Mutant(
        "at entry, the day of entry tells the company",
        COHORT_MEMBERS,
        "            and named_members.entered_on = days.event_day\n",
        "            and named_members.entered_on < days.event_day\n",
        AT_ENTRY,
    ),
    Mutant(
        "a period is entered with the company of its first event",
        COHORT_MEMBERS,
        "(days.first_at, coalesce(days.company_id, ''))",
        "coalesce(days.company_id, '')",
        ENTERED_WITH,
    ),
    Mutant(
        "a first event without a company has none",
        COHORT_MEMBERS,
        "coalesce(days.company_id, ''), (days.first_at",
        "days.company_id, (days.first_at",
        ENTERED_WITH,
    ),
    Mutant(
        "nobody enters with what is our own",
        COHORT_MEMBERS,
        "            and not days.is_internal\n",
        "",
        ENTERED_WITH,
    ),
    Mutant(
        "nobody enters with what belongs to another since",
        COHORT_MEMBERS,
        "            and days.calls is distinct from 0\n",
        "",
        ENTERED_WITH,
    ),
    Mutant(
        "a trait that no report asks for is left out",
        f"{REPORTS}/int_entity_traits.sql",
        "where trait in {{ few('asked', 'trait') }}\n",
        "",
        "a_trait_of_a_users_company_is_that_of_its_latest_company",
    ),
    Mutant(
        "a company's trait that no report asks for is left out",
        f"{REPORTS}/int_entity_traits.sql",
        "        and latest_traits.trait in {{ few('asked_of_companies', 'trait') }}\n",
        "",
        "a_trait_of_a_users_company_is_that_of_its_latest_company",
    ),
    Mutant(
        "latest, a company's trait is that of the latest company",
        f"{REPORTS}/int_entity_traits.sql",
        "and user_latest_companies.company_id = latest_traits.entity_id",
        "and latest_traits.entity_id is not null",
        "a_trait_of_a_users_company_is_that_of_its_latest_company",
    ),
    Mutant(
        "a return asks for enough events",
        RETENTION,
        "and members.minimum_events <= selector_periods.events",
        "and selector_periods.events > 0",
        EXACT,
    ),
    Mutant(
        "exact asks for that very period",
        RETENTION,
        "when cells.return_window = 'exact' then coalesce(counted_returns.returned, 0)",
        "when cells.return_window = '' then coalesce(counted_returns.returned, 0)",
        EXACT,
    ),
    Mutant(
        "number 0 is the whole cohort",
        RETENTION,
        "when cells.period_number = 0 then cells.cohort_size",
        "when cells.period_number = -1 then cells.cohort_size",
        EXACT,
    ),
    Mutant(
        "periods counts number 0",
        RETENTION,
        "or periods.period_number - cohorts.cohort_number < reports.periods",
        "or periods.period_number - cohorts.cohort_number <= reports.periods",
        EXACT,
    ),
    Mutant(
        "a rate of a period that runs is null",
        RETENTION,
        "case when is_complete then {{ share('retained', 'cohort_size') }} end",
        "{{ share('retained', 'cohort_size') }}",
        EXACT,
    ),
    Mutant(
        "a cohort of nobody has a row",
        RETENTION,
        "between first_cohorts.first_number and last_periods.last_number",
        "between first_cohorts.first_number and last_periods.last_number\n"
        "            and periods.period_number in (select cohort_number from cohort_sizes)",
        EXACT,
    ),
    Mutant(
        "on or after: the last return decides",
        RETENTION,
        "max(period_number) as last_return",
        "min(period_number) as last_return",
        ON_OR_AFTER,
    ),
    Mutant(
        "on or after: nothing counts after the end of the report",
        RETENTION,
        "and members.last_number >= selector_periods.period_number",
        "and true",
        ON_OR_AFTER,
    ),
    Mutant(
        "on or after: what lies beyond the numbers shown counts",
        RETENTION,
        "coalesce(returned_later.returned, 0)\n                +",
        "",
        ON_OR_AFTER,
    ),
    Mutant(
        "on or after: what is awaited does not end with the numbers shown",
        RETENTION,
        "            when reports.return_window = 'exact'\n",
        "            when true\n",
        ON_OR_AFTER,
    ),
    Mutant(
        "no cell begins after ends_on",
        RETENTION,
        "and (reports.ends_on is null or periods.period_start <= reports.ends_on)",
        "and true",
        ON_OR_AFTER,
    ),
    Mutant(
        "whoever is counted under a value is counted under all",
        RETENTION,
        "    where breakdown is not null\n",
        "    where false\n",
        "a_breakdown_value_has_cohorts_only_where_there_is_somebody",
    ),
    Mutant(
        "a value has cohorts where there is somebody",
        RETENTION,
        "    where breakdown_value <> '(all)'\n",
        "    where breakdown_value not in ('(all)', '(none)')\n",
        "a_breakdown_value_has_cohorts_only_where_there_is_somebody",
    ),
    Mutant(
        "cohorts are pooled",
        OVERALL,
        "{{ share('retained', 'cohort_size') }} as retention_rate",
        "retained / cast(nullif(cohort_size, 0) as double) / cohorts as retention_rate",
        "cohorts_are_pooled_and_not_averaged",
    ),
    Mutant(
        "only complete cells are pooled",
        OVERALL,
        "    where is_complete\n",
        "",
        "cohorts_are_pooled_and_not_averaged",
    ),
    Mutant(
        "the interval is Wilson's",
        "macros/shares.sql",
        "{{ p }} * (1 - {{ p }}) / {{ n }} + {{ z * z / 4 }} / ({{ n }} * {{ n }})",
        "{{ p }} * (1 - {{ p }}) / {{ n }}",
        "the_wilson_interval_is_the_published_one",
    ),
    # Contract 7: activation
    Mutant(
        "the sign-up's own event counts",
        MILESTONES,
        "and entity_events.event_at >= entities.signed_up_at",
        "and entity_events.event_at > entities.signed_up_at",
        WINDOW,
    ),
    Mutant(
        "the end of the window counts",
        MILESTONES,
        "            <= {{ plus_days('entities.signed_up_at', 'milestones.within_days') }}",
        "            < {{ plus_days('entities.signed_up_at', 'milestones.within_days') }}",
        WINDOW,
    ),
    Mutant(
        "what came before the sign-up does not count",
        MILESTONES,
        "and entity_events.event_at >= entities.signed_up_at",
        "and true",
        "the_nth_event_reaches_a_milestone",
    ),
    Mutant(
        "a device is told from another",
        MILESTONES,
        "            events.call_kind = kinds.call_kind\n            and ",
        "            ",
        OWN_NAME,
    ),
    Mutant(
        "an event counts for whom it belongs to now",
        MILESTONES,
        "where days.calls is distinct from 0\n",
        "",
        OWN_NAME,
    ),
    Mutant(
        "what has not happened by the last whole day reaches nothing",
        MILESTONES,
        "inner join as_of on days.event_day <= as_of.as_of",
        "cross join as_of",
        WINDOW,
    ),
    Mutant(
        "the n-th event reaches it",
        MILESTONES,
        "where event_number = minimum_events",
        "where event_number = 1",
        "the_nth_event_reaches_a_milestone",
    ),
    Mutant(
        "any of its people reaches a company's milestone",
        MILESTONES,
        "partition by entities.entity, entities.entity_id, milestones.milestone\n",
        "partition by entities.entity, entities.entity_id, milestones.milestone,"
        " entity_events.event_at\n",
        "any_of_its_people_reaches_a_companys_milestone",
    ),
    Mutant(
        "activated means all milestones",
        f"{ENTITIES}/int_activated_entities.sql",
        "having count(*) = count(reached_at)",
        "having count(reached_at) > 0",
        "activated_means_that_all_milestones_were_reached",
    ),
    Mutant(
        "activated at the moment of the last one",
        f"{ENTITIES}/int_activated_entities.sql",
        "max(reached_at) as activated_at",
        "min(reached_at) as activated_at",
        "activated_means_that_all_milestones_were_reached",
    ),
    Mutant(
        "a week waits for the longest window",
        ACTIVATION,
        "max(within_days) as longest_within_days",
        "max(within_days) + 1 as longest_within_days",
        WEEK_DONE,
    ),
    Mutant(
        "the rate waits for the week",
        ACTIVATION,
        "case when is_complete then {{ share('reached', 'entities') }} end",
        "{{ share('reached', 'entities') }}",
        WEEK_DONE,
    ),
    # Contract 7: feature adoption
    Mutant(
        "a company is paying by its plan at the end of the period",
        FEATURE_COUNTS,
        "least(periods.period_end, as_of.as_of) as last_day",
        "periods.period_start as last_day",
        SEGMENTS,
    ),
    Mutant(
        "the plan is a company's",
        FEATURE_COUNTS,
        "            numbers.entity = 'company'\n",
        "            numbers.entity = 'user'\n",
        SEGMENTS,
    ),
    Mutant(
        "what has no company is in no segment but all",
        FEATURE_COUNTS,
        "when found.company_number is null then 'none'",
        "when found.company_number is null then 'free'",
        SEGMENTS,
    ),
    Mutant(
        "a user of several companies counts once in all",
        FEATURE_PERIODS,
        "having count(*) > 1",
        "having count(*) > 9",
        ONE_PAIR,
    ),
    Mutant(
        "a user of several companies is in the segment of each",
        FEATURE_COUNTS,
        "            or user_periods.segment = segments.segment\n",
        "",
        SEGMENTS,
    ),
    Mutant(
        "who is in one segment is in all too",
        FEATURE_COUNTS,
        "for segment in ['segment', \"'all'\"]",
        "for segment in ['segment']",
        SEGMENTS,
    ),
    Mutant(
        "a company is active by any of its people",
        COMPANY_FEATURE_PERIODS,
        "    everything.is_active,\n",
        "    found.is_active,\n",
        ONE_COMPANY,
    ),
    Mutant(
        "what has no company is no company",
        FEATURE_COUNTS,
        "    where counted_in_one_segment.segment <> 'none'\n",
        "",
        SEGMENTS,
    ),
    Mutant(
        "what has nothing left is no use",
        FEATURE_COUNTS,
        "    where found.uses > 0\n",
        "",
        ADOPTERS,
    ),
    Mutant(
        "uses of our own do not count",
        FEATURE_PERIODS,
        "not days_to_count.is_internal\n",
        "true\n",
        COUNTED_USES,
    ),
    Mutant(
        "a use of a day to come does not count",
        FEATURE_PERIODS,
        "        and days_to_count.event_day between {{ earliest_day() }} and as_of.as_of as",
        "        as",
        COUNTED_USES,
    ),
    Mutant(
        "what belongs to nobody is no use",
        FEATURE_PERIODS,
        "    users.entity_number is not null\n    or companies.entity_number is not null\n",
        "    true\n",
        COUNTED_USES,
    ),
    Mutant(
        "user and company are active by all they did",
        FEATURE_PERIODS,
        "        found.uses,\n        pairs.is_active\n",
        "        found.uses,\n        found.is_active\n",
        ONE_PAIR,
    ),
    Mutant(
        "a pair is active by what it did itself",
        FEATURE_PERIODS,
        "            and found.company_key = pairs.company_key\n",
        "",
        ONE_PAIR,
    ),
    Mutant(
        "all that a pair did has one row",
        FEATURE_PERIODS,
        "    where found.feature is not null\n",
        "",
        ONE_PAIR,
    ),
    Mutant(
        "companies that adopt are active",
        FEATURE_COUNTS,
        "count(*) filter (is_active) as companies",
        "count(*) as companies",
        ADOPTERS,
    ),
    Mutant(
        "adopters of several companies are active in that segment",
        FEATURE_COUNTS,
        "count(*) filter (everything.is_active) as users",
        "count(*) as users",
        ADOPTERS,
    ),
    Mutant(
        "adopters are active",
        COMPANY_FEATURE_PERIODS,
        "and is_only_company and is_active and uses > 0",
        "and is_only_company and uses > 0",
        ONE_COMPANY,
    ),
    Mutant(
        "who has nothing left adopts nothing",
        COMPANY_FEATURE_PERIODS,
        "and is_only_company and is_active and uses > 0",
        "and is_only_company and is_active",
        ONE_COMPANY,
    ),
    Mutant(
        "a visitor is no user",
        COMPANY_FEATURE_PERIODS,
        "sum(uses) filter (user_number is not null and is_only_company)",
        "sum(uses) filter (is_only_company)",
        ONE_COMPANY,
    ),
    Mutant(
        "a user of several companies is told apart",
        COMPANY_FEATURE_PERIODS,
        "sum(uses) filter (user_number is not null and is_only_company)",
        "sum(uses) filter (user_number is not null)",
        ONE_COMPANY,
    ),
    Mutant(
        "a user of one company is not",
        FEATURE_COUNTS,
        "        and not user_periods.is_only_company\n",
        "",
        SEGMENTS,
    ),
    Mutant(
        "every planned feature has a row",
        ADOPTION,
        "    cross join features\n",
        "    inner join features on features.feature in (select feature from feature_counts)\n",
        RANKS,
    ),
    Mutant(
        "features rank by uses after adopters",
        ADOPTION,
        "order by adopters desc, uses desc, feature",
        "order by adopters desc, feature",
        RANKS,
    ),
    Mutant(
        "the rate waits for the period",
        ADOPTION,
        "case when is_complete then {{ share('adopters', 'active') }} end",
        "{{ share('adopters', 'active') }}",
        RANKS,
    ),
    Mutant(
        "the active of the segment are the base",
        ADOPTION,
        "            and cells.segment = bases.segment\n",
        "            and bases.segment = 'all'\n",
        RATES,
    ),
    Mutant(
        "a week of nobody has a row",
        ADOPTION,
        "and periods.period_start >= first_periods.first_start",
        "and periods.period_start = first_periods.first_start",
        RATES,
    ),
    Mutant(
        "an event before the earliest day is clamped",
        CALLS,
        "                claimed_time < {{ start_of(earliest_day()) }}\n",
        "                false\n",
        "an_event_before_the_earliest_day_happened_when_it_was_received",
    ),
    Mutant(
        "but not to a receive time before it",
        CALLS,
        "                and receive_time >= {{ start_of(earliest_day()) }}\n",
        "",
        "an_event_before_the_earliest_day_happened_when_it_was_received",
    ),
    Mutant(
        "equal values of one type are one row",
        f"{WHO}/int_traits.sql",
        "coalesce(planned_value, value_as_sent)",
        "value_as_sent",
        "a_value_has_the_type_that_the_plan_gives_its_trait",
    ),
    Mutant(
        "a public domain is nobody's company",
        f"{WHO}/int_user_companies.sql",
        "        and emails.domain not in (\n",
        "        and true or emails.domain not in (\n",
        "without_a_company_of_its_own_a_user_belongs_to_its_emails_domain",
    ),
    Mutant(
        "a sighting on the same day in another company counts",
        f"{WHO}/int_internal_entities.sql",
        "    where user_id not in (select users_of_other",
        "    where user_id is not null or user_id not in (select users_of_other",
        "a_user_all_of_whose_companies_are_internal_is_internal",
    ),
    Mutant(
        "any element of a list is enough",
        f"{REPORTS}/int_filtered_entities.sql",
        "{{ list_to_rows(json_elements('value')) }}",
        "{{ json_value_text('value') }}",
        "a_filter_compares_values_of_the_traits_type",
    ),
]


class Project:
    """A copy of the dbt part of Daybook, with a database of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        for name in DBT_PART:
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (REPO / name).is_dir() else shutil.copy
            copy(REPO / name, place)
        write_dbt_project(folder)
        write_seeds(folder)

    def dbt(self, *command: str) -> dict[str, str]:
        """Run dbt; the status of each test that ran, by name. Raises if dbt itself fails."""
        from dbt.cli.main import dbtRunner

        outcome = dbtRunner().invoke(
            [
                *("--quiet", "--log-level", "none", "--log-level-file", "none"),
                *command,
                *("--project-dir", str(self.folder), "--profiles-dir", str(self.folder)),
                *("--target-path", str(self.folder / "target")),
                *("--vars", "{unit_tests: true, audit: true}"),
            ]
        )
        _close_every_connection()
        if outcome.exception:
            raise outcome.exception
        return {result.node.name: str(result.status) for result in outcome.result.results}

    @contextmanager
    def broken_by(self, mutant: Mutant) -> Iterator[None]:
        """Put the mutant in, and take it out again."""
        path = self.folder / mutant.file
        sound = path.read_text()
        path.write_text(sound.replace(mutant.old, mutant.new))
        try:
            yield
        finally:
            path.write_text(sound)


def out_of_place(mutant: Mutant) -> str | None:
    """Why a mutant cannot be put in, if so."""
    found = (REPO / mutant.file).read_text().count(mutant.old)
    return None if found == 1 else f"its old text stands {found} times in {mutant.file}"


def fate(project: Project, mutant: Mutant) -> str:
    """What became of one mutant."""
    with project.broken_by(mutant):
        try:
            statuses = project.dbt("test", "--select", mutant.test)
        except Exception as error:
            return f"broken: {error}"
    if mutant.test not in statuses:
        return f"broken: no test is called {mutant.test}"
    return {"fail": "killed", "pass": "survived"}.get(
        statuses[mutant.test], "broken: it does not run"
    )


def main(words: list[str]) -> int:
    """Judge the mutants; 0 if all were killed."""
    console = Console()
    chosen = [
        mutant
        for mutant in MUTANTS
        if not words or any(word.lower() in f"{mutant.rule} {mutant.test}" for word in words)
    ]
    fates = {mutant: reason for mutant in chosen if (reason := out_of_place(mutant))}

    with tempfile.TemporaryDirectory(prefix="daybook-mutants-") as folder:
        project = Project(Path(folder))
        os.environ["DAYBOOK_DATABASE"] = str(project.folder / "warehouse.duckdb")
        statuses = project.dbt("build")
        red = sorted(name for name, status in statuses.items() if status not in ("pass", "success"))
        if red:
            console.print(f"[red]red without any mutant:[/] {', '.join(red)}")
            return 1
        for mutant in track(chosen, "Breaking rules", console=console, transient=True):
            if mutant not in fates:
                fates[mutant] = fate(project, mutant)

    table = Table("rule", "test that turns red", "fate", box=None, pad_edge=False)
    for mutant in chosen:
        colour = "green" if fates[mutant] == "killed" else "red"
        table.add_row(mutant.rule, mutant.test, f"[{colour}]{fates[mutant]}[/]")
    console.print(table)
    killed = sum(fate == "killed" for fate in fates.values())
    console.print(f"{killed} of {len(chosen)} mutants killed")
    return 0 if killed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
