"""However the logs arrive, the story is the same: named stories over three nights.

All stories live in one world, with people of their own, and are built together: once night after
night, and once from a clean load with `--full-refresh`. Every table of the marts has to agree.
"""

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pytest
from harness import REPO, Daybook
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from lives import VARIABLES, lives, plans
from test_promises import without_provenance

NIGHTS = 3


def at(day: int, hour: int = 12) -> str:
    return f"2024-05-{day:02}T{hour:02}:00:00Z"


def call(kind: str, day: int, *, received: int | None = None, **fields) -> dict:
    """A call of a day in May 2024, received on that day or later."""
    return {
        "type": kind,
        "timestamp": at(day),
        "receivedAt": at(received or day, 13),
        **fields,
    }


def track(event: str, day: int, **fields) -> dict:
    return call("track", day, event=event, **fields)


def numbered(story: str, nights: list[list[dict]]) -> list[list[dict]]:
    """The same calls; a call without an id gets a unique one."""
    return [
        [{"messageId": f"{story}-{night}-{n}"} | line for n, line in enumerate(lines)]
        for night, lines in enumerate(nights)
    ]


# Each story is a list of nights.
STORIES = {
    "a_late_identify_gives_anonymous_days_to_a_user": [
        [track("report_created", 1, anonymousId="s1-device")],
        [track("report_loaded", 8, anonymousId="s1-device")],
        [call("identify", 2, received=15, anonymousId="s1-device", userId="s1-ana")],
    ],
    "a_second_user_on_a_shared_device_takes_only_the_days_after": [
        [
            call("identify", 1, anonymousId="s2-device", userId="s2-ana"),
            track("report_loaded", 3, anonymousId="s2-device"),
            track("report_loaded", 9, anonymousId="s2-device"),
        ],
        [call("identify", 7, received=14, anonymousId="s2-device", userId="s2-ben")],
        [],
    ],
    "an_alias_merges_two_users_with_long_histories": [
        [track("report_loaded", day, userId="s3-ana") for day in (1, 5, 9)]
        + [track("report_created", day, userId="s3-anna") for day in (2, 9, 13)]
        + [call("identify", 3, userId="s3-ana", traits={"role": "founder"})],
        [call("identify", 2, userId="s3-anna", traits={"role": "product manager"})],
        [call("alias", 15, previousId="s3-ana", userId="s3-anna")],
    ],
    "the_links_of_a_chain_of_aliases_come_in_any_order": [
        [
            call("alias", 9, previousId="s4-c", userId="s4-d"),
            track("report_loaded", 1, userId="s4-a"),
        ],
        [call("alias", 2, previousId="s4-a", userId="s4-b")],
        [
            call("alias", 4, previousId="s4-b", userId="s4-c"),
            track("report_loaded", 15, userId="s4-b"),
        ],
    ],
    "a_late_alias_closes_a_circle_and_an_earlier_one_moves_it": [
        [
            call("alias", 5, previousId="s5-a", userId="s5-b"),
            track("report_loaded", 6, userId="s5-a"),
        ],
        [call("alias", 9, previousId="s5-b", userId="s5-a")],
        [call("alias", 12, received=16, previousId="s5-b", userId="s5-c")],
    ],
    "a_late_group_call_moves_months_of_events_to_another_company": [
        [call("group", 1, userId="s6-ana", groupId="s6-acme")]
        + [track("report_loaded", day, userId="s6-ana") for day in range(2, 12)],
        [track("report_created", 14, userId="s6-ana")],
        [
            call(
                "group",
                4,
                received=16,
                userId="s6-ana",
                groupId="s6-bolt",
                traits={"plan": "scale"},
            )
        ],
    ],
    "a_trait_set_in_the_past_does_not_win": [
        [call("identify", 9, userId="s7-ana", traits={"role": "founder"})],
        [call("identify", 3, received=14, userId="s7-ana", traits={"role": "designer"})],
        [track("signed_up", 2, received=16, userId="s7-ana")],
    ],
    "a_copy_that_was_received_earlier_replaces_the_one_that_was_landed_first": [
        [track("report_loaded", 9, received=12, messageId="s8", userId="s8-ana")],
        [track("report_created", 2, received=3, messageId="s8", userId="s8-ben")],
        [track("report_loaded", 5, received=4, messageId="s8", userId="s8-ana")],
    ],
    "an_event_moves_to_another_day_and_leaves_its_day_empty": [
        [track("report_loaded", 1, received=11, messageId="s9", userId="s9-ana")],
        [
            track(
                "report_loaded", 11, received=11, messageId="s9", userId="s9-ana", sentAt=at(11, 1)
            )
        ],
        [track("report_loaded", 13, received=10, messageId="s9", userId="s9-ana")],
    ],
    "the_same_calls_come_again_under_another_file_name": [
        [track("report_loaded", 4, messageId="s10", userId="s10-ana")],
        [track("report_loaded", 4, messageId="s10", userId="s10-ana")],
        [track("report_loaded", 4, messageId="s10", userId="s10-ana")],
    ],
    "an_account_turns_out_to_be_internal": [
        [call("identify", 3, userId="s11-me", traits={"email": "me@ours.example"})],
        [track("report_loaded", 5, userId="s11-me", context={"groupId": "s11-acme"})],
        [track("report_loaded", 6, userId="s11-you", context={"groupId": "s11-acme"})],
    ],
    "an_event_was_renamed_in_the_plan": [
        [track("opened_report", 3, userId="s12-ana")],
        [track("opened_report", 9, userId="s12-ana")],
        [track("report_loaded", 12, userId="s12-ana")],
    ],
    "a_user_of_one_company_turns_out_to_be_in_two_in_a_week_and_is_not": [
        [
            track("report_loaded", 6, userId="s13-ana", context={"groupId": "s13-acme"}),
            track("report_loaded", 7, userId="s13-ben", context={"groupId": "s13-acme"}),
        ],
        [
            track("report_loaded", day, received=15, userId=user, messageId=message, context=bolt)
            for bolt in [{"groupId": "s13-bolt"}]
            for day, user, message in [(8, "s13-ana", "s13-stays"), (9, "s13-ben", "s13-goes")]
        ],
        [
            track(
                "report_loaded",
                14,
                userId="s13-ben",
                messageId="s13-goes",
                context={"groupId": "s13-bolt"},
            )
        ],
    ],
    "a_device_and_a_user_go_on_with_others_on_new_days": [
        [
            call("identify", 1, anonymousId="s14-phone", userId="s14-ana"),
            call("identify", 1, anonymousId="s14-tablet", userId="s14-ana"),
            track("report_loaded", 3, anonymousId="s14-phone"),
            track("report_loaded", 3, userId="s14-eva", context={"groupId": "s14-acme"}),
            track("report_loaded", 4, userId="s14-eva"),
        ],
        [
            call("identify", 15, anonymousId="s14-phone", userId="s14-ben"),
            call("identify", 15, anonymousId="s14-tablet", userId="s14-ben"),
            track("report_loaded", 15, anonymousId="s14-phone"),
            track("report_loaded", 15, userId="s14-eva", context={"groupId": "s14-bolt"}),
            track("report_created", 15, userId="s14-eva"),
        ],
        [
            call("identify", 16, anonymousId="s14-phone", userId="s14-ana"),
            call("identify", 9, received=16, anonymousId="s14-tablet", userId="s14-ben"),
            track("report_loaded", 16, anonymousId="s14-phone"),
            track("report_loaded", 12, received=16, anonymousId="s14-phone"),
            track("report_loaded", 14, received=16, anonymousId="s14-tablet"),
            track("report_loaded", 16, userId="s14-eva"),
            track("report_loaded", 2, received=16, userId="s14-eva"),
            track("report_loaded", 14, received=16, userId="s14-eva"),
        ],
    ],
    "the_last_complete_day": [
        [track("report_loaded", 10, userId="s15-ana")],
        [track("report_loaded", 14, userId="s15-ana")],
        [track("report_loaded", 17, userId="s15-ana")],
    ],
    "an_alias_is_undone_by_an_earlier_copy_of_its_message": [
        [
            call(
                "alias",
                4,
                received=12,
                messageId="s16-m",
                previousId="s16-anna",
                userId="s16-ana",
            ),
            track("report_loaded", 5, userId="s16-anna"),
            track("report_loaded", 6, anonymousId="s16-anna"),
            call("identify", 6, anonymousId="s16-phone", userId="s16-anna"),
            call("identify", 7, userId="s16-anna", traits={"role": "founder"}),
        ],
        [track("report_created", 3, messageId="s16-m", userId="s16-ben")],
        [],
    ],
    "an_identify_call_is_undone_by_an_earlier_copy_of_its_message": [
        [
            call(
                "identify",
                4,
                received=12,
                messageId="s17-m",
                anonymousId="s17-phone",
                userId="s17-ana",
                traits={"role": "founder", "email": "ana@s17.example"},
            ),
            track("report_loaded", 5, anonymousId="s17-phone"),
            call("identify", 6, anonymousId="s17-phone", traits={"industry": "tea"}),
            track("report_loaded", 8, userId="s17-ana"),
            call(
                "identify",
                4,
                received=12,
                messageId="s17-n",
                userId="s17-eva",
                traits={"email": "eva@s17.example"},
            ),
            track("report_loaded", 8, userId="s17-eva"),
        ],
        [
            track("report_created", 3, messageId="s17-m", userId="s17-ben"),
            track("report_created", 3, messageId="s17-n", userId="s17-ben"),
        ],
        [],
    ],
    "a_membership_is_undone_by_an_earlier_copy_of_its_message": [
        [
            call(
                "group",
                4,
                received=12,
                messageId="s18-m",
                userId="s18-ana",
                groupId="s18-acme",
                traits={"plan": "scale"},
            ),
            track("report_loaded", 5, userId="s18-ana"),
        ],
        [track("report_created", 3, messageId="s18-m", userId="s18-ben")],
        [],
    ],
    "a_first_sighting_and_a_first_email_give_earlier_days_a_company": [
        [track("report_loaded", 5, userId="s19-ana"), track("report_loaded", 5, userId="s19-eva")],
        [
            call("group", 9, userId="s19-ana", groupId="s19-acme"),
            call("identify", 9, userId="s19-eva", traits={"email": "eva@s19.example"}),
        ],
        [],
    ],
    "on_the_first_day_of_a_device_an_earlier_user_comes_late": [
        [
            track("report_loaded", 1, anonymousId="s20-phone"),
            call("identify", 3, timestamp=at(3, 9), anonymousId="s20-phone", userId="s20-ana"),
            call("identify", 3, timestamp=at(3, 18), anonymousId="s20-phone", userId="s20-ben"),
        ],
        [
            call(
                "identify",
                3,
                received=14,
                timestamp=at(3, 8),
                anonymousId="s20-phone",
                userId="s20-ben",
            )
        ],
        [],
    ],
    "the_user_of_a_device_gets_another_id": [
        [
            call("identify", 2, anonymousId="s21-phone", userId="s21-ana"),
            track("report_loaded", 5, anonymousId="s21-phone"),
        ],
        [call("alias", 9, previousId="s21-ana", userId="s21-anna")],
        [],
    ],
    "a_device_gets_a_user_and_loses_it": [
        [
            call("identify", 3, anonymousId="s24-phone", traits={"role": "founder"}),
            track("report_loaded", 4, anonymousId="s24-phone", context={"groupId": "s24-acme"}),
        ],
        [
            track(
                "report_loaded",
                5,
                received=12,
                messageId="s24-m",
                userId="s24-ana",
                anonymousId="s24-phone",
            )
        ],
        [track("report_loaded", 3, messageId="s24-m", userId="s24-ana")],
    ],
    "an_alias_of_an_id_that_is_also_a_device_of_somebody_else_is_made_and_undone": [
        [
            *[
                call("identify", 4, timestamp=at(4, hour), anonymousId="s25-anna", userId="s25-zoe")
                for hour in (8, 18)
            ],
            call("identify", 5, userId="s25-anna", traits={"role": "founder"}),
            track("report_loaded", 6, userId="s25-anna", context={"groupId": "s25-acme"}),
        ],
        [
            call(
                "alias",
                4,
                received=12,
                timestamp=at(4, 9),
                messageId="s25-m",
                previousId="s25-anna",
                userId="s25-ana",
            )
        ],
        [track("report_loaded", 4, messageId="s25-m", userId="s25-ana")],
    ],
    "a_call_in_the_middle_of_a_day_gets_another_time": [
        [
            call("identify", 4, userId="s26-ana", traits={"createdAt": at(4, 9)}),
            track("report_created", 4, timestamp=at(4, 8), userId="s26-ana"),
            track(
                "report_created",
                4,
                received=12,
                timestamp=at(4, 12),
                messageId="s26-m",
                userId="s26-ana",
            ),
            track("report_created", 4, timestamp=at(4, 18), userId="s26-ana"),
        ],
        [
            track(
                "report_created",
                4,
                received=11,
                timestamp=at(4, 10),
                messageId="s26-m",
                userId="s26-ana",
            ),
        ],
        [],
    ],
    "an_event_that_nobody_planned_appears": [
        [track("report_loaded", 4, userId="s27-ana")],
        [track("report_exported", 5, userId="s27-ana", context={"groupId": "s27-acme"})],
        [],
    ],
    "an_account_and_a_company_with_earlier_days_turn_out_to_be_internal": [
        [
            call(
                "identify",
                3,
                userId="s22-me",
                traits={"email": "me@ours.example", "createdAt": at(2)},
            ),
            track("report_loaded", 4, userId="s22-me"),
            track("report_loaded", 5, userId="s22-guest", context={"groupId": "s22-home"}),
            track("report_loaded", 6, userId="s22-guest", context={"groupId": "s22-acme"}),
        ],
        [],
        [],
    ],
    "milestones_are_reached_late_and_one_is_undone": [
        [
            track("signed_up", 2, userId="s23-ana"),
            track("signed_up", 2, userId="s23-ben"),
            track("data_connected", 5, received=12, messageId="s23-m", userId="s23-ben"),
            track("signed_up", 7, userId="s23-dan"),
            track("data_connected", 11, userId="s23-dan"),
            track("report_created", 6, userId="s23-gus"),
        ],
        [
            track("report_created", 4, received=15, userId="s23-ana"),
            track("report_loaded", 5, received=6, messageId="s23-m", userId="s23-ben"),
            call("identify", 9, userId="s23-gus", traits={"createdAt": at(5)}),
        ],
        [],
    ],
}


def build(daybook: Daybook, *options: str, **variables) -> None:
    daybook.build(*options, vars=variables)


INTERNAL_ACCOUNTS = [
    {"match_on": "email_domain", "value": "ours.example", "reason": "the team"},
    {"match_on": "company_id", "value": "s22-home", "reason": "the team's company"},
]


def change_the_reports(daybook: Daybook) -> None:
    """Add internal accounts and reports, change a filter, and raise a milestone."""
    daybook.seed("internal_accounts", INTERNAL_ACCOUNTS)
    reports = daybook.seed_rows("activity_reports")
    reports[-1]["filter_values"] = "scale"
    makers = {"report": "report makers", "entity": "user", "event": "report_created"}
    daybook.seed("activity_reports", [*reports, makers])
    reports = daybook.seed_rows("retention_reports")
    reports[0] |= {"return_window": "on_or_after", "minimum_events": "2"}
    again = reports[0] | {"report": "who opens again", "cohort_event": "report_loaded"}
    daybook.seed("retention_reports", [*reports, again])
    milestones = daybook.seed_rows("activation_milestones")
    milestones[0] |= {"event": "report_loaded", "minimum_events": "2", "within_days": "3"}
    daybook.seed("activation_milestones", milestones)


def change_the_plan(daybook: Daybook) -> None:
    """Declare an event as a former name of another."""
    events = daybook.seed_rows("tracking_plan_events")
    for row in events:
        if row["event"] == "report_loaded":
            row["former_names"] = "opened_report"
    daybook.seed("tracking_plan_events", events)


@pytest.fixture(scope="module")
def nightly_and_clean(tmp_path_factory) -> tuple[Daybook, Daybook]:
    """The stories night after night, and from a clean load."""
    nightly = Daybook(tmp_path_factory.mktemp("nightly") / "daybook")
    clean = Daybook(tmp_path_factory.mktemp("clean") / "daybook")
    stories = [numbered(name, nights) for name, nights in STORIES.items()]
    for night in range(NIGHTS):
        lines = [line for story in stories for line in story[night]]
        clean.write(lines, f"{night}.jsonl")
        nightly.write(lines, f"of_night_{night}.jsonl")
        nightly.land()
        if night == 1:
            change_the_reports(nightly)
        build(nightly)
    clean.land()
    change_the_reports(clean)
    build(clean, "--full-refresh")
    return nightly, clean


@pytest.mark.parametrize("prefix", [f"s{n + 1}-" for n in range(len(STORIES))], ids=STORIES)
def test_the_story_is_the_same(nightly_and_clean, prefix):
    nightly, clean = (
        {table: [row for row in rows if f"'{prefix}" in row] for table, rows in tables.items()}
        for tables in map(without_provenance, nightly_and_clean)
    )
    assert any(nightly.values())
    assert nightly == clean


def test_all_numbers_are_the_same(nightly_and_clean):
    nightly, clean = map(without_provenance, nightly_and_clean)
    for table, rows in clean.items():
        assert nightly[table] == rows, table


def test_an_unload_gives_the_same_as_never_landing_the_file(nightly_and_clean, tmp_path):
    nightly, without = nightly_and_clean[0], Daybook(tmp_path / "without")
    again = Daybook(tmp_path / "again")
    again.database.write_bytes(nightly.database.read_bytes())
    change_the_reports(again)
    (load,) = again.rows("select load_id from raw.loads where path like '%of_night_1.jsonl'")
    again.run("unland", "--load", load["load_id"])
    build(again)
    for night in (0, 2):
        without.write((nightly.logs / f"of_night_{night}.jsonl").read_bytes(), f"{night}.jsonl")
    without.land()
    change_the_reports(without)
    build(without)
    assert without_provenance(again) == without_provenance(without)


def copies(nightly_and_clean, tmp_path) -> tuple[Daybook, Daybook]:
    """Copies of both to change further, with the reports of the last night."""
    again, fresh = Daybook(tmp_path / "again"), Daybook(tmp_path / "fresh")
    for daybook, origin in zip((again, fresh), nightly_and_clean, strict=True):
        daybook.database.write_bytes(origin.database.read_bytes())
        change_the_reports(daybook)
    return again, fresh


# Kept apart from the other stories: rebuilt tables would hide what a night misses.
def test_a_changed_plan_applies_to_all_of_history(nightly_and_clean, tmp_path):
    again, fresh = copies(nightly_and_clean, tmp_path)
    for daybook in (again, fresh):
        change_the_plan(daybook)
    build(again)
    build(fresh, "--full-refresh")
    assert without_provenance(again) == without_provenance(fresh)
    assert without_provenance(again) != without_provenance(nightly_and_clean[0])


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"timezone": "Pacific/Auckland"},
        {"week_start": "sunday", "signup_event": "report_created"},
    ],
    ids=["timezone", "week_start and signup_event"],
)
def test_a_changed_timezone_or_week_start_mixes_no_calendars(
    nightly_and_clean, tmp_path, elsewhere
):
    again, fresh = copies(nightly_and_clean, tmp_path)
    build(again, **elsewhere)
    build(fresh, "--full-refresh", **elsewhere)
    assert without_provenance(again) == without_provenance(fresh)
    assert without_provenance(again) != without_provenance(nightly_and_clean[0])


def test_a_changed_last_complete_day_applies_to_all_of_history(nightly_and_clean, tmp_path):
    again, fresh = copies(nightly_and_clean, tmp_path)
    build(again, as_of="2024-05-08")
    build(fresh, "--full-refresh", as_of="2024-05-08")
    assert without_provenance(again) == without_provenance(fresh)
    build(again)  # and forward again
    assert without_provenance(again) == without_provenance(nightly_and_clean[0])


# -- each table is its SELECT

KEYED = ("--select", "config.materialized:keyed")


def audit(daybook: Daybook, **variables) -> None:
    """Compare each table that is kept up to date with all rows of its SELECT."""
    daybook.build(*KEYED, command="run", vars=variables | {"compare_only": True})


def test_after_three_nights_each_table_equals_its_select(nightly_and_clean, tmp_path):
    again, _ = copies(nightly_and_clean, tmp_path)
    audit(again)
    with duckdb.connect(str(again.database)) as connection:
        connection.execute("delete from intermediate.int_user_companies where user_id = 's6-ana'")
    with pytest.raises(
        AssertionError, match="int_user_companies differs from its SELECT in 3 rows"
    ):
        audit(again)


def test_as_plain_tables_all_models_have_the_same_rows(nightly_and_clean, tmp_path):
    _, keyed = copies(nightly_and_clean, tmp_path)
    plain = Daybook(tmp_path / "plain")
    models = plain.folder / "models"
    models.unlink()
    shutil.copytree(REPO / "models", models)
    for path in models.rglob("*.sql"):
        path.write_text(path.read_text().replace("materialized='keyed'", "materialized='table'"))
    for night in range(NIGHTS):
        plain.write((nightly_and_clean[1].logs / f"{night}.jsonl").read_bytes(), f"{night}.jsonl")
    plain.land()
    change_the_reports(plain)
    build(plain)
    assert all_rows(plain) == all_rows(keyed)


def all_rows(daybook: Daybook) -> dict[str, list]:
    """The rows of every table and view of the models, the feeds of changes aside."""
    names = daybook.rows(
        """
        select table_schema || '.' || table_name as name from information_schema.tables
        where table_schema in ('staging', 'intermediate', 'marts')
            and not ends_with(table_name, '__changes')
        """
    )
    return {row["name"]: sorted(map(repr, daybook.rows(f"from {row['name']}"))) for row in names}


def test_a_plain_build_repairs_a_partial_build(nightly_and_clean, tmp_path):
    _, clean = nightly_and_clean
    daybook = Daybook(tmp_path / "in_parts")

    def land(night: int) -> None:
        daybook.write((clean.logs / f"{night}.jsonl").read_bytes(), f"{night}.jsonl")
        daybook.land()

    land(0)
    build(daybook)
    land(1)
    build(daybook, "--select", "stg_calls", "stg_aliases")
    daybook.build("--select", "int_call_days", "int_as_of", command="run")
    daybook.build("--full-refresh", "--select", "int_alias_resolution", command="run")
    change_the_reports(daybook)
    with a_failing_test_of(daybook, "int_user_companies"):
        daybook.build(fails=True)
    land(2)
    elsewhere = {"timezone": "Pacific/Auckland"}
    daybook.build("--select", "stg_calls", "int_call_days", command="run", vars=elsewhere)
    daybook.build("--full-refresh", "--select", "int_attributed_days", command="run")
    with a_failing_test_of(daybook, "int_trait_history"):
        daybook.build(fails=True)
    build(daybook)
    assert without_provenance(daybook) == without_provenance(clean)
    audit(daybook)


def test_a_run_of_the_keyed_models_alone_is_healed_by_the_next_build(nightly_and_clean, tmp_path):
    _, clean = nightly_and_clean
    daybook = Daybook(tmp_path / "keyed_alone")
    for night in range(2):
        daybook.write((clean.logs / f"{night}.jsonl").read_bytes(), f"{night}.jsonl")
        daybook.land()
        if night == 0:
            build(daybook)
    # The catalog of events is a plain table: it lacks the events that are new.
    daybook.build("--select", "config.materialized:keyed", command="run")
    build(daybook)
    audit(daybook)


@contextmanager
def a_failing_test_of(daybook: Daybook, model: str) -> Iterator[None]:
    """Within the block, no model that reads this model is built."""
    tests = daybook.folder / "tests" / "sql"
    tests.unlink()
    shutil.copytree(REPO / "tests" / "sql", tests)
    (tests / "it_fails.sql").write_text(f"select 1 as one from {{{{ ref('{model}') }}}}")
    yield
    shutil.rmtree(tests)
    tests.symlink_to(REPO / "tests" / "sql")


# -- and random ones


def deliver(daybook: Daybook, clean: Daybook, lines: list, seeds: dict, number: int) -> None:
    chance = random.Random(number)
    for each in (daybook, clean):
        each.forget()
        for name, rows in seeds.items():
            each.seed(name, rows)
    variables = VARIABLES[number % len(VARIABLES)]
    clean.write(lines)
    clean.land()
    build(clean, "--full-refresh", **variables)

    again = lines + chance.sample(lines, len(lines) // 8)
    chance.shuffle(again)
    cuts = sorted(chance.sample(range(len(again)), k=min(5, len(again))))
    files = [again[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True)]
    for number_of_file, part in enumerate(files):
        daybook.write(part, f"{number_of_file}.jsonl")
        if number_of_file % 2 or number_of_file == len(files) - 1:
            daybook.land()
            build(daybook, **variables)
    scattered, expected = without_provenance(daybook), without_provenance(clean)
    for table, rows in expected.items():
        assert scattered[table] == rows, table
    audit(daybook, **variables)


def deliver_a_life(tmp_path, number: int, *phases: Phase) -> None:
    daybook, clean = Daybook(tmp_path / "scattered"), Daybook(tmp_path / "clean")

    @seed(number)
    @settings(
        max_examples=1,
        phases=phases,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(lines=lives().filter(bool), seeds=plans(VARIABLES[number % len(VARIABLES)]), _=st.none())
    def deliver_it(lines: list, seeds: dict, _: None) -> None:
        deliver(daybook, clean, lines, seeds, number)

    deliver_it()


def test_a_random_delivery_tells_the_same_story(tmp_path):
    deliver_a_life(tmp_path, 1, Phase.generate)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(2, 1002))
def test_a_thousand_random_deliveries_tell_the_same_story(tmp_path, number):
    deliver_a_life(tmp_path, number, Phase.generate, Phase.shrink)
