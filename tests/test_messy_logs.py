"""Messy logs: each fault beside similar sound values, with the right result."""

import pytest
from harness import Daybook

PLAN = {
    "tracking_plan_events": [
        {"event": "signed_up"},
        {"event": "lesson_booked", "former_names": "lesson booked ;Lesson Booked"},
    ],
    "tracking_plan_properties": [],
    "tracking_plan_traits": [
        {"entity": "user", "trait": "email", "type": "string"},
        {"entity": "user", "trait": "role", "type": "string"},
        {"entity": "user", "trait": "teams", "type": "array"},
        {"entity": "user", "trait": "born", "type": "datetime"},
        {"entity": "user", "trait": "createdAt", "type": "datetime"},
        {"entity": "company", "trait": "plan", "type": "string"},
        {"entity": "company", "trait": "is_school", "type": "boolean"},
        {"entity": "company", "trait": "rooms", "type": "number"},
        {"entity": "company", "trait": "createdAt", "type": "datetime"},
    ],
    "plans": [{"plan": "free", "is_paying": False}],
    "internal_accounts": [
        {"match_on": "email_domain", "value": "@lab.example", "reason": "our own"},
        {"match_on": "company_id", "value": "studio", "reason": "our own"},
    ],
    "activity_reports": [
        {
            "report": "schools",
            "entity": "company",
            "filter_by": "is_school",
            "filter_values": "true",
        },
        {"report": "50 rooms", "entity": "company", "filter_by": "rooms", "filter_values": "50.0"},
        {"report": "sales", "entity": "user", "filter_by": "teams", "filter_values": "sales;ops"},
        {"report": "users", "entity": "user"},
    ],
    "retention_reports": [
        {
            "report": "by school",
            "entity": "company",
            "cohort_rule": "first",
            "period": "week",
            "return_window": "exact",
            "periods": 1,
            "breakdown": "is_school",
        },
        {
            "report": "by rooms",
            "entity": "company",
            "cohort_rule": "first",
            "period": "week",
            "return_window": "exact",
            "periods": 1,
            "breakdown": "rooms",
        },
        {
            "report": "users by week",
            "entity": "user",
            "cohort_rule": "first",
            "period": "week",
            "return_window": "exact",
        },
    ],
    "activation_milestones": [
        {
            "entity": entity,
            "milestone": "booked",
            "position": 1,
            "event": "lesson_booked",
            "within_days": 14,
        }
        for entity in ("user", "company")
    ],
}


def track(day: str, event: str = "lesson_booked", **fields) -> dict:
    at = day if "T" in day else f"{day}T12:00:00Z"
    return {"type": "track", "event": event, "timestamp": at, "receivedAt": at} | fields


def identify(day: str, user: str, **traits) -> dict:
    return track(day, type="identify", userId=user, traits=traits, event=None)


def group(day: str, user: str, company: str, **traits) -> dict:
    return track(day, type="group", userId=user, groupId=company, traits=traits, event=None)


def in_company(company) -> dict:
    return {"context": {"groupId": company}}


# The first day of the logs is 2024-03-01, the last complete one 2024-03-30.
LOGS = [
    track("2024-03-01", "opened", userId="first"),
    track("2024-03-31", "opened", userId="last"),
    # A boolean and a number, each in four spellings.
    *(
        call
        for company, is_school, rooms in (
            ("a", True, 50),
            ("b", "true", "50"),
            ("c", " True", 50.0),
            ("d", 1, "5e1"),
            ("e", False, "many"),
        )
        for call in (
            group("2024-03-05", f"of-{company}", company, is_school=is_school, rooms=rooms),
            track("2024-03-05", userId=f"of-{company}"),
        )
    ),
    identify("2024-03-05", "lena", teams=["design", "sales", "design"]),
    track("2024-03-05", userId="lena"),
    identify("2024-03-05", "max", teams="sales"),
    track("2024-03-05", userId="max"),
    # Values of a context that are no ids.
    *(
        track("2024-03-06", "opened", userId="nora", messageId=f"odd-{n}", **in_company(odd))
        for n, odd in enumerate((["g1", "g2"], {"id": "g3"}, True, "  ", None))
    ),
    track("2024-03-06", "opened", userId="nora", messageId="number", **in_company(42.0)),
    track("2024-03-07", "opened", userId="otto", messageId="text", **in_company(" 42 ")),
    # Strangers who share a placeholder id.
    *(
        track(f"2024-03-{day}", "opened", userId=user, anonymousId="anonymousId")
        for day, user in (("04", "p1"), ("05", "p2"), ("06", "p3"))
    ),
    track("2024-03-12", "opened", anonymousId="anonymousId", messageId="visitor"),
    track("2024-03-12", "opened", userId="Undefined", messageId="nobody"),
    {"type": "alias", "previousId": "null", "userId": "p1", "timestamp": "2024-03-12"},
    # A clock that says 1970: with a receive time, and without.
    track("1970-01-01T00:00:00Z", "opened", userId="clock", receivedAt="2024-03-08T10:00:00Z"),
    {
        "type": "track",
        "event": "opened",
        "userId": "ancient",
        "messageId": "ancient",
        "timestamp": "1970-01-01",
    },
    # Blanks at the ends.
    track("2024-03-07", "lesson booked ", userId="u ", messageId="blank"),
    track("2024-03-08", userId="u", messageId="no blank"),
    identify("2024-03-07", "u", **{"role ": "teacher"}),
    # Sign-up times, in all spellings: 2024-03-03 12:00:00 UTC.
    *(
        identify("2024-03-05", f"created-{n}", createdAt=value)
        for n, value in enumerate(
            (1709467200, "1709467200", 1709467200000, "1709467200000", "2024-03-03T12:00:00Z")
        )
    ),
    identify("2024-03-05", "created-alone", createdAt="2024-03-03", born="1964-05-03"),
    # A company of 2022 whose colleague signs up now.
    group("2024-03-06", "new-colleague", "old", createdAt="2022-02-02"),
    track("2024-03-06", "signed_up", userId="new-colleague", **in_company("old")),
    # Internal accounts.
    identify("2024-03-06", "intern", email="i@eu.lab.example"),
    track("2024-03-06", userId="boss@lab.example"),
    group("2024-03-06", "only-studio", "studio"),
    identify("2024-03-06", "only-studio", createdAt="2024-03-06"),
    group("2024-03-06", "also-studio", "old"),
    group("2024-03-06T15:00:00Z", "also-studio", "studio"),
]


@pytest.fixture(scope="module", params=[False, True], ids=["one load", "by night"])
def school(request, tmp_path_factory) -> Daybook:
    """All of it landed at once, or a few calls each night."""
    daybook = Daybook(tmp_path_factory.mktemp("school") / "daybook")
    for seed, rows in PLAN.items():
        daybook.seed(seed, rows)
    nights = [LOGS[n::3] for n in range(3)] if request.param else [LOGS]
    for n, calls in enumerate(nights):
        daybook.write([{k: v for k, v in c.items() if v is not None} for c in calls], f"{n}.jsonl")
        daybook.land()
        daybook.build(vars={"timezone": "America/New_York"})
    return daybook


def column(daybook: Daybook, sql: str) -> list:
    return [next(iter(row.values())) for row in daybook.rows(sql)]


def test_a_trait_has_its_planned_type_in_every_table(school):
    dims = "select is_school::varchar || ' ' || rooms::varchar from marts.dim_companies"
    where = "where company_id in ('a', 'b', 'c', 'd')"
    assert column(school, f"{dims} {where}") == ["true 50.0"] * 4
    assert school.rows(
        "select is_school, rooms from marts.dim_companies where company_id = 'e'"
    ) == [{"is_school": False, "rooms": None}]
    assert school.rows(
        """
        select trait, value, list(value_as_sent order by entity_id) as sent
        from marts.fct_traits
        where entity = 'company' and trait in ('is_school', 'rooms')
        group by all order by all
        """
    ) == [
        {"trait": "is_school", "value": "false", "sent": ["false"]},
        {"trait": "is_school", "value": "true", "sent": ["true", '"true"', '" True"', "1"]},
        {"trait": "rooms", "value": "50", "sent": ["50", '"50"', "50.0", '"5e1"']},
        {"trait": "rooms", "value": None, "sent": ['"many"']},
    ]
    sizes = """
        select report, breakdown_value, sum(cohort_size)::int as companies
        from marts.retention
        where report in ('by school', 'by rooms') and breakdown_value not in ('(all)', '(none)')
        group by all order by all
    """
    assert [tuple(row.values()) for row in school.rows(sizes)] == [
        ("by rooms", "50", 4),
        ("by school", "false", 1),
        ("by school", "true", 4),
    ]


def test_a_filter_compares_values_of_the_planned_type_and_any_element_of_a_list(school):
    active = """
        select report, active from marts.activity
        where clock = 'week' and period_start = '2024-03-04' and report <> 'users' order by 1
    """
    assert [tuple(row.values()) for row in school.rows(active)] == [
        ("50 rooms", 4),
        ("sales", 1),  # Lena; Max's text is no list
        ("schools", 4),
    ]
    teams = "select value from marts.fct_traits where trait = 'teams' and value is not null"
    assert column(school, teams) == ['["design","sales"]']


def test_a_group_id_is_a_text_or_a_number(school):
    companies = "select company_id from marts.fct_events where user_id = 'nora' order by event_id"
    assert column(school, companies) == ["42"] * 6  # the number; the others by membership
    assert column(school, "select company_id from marts.fct_events where user_id = 'otto'") == [
        "42"
    ]
    odd = "select company_id from marts.dim_companies where company_id similar to '.*(g1|true| ).*'"
    assert column(school, odd) == []


def test_a_placeholder_id_joins_no_users(school):
    visits = (
        "select user_id, anonymous_id from marts.fct_events where event_id in ('visitor', 'nobody')"
    )
    assert school.rows(f"{visits} order by 2") == [
        {"user_id": None, "anonymous_id": "anonymousId"},
        {"user_id": None, "anonymous_id": None},
    ]
    for table in ("dim_users", "fct_activity_days", "fct_traits"):
        key = "entity_id" if table == "fct_traits" else "user_id"
        assert (
            column(school, f"select {key} from marts.{table} where {key} ilike 'undefined'") == []
        )
    returned = """
        select retained from marts.retention_overall
        where report = 'users by week' and period_number = 1
    """
    assert column(school, returned) == [0]


def test_an_event_before_the_earliest_day_is_dated_by_its_receive_time(school):
    found = school.rows(
        """
        select user_id, event_day::varchar as day, time_quality from marts.fct_events
        where user_id in ('clock', 'ancient') order by 1 desc
        """
    )
    assert [tuple(row.values()) for row in found] == [
        ("clock", "2024-03-08", "clamped"),
        ("ancient", "1969-12-31", "as_sent"),
    ]
    assert column(school, "select user_id from marts.dim_users where user_id = 'ancient'") == []
    assert column(school, "select min(period_start) from marts.activity where clock = 'month'") == [
        column(school, "select date '2024-03-01'")[0]
    ]
    assert column(school, "select count(*) from intermediate.int_days") == [30]


def test_white_space_at_the_ends_of_ids_and_names_does_not_count(school):
    events = "select event, user_id, is_planned from marts.fct_events where user_id like 'u%'"
    assert [tuple(row.values()) for row in school.rows(events)] == [
        ("lesson_booked", "u", True)
    ] * 2
    assert column(school, "select role from marts.dim_users where user_id = 'u'") == ["teacher"]


def test_a_sign_up_is_read_from_every_spelling_of_its_time(school):
    noon = column(school, "select timestamp '2024-03-03 12:00:00'")
    signed_up = "select signed_up_at from marts.dim_users where user_id"
    for n in range(5):
        assert column(school, f"{signed_up} = 'created-{n}'") == noon, n
    # A date alone is that day in New York, and years before 1970 are kept.
    alone = f"{signed_up} = 'created-alone'"
    assert column(school, alone) == column(school, "select timestamp '2024-03-03 05:00:00'")
    born = column(school, "select born from marts.dim_users where user_id = 'created-alone'")
    assert born == column(school, "select timestamp '1964-05-03 04:00:00'")


def test_an_entity_that_signed_up_before_the_logs_is_in_no_cohort(school):
    assert column(
        school, "select signed_up_at::varchar from marts.dim_companies where company_id = 'old'"
    ) == ["2022-02-02 05:00:00"]
    weeks = """
        select cohort_week::varchar as week, entities from marts.activation
        where entity = 'company' and milestone = 'booked'
    """
    assert school.rows(weeks) == []
    users = """
        select cohort_week::varchar as week, entities from marts.activation
        where entity = 'user' and milestone = 'booked' and entities > 0 order by 1
    """
    # created-0 to created-alone on Sunday, March 3; new-colleague on Wednesday, March 6.
    assert [tuple(row.values()) for row in school.rows(users)] == [
        ("2024-02-26", 6),
        ("2024-03-04", 1),
    ]


def test_internal_people_are_found_by_e_mail_id_and_company(school):
    internal = "select user_id from marts.dim_users where is_internal order by 1"
    assert column(school, internal) == ["boss@lab.example", "intern", "only-studio"]


# -- logs without group calls

BY_DOMAIN = {"companies_by_email_domain": True}
NIGHTS_OF_E_MAILS = [
    [
        track("2024-03-05", userId="ana", messageId="ana 1"),
        identify("2024-03-05", "ana", email="ana@acme.example"),
        track("2024-03-05", userId="ben", messageId="ben 1"),
        identify("2024-03-05", "ben", email="ben@gmail.com"),
        track("2024-03-05", userId="eva", messageId="eva 1"),
        track("2024-03-05", userId="fay", messageId="fay 1"),
        identify("2024-03-05", "fay", email="fay@acme.example"),
        identify("2024-03-05", "hal", email="hal@ACME.example"),  # without an event
        track("2024-03-05", anonymousId="phone", messageId="phone 1"),
    ],
    [  # Eva sends her e-mail late; Ana changes hers; Fay is seen with a company after all.
        identify("2024-03-08", "eva", email="eva@acme.example"),
        identify("2024-03-08", "ana", email="ana@bolt.example"),
        group("2024-03-08", "fay", "fays"),
        track("2024-03-08", userId="eva", anonymousId="phone", messageId="eva 2"),
    ],
    [  # Ben's other e-mail has a domain of its own; Eva takes hers back.
        identify("2024-03-10", "ben", email="ben@corp.example"),
        identify("2024-03-10", "eva", email=""),
        track("2024-03-12", userId="last"),
    ],
]


@pytest.fixture(scope="module", params=[1, 3], ids=["one load", "by night"])
def without_groups(request, tmp_path_factory) -> list[Daybook]:
    """The result of each night, from a clean load or night by night."""
    nightly = Daybook(tmp_path_factory.mktemp("nightly") / "daybook")
    found = []
    for night in range(3):
        daybook = nightly if request.param == 3 else Daybook(tmp_path_factory.mktemp("c") / "d")
        for seed, rows in PLAN.items():
            daybook.seed(seed, rows)
        first = night if request.param == 3 else 0
        for n in range(first, night + 1):
            daybook.write(
                [{k: v for k, v in c.items() if v is not None} for c in NIGHTS_OF_E_MAILS[n]],
                f"{n}.jsonl",
            )
        daybook.land()
        daybook.build(vars=BY_DOMAIN)
        found.append(
            {
                "events": daybook.rows(
                    """
                    select event_id, company_id, company_source from marts.fct_events
                    where event_id like '% %' order by all
                    """
                ),
                "users": daybook.rows(
                    "select user_id, company_id from marts.dim_users order by all"
                ),
                "companies": daybook.rows(
                    "select company_id, members from marts.dim_companies order by all"
                ),
                "memberships": daybook.rows(
                    """
                    select user_id, company_id, first_day::varchar as first_day,
                        last_day::varchar as last_day
                    from marts.fct_memberships order by all
                    """
                ),
            }
        )
    return found


def rows_of(night: dict, table: str) -> list[tuple]:
    return [tuple(row.values()) for row in night[table]]


def test_a_user_without_a_company_belongs_to_the_domain_of_its_latest_e_mail(without_groups):
    first, second, third = without_groups
    assert rows_of(first, "events") == [
        ("ana 1", "acme.example", "email_domain"),
        ("ben 1", None, None),  # a public domain
        ("eva 1", None, None),
        ("fay 1", "acme.example", "email_domain"),
        ("phone 1", None, None),
    ]
    assert rows_of(second, "events") == [
        ("ana 1", "bolt.example", "email_domain"),
        ("ben 1", None, None),
        ("eva 1", "acme.example", "email_domain"),
        ("eva 2", "acme.example", "email_domain"),
        ("fay 1", "fays", "membership"),
        ("phone 1", "acme.example", "email_domain"),  # Eva's phone
    ]
    assert rows_of(third, "events") == [
        ("ana 1", "bolt.example", "email_domain"),
        ("ben 1", "corp.example", "email_domain"),
        ("eva 1", None, None),
        ("eva 2", None, None),
        ("fay 1", "fays", "membership"),
        ("phone 1", None, None),
    ]


def test_a_company_of_an_e_mail_domain_has_its_users_as_members(without_groups):
    # The last complete day of the first night is 2024-03-04: nobody has been seen.
    third = without_groups[2]
    assert rows_of(third, "users") == [
        ("ana", "bolt.example"),
        ("ben", "corp.example"),
        ("eva", None),
        ("fay", "fays"),
        ("hal", "acme.example"),
    ]
    assert rows_of(third, "companies") == [
        ("bolt.example", 1),
        ("corp.example", 1),
        ("fays", 1),
    ]
    assert rows_of(third, "memberships") == [
        ("ana", "bolt.example", "2024-03-05", "2024-03-08"),
        ("ben", "corp.example", "2024-03-05", "2024-03-10"),
        ("fay", "fays", "2024-03-08", "2024-03-08"),
        ("hal", "acme.example", "2024-03-05", "2024-03-05"),
    ]
