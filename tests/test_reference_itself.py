"""A few stories that one can work out by hand, so that the reference is not trusted blindly."""

from datetime import date

import pytest
from reference import marts

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
    """A call that makes `day` the last whole day of the logs, and is not counted by any report."""
    return {"type": "page", "userId": "nobody", "timestamp": f"2024-{day}T12:00:00Z"} | {
        "messageId": "last",
        "receivedAt": f"2024-{day}T12:00:00Z",
    }


def active_users(lines, variables=None, **report):
    """Day -> active users, of the days that have any."""
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


def test_a_device_belongs_to_who_was_last_seen_with_it():
    lines = [
        {**track(None, "03-04"), "anonymousId": "d"},  # nobody before: the first after, Ana
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
    # Without the last alias, c would be somebody else than d.
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


def test_clocks_of_the_sender_are_corrected():
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


def test_a_companys_events_are_those_sent_for_it_or_by_who_was_sighted_with_it():
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


def test_internal_people_count_nowhere():
    lines = [track("ana", "03-04"), track("ben", "03-04T13:00Z"), last_day("03-11")]
    lines += [identify("ben", "03-05", {"email": "ben@eu.daybook.example"})]
    rule = {"match_on": "email_domain", "value": "daybook.example"}
    seeds = {
        "activity_reports": [{"report": "r", "entity": "user"}],
        "internal_accounts": [rule],
    }
    rows = marts(lines, seeds)["activity"]
    assert max(row["active"] for row in rows) == 1
