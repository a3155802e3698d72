"""Bodies that real clients posted (tests/captures) land and are built correctly, by client."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from harness import Daybook

from loaders.landing.quarantine import REASONS

CAPTURES = Path(__file__).parent / "captures"
POSTHOG = ("posthog-node", "posthog-python")

# The calls that each client sent, in the order of its bodies.
SENT = {
    "june-analytics-python": "identify group track track track track track track page screen alias",
    "june-node": "identify group track track track track page",
    "rudder-node": "identify group track track track track page alias",
    "rudder-sdk-python": "identify group track track track track track track page screen alias",
    "segment-analytics-python": (
        "identify group track track track track track track page screen alias"
    ),
    "segment-node": "identify group track track track track page alias",
}
RECEIVED_LATER = timedelta(hours=1)


def items(client: str) -> list[tuple[dict, dict]]:
    """Each body and item that a client posted."""
    bodies = [json.loads(line) for line in (CAPTURES / f"{client}.jsonl").read_bytes().splitlines()]
    return [(body, item) for body in bodies for item in body["batch"]]


def read_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def as_received(client: str) -> bytes:
    """The bodies as stored by a server whose clock is an hour ahead.

    They have new ids, so that they are other calls.
    """
    lines = []
    for line in (CAPTURES / f"{client}.jsonl").read_bytes().splitlines():
        body = json.loads(line)
        sent_at = body.get("sentAt") or body["batch"][0]["sentAt"]
        body["receivedAt"] = (datetime.fromisoformat(sent_at) + RECEIVED_LATER).isoformat()
        for item in body["batch"]:
            item["messageId"] = f"received {client} {item['messageId']}"
        lines.append(json.dumps(body).encode() + b"\n")
    return b"".join(lines)


@pytest.fixture(scope="module")
def captured(tmp_path_factory) -> Daybook:
    """All captures, as they were posted and as a server received them; landed and built."""
    daybook = Daybook(tmp_path_factory.mktemp("captures") / "daybook")
    for path in CAPTURES.glob("*.jsonl"):
        shutil.copy(path, daybook.logs)
    for client in SENT:
        daybook.write(as_received(client), f"received/{client}.jsonl.gz")
    daybook.land()
    daybook.build(vars={"as_of": "2026-11-23"})
    return daybook


def calls_of(daybook: Daybook, client: str) -> list[dict]:
    return daybook.rows(f"""
        select * from raw.calls
        where load_id = (
            select load_id from raw.loads where path = '{daybook.logs / client}.jsonl'
        )
        order by line_number, call_number
    """)


def events(daybook: Daybook) -> dict[str, dict]:
    return {row["event_id"]: row for row in daybook.rows("from marts.fct_events")}


@pytest.mark.parametrize("client", SENT)
def test_every_call_of_a_client_lands(captured, client):
    calls = calls_of(captured, client)
    assert [row["type"] for row in calls] == SENT[client].split()
    for row, (body, item) in zip(calls, items(client), strict=True):
        sent = {
            "message_id": item["messageId"],
            "user_id": item.get("userId"),
            "anonymous_id": item.get("anonymousId"),
            "group_id": item.get("groupId"),
            "previous_id": item.get("previousId"),
            "event": item.get("event"),
            "name": item.get("name"),
            "category": item.get("category"),
            "channel": item.get("channel"),
            "timestamp": item.get("timestamp"),
            "original_timestamp": item.get("originalTimestamp"),
            "sent_at": item.get("sentAt", body.get("sentAt")),
            "received_at": None,
        }
        assert {name: row[name] for name in sent} == sent
        for name in ("properties", "traits", "context", "integrations"):
            assert row[name] == item.get(name) or json.loads(row[name]) == item[name]


def test_every_line_of_the_captures_is_landed_or_quarantined(captured):
    [counts] = captured.rows("""
        select sum(lines) as lines, sum(landed) as landed, sum(quarantined) as quarantined,
            sum(calls) as calls
        from raw.loads
    """)
    calls = sum(len(types.split()) for types in SENT.values())
    # Six clients twice, rudder-node in two bodies; PostHog's two are quarantined.
    assert counts == {"lines": 16, "landed": 14, "quarantined": 2, "calls": 2 * calls}
    assert "Every line is accounted for" in captured.run("status").output


@pytest.mark.parametrize("client", POSTHOG)
def test_posthogs_calls_are_quarantined_with_their_own_reason(captured, client):
    assert calls_of(captured, client) == []
    rows = captured.rows(f"""
        select line_number, call_number, quarantine.reason, line from raw.quarantine
        inner join raw.loads using (load_id)
        where path like '%/{client}.jsonl'
        order by call_number
    """)
    [line] = (CAPTURES / f"{client}.jsonl").read_bytes().splitlines()
    numbers = range(1, len(items(client)) + 1)
    assert [tuple(row.values()) for row in rows] == [
        (1, number, "posthog_format", line) for number in numbers
    ]
    assert "PostHog" in REASONS["posthog_format"]


@pytest.mark.parametrize("client", SENT)
def test_an_event_time_is_the_callers_or_else_the_clients_clock(captured, client):
    """No client sends `receivedAt`, so no time can be corrected."""
    found = events(captured)
    for _, item in items(client):
        if item["type"] not in ("track", "page", "screen") or item["messageId"] == "fixed-1":
            continue
        row = found[item["messageId"]]
        set_by_caller = "timestamp" in item and "originalTimestamp" in item
        assert row["time_quality"] == ("set_by_caller" if set_by_caller else "as_sent")
        assert row["event_at"] == read_time(item.get("timestamp") or item["originalTimestamp"])


@pytest.mark.parametrize("client", SENT)
def test_a_clients_clock_is_corrected_by_the_servers(captured, client):
    found = events(captured)
    for _, item in items(client):
        if item["type"] not in ("track", "page", "screen"):
            continue
        row = found[f"received {client} {item['messageId']}"]
        if "timestamp" in item and "originalTimestamp" in item:
            # RudderStack: the caller set the time, and meant it.
            assert row["time_quality"] == "set_by_caller"
            assert row["event_at"] == read_time(item["timestamp"])
        else:
            # receivedAt - (sentAt - original), and receivedAt = sentAt + 1 hour.
            original = read_time(item.get("originalTimestamp") or item["timestamp"])
            assert row["time_quality"] == "corrected"
            assert row["event_at"] == original + RECEIVED_LATER


def test_old_events_keep_their_day(captured):
    rows = captured.rows("""
        select distinct library, event_at, time_quality from marts.fct_events
        where event = 'Old Event' and event_id not like 'received%'
        order by all
    """)
    assert [tuple(row.values()) for row in rows] == [
        ("@segment/analytics-node", datetime(2025, 12, 1, 6, 0, 0, 123000), "as_sent"),
        ("analytics-node", datetime(2025, 12, 1, 6, 0, 0, 123000), "set_by_caller"),
        ("analytics-python", datetime(2025, 12, 1, 6), "as_sent"),  # 08:00+02:00
    ]


def test_one_message_id_sent_by_many_clients_is_one_event(captured):
    """Five clients sent `fixed-1`; segment-analytics-python's was received first."""
    [row] = captured.rows("select * from marts.fct_events where event_id = 'fixed-1'")
    assert row["received_at"] == read_time(items("segment-analytics-python")[0][0]["sentAt"])


def test_anonymous_pages_belong_to_the_user_that_the_alias_names(captured):
    rows = captured.rows("""
        select distinct anonymous_id, user_id from marts.fct_events where event = 'Page Seen'
    """)
    assert rows == [{"anonymous_id": "anon-1", "user_id": "u_1"}]


def test_a_number_as_user_id_is_a_user(captured):
    rows = captured.rows("select distinct user_id from marts.fct_events where event = 'Int user'")
    assert rows == [{"user_id": "12345"}]


def test_pages_and_screens_are_events_by_their_type(captured):
    rows = captured.rows("""
        select event, count(*) as events from marts.fct_events
        where event in ('page', 'screen') and event_id not like 'received%'
        group by all order by all
    """)
    assert rows == [{"event": "page", "events": 6}, {"event": "screen", "events": 3}]


def test_traits_are_found_wherever_the_client_puts_them(captured):
    """RudderStack's Python client has them in `context.traits` only."""
    rows = captured.rows("""
        select entity, entity_id, trait, value from marts.fct_traits where valid_to is null
    """)
    latest = {(row["entity"], row["entity_id"], row["trait"]): row["value"] for row in rows}
    user = {trait: value for (_, entity_id, trait), value in latest.items() if entity_id == "u_1"}
    assert json.loads(user["email"]) == "a@example.com"
    assert json.loads(user["tags"]) == ["x", "y"]
    assert json.loads(user["address"]) == {"city": "Paris"}
    assert json.loads(user["seats"]) == 5
    assert json.loads(user["mrr"]) == 12.5  # from a Python client, hours before the last
    company = {
        trait: json.loads(value) for (_, id_, trait), value in latest.items() if id_ == "c_1"
    }
    assert company == {"name": "Acmé", "employees": 120, "plan": "ent"}


def test_every_identify_is_in_the_history(captured):
    """Each client's identify set `createdAt`: two spellings, one after the other."""
    rows = captured.rows("""
        select value from marts.fct_traits
        where entity = 'user' and entity_id = 'u_1' and trait = 'createdAt'
    """)
    assert {json.loads(row["value"]) for row in rows} == {
        "2026-01-05T12:00:00.123456",  # Python
        "2025-12-01T06:00:00.123Z",  # Node
    }


def test_the_user_the_company_and_their_membership_are_found(captured):
    assert captured.rows("""
        select user_id, company_id, email from marts.dim_users where user_id = 'u_1'
    """) == [{"user_id": "u_1", "company_id": "c_1", "email": "a@example.com"}]
    assert captured.rows("select company_id, name, employees, plan from marts.dim_companies") == [
        {"company_id": "c_1", "name": "Acmé", "employees": 120, "plan": "ent"}
    ]
    assert captured.rows("select user_id, company_id from marts.fct_memberships") == [
        {"user_id": "u_1", "company_id": "c_1"}
    ]


def test_properties_are_kept_as_sent(captured):
    rows = captured.rows("""
        select properties, library from marts.fct_events
        where event = 'Order Completed' and event_id not like 'received%'
    """)
    assert len(rows) == len(SENT)
    for row in rows:
        found = json.loads(row["properties"])
        assert (found["revenue"], found["qty"], found["ok"]) == (19.99, 2, True)
        assert found["unicode"] == "naïve 🎉"
