"""Random lives: a few people, devices and companies, some weeks of calls, and reports about them.

A life is a list of log lines, as sent. All is drawn from small sets, so that stories collide:
people share devices and change companies, copies arrive late, clocks are wrong, and ids, names and
traits are as messy as real senders write them. What the contract leaves open is left out: two calls
at one instant, a trait under its old and its new name at once, two values of a trait that cannot
be cast, and logs of which only calls before `earliest_day` have a receive time.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

Row = dict[str, Any]

# Eight weeks with the change to summer time in Berlin and New York, to winter time in Auckland.
BEGINNING = datetime(2024, 2, 24, tzinfo=UTC)
DAYS = 56

# No alias leads away from "eve@june.example", whose id may make her internal. "shared" is a user's
# id like any other, and for a device a placeholder.
USERS = ("ana", "ben", "cleo", "dan", "7")
LONERS = ("fay", "gus", "hal")  # seldom sighted with a company
DEVICES = ("phone", "laptop", "kiosk")
COMPANIES = ("acme", "bolt", "corp", "42")
NAMES = {
    "user": (*USERS, *USERS, *LONERS, *LONERS, "eve@june.example", "shared"),
    "anonymous": (*DEVICES, *DEVICES, "shared"),
    "company": COMPANIES,
}
# Ids that `placeholder_ids` below lists, and ids that are absent because of their type.
NOBODY = {
    "user": ("undefined", "Undefined", "nobody"),
    "anonymous": ("UNDEFINED ", "Shared"),
    "company": ("undefined", "none", " None"),
}
NO_ID = (None, "", "  ", True, [], ["ana", "acme"], {"id": "ana"})
EVENTS = ("opened", "opened", "saved", "svaed", "pinged", "signed_up", "mystery")

# White space that some names and ids have at the ends.
BLANKS = ("{}",) * 35 + (" {}", "{} ", "\t{}", "{}\n", " {}\u00a0")


def spellings(one: str) -> tuple:
    """The ways to send a name or an id: as text, or as a number if it is one."""
    numbers = (int(one), float(one)) * 20 if one.isdigit() else ()
    return (*(blanks.format(one) for blanks in BLANKS), *numbers)


# One draw per name or id: a life of Hypothesis has a limited number of them.
SENT_EVENTS = st.sampled_from([sent for event in EVENTS for sent in spellings(event)])
SENT_IDS = {
    kind: st.sampled_from(
        [*(sent for one in names for sent in spellings(one)), *NOBODY[kind] * (len(names))]
    )
    for kind, names in NAMES.items()
}
SENT_USERS = st.sampled_from([sent for one in USERS for sent in spellings(one)])
SENT_PREVIOUS_IDS = st.sampled_from(
    [sent for one in (*USERS, *DEVICES, "undefined") for sent in spellings(one)]
)
SENT_COMPANIES = st.one_of(SENT_IDS["company"], SENT_IDS["company"], st.sampled_from(NO_ID))

# At most one value of a trait cannot be cast: whether two of them are one row is left open. Lists
# have their elements in order of the alphabet, and each trait its own spellings of one value.
TRAITS = {
    "role": st.sampled_from(("pm", "PM", "founder", "", None)),
    "level": st.sampled_from((1, 2.5, "1", 1.0, "2.50", "NaN", None)),
    "beta": st.sampled_from((True, False, "true", "False", 1, 0, "1", "yes")),
    "teams": st.sampled_from(
        ([], ["design"], ["design", "sales"], ["design", "sales", "design"], "sales", None)
    ),
    "email": st.sampled_from(
        ("a@acme.example", "b@june.example", "c@eu.JUNE.example", "d@mail.example", "no address")
    ),
    "born": st.sampled_from(("1961-05-04", "1990-12-31T22:30:00-05:00", "a Friday")),
    "createdAt": st.sampled_from(
        (
            *("2024-03-01", "2024-04-07T23:30:00-05:00", "1961-05-04", "2024-04-20", "2024-02-20"),
            *(1709600000, "1709600000", 1710800000000, "1711400000123", 1712000000.5, "a Friday"),
        )
    ),
    "mood": st.sampled_from(("glad", 3, True, ["a"], {"a": [1]})),  # not planned
}
COMPANY_TRAITS = {
    "plan": st.sampled_from(("free", "Scale", "scale", "", None)),
    "size": st.sampled_from((3, 40, "3", 40.0)),
    "mau": st.sampled_from((5, "12", 12.0, "many")),
    "paying": st.sampled_from((True, "TRUE", 0, "false", [])),
    "createdAt": st.sampled_from(
        ("2024-03-03T22:30:00Z", "2024-04-08", 1709500000, "1710700000000", "2021-01-01")
    ),
}

PLAN: dict[str, list[Row]] = {
    "tracking_plan_events": [
        {"event": "opened", "feature": "rooms"},
        {"event": " saved", "former_names": "svaed ; saev"},
        {"event": "pinged", "counts_as_active": False},
        {"event": "signed_up", "counts_as_active": True},
        {"event": "page"},
    ],
    "tracking_plan_properties": [],
    "tracking_plan_traits": [
        {"entity": "user", "trait": "role", "type": "string", "former_names": "job"},
        {"entity": "user", "trait": "level", "type": "number"},
        {"entity": "user", "trait": "beta", "type": "boolean"},
        {"entity": "user", "trait": "teams", "type": "array"},
        {"entity": "user", "trait": "email", "type": "string"},
        {"entity": "user", "trait": "born", "type": "datetime"},
        {"entity": "user", "trait": "createdAt", "type": "datetime"},
        {"entity": "company", "trait": "plan", "type": "string"},
        {"entity": "company", "trait": "size", "type": "number"},
        {"entity": "company", "trait": "paying", "type": "boolean"},
        {"entity": "company", "trait": "createdAt", "type": "datetime"},
        {"entity": "company", "trait": "mau", "type": "number"},
    ],
    "placeholder_ids": [
        {"value": "undefined"},
        {"id": "user", "value": "nobody"},
        {"id": "anonymous", "value": "shared"},
        {"id": "company", "value": "None"},
    ],
    "public_email_domains": [{"domain": "mail.example"}],
    "plans": [
        {"plan": "free", "is_paying": False, "mau_limit": 10},
        {"plan": "scale", "is_paying": True},
    ],
    "internal_accounts": [],
    "activity_reports": [],
    "retention_reports": [],
    "activation_milestones": [],
}

# Few, because dbt parses the project again for each.
VARIABLES: tuple[Row, ...] = (
    {},
    {"timezone": "Europe/Berlin", "week_start": "sunday", "companies_by_email_domain": True},
    {"timezone": "America/New_York", "as_of": "2024-04-09", "earliest_day": "2024-03-06"},
    {
        "timezone": "Pacific/Auckland",
        "week_start": "sunday",
        "as_of": "2024-04-06",
        "unplanned_counts_as_active": False,
        "companies_by_email_domain": True,
    },
    {"week_start": "sunday", "as_of": "2024-05-05", "earliest_day": "2024-02-29"},
)


@st.composite
def lives(draw, most_calls: int = 180) -> list[Row]:
    """A log: lines in the order in which they are landed."""
    lines: list[Row] = []
    for number in range(draw(st.sampled_from((0, 10, most_calls // 2, most_calls)))):
        # The first call alone is sure to be seen by reports.
        ways = WAYS if number else ("archive",)
        call = draw(calls(number, ways))
        lines.append(call)
        if draw(chance(12)):
            lines.append(draw(copies(call, most_calls + number)))
        if "traits" in call and "receivedAt" in call and draw(chance(6)):
            lines.append(draw(twins(call)))
    lines = [draw(batches(line)) if "receivedAt" not in line else line for line in lines]
    return draw(st.permutations(lines)) if draw(st.booleans()) else lines


def chance(one_in: int) -> st.SearchStrategy[bool]:
    """True once in `times` draws on average; shrinks to False."""
    return st.integers(0, one_in - 1).map(lambda number: number == one_in - 1)


@st.composite
def calls(draw, number: int, ways: tuple[str, ...]) -> Row:
    """One plain call; `number` makes its time and its id unique."""
    kind = draw(
        st.sampled_from(("track", "track", "track", "track", "page", "identify", "group", "alias"))
    )
    call: Row = {"type": kind, **draw(who())}
    is_alone = str(call.get("userId")).strip() in LONERS and not draw(chance(20))
    if is_alone:
        call.pop("anonymousId", None)
        kind = call["type"] = "identify" if kind in ("group", "alias") else kind
    if kind == "track":
        call["event"] = draw(SENT_EVENTS)
    elif kind == "page":
        call["type"] = draw(st.sampled_from(("page", "screen")))
        call["name"] = "somewhere"
    elif kind == "identify":
        traits = draw(some_traits(TRAITS))
        if "role" in traits and draw(chance(4)):
            traits["job"] = traits.pop("role")
        if draw(chance(4)):
            call["context"] = {"traits": traits}
            call |= draw(st.sampled_from(({}, {"traits": {}}, {"traits": None})))
        else:
            call["traits"] = traits
    elif kind == "group":
        call["groupId"] = draw(SENT_IDS["company"])
        call["traits"] = draw(some_traits(COMPANY_TRAITS))
    elif kind == "alias":
        call["previousId"] = draw(SENT_PREVIOUS_IDS)
        call["userId"] = draw(SENT_USERS)
    if call["type"] in ("track", "page", "screen") and not is_alone and draw(chance(3)):
        call["context"] = {"groupId": draw(SENT_COMPANIES)}
    if kind not in ("track", "page") or not draw(chance(10)):
        call["messageId"] = f" m{number:03}\t" if number % 10 == 9 else f"m{number:03}"
    return call | draw(times(number, ways))


@st.composite
def who(draw) -> Row:
    """A person, a device, or both."""
    if draw(st.integers(0, 3)):
        people: Row = {"userId": draw(SENT_IDS["user"])}
        if draw(chance(3)):
            people["anonymousId"] = draw(SENT_IDS["anonymous"])
        elif draw(chance(5)):
            people["anonymousId"] = draw(st.sampled_from(NO_ID))
        return people
    people = {"anonymousId": draw(SENT_IDS["anonymous"])}
    if draw(chance(5)):
        people["userId"] = draw(st.sampled_from(NO_ID))
    return people


@st.composite
def some_traits(draw, traits: Row) -> Row:
    told = draw(st.fixed_dictionaries({}, optional=traits))
    blanks = draw(st.sampled_from(BLANKS))
    return {blanks.format(name): value for name, value in told.items()}


WAYS = ("archive",) * 5 + ("sdk", "skewed", "early", "caller", "epoch", "bare")
RECEIVED = tuple(way for way in WAYS if way != "bare")


@st.composite
def times(draw, number: int, ways: tuple[str, ...] = WAYS) -> Row:
    """The times of a call: as in an archive, as SDKs send them, and with typical errors."""
    minutes = draw(st.integers(0, DAYS * 24 * 2 - 1)) * 30
    if ways == ("archive",):
        minutes = DAYS * 24 * 60 - 60  # in the last hour of the life
    at = BEGINNING + timedelta(minutes=minutes, milliseconds=number)
    late = timedelta(days=draw(st.sampled_from((0, 0, 0, 0, 1, 3, 40))), seconds=2)
    way = draw(st.sampled_from(ways))
    if way == "archive":
        offset = timezone(timedelta(hours=draw(st.sampled_from((0, 0, 0, -7)))))
        return {"timestamp": draw(spelled(at, offset)), "receivedAt": draw(spelled(at + late))}
    if way == "sdk":
        return {"timestamp": draw(spelled(at)), "sentAt": draw(spelled(at + late))}
    if way == "skewed":
        skew = timedelta(hours=draw(st.sampled_from((-30, -1, 5))))
        return {
            "originalTimestamp": draw(spelled(at + skew)),
            "sentAt": text(at + skew + late),
            "receivedAt": draw(spelled(at + late)),
        }
    if way == "early":  # received before it happened: by 30 hours it is clamped, by 20 it is not
        before = timedelta(hours=draw(st.sampled_from((20, 30))))
        return {"timestamp": text(at), "receivedAt": text(at - before)}
    if way == "caller":
        return {"timestamp": text(at), "originalTimestamp": text(at + late), "sentAt": text(at)}
    if way == "epoch":  # what a library makes of a time that it cannot read
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=number)
        received = BEGINNING + timedelta(minutes=minutes, milliseconds=number)
        return {"timestamp": text(at)} | draw(
            st.sampled_from(({"receivedAt": text(received)}, {"sentAt": text(received)}))
        )
    if draw(chance(4)):
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=number)
        return {"timestamp": text(at)} | draw(
            st.sampled_from(({}, {"receivedAt": text(at + timedelta(hours=2))}))
        )
    return {"timestamp": draw(spelled(at + timedelta(days=draw(st.sampled_from((0, 0, 50))))))}


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@st.composite
def spelled(draw, moment: datetime, offset: timezone = UTC) -> str | int | float:
    """A time as text, or sometimes as a Unix time."""
    milliseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    seconds = f"{milliseconds // 1000}.{milliseconds % 1000:03}"
    unix_times = milliseconds, str(milliseconds), seconds, float(seconds)
    return draw(st.sampled_from((text(moment.astimezone(offset)),) * 20 + unix_times))


def read(when: str | float) -> datetime:
    """The moment that a `spelled` time stands for."""
    if isinstance(when, str) and not when.replace(".", "").isdigit():
        return datetime.fromisoformat(when)
    unit = timedelta(milliseconds=1) if float(when) > 1e11 else timedelta(seconds=1)
    return datetime(1970, 1, 1, tzinfo=UTC) + float(when) * unit


@st.composite
def copies(draw, call: Row, number: int) -> Row:
    """The call again: a retry, or a copy with other content, received later or earlier."""
    if draw(st.booleans()) or "messageId" not in call:
        later = text(BEGINNING + timedelta(days=DAYS + 40, milliseconds=number))
        return call | {"receivedAt" if "receivedAt" in call else "sentAt": later}
    other = {key: call[key] for key in call if not key.endswith(("At", "imestamp"))}
    if call["type"] == "track":
        other["event"] = draw(st.sampled_from(EVENTS))
    return other | draw(times(number, RECEIVED))  # with a receive time: there is no tie


@st.composite
def twins(draw, call: Row) -> Row:
    """Another call of the same instant with other traits: receive time, then id decide."""
    traits = TRAITS if call["type"] == "identify" else COMPANY_TRAITS
    twin = call | {"messageId": call["messageId"].strip() + draw(st.sampled_from(("a", "b")))}
    twin["traits"] = draw(st.fixed_dictionaries(traits))
    if "timestamp" in call:
        received = read(call["receivedAt"])
        twin["receivedAt"] = text(received + timedelta(hours=draw(st.sampled_from((0, -1, 1)))))
    return twin


@st.composite
def batches(draw, call: Row) -> Row:
    """The call as an SDK posts it, in a body with or without a receive time; or unchanged."""
    if not draw(st.booleans()) or "timestamp" not in call:
        return call
    item = {key: value for key, value in call.items() if key != "sentAt"}
    body = {"batch": [item]} | {key: call[key] for key in ("sentAt",) if key in call}
    if "context" in item and draw(st.booleans()):
        body["context"] = item.pop("context")
    elif draw(chance(4)):
        body["context"] = {"groupId": draw(st.sampled_from(COMPANIES))}
    if "sentAt" in body and draw(st.booleans()):
        sent = read(body["sentAt"])
        body["receivedAt"] = text(sent + timedelta(hours=draw(st.sampled_from((0, 7)))))
    return body


# Reports about a life


@st.composite
def plans(draw, variables: Row, reports: int = 24) -> dict[str, list[Row]]:
    """Seeds: the plan above with random reports, milestones and internal accounts."""
    third = reports // 3
    # Whether a report shows periods before `earliest_day` is left open.
    earliest_day = variables.get("earliest_day", str(date.min))
    limits = [limit for limit in LIMITS if limit.get("starts_on", earliest_day) >= earliest_day]
    return PLAN | {
        "tracking_plan_events": PLAN["tracking_plan_events"][: draw(st.sampled_from((4, 5)))],
        "tracking_plan_traits": PLAN["tracking_plan_traits"][: draw(st.sampled_from((-1, None)))],
        "internal_accounts": draw(st.lists(st.sampled_from(INTERNAL), unique_by=id, max_size=2)),
        "activity_reports": [draw(activity_reports(number, limits)) for number in range(third)],
        "retention_reports": [draw(retention_reports(n, limits)) for n in range(reports - third)],
        "activation_milestones": [
            draw(milestones(entity, number))
            for entity in ("user", "company")
            for number in range(1, draw(st.integers(1, 3)))
        ],
    }


INTERNAL = (
    {"match_on": "user_id", "value": "dan"},
    {"match_on": "email_domain", "value": " @June.example"},
    {"match_on": "company_id", "value": "corp"},
    {"match_on": "company_id", "value": "bolt "},
)
FILTERS = {
    "user": (
        {},
        {},
        {"filter_by": "role", "filter_values": " Pm ;cto"},
        {"filter_by": "level", "filter_values": "1;2"},
        {"filter_by": "beta", "filter_values": "TRUE"},
        {"filter_by": "teams", "filter_values": "Sales; legal"},
        {"filter_by": "company.plan", "filter_values": "scale"},
        {"filter_by": "company.size", "filter_values": "3;40"},
    ),
    "company": (
        {},
        {},
        {"filter_by": "plan", "filter_values": "Scale;free"},
        {"filter_by": "size", "filter_values": "40"},
        {"filter_by": "paying", "filter_values": "false"},
    ),
}
BREAKDOWNS = {
    "user": ("role", "level", "beta", "company.plan", "company.size"),
    "company": ("plan", "size", "paying"),
}
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
def activity_reports(draw, number: int, limits: list[Row]) -> Row:
    entity = draw(st.sampled_from(("user", "company")))
    return {
        "report": f"activity {number}",
        "entity": entity,
        "event": draw(st.sampled_from(COUNTED_EVENTS)),
        **draw(st.sampled_from(FILTERS[entity])),
        **draw(st.sampled_from(limits)),
    }


@st.composite
def retention_reports(draw, number: int, limits: list[Row]) -> Row:
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
        **draw(st.sampled_from(limits)),
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
