"""Random lives: a few people, devices and companies, some weeks of calls, and reports about them.

A life is a list of log lines, as sent. All is drawn from small sets, so that stories collide:
people share devices and change companies, copies arrive late, clocks are wrong. What the contract
leaves open is left out (two calls at one instant, a trait under its old and its new name at once).
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

Row = dict[str, Any]

# Eight weeks with the change to summer time in Berlin and New York, to winter time in Auckland.
BEGINNING = datetime(2024, 2, 24, tzinfo=UTC)
DAYS = 56

USERS = ("ana", "ben", "cleo", "dan", "eve")
DEVICES = ("phone", "laptop", "kiosk")
COMPANIES = ("acme", "bolt", "corp")
EVENTS = ("opened", "opened", "saved", "svaed", "pinged", "signed_up", "mystery")
ROLES = ("pm", "PM", "founder", "", None)
TRAITS = {
    "role": st.sampled_from(ROLES),
    "level": st.sampled_from((1, 2.5, "1", None)),
    "beta": st.booleans(),
    "email": st.sampled_from(("a@acme.example", "b@june.example", "c@eu.JUNE.example")),
    "createdAt": st.sampled_from(("2024-03-01", "2024-04-07T23:30:00-05:00", 1709600000)),
}
COMPANY_TRAITS = {
    "plan": st.sampled_from(("free", "Scale", "", None)),
    "size": st.sampled_from((3, 40)),
    "createdAt": st.sampled_from(("2024-03-03T22:30:00Z", "2024-04-08")),
}

PLAN: dict[str, list[Row]] = {
    "tracking_plan_events": [
        {"event": "opened", "feature": "rooms"},
        {"event": "saved", "former_names": "svaed; saev"},
        {"event": "pinged", "counts_as_active": False},
        {"event": "signed_up", "counts_as_active": True},
        {"event": "page"},
    ],
    "tracking_plan_properties": [],
    "tracking_plan_traits": [
        {"entity": "user", "trait": "role", "type": "string", "former_names": "job"},
        {"entity": "user", "trait": "level", "type": "number"},
        {"entity": "user", "trait": "beta", "type": "boolean"},
        {"entity": "user", "trait": "email", "type": "string"},
        {"entity": "company", "trait": "plan", "type": "string"},
        {"entity": "company", "trait": "size", "type": "number"},
    ],
    "plans": [
        {"plan": "free", "is_paying": False, "mau_limit": 10},
        {"plan": "scale", "is_paying": True},
    ],
    "internal_accounts": [],
    "activity_reports": [],
    "retention_reports": [],
    "activation_milestones": [],
}

# Few, because dbt parses the project anew for each.
VARIABLES = (
    {},
    {"timezone": "Europe/Berlin", "week_start": "sunday"},
    {"timezone": "America/New_York", "as_of": "2024-04-09"},
    {
        "timezone": "Pacific/Auckland",
        "week_start": "sunday",
        "as_of": "2024-04-06",
        "unplanned_counts_as_active": False,
    },
    {"week_start": "sunday", "as_of": "2024-05-05"},
)


@st.composite
def lives(draw, most_calls: int = 180) -> list[Row]:
    """A log: lines in the order in which they are landed."""
    lines: list[Row] = []
    for number in range(draw(st.sampled_from((0, 10, most_calls // 2, most_calls)))):
        call = draw(calls(number))
        lines.append(call)
        if draw(chance(12)):
            lines.append(draw(copies(call, most_calls + number)))
        if "traits" in call and "receivedAt" in call and draw(chance(6)):
            lines.append(draw(twins(call)))
    lines = [draw(batches(line)) if "receivedAt" not in line else line for line in lines]
    return draw(st.permutations(lines)) if draw(st.booleans()) else lines


def chance(one_in: int) -> st.SearchStrategy[bool]:
    """True once in so many times; shrinks to False."""
    return st.integers(0, one_in - 1).map(lambda number: number == one_in - 1)


@st.composite
def calls(draw, number: int) -> Row:
    """One plain call; `number` makes its instant and its id its own."""
    kind = draw(
        st.sampled_from(("track", "track", "track", "track", "page", "identify", "group", "alias"))
    )
    call: Row = {"type": kind, **draw(who())}
    if kind == "track":
        call["event"] = draw(st.sampled_from(EVENTS))
    elif kind == "page":
        call["type"] = draw(st.sampled_from(("page", "screen")))
        call["name"] = "somewhere"
    elif kind == "identify":
        traits = draw(st.fixed_dictionaries({}, optional=TRAITS))
        if "role" in traits and draw(chance(4)):
            traits["job"] = traits.pop("role")
        if draw(chance(4)):
            call["context"] = {"traits": traits}
            call |= draw(st.sampled_from(({}, {"traits": {}}, {"traits": None})))
        else:
            call["traits"] = traits
    elif kind == "group":
        call["groupId"] = draw(st.sampled_from(COMPANIES))
        call["traits"] = draw(st.fixed_dictionaries({}, optional=COMPANY_TRAITS))
    elif kind == "alias":
        call["previousId"] = draw(st.sampled_from(USERS + DEVICES))
        call["userId"] = draw(st.sampled_from(USERS))
    if call["type"] in ("track", "page", "screen") and draw(chance(3)):
        call["context"] = {"groupId": draw(st.sampled_from((*COMPANIES, "", None)))}
    if kind not in ("track", "page") or not draw(chance(10)):
        call["messageId"] = f"m{number:03}"
    return call | draw(times(number))


@st.composite
def who(draw) -> Row:
    """A person, a device, or both."""
    ids: Row = {}
    if draw(st.integers(0, 3)):
        ids["userId"] = draw(st.sampled_from(USERS))
    if not ids or draw(chance(3)):
        ids["anonymousId"] = draw(st.sampled_from(DEVICES))
    elif draw(chance(5)):
        ids["anonymousId"] = draw(st.sampled_from((None, "")))
    return ids


WAYS = ("archive",) * 5 + ("sdk", "skewed", "early", "caller")


@st.composite
def times(draw, number: int, ways: tuple[str, ...] = (*WAYS, "bare")) -> Row:
    """When: as an archive says it, as SDKs send it, and with what goes wrong."""
    minutes = draw(st.integers(0, DAYS * 24 * 2 - 1)) * 30
    at = BEGINNING + timedelta(minutes=minutes, milliseconds=number)
    late = timedelta(days=draw(st.sampled_from((0, 0, 0, 0, 1, 3, 40))), seconds=2)
    way = draw(st.sampled_from(ways))
    if way == "archive":
        offset = timezone(timedelta(hours=draw(st.sampled_from((0, 0, 0, -7)))))
        return {"timestamp": text(at.astimezone(offset)), "receivedAt": text(at + late)}
    if way == "sdk":
        return {"timestamp": text(at), "sentAt": text(at + late)}
    if way == "skewed":
        skew = timedelta(hours=draw(st.sampled_from((-30, -1, 5))))
        return {
            "originalTimestamp": text(at + skew),
            "sentAt": text(at + skew + late),
            "receivedAt": text(at + late),
        }
    if way == "early":  # received before it happened: by 30 hours it is clamped, by 20 it is not
        before = timedelta(hours=draw(st.sampled_from((20, 30))))
        return {"timestamp": text(at), "receivedAt": text(at - before)}
    if way == "caller":
        return {"timestamp": text(at), "originalTimestamp": text(at + late), "sentAt": text(at)}
    return {"timestamp": text(at + timedelta(days=draw(st.sampled_from((0, 0, 50)))))}


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@st.composite
def copies(draw, call: Row, number: int) -> Row:
    """The call again: a retry, or a copy received later or earlier that says something else."""
    if draw(st.booleans()) or "messageId" not in call:
        later = text(BEGINNING + timedelta(days=DAYS + 40, milliseconds=number))
        return call | {"receivedAt" if "receivedAt" in call else "sentAt": later}
    other = {key: call[key] for key in call if not key.endswith(("At", "imestamp"))}
    if call["type"] == "track":
        other["event"] = draw(st.sampled_from(EVENTS))
    return other | draw(times(number, WAYS))  # with a receive time: there is no tie


@st.composite
def twins(draw, call: Row) -> Row:
    """Another call of the same instant, that sets other traits: receive time, then id decide."""
    traits = TRAITS if call["type"] == "identify" else COMPANY_TRAITS
    twin = call | {"messageId": call["messageId"] + draw(st.sampled_from(("a", "b")))}
    twin["traits"] = draw(st.fixed_dictionaries(traits))
    if "timestamp" in call:
        received = datetime.fromisoformat(call["receivedAt"])
        twin["receivedAt"] = text(received + timedelta(hours=draw(st.sampled_from((0, -1, 1)))))
    return twin


@st.composite
def batches(draw, call: Row) -> Row:
    """The call as an SDK posts it, in a body that was received or not; or as it is."""
    if not draw(st.booleans()) or "timestamp" not in call:
        return call
    item = {key: value for key, value in call.items() if key != "sentAt"}
    body = {"batch": [item]} | {key: call[key] for key in ("sentAt",) if key in call}
    if "context" in item and draw(st.booleans()):
        body["context"] = item.pop("context")
    elif draw(chance(4)):
        body["context"] = {"groupId": draw(st.sampled_from(COMPANIES))}
    if "sentAt" in body and draw(st.booleans()):
        sent = datetime.fromisoformat(body["sentAt"])
        body["receivedAt"] = text(sent + timedelta(hours=draw(st.sampled_from((0, 7)))))
    return body


# What is asked about a life


@st.composite
def plans(draw, reports: int = 24) -> dict[str, list[Row]]:
    """Seeds: the plan above with random reports, milestones and internal accounts."""
    third = reports // 3
    return PLAN | {
        "tracking_plan_events": PLAN["tracking_plan_events"][: draw(st.sampled_from((4, 5)))],
        "internal_accounts": draw(st.lists(st.sampled_from(INTERNAL), unique_by=id, max_size=2)),
        "activity_reports": [draw(activity_reports(number)) for number in range(third)],
        "retention_reports": [draw(retention_reports(n)) for n in range(reports - third)],
        "activation_milestones": [
            draw(milestones(entity, number))
            for entity in ("user", "company")
            for number in range(1, draw(st.integers(1, 3)))
        ],
    }


INTERNAL = (
    {"match_on": "user_id", "value": "eve"},
    {"match_on": "email_domain", "value": "june.example"},
    {"match_on": "company_id", "value": "corp"},
)
FILTERS = {
    "user": (
        {},
        {},
        {"filter_by": "role", "filter_values": " Pm ;cto"},
        {"filter_by": "level", "filter_values": "1;2"},
        {"filter_by": "beta", "filter_values": "TRUE"},
        {"filter_by": "company.plan", "filter_values": "scale"},
        {"filter_by": "company.size", "filter_values": "3;40"},
    ),
    "company": (
        {},
        {},
        {"filter_by": "plan", "filter_values": "Scale;free"},
        {"filter_by": "size", "filter_values": "40"},
    ),
}
BREAKDOWNS = {"user": ("role", "level", "company.plan"), "company": ("plan", "size")}
COUNTED_EVENTS = (None, None, "opened", "saved", "signed_up", "pinged", "page")
LIMITS = (
    {},
    {},
    {"starts_on": "2024-03-06"},
    {"ends_on": "2024-03-20"},
    {"ends_on": "2024-04-02"},
    {"starts_on": "2024-03-14", "ends_on": "2024-03-31"},
    {"starts_on": "2024-01-30", "ends_on": "2024-06-01"},
)


@st.composite
def activity_reports(draw, number: int) -> Row:
    entity = draw(st.sampled_from(("user", "company")))
    return {
        "report": f"activity {number}",
        "entity": entity,
        "event": draw(st.sampled_from(COUNTED_EVENTS)),
        **draw(st.sampled_from(FILTERS[entity])),
        **draw(st.sampled_from(LIMITS)),
    }


@st.composite
def retention_reports(draw, number: int) -> Row:
    entity = draw(st.sampled_from(("user", "company")))
    breakdown = {"breakdown": draw(st.sampled_from(BREAKDOWNS[entity]))}
    breakdown["breakdown_at"] = draw(st.sampled_from(("latest", "entry")))
    return {
        "report": f"retention {number}",
        "entity": entity,
        "cohort_event": draw(st.sampled_from(COUNTED_EVENTS)),
        "return_event": draw(st.sampled_from(COUNTED_EVENTS)),
        "cohort_rule": draw(st.sampled_from(("first", "every"))),
        "period": draw(st.sampled_from(("day", "week", "week", "month"))),
        "return_window": draw(st.sampled_from(("exact", "on_or_after"))),
        "minimum_events": draw(st.sampled_from((None, 1, 2))),
        "periods": draw(st.sampled_from((None, None, 1, 3))),
        **draw(st.sampled_from(FILTERS[entity])),
        **(breakdown if draw(st.booleans()) else {}),
        **draw(st.sampled_from(LIMITS)),
    }


@st.composite
def milestones(draw, entity: str, number: int) -> Row:
    return {
        "entity": entity,
        "milestone": f"milestone {number}",
        "position": number,
        "event": draw(st.sampled_from(("opened", "saved", "signed_up", "pinged"))),
        "minimum_events": draw(st.sampled_from((None, 1, 2))),
        "within_days": draw(st.sampled_from((1, 14, 28))),
    }
