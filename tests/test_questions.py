"""`daybook ask`: in two worlds with opposite truths, and for logs without an answer."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import World
from harness import Daybook

QUESTIONS = [
    "Are product managers more likely to retain than founders?",
    "Where do most of our sign-ups come from?",
    "How many paying customers are B2B companies, how many B2C?",
    "How many companies are over the limit of 1,000 monthly active users?",
    "How do companies that track groups retain, compared with those that do not?",
    "Which paying companies opened fewer than 20 reports in the last 30 days?",
    "Which features are most popular among paying companies, and among free ones?",
]
FILES = sorted(path.stem for path in (Path(__file__).parent.parent / "analyses").glob("*.sql"))


def asked(daybook: Daybook, *question: object) -> dict[str, str]:
    """The printed text below each question, without line breaks."""
    printed = daybook.run("ask", *question).output
    found = {}
    for line in printed.splitlines():
        if line in QUESTIONS:
            found[line] = ""
        elif found:
            found[next(reversed(found))] += f"{line.strip()} "
    return {question: re.sub(r" +", " ", text).strip() for question, text in found.items()}


def sentences(daybook: Daybook) -> list[str]:
    """The seven sentences, from the analyses themselves."""
    with duckdb.connect(str(daybook.database), read_only=True) as connection:
        return [
            connection.execute(
                (daybook.folder / "analyses" / f"{name}.sql").read_text()
            ).fetchone()[0]
            for name in FILES
        ]


def rows_of(daybook: Daybook, number: int) -> list[dict[str, Any]]:
    """The rows of an analysis behind its sentence."""
    return daybook.rows((daybook.folder / "analyses" / f"{FILES[number - 1]}.sql").read_text())


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


# Two worlds


@pytest.fixture(scope="session")
def usual(usual_world) -> dict[str, str]:
    return asked(usual_world.daybook)


@pytest.fixture(scope="session")
def opposite(opposite_world) -> dict[str, str]:
    return asked(opposite_world.daybook)


def test_the_questions_are_asked_in_the_order_of_the_tracking_plan(usual, opposite):
    assert list(usual) == list(opposite) == QUESTIONS


@pytest.mark.parametrize(
    ("number", "in_the_usual_world", "in_the_opposite_world"),
    [
        (1, r"^Yes: ", r"^No, less likely: "),
        (2, r'^The largest source is "invited": ', r'^The largest source is "social media": '),
        (
            3,
            r"^Of \d+ paying companies [123]\d are B2B .* and \d are B2C",
            r" \d are B2B .* [123]\d are B2C",
        ),
        (
            4,
            r"^[1-9]\d* of 80 companies are over",
            r"^0 of 80 companies are over .*; 0 are over the",
        ),
        (5, r"^Better: ", r"^Worse: "),
        (6, r"^[1-9]\d* of \d+ paying companies opened", r"^0 of \d+ paying companies opened"),
        (
            7,
            r"^In June 2025: paying companies used reports most .*; free ones used contacts most",
            r"^In June 2025: paying companies used audiences most .*; free ones used events most",
        ),
    ],
)
def test_every_answer_is_reversed_in_the_opposite_world(
    usual, opposite, number, in_the_usual_world, in_the_opposite_world
):
    question = QUESTIONS[number - 1]
    assert re.search(in_the_usual_world, usual[question])
    assert re.search(in_the_opposite_world, opposite[question])
    assert not re.search(in_the_usual_world, opposite[question])
    assert not re.search(in_the_opposite_world, usual[question])


def told(world: World, name: str) -> dict:
    return world.truth["questions"][name]


def test_retention_by_role_equals_the_truth(world):
    roles = told(world, "q1_retention_by_role")
    managers, founders = roles["product manager"], roles["founder"]
    [sentence, *_] = sentences(world.daybook)
    week = {role: roles[role]["4"] for role in ("product manager", "founder")}
    for role, cell in week.items():
        share = percent(cell["retained"], cell["cohort_size"])
        words = f"of {cell['cohort_size']}", share, f"{role}s"
        assert all(word in sentence for word in words), (words, sentence)
    rows = rows_of(world.daybook, 1)
    assert {str(row["week"]): row["managers"] for row in rows} == sizes(managers)
    assert {str(row["week"]): row["founders"] for row in rows} == sizes(founders)
    for row in rows:
        cells = managers[str(row["week"])], founders[str(row["week"])]
        rates = [cell["retained"] / cell["cohort_size"] for cell in cells]
        assert row["difference"] == pytest.approx(rates[0] - rates[1])
        assert row["low"] < row["difference"] < row["high"]


def sizes(weeks: dict) -> dict[str, int]:
    """Of the weeks that the report shows: 12 periods, number 0 among them."""
    return {week: cell["cohort_size"] for week, cell in weeks.items() if int(week) < 12}


def test_sources_of_sign_ups_equal_the_truth(world):
    sources = dict(told(world, "q2_sign_ups_by_source"))
    unknown = sources.pop("(none)")
    known = sum(sources.values())
    first, second, *_ = sorted(sources, key=sources.get, reverse=True)
    assert sentences(world.daybook)[1] == (
        f'The largest source is "{first}": {sources[first]:,} of the {known:,} sign-ups whose'
        f" source is known ({percent(sources[first], known)}), then"
        f' "{second}" ({percent(sources[second], known)}).'
        f" Of {unknown:,} more the source is unknown."
    )
    rows = {row["source"]: row["users"] for row in rows_of(world.daybook, 2)}
    assert rows == sources | {"(unknown)": unknown}


def test_paying_customers_equal_the_truth(world):
    kinds = told(world, "q3_paying_by_business_type")
    companies = sum(kind["paying_companies"] for kind in kinds.values())
    b2b, b2c = kinds["B2B"], kinds["B2C"]
    other = companies - b2b["paying_companies"] - b2c["paying_companies"]
    assert sentences(world.daybook)[2] == (
        f"Of {companies} paying companies {b2b['paying_companies']} are B2B (with"
        f" {b2b['members']} users) and {b2c['paying_companies']} are B2C (with {b2c['members']}"
        f" users){f'; other or unknown: {other}' if other else ''}."
    )


def test_companies_over_their_limits_equal_the_truth(world):
    limits = told(world, "q4_over_limits")
    companies = limits["companies_by_plan"]
    assert sentences(world.daybook)[3] == (
        f"{limits['over_1000']} of {sum(companies.values())} companies are over 1,000 monthly"
        f" active users; {limits['over_the_limit_of_their_plan']} are over the limit of their own"
        " plan."
    )
    assert {row["plan"]: row["companies"] for row in rows_of(world.daybook, 4)} == companies


def test_retention_by_group_tracking_equals_the_truth_on_both_clocks(world):
    clocks = told(world, "q5_retention_by_tracks_groups")
    sentence = sentences(world.daybook)[4]
    for cell in (clocks["entry"]["true"]["4"], clocks["entry"]["false"]["4"]):
        assert f"{percent(cell['retained'], cell['cohort_size'])} of the" in sentence
        assert f"of the {cell['cohort_size']}" in sentence
    latest = [clocks["latest"][value]["4"] for value in ("true", "false")]
    rates = [cell["retained"] / cell["cohort_size"] for cell in latest]
    difference = f"{100 * (rates[0] - rates[1]):+.1f} points"
    assert sentence.endswith(f"long enough to set it, the difference is {difference}.")
    for clock in ("entry", "latest"):
        rows = [row for row in rows_of(world.daybook, 5) if row["clock"] == clock]
        for column, value in (("tracking", "true"), ("not_tracking", "false")):
            found = {str(row["week"]): row[column] for row in rows}
            drawn = sizes(clocks[clock][value])
            assert found == {week: drawn[week] for week in found}


def test_quiet_companies_equal_the_truth(world):
    quiet = told(world, "q6_few_reports_loaded")
    assert sentences(world.daybook)[5] == (
        f"{quiet['with_fewer_than_20']} of {quiet['paying_companies']} paying companies opened"
        f" fewer than 20 reports in the 30 days up to 2025-07-02; {quiet['with_none']} of them"
        " opened none."
    )
    rows = [row for row in rows_of(world.daybook, 6) if row["company_id"]]
    assert sorted(row["company_id"] for row in rows) == quiet["company_ids"]
    assert [row["reports_opened"] for row in rows] == sorted(r["reports_opened"] for r in rows)


def test_popular_features_equal_the_truth(world):
    features = told(world, "q7_popular_features")
    adopters = {
        segment: {name: cell["adopters"] for name, cell in found.items()}
        for segment, found in features["features"]["company"].items()
    }
    sentence = sentences(world.daybook)[6]
    for segment in ("paying", "free"):
        best = max(adopters[segment], key=adopters[segment].get)
        active = features["active"]["company"][segment]
        share = percent(adopters[segment][best], active)
        assert f"used {best} most ({share} of {active} active)" in sentence
    for row in rows_of(world.daybook, 7):
        for segment in ("paying", "free"):
            drawn = adopters[segment].get(row[f"{segment}_companies_use"], 0)
            assert row[f"{segment}_adopters"] == drawn


def test_daybook_ask_prints_the_sentence_of_the_analysis(usual, usual_world):
    for printed, sentence in zip(usual.values(), sentences(usual_world.daybook), strict=True):
        assert printed.startswith(sentence)


def test_the_output_names_the_last_complete_day_and_fits_a_terminal(world):
    lines = world.daybook.run("ask").output.splitlines()
    assert lines[0] == "As of 2025-07-02, the last complete day of the logs."
    assert [line for line in lines if line != line.rstrip()] == []
    too_long = [line for line in lines if len(line) > 80 and "more: analyses/" not in line]
    assert too_long == []


# One question


@pytest.mark.parametrize("number", range(1, 8))
def test_a_question_is_picked_by_its_number(usual_world, usual, number):
    [(question, text)] = asked(usual_world.daybook, number).items()
    assert (question, text) == (QUESTIONS[number - 1], usual[QUESTIONS[number - 1]])


@pytest.mark.parametrize(
    ("word", "number"),
    [
        (FILES[2], 3),
        (f"{FILES[2]}.sql", 3),
        (f"analyses/{FILES[2]}.sql", 3),
        ("q3", 3),
        ("Q3", 3),
        ("founders", 1),
        ("SIGN-UPS", 2),
        ("b2c", 3),
        ("1,000", 4),
        ("track groups", 5),
        ("opened", 6),
        ("features", 7),
    ],
)
def test_a_question_is_picked_by_its_file_or_a_word_of_it(usual_world, word, number):
    assert list(asked(usual_world.daybook, word)) == [QUESTIONS[number - 1]]


def test_a_word_of_several_questions_picks_them_all(usual_world):
    found = asked(usual_world.daybook, "paying")
    assert list(found) == [QUESTIONS[2], QUESTIONS[5], QUESTIONS[6]]


@pytest.mark.parametrize("word", ["churn", "8", "0", "q9", "%", ""])
def test_an_unknown_question_is_wrong_usage_and_lists_the_known_ones(usual_world, word):
    result = usual_world.daybook.run("ask", word, exit_code=2)
    assert result.stdout == ""
    assert [name for name in FILES if f"  {name}\n" in result.stderr] == FILES


# Before there is an answer


def one_line(text: str) -> str:
    assert text.count("\n") == 1
    return text


def test_asking_before_the_first_landing_says_what_to_do(daybook):
    result = daybook.run("ask", exit_code=1)
    assert result.stdout == ""
    assert "daybook land" in one_line(result.stderr)
    assert not daybook.database.exists()


def test_asking_before_the_first_build_says_what_to_do(daybook):
    daybook.write(
        [{"type": "track", "event": "signed_up", "userId": "a", "timestamp": "2025-05-05"}]
    )
    daybook.land()
    for question in ([], [2]):
        result = daybook.run("ask", *question, exit_code=1)
        assert result.stdout == ""
        assert result.stderr == (
            "daybook: There is no marts.calendar in the database yet. Build it first: dbt build"
            " (DAYBOOK_DATABASE names the database to dbt, too)\n"
        )


CANNOT_TELL = [
    "The logs cannot tell: there is no complete week since sign-up with both a product manager and"
    " a founder in it.",
    "The logs cannot tell: nobody who signed up has a source.",
    "The logs cannot tell: they show no paying company.",
    "The logs cannot tell: they show no company.",
    "The logs cannot tell: there is no complete week since sign-up with both a company that tracks"
    " groups and one that does not.",
    "The logs cannot tell: they show no paying company.",
    "The logs cannot tell: no month is complete yet.",
]


def test_without_logs_every_answer_says_that_it_is_unknown(daybook):
    built(daybook)
    assert list(asked(daybook).values()) == CANNOT_TELL


def test_without_traits_and_sources_an_answer_is_unknown_and_not_guessed(daybook):
    """Events of a year, by people and companies without any trait."""
    daybook.write(
        call
        for month in range(1, 13)
        for call in a_month(month, "signed_up" if month == 1 else "report_loaded")
    )
    daybook.land()
    built(daybook)
    assert list(asked(daybook).values())[:6] == [
        *CANNOT_TELL[:3],
        "The logs cannot tell: no company says how many monthly active users it has (2 in all).",
        *CANNOT_TELL[4:6],
    ]
    # No plan is not a paying plan. The year's last month is not over.
    assert sentences(daybook)[6] == (
        "In November 2025: no paying company used a feature; free ones used reports most"
        " (100.0 % of 2 active)."
    )


def a_month(month: int, event: str) -> Iterable[dict]:
    """Ana of Acme and Ben of Bolt, once each."""
    for person, company in (("ana", "acme"), ("ben", "bolt")):
        yield {
            "type": "track",
            "event": event,
            "userId": person,
            "context": {"groupId": company},
            "timestamp": f"2025-{month:02}-15T10:00:00Z",
        }


def test_paying_companies_whose_people_gave_no_business_type_are_counted_and_not_guessed(daybook):
    daybook.write([*a_month(5, "signed_up"), group("acme", {"plan": " Growth "})])
    daybook.land()
    built(daybook)
    assert sentences(daybook)[2] == (
        "The logs cannot tell: nobody gave the business type of a paying company (1 in all)."
    )


def group(company: str, traits: dict) -> dict:
    return {
        "type": "group",
        "userId": "ana",
        "groupId": company,
        "traits": traits,
        "timestamp": "2025-05-10T10:00:00Z",
    }


def test_odd_trait_values_break_no_answer(daybook):
    """Names that look like markup or terminal commands, and a huge number."""
    names = {"acme": "[bold]Acme[/]", "bolt": "\x1b[31mBolt\x1b[0m", "cog": "[/nothing]"}
    daybook.write(
        [*a_month(5, "signed_up")]
        + [group(company, {"plan": "growth", "name": name}) for company, name in names.items()]
        + [
            group("acme", {"mau": 1e300}),
            group("bolt", {"mau": 2000}),
            group("cog", {"mau": "NaN"}),
        ]
        + [*a_month(6, "signed_up")]
    )
    daybook.land()
    built(daybook)
    printed = daybook.run("ask", 6).output
    assert "[bold]Acme[/]" in printed
    assert "[/nothing]" in printed
    assert "\\x1b[31mBolt" in printed
    assert "\x1b" not in printed
    assert sentences(daybook)[3] == (
        "1 of 3 companies are over 1,000 monthly active users; 0 are over the limit of their own"
        " plan. Of 2 the number is unknown."
    )


def test_an_answer_says_what_the_plan_lacks(daybook):
    traits = [
        row for row in daybook.seed_rows("tracking_plan_traits") if row["trait"] != "signup_source"
    ]
    daybook.seed("tracking_plan_traits", traits)
    built(daybook)
    answers = asked(daybook)
    assert list(answers) == QUESTIONS
    assert answers[QUESTIONS[1]] == (
        'The tracking plan has no user trait "signup_source": this question has no answer here.'
        f" Name your own trait in analyses/{FILES[1]}.sql."
    )
    assert sentences(daybook)[1] == (
        'The tracking plan has no event "signed_up", or no user trait "signup_source".'
    )


def test_a_report_with_the_same_name_and_another_shape_gives_no_answer(daybook):
    """Monthly users by role, and companies by a value at entry that is called the latest."""
    reports = daybook.seed_rows("retention_reports")
    for row in reports:
        if row["report"] == "users by role":
            row["period"] = "month"
        if row["report"] == "companies by tracks_groups latest":
            row["breakdown_at"] = "entry"
    daybook.seed("retention_reports", reports)
    built(daybook)
    answers = asked(daybook)
    assert answers[QUESTIONS[0]] == (
        'No weekly retention report of users is called "users by role" and broken down by role at'
        " entry."
    )
    assert answers[QUESTIONS[4]] == (
        'No weekly retention reports of companies are called "companies by tracks_groups at entry"'
        ' and "companies by tracks_groups latest" and broken down by tracks_groups, at entry and'
        " latest."
    )


# The meaning of the answers


def identify(user: str, day: int, **traits) -> dict:
    at = f"2025-05-{day:02}T10:00:00Z"
    return {"type": "identify", "userId": user, "traits": traits, "timestamp": at}


def seen(user: str, company: str | None, day: int, event: str = "report_created", **rest) -> dict:
    call = {"type": "track", "userId": user, "event": event, **rest}
    call |= {"timestamp": f"2025-05-{day:02}T12:00:00Z"}
    return call | ({"context": {"groupId": company}} if company else {})


def test_a_business_type_is_the_earliest_that_a_member_gave(daybook):
    """Ben gave his before Ana, though it arrived after hers; Sam, the first, is internal."""
    daybook.write(
        [
            group("acme", {"plan": "growth"}),
            identify("ana", 9, business_type="B2C"),
            identify("ben", 8, business_type=" b2b "),
            identify("sam", 7, business_type="B2C", email="sam@june.so"),
            identify("eva", 6, business_type="B2C"),  # of another company
            *(seen(user, "acme", 10) for user in ("ana", "ben", "sam")),
            *(seen("eva", "bolt", 10), seen("eva", "bolt", 20)),
        ]
    )
    daybook.land()
    built(daybook)
    assert sentences(daybook)[2] == (
        "Of 1 paying companies 1 are B2B (with 2 users) and 0 are B2C (with 0 users)."
    )
    assert rows_of(daybook, 3)[0] | {"answer": ""} == {
        "answer": "",
        "business_type": "B2B",
        "paying_companies": 1,
        "users": 2,
    }


def test_an_invited_user_counts_as_invited_whatever_source_it_names(daybook):
    """Eva came back as an invited user of another company, which is no first sign-up."""
    daybook.write(
        [
            seen("ana", "acme", 5, "signed_up", properties={"source": "not invited"}),
            seen("ben", "acme", 6, "signed_up", properties={"source": "Invited "}),
            seen("eva", "acme", 6, "signed_up", properties={"source": "not invited"}),
            seen("eva", "bolt", 7, "signed_up", properties={"source": "invited"}),
            *(identify(user, 6, signup_source="search") for user in ("ana", "ben", "eva")),
            identify("eva", 8, signup_source=" newsletter "),
            seen("ana", "acme", 20),
        ]
    )
    daybook.land()
    built(daybook)
    rows = {row["source"]: row["users"] for row in rows_of(daybook, 2)}
    assert rows == {"search": 1, "invited": 1, "newsletter": 1}


def test_companies_without_a_limit_are_not_counted_as_below_it(daybook):
    daybook.write([group("acme", {"plan": "scale", "mau": 2000}), seen("ana", "acme", 20)])
    daybook.land()
    built(daybook)
    assert sentences(daybook)[3] == (
        "1 of 1 companies are over 1,000 monthly active users; none of them has a plan with a"
        " limit."
    )


# The companies of a domain

ADDRESSES = {
    "ana": "Ana@Acme.example",
    "ben": " ben@acme.example ",
    "cat": "cat@acme.example",
    "dan": "dan@gmail.com",
    "eva": "eva@gmail.com",
    "fay": "fay@bolt.example",
    "gus": "gus@bolt.example",
    "ida": "ida@june.so",  # internal
    "jan": "jan@june.so",
    "kim": "no address",
    "leo": "leo@cog.example",  # in no company
    "max": "max@acme.example",  # in a company after the last complete day
}
COMPANIES = {
    **dict.fromkeys(("ana", "ben", "dan", "ida", "kim"), "acme"),
    **dict.fromkeys(("cat", "eva", "jan"), "acme-2"),
    **dict.fromkeys(("fay", "gus"), "bolt"),
}


def people_of_domains() -> Iterable[dict]:
    yield identify("ana", 1, email="ana@bolt.example")  # and later another
    yield from (identify(user, 6, email=address) for user, address in ADDRESSES.items())
    yield from (seen(user, COMPANIES.get(user), 7) for user in ADDRESSES if user != "max")
    yield seen("max", "acme-3", 20)


@pytest.mark.parametrize(
    ("by_email_domain", "answer", "rows", "alone"),
    [
        (
            False,
            # Those of acme and bolt; leo's and max's are in no company yet.
            "1 of 2 e-mail domains have people in more than one company.",
            [("acme.example", 2, "acme", 2), ("acme.example", 2, "acme-2", 1)],
            ("0 of 3 companies have only one person.", []),
        ),
        (
            True,
            "1 of 3 e-mail domains have people in more than one company.",
            [("acme.example", 2, "acme", 2), ("acme.example", 2, "acme-2", 1)],
            ("1 of 4 companies have only one person.", [("cog.example", "leo")]),
        ),
    ],
)
def test_domains_with_people_in_several_companies_are_listed(
    daybook, by_email_domain, answer, rows, alone
):
    daybook.write(people_of_domains())
    daybook.land()
    daybook.build(
        *("--exclude-resource-type", "test"), vars={"companies_by_email_domain": by_email_domain}
    )
    asked = json.loads(daybook.run("ask", "--json", "domains").output)["questions"]
    assert [(each["answer"], list(map(tuple, each["rows"]))) for each in asked] == [(answer, rows)]
    [found] = json.loads(daybook.run("ask", "--json", "only one person").output)["questions"]
    assert (found["answer"], [tuple(row[:2]) for row in found["rows"]]) == alone


def test_the_question_about_domains_needs_a_trait_with_an_address(daybook):
    built(daybook)
    settings = (daybook.folder / "dbt_project.yml").read_text()
    (daybook.folder / "dbt_project.yml").unlink()
    (daybook.folder / "dbt_project.yml").write_text(
        settings.replace("email_trait: email", 'email_trait: ""')
    )
    [found] = json.loads(daybook.run("ask", "--json", "domains").output)["questions"]
    assert (found["rows"], found["problem"]) == (
        [],
        'The var "email_trait" is empty in dbt_project.yml: this question has no answer here. Set'
        " it in dbt_project.yml, then run: dbt build.",
    )


def built(daybook: Daybook) -> None:
    daybook.build("--exclude-resource-type", "test")
