"""A few stories with results worked out by hand, so that the reference itself is tested."""

from datetime import UTC, date, datetime

import pytest
from reference import marts
from reference.calls import as_id, time

MONDAY = date(2024, 3, 4)


def track(user, at, event="opened", **more):
    ids = {"userId": user} if user else {}
    return {"type": "track", **ids, "event": event, **sent(at), **more}


def identify(user, at, traits=None, **more):
    return {"type": "identify", "userId": user, "traits": traits or {}, **sent(at), **more}


def group(user, company, at, traits=None):
    ids = {"userId": user, "groupId": company}
    return {"type": "group", **ids, "traits": traits or {}, **sent(at)}


def sent(at):
    at = f"2024-{at}" if "T" in at else f"2024-{at}T12:00:00Z"
    return {"messageId": f"at {at}", "timestamp": at, "receivedAt": at}


def last_day(day):
    """A call that makes `day` the last complete day of the logs; no report counts it."""
    return {"type": "page", "userId": "nobody", "timestamp": f"2024-{day}T12:00:00Z"} | {
        "messageId": "last",
        "receivedAt": f"2024-{day}T12:00:00Z",
    }


def rows(table, lines, key, columns, seeds=None, variables=None):
    """The values of the named columns of a table, by key."""
    found = marts([*lines, last_day("03-31")], seeds or {}, variables)[table]
    return {row[key]: tuple(row[column] for column in columns.split()) for row in found}


def events(lines, columns, seeds=None, variables=None):
    found = rows("fct_events", lines, "event_id", columns, seeds, variables)
    return {event: values for event, values in found.items() if event != "last"}


def users(lines, columns, seeds=None, variables=None):
    """Rows of `dim_users`, without the user of `last_day`."""
    found = rows("dim_users", lines, "user_id", columns, seeds, variables)
    return {user: values for user, values in found.items() if user != "nobody"}


def planned(entity, **types):
    """Planned traits with their types."""
    return {
        "tracking_plan_traits": [
            {"entity": entity, "trait": trait, "type": type_} for trait, type_ in types.items()
        ]
    }


def utc(*moment):
    return datetime(*moment, tzinfo=UTC)


def active_users(lines, variables=None, **report):
    """Day -> active users, for days that have any."""
    report = {"report": "r", "entity": "user", **report}
    rows = marts(lines, {"activity_reports": [report]}, variables)["activity"]
    days = [row for row in rows if row["clock"] == "day" and row["active"]]
    return {row["period_start"].strftime("%m-%d"): row["active"] for row in days}


def test_lifecycle_adds_up():
    # Weeks of March 4, 11, 18, 25: Ana 1, 2, -, 4; Ben -, 2, -, -. The last week is in progress.
    lines = [track("ana", day) for day in ("03-04", "03-11", "03-25")]
    lines += [track("ben", "03-12"), last_day("03-27")]
    rows = marts(lines, {"activity_reports": [{"report": "r", "entity": "user"}]})["activity"]
    weeks = [row for row in rows if row["clock"] == "week"]
    columns = ("active", "new", "retained", "resurrected", "dormant", "quick_ratio")
    assert [tuple(week[column] for column in columns) for week in weeks] == [
        (1, 1, 0, 0, 0, None),
        (2, 1, 1, 0, 0, None),
        (0, 0, 0, 0, 2, 0.0),  # (0 + 0) / 2
        (1, 0, 0, 1, None, None),
    ]


def test_rolling_windows_are_inclusive():
    lines = [track("ana", "03-04"), last_day("03-13")]
    rows = marts(lines, {"activity_reports": [{"report": "r", "entity": "user"}]})["activity"]
    seven = {r["period_end"].day: r["active"] for r in rows if r["clock"] == "rolling_7d"}
    assert seven == {4: 1, 5: 1, 6: 1, 7: 1, 8: 1, 9: 1, 10: 1, 11: 0, 12: 0}


@pytest.mark.parametrize(
    ("window", "retained"), [("exact", [2, 1, 0, 1]), ("on_or_after", [2, 2, 1, 1])]
)
def test_retention_of_one_cohort(window, retained):
    # Both begin in week 0. Ana comes back in week 3, Ben in week 1.
    lines = [track("ana", "03-04"), track("ben", "03-05"), track("ben", "03-11")]
    lines += [track("ana", "03-25"), last_day("03-28")]
    report = {
        **{"report": "r", "entity": "user", "cohort_rule": "first", "period": "week"},
        "return_window": window,
    }
    cells = marts(lines, {"retention_reports": [report]})["retention"]
    assert [cell["retained"] for cell in cells if cell["cohort_start"] == MONDAY] == retained
    assert [cell["cohort_size"] for cell in cells] == [2] * 4 + [0] * 6  # 4 + 3 + 2 + 1 cells
    assert cells[1]["retention_rate"] == retained[1] / 2
    assert cells[3]["retention_rate"] is None  # March 25 to 31 has not ended on March 27


def test_wilson_of_one_in_ten():
    lines = [track(f"u{n}", f"03-04T10:00:0{n}Z") for n in range(10)]
    lines += [track("u3", "03-05"), last_day("03-07")]
    report = {
        **{"report": "r", "entity": "user", "cohort_rule": "first", "period": "day"},
        "return_window": "exact",
    }
    overall = marts(lines, {"retention_reports": [report]})["retention_overall"]
    (day_1,) = [row for row in overall if row["period_number"] == 1]
    # 1 of 10, as every table of the Wilson interval has it: 1.79 % to 40.42 %.
    assert (day_1["retained"], day_1["cohort_size"], day_1["cohorts"]) == (1, 10, 2)
    assert day_1["rate_low"] == pytest.approx(0.0178762131)
    assert day_1["rate_high"] == pytest.approx(0.4041500268)


def test_activation_includes_both_ends_of_the_window():
    # Ana reaches it exactly 24 hours after she signed up, Ben a second later.
    lines = [track(user, "03-05T12:00:00Z", "signed_up", messageId=user) for user in ("ana", "ben")]
    lines += [track("ana", "03-06T12:00:00Z"), track("ben", "03-06T12:00:01Z"), last_day("03-20")]
    milestone = {
        **{"entity": "user", "milestone": "m", "position": 1, "event": "opened"},
        "within_days": 1,
    }
    rows = marts(lines, {"activation_milestones": [milestone]})["activation"]
    (first_week, activated) = [row for row in rows if row["cohort_week"] == MONDAY]
    assert (first_week["entities"], first_week["reached"]) == (2, 1)
    assert (first_week["reach_rate"], first_week["median_hours"]) == (0.5, 24)
    assert (activated["milestone"], activated["position"]) == ("activated", 2)
    assert activated["reached"] == 1


def test_a_device_belongs_to_the_user_last_seen_with_it():
    lines = [
        {**track(None, "03-04"), "anonymousId": "d"},  # no user before: the first one after, Ana
        {**identify("ana", "03-05"), "anonymousId": "d"},
        {**track(None, "03-06"), "anonymousId": "d"},  # Ana
        {**identify("ben", "03-07"), "anonymousId": "d"},
        {**track(None, "03-08"), "anonymousId": "d"},  # Ben
        last_day("03-11"),
    ]
    role = {"filter_by": "role", "filter_values": "pm"}
    of_ana = [*lines, identify("ana", "03-09", {"role": "PM"})]
    of_ben = [*lines, identify("ben", "03-09", {"role": "PM"})]
    assert active_users(of_ana, **role) == {"03-04": 1, "03-06": 1}
    assert active_users(of_ben, **role) == {"03-08": 1}


def test_aliases_are_followed_and_a_circle_loses_its_latest():
    def alias(previous, user, at):
        return {"type": "alias", "previousId": previous, "userId": user, **sent(at)}

    lines = [
        *(alias("a", "b", "03-01"), alias("b", "c", "03-02"), alias("c", "a", "03-03")),
        *(track("a", "03-04T01:00Z"), track("b", "03-04T02:00Z"), track("c", "03-04T03:00Z")),
        last_day("03-06"),
    ]
    assert active_users(lines) == {"03-04": 1}
    # Without the last alias, c and d would be different users.
    lines = [*lines, alias("c", "d", "03-05"), track("d", "03-04T04:00Z")]
    assert active_users(lines) == {"03-04": 1}


def test_the_earliest_received_copy_counts():
    late = {**track("ana", "03-05"), "messageId": "same", "receivedAt": "2024-03-09T00:00:00Z"}
    early = {**track("ana", "03-04"), "messageId": "same"}
    assert active_users([late, early, last_day("03-11")]) == {"03-04": 1}


def test_an_events_day_is_that_of_the_reporting_timezone():
    # 22:30 UTC is 23:30 in Berlin in winter and 00:30 in summer, which began on March 31.
    lines = [track("ana", "03-30T22:30Z"), track("ana", "03-31T22:30Z"), last_day("04-05")]
    assert active_users(lines, {"timezone": "Europe/Berlin"}) == {"03-30": 1, "04-01": 1}


def test_the_senders_clock_is_corrected():
    # The sender's clock is a day behind: sent "on the 4th", received on the 5th.
    skewed = {
        **{"type": "track", "event": "opened", "userId": "ana", "messageId": "m"},
        "originalTimestamp": "2024-03-04T11:00:00Z",
        "sentAt": "2024-03-04T12:00:00Z",
        "receivedAt": "2024-03-05T12:00:00Z",
    }
    assert active_users([skewed, last_day("03-11")]) == {"03-05": 1}
    ahead = {**track("ana", "03-09"), "receivedAt": "2024-03-06T12:00:00Z"}
    assert active_users([ahead, last_day("03-11")]) == {"03-06": 1}


def test_a_companys_events_are_sent_for_it_or_by_users_sighted_with_it():
    lines = [
        track("ana", "03-04"),  # before any sighting: the first one after, Acme
        group("ana", "acme", "03-05"),
        track("ana", "03-06", context={"groupId": "bolt"}),
        track("ana", "03-07"),  # Bolt: the event of the 6th was a sighting
        last_day("03-11"),
    ]
    by = {"entity": "company", "filter_by": "plan", "filter_values": "free"}
    acme = group("ben", "acme", "03-08", {"plan": "free"})
    bolt = group("ben", "bolt", "03-08", {"plan": "Free"})
    assert active_users([*lines, acme], **by) == {"03-04": 1}
    assert active_users([*lines, bolt], **by) == {"03-06": 1, "03-07": 1}


def test_breakdown_values_as_of_entry_and_now():
    lines = [
        track("ana", "03-04"),
        identify("ana", "03-04T23:00Z", {"role": "pm"}),  # later on the same day
        identify("ana", "03-06", {"role": "founder"}),
        track("ben", "03-04T13:00Z"),
        identify("ben", "03-07", {"role": "pm"}),  # the first later one
        identify("ben", "03-08", {"role": None}),  # cleared
        last_day("03-11"),
    ]
    report = {
        **{"report": "r", "entity": "user", "cohort_rule": "first", "period": "month"},
        **{"return_window": "exact", "breakdown": "role"},
    }

    def sizes(at):
        seeds = {"retention_reports": [{**report, "breakdown_at": at}]}
        cells = marts(lines, seeds)["retention"]
        return {cell["breakdown_value"]: cell["cohort_size"] for cell in cells}

    assert sizes("entry") == {"(all)": 2, "pm": 2}
    assert sizes("latest") == {"(all)": 2, "founder": 1, "(none)": 1}


def test_internal_people_are_in_no_count():
    lines = [track("ana", "03-04"), track("ben", "03-04T13:00Z"), last_day("03-11")]
    lines += [identify("ben", "03-05", {"email": "ben@eu.daybook.example"})]
    rule = {"match_on": "email_domain", "value": "daybook.example"}
    seeds = {
        "activity_reports": [{"report": "r", "entity": "user"}],
        "internal_accounts": [rule],
    }
    rows = marts(lines, seeds)["activity"]
    assert max(row["active"] for row in rows) == 1


# Ids and times


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("ana", "ana"),
        (" ana\t\u00a0", "ana"),
        (42, "42"),
        (42.0, "42"),
        (42.5, "42.5"),
        ("42.0", "42.0"),  # text stays as it is
        *((nothing, None) for nothing in (None, "", "  ", True, ["ana"], {"id": "ana"})),
    ],
)
def test_ids_are_text_or_numbers(sent, expected):
    assert as_id(sent) == expected


def test_ids_of_other_types_are_absent_wherever_they_stand():
    lines = [
        group("ana", "acme", "03-04"),
        track("ana", "03-05", messageId="list", context={"groupId": ["bolt"]}),
        track(" ana ", "03-06", messageId="number", context={"groupId": 7.0}),
        {**track(True, "03-07", messageId="device"), "anonymousId": " phone"},
        {**track("ben", "03-08", messageId="sighting"), "anonymousId": "phone "},
    ]
    assert events(lines, "user_id company_id company_source anonymous_id") == {
        "list": ("ana", "acme", "membership", None),
        "number": ("ana", "7", "event", None),
        "device": ("ben", None, None, "phone"),
        "sighting": ("ben", None, None, "phone"),
    }


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2024-03-04", utc(2024, 3, 4)),
        ("2024-03-04T01:00:00+02:00", utc(2024, 3, 3, 23)),
        (1709600000, utc(2024, 3, 5, 0, 53, 20)),
        ("1709600000", utc(2024, 3, 5, 0, 53, 20)),
        (1709600000.5, utc(2024, 3, 5, 0, 53, 20, 500000)),
        ("1709600000.5", utc(2024, 3, 5, 0, 53, 20, 500000)),
        (1709600000123, utc(2024, 3, 5, 0, 53, 20, 123000)),
        ("1709600000123", utc(2024, 3, 5, 0, 53, 20, 123000)),
        (100_000_000, utc(1973, 3, 3, 9, 46, 40)),
        (100_000_000_000, utc(1973, 3, 3, 9, 46, 40)),  # the first that is in milliseconds
        *((no_time, None) for no_time in (99_999_999, 99_999_999_999, 10**14, True, None, "", [1])),
        *((no_time, None) for no_time in ("20240304", "-1709600000", "1969-12-31", "2100-01-01")),
    ],
)
def test_readable_times(sent, expected):
    assert time(sent) == expected


def test_an_event_before_the_earliest_day_becomes_its_receive_time_if_that_is_later():
    def epoch(message_id, **more):
        times = {"messageId": message_id, "timestamp": "1970-01-01T00:00:00Z"}
        return {"type": "track", "userId": message_id, "event": "opened", **times, **more}

    lines = [
        epoch("received", receivedAt="2024-03-04T12:00:00Z"),
        epoch("sent", sentAt="2024-03-05T12:00:00Z"),
        epoch("neither"),
        epoch("both", receivedAt="1999-12-31T23:00:00Z"),
    ]
    assert events(lines, "event_day time_quality") == {
        "received": (date(2024, 3, 4), "clamped"),
        "sent": (date(2024, 3, 5), "clamped"),
        "neither": (date(1970, 1, 1), "as_sent"),
        "both": (date(1970, 1, 1), "corrected_by_sender"),
    }
    # Reports and dims see two of the four.
    assert active_users([*lines, last_day("03-11")]) == {"03-04": 1, "03-05": 1}
    assert users(lines, "is_internal").keys() == {"received", "sent"}
    # In Berlin an hour before midnight in UTC is the next day, here the earliest one.
    berlin = {"timezone": "Europe/Berlin"}
    assert events(lines, "time_quality", variables=berlin)["both"] == ("clamped",)


def test_calls_before_the_earliest_day_attribute_events_and_are_in_no_dim():
    lines = [
        {**identify("ana", "03-01", {"role": "pm"}), "anonymousId": "phone"},
        group("ana", "acme", "03-02"),
        {**track(None, "03-05", messageId="m"), "anonymousId": "phone"},
    ]
    after, seeds = {"earliest_day": "2024-03-04"}, planned("user", role="string")
    assert events(lines, "user_id company_id", variables=after) == {"m": ("ana", "acme")}
    assert users(lines, "role company_id", seeds) == {"ana": ("pm", "acme")}
    assert users(lines, "role company_id", seeds, after) == {"ana": (None, None)}


def test_names_are_trimmed_as_sent_and_in_seeds():
    seeds = {
        "tracking_plan_events": [{"event": " saved ", "former_names": " svaed; stored "}],
        **planned("user", role="string"),
    }
    lines = [
        track("ana", "03-04", "saved\n", messageId="saved"),
        track("ana", "03-05", " stored", messageId="stored"),
        identify("ana", "03-06", {"role ": "pm"}),
    ]
    assert events(lines, "event is_planned", seeds) == {
        "saved": ("saved", True),
        "stored": ("saved", True),
    }
    assert users(lines, "role", seeds) == {"ana": ("pm",)}


# Placeholder ids


def test_a_placeholder_id_connects_no_users():
    lines = [
        {**identify("ana", "03-04"), "anonymousId": "anonymousId"},
        {**track(None, "03-05", messageId="visitor"), "anonymousId": "anonymousId "},
        track("undefined", "03-06", messageId="undefined"),
        {"type": "alias", "previousId": "undefined", "userId": "ana", **sent("03-07")},
        group("ana", "None", "03-08"),
        track("ana", "03-09", messageId="ana", context={"groupId": "none"}),
        track("none", "03-10", messageId="none"),
    ]
    seeds = {
        "placeholder_ids": [
            {"id": "anonymous", "value": "AnonymousID"},
            {"value": "Undefined "},
            {"id": "company", "value": "none"},
        ]
    }
    assert events(lines, "user_id anonymous_id company_id", seeds) == {
        "visitor": (None, "anonymousId", None),
        "undefined": (None, None, None),
        "ana": ("ana", None, None),
        "none": ("none", None, None),  # of companies alone it is a placeholder
    }
    # Without the list, Ana is the visitor and the aliased user.
    found = events(lines, "user_id")
    assert found["visitor"] == found["undefined"] == ("ana",)


# Planned types

ADDRESSES = planned("user", email="string")


@pytest.mark.parametrize(
    ("planned_type", "expected", "sent"),
    [
        ("boolean", True, [True, "true", "True", 1, "1", 1.0]),
        ("boolean", False, [False, "false", "FALSE", 0, "0"]),
        ("boolean", None, ["yes", 2, [], "t"]),
        ("number", 50, [50, 50.0, "50", "50.0", "5e1"]),
        ("number", 2.5, [2.5, "2.50"]),
        ("number", None, ["many", True, "NaN", "1,5", [5]]),
        ("string", "5", ["5", 5]),
        ("string", "true", [True, "true"]),
        ("datetime", utc(1961, 5, 4, 12), ["1961-05-04T12:00:00Z", "1961-05-04T14:00:00+02:00"]),
        ("datetime", utc(2024, 3, 5, 0, 53, 20), [1709600000, "1709600000", 1709600000000]),
        ("datetime", None, ["a Friday", True, [], 1961]),
        ("array", ["b", "a"], [["b", "a"], ["b", "a", "b"]]),
        ("array", [], [[]]),
        ("array", None, ["a", {"a": 1}]),
        ("object", {"a": 1}, [{"a": 1}]),
        ("object", None, ["a", [1]]),
    ],
)
def test_a_trait_is_cast_to_its_planned_type(planned_type, expected, sent):
    for value in sent:
        lines = [identify("ana", "03-04", {"trait": value})]
        seeds = planned("user", trait=planned_type)
        ((got,),) = users(lines, "trait", seeds).values()
        assert (got, type(got)) == (expected, type(expected)), value


def test_a_date_without_a_time_is_that_day_in_the_reporting_time_zone():
    lines = [identify("ana", "03-04", {"born": "1961-05-04"})]
    new_york = {"timezone": "America/New_York"}
    got = users(lines, "born", planned("user", born="datetime"), new_york)
    assert got == {"ana": (utc(1961, 5, 4, 4),)}


def test_a_traits_history_merges_equal_neighbours_and_skips_cleared_values():
    told = [True, "TRUE", 1, "maybe", None, "", False, "true"]
    lines = [identify("ana", f"03-{day:02}", {"glad": value}) for day, value in enumerate(told, 4)]
    found = marts(lines, planned("user", glad="boolean"))["fct_traits"]
    columns = "value", "value_as_sent"
    days = [(row["valid_from"].day, row["valid_to"] and row["valid_to"].day) for row in found]
    assert days == [(4, 7), (7, 8), (10, 11), (11, None)]
    assert [tuple(row[column] for column in columns) for row in found] == [
        ("true", "true"),  # of the 4th, 5th and 6th the first
        (None, '"maybe"'),
        ("false", "false"),  # of the 8th and 9th nothing
        ("true", '"true"'),
    ]


def test_two_trait_values_of_one_time_keep_the_one_received_later():
    lines = [
        identify("ana", "03-04", {"role": "late"}) | {"receivedAt": "2024-03-05T12:00:00Z"},
        identify("ana", "03-04", {"role": "early"}) | {"messageId": "z"},
    ]
    (row,) = marts(lines, {})["fct_traits"]
    assert row["value"] == '"late"'


def test_filters_and_breakdowns_see_the_cast_value():
    told = {"ana": (True, ["design", "Sales"]), "ben": ("True", ["sales"]), "cleo": ("yes", [])}
    lines = [
        line
        for hour, (user, (glad, teams)) in enumerate(told.items())
        for line in (
            track(user, f"03-04T1{hour}:00Z"),
            identify(user, f"03-05T1{hour}:00Z", {"glad": glad, "teams": teams}),
        )
    ]
    seeds = planned("user", glad="boolean", teams="array")
    retention = {
        **{"report": "r", "entity": "user", "cohort_rule": "first", "period": "month"},
        **{"return_window": "exact", "breakdown": "glad", "breakdown_at": "latest"},
    }

    def active_on_the_4th(**filters):
        report = {"report": "r", "entity": "user", **filters}
        found = marts([*lines, last_day("03-11")], {**seeds, "activity_reports": [report]})
        return found["activity"][0]["active"] if found["activity"] else 0

    assert active_on_the_4th(filter_by="glad", filter_values="TRUE") == 2
    assert active_on_the_4th(filter_by="glad", filter_values="yes") == 0
    assert active_on_the_4th(filter_by="teams", filter_values="sales; legal") == 2
    cells = marts([*lines, last_day("03-11")], {**seeds, "retention_reports": [retention]})
    sizes = {row["breakdown_value"]: row["cohort_size"] for row in cells["retention"]}
    assert sizes == {"(all)": 3, "true": 2, "(none)": 1}


def test_at_entry_an_uncastable_value_is_replaced_by_the_first_later_one():
    lines = [track("ana", "03-04"), identify("ana", "03-04T13:00Z", {"level": "many"})]
    lines += [identify("ana", "03-06", {"level": "3.0"}), last_day("03-11")]
    report = {
        **{"report": "r", "entity": "user", "cohort_rule": "first", "period": "month"},
        **{"return_window": "exact", "breakdown": "level", "breakdown_at": "entry"},
    }
    seeds = {**planned("user", level="number"), "retention_reports": [report]}
    assert {row["breakdown_value"] for row in marts(lines, seeds)["retention"]} == {"(all)", "3"}


# Internal accounts


@pytest.mark.parametrize("value", ["june.example", "@june.example", " @June.Example"])
def test_internal_domains_are_those_of_the_latest_e_mail_in_all_logs_or_of_the_id(value):
    lines = [
        *(track("ana", "03-04"), track("ben", "03-05"), track("zoe@eu.june.example", "03-06")),
        identify("ana", "03-05T01:00Z", {"email": "ana@acme.example"}),
        identify("ana", "04-20", {"email": "ana@eu.JUNE.example"}),  # after `as_of`
        identify("ben", "03-04T01:00Z", {"email": "ben@june.example"}),
        identify("ben", "03-05T02:00Z", {"email": "ben@notjune.example"}),
    ]
    seeds = {**ADDRESSES, "internal_accounts": [{"match_on": "email_domain", "value": value}]}
    found = users(lines, "is_internal", seeds, {"as_of": "2024-03-30"})
    assert found == {"ana": (True,), "ben": (False,), "zoe@eu.june.example": (True,)}


def test_a_user_with_only_internal_companies_is_internal():
    lines = [
        group("ana", "home", "03-04"),
        group("ben", "home", "03-05"),
        track("ben", "04-20", context={"groupId": "acme"}),  # after `as_of`, it counts all the same
        identify("cleo", "03-06"),
    ]
    seeds = {
        "internal_accounts": [{"match_on": "company_id", "value": "home"}],
        "activation_milestones": [
            {"entity": "user", "milestone": "m", "position": 1, "event": "x", "within_days": 1}
        ],
    }
    lines += [
        identify(user, f"03-07T1{n}:00Z", {"createdAt": "2024-03-05"})
        for n, user in enumerate(("ana", "ben", "cleo"))
    ]
    as_of = {"as_of": "2024-03-30"}
    found = users(lines, "is_internal", seeds, as_of)
    assert found == {"ana": (True,), "ben": (False,), "cleo": (False,)}
    (first_week, *_) = marts(lines, seeds, as_of)["activation"]
    assert first_week["entities"] == 2  # without Ana, who has no event of her own


def test_an_internal_company_has_no_members_and_no_history():
    lines = [group("ana", "home", "03-04", {"plan": "free"}), group("ben", "acme", "03-05")]
    lines += [group("ana", "acme", "03-06"), track("ben", "03-07", context={"groupId": "home"})]
    seeds = {"internal_accounts": [{"match_on": "company_id", "value": "home"}]}
    found = rows("dim_companies", lines, "company_id", "members monthly_active_users", seeds)
    assert found == {"home": (0, 0), "acme": (2, 0)}
    assert marts(lines, seeds)["fct_traits"] == []
    assert {row["company_id"] for row in marts(lines, seeds)["fct_memberships"]} == {"acme"}


# Companies from e-mail domains

BY_DOMAIN = {"companies_by_email_domain": True}


def test_a_user_never_sighted_with_a_company_belongs_to_that_of_its_e_mails_domain():
    lines = [
        track("ana", "03-04", messageId="ana"),
        identify("ana", "03-08", {"email": "ana@ACME.example"}),
        track("ben", "03-05", messageId="ben"),
        identify("ben", "03-08T01:00Z", {"email": "ben@mail.example"}),
        track("cleo", "03-06", messageId="cleo"),
        identify("cleo", "03-08T02:00Z", {"email": "cleo@acme.example"}),
        group("cleo", "bolt", "03-09"),
        track("dan", "03-07", messageId="dan"),
    ]
    seeds = {**ADDRESSES, "public_email_domains": [{"domain": "Mail.example"}]}
    assert events(lines, "company_id company_source", seeds, BY_DOMAIN) == {
        "ana": ("acme.example", "email_domain"),
        "ben": (None, None),
        "cleo": ("bolt", "membership"),
        "dan": (None, None),
    }
    assert events(lines, "company_id", seeds)["ana"] == (None,)
    assert users(lines, "company_id", seeds, BY_DOMAIN) == {
        "ana": ("acme.example",),
        "ben": (None,),
        "cleo": ("bolt",),
        "dan": (None,),
    }
    # She is a member from her first call to her last.
    days = marts(lines, seeds, BY_DOMAIN)["fct_memberships"]
    (of_ana,) = [row for row in days if row["user_id"] == "ana"]
    assert (of_ana["first_day"], of_ana["last_day"]) == (date(2024, 3, 4), date(2024, 3, 8))


def test_a_user_sighted_with_a_company_after_the_last_complete_day_has_none_in_the_dims():
    lines = [
        track("ana", "03-04", messageId="before"),
        identify("ana", "03-08", {"email": "ana@acme.example"}),
        track("ana", "04-20", messageId="after", context={"groupId": "bolt"}),
    ]
    variables = {**BY_DOMAIN, "as_of": "2024-03-30"}
    assert events(lines, "company_id", ADDRESSES, variables)["before"] == ("bolt",)
    assert users(lines, "company_id", ADDRESSES, variables) == {"ana": (None,)}


# Sign-ups


@pytest.mark.parametrize(
    ("created_at", "signed_up_at"),
    [
        (None, utc(2024, 3, 6, 12)),  # the event's
        ("2024-03-05", utc(2024, 3, 5, 5)),  # midnight in New York
        (1709600000, utc(2024, 3, 5, 0, 53, 20)),
        ("1709600000000", utc(2024, 3, 5, 0, 53, 20)),
        ("2024-03-07", utc(2024, 3, 6, 12)),  # later than the event
        ("1999-12-31", utc(1999, 12, 31, 5)),  # the earliest day is about calls
        ("a Friday", utc(2024, 3, 6, 12)),
    ],
)
def test_signed_up_is_the_earlier_of_the_event_and_the_trait(created_at, signed_up_at):
    lines = [
        track("ana", "03-06", "signed_up"),
        identify("ana", "03-08", {"createdAt": created_at}),
    ]
    new_york = {"timezone": "America/New_York"}
    assert users(lines, "signed_up_at", variables=new_york) == {"ana": (signed_up_at,)}


def test_a_creation_date_after_the_last_complete_day_is_no_sign_up():
    lines = [identify("ana", "03-08", {"createdAt": "2024-03-31"})]
    lines += [identify("ben", "03-09", {"createdAt": "2024-03-30"})]
    found = users(lines, "signed_up_at")
    assert found == {"ana": (None,), "ben": (utc(2024, 3, 30),)}


def test_users_who_signed_up_before_the_logs_are_in_no_cohort():
    # The logs begin on March 6, a Wednesday: a page of Ben's. Ana was created a day earlier.
    lines = [{**track("ben", "03-06"), "type": "page"}, last_day("03-31")]
    lines += [identify("ana", "03-12", {"createdAt": "2024-03-05"})]
    lines += [identify("ben", "03-13", {"createdAt": "2024-03-06"})]
    lines += [{"type": "page", "userId": "x", "messageId": "x", "timestamp": "1970-01-01"}]
    milestone = {"entity": "user", "milestone": "m", "position": 1, "event": "opened"}
    seeds = {"activation_milestones": [{**milestone, "within_days": 1}]}
    cohorts = {
        row["cohort_week"]: row["entities"]
        for row in marts(lines, seeds)["activation"]
        if row["entities"]
    }
    assert cohorts == {MONDAY: 1}


# The dims


def test_the_row_of_a_company():
    lines = [
        group(
            "ana", "acme", "03-04", {"plan": " Growth", "employees": "40", "createdAt": 1709600000}
        ),
        track("ana", "03-05", context={"groupId": "acme"}),
        {**track(None, "03-06", context={"groupId": "acme"}), "anonymousId": "phone"},
        track("ben", "03-07", "pinged", context={"groupId": "acme"}),
        identify("ben", "03-03", context={"groupId": "bolt"}),  # no sighting, and Bolt is not seen
    ]
    seeds = {
        "plans": [{"plan": "growth", "is_paying": True, "mau_limit": 0}],
        "tracking_plan_events": [{"event": "pinged", "counts_as_active": False}],
        **planned("company", plan="string", employees="number"),
    }
    columns = "first_seen_at signed_up_at last_active_at members monthly_active_users"
    assert rows("dim_companies", lines, "company_id", columns, seeds) == {
        "acme": (utc(2024, 3, 4, 12), utc(2024, 3, 5, 0, 53, 20), utc(2024, 3, 6, 12), 2, 1)
    }
    columns = "plan is_paying mau_limit is_over_mau_limit is_internal employees"
    assert rows("dim_companies", lines, "company_id", columns, seeds) == {
        "acme": ("Growth", True, 0, True, False, 40)
    }
    own_count = {"company_mau_trait": "employees"}
    columns = "monthly_active_users"
    assert rows("dim_companies", lines, "company_id", columns, seeds, own_count) == {"acme": (40,)}
