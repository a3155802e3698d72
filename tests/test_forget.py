"""Erasure: `daybook forget` removes a person everywhere, proves it, and keeps the person out."""

import contextlib
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result
from harness import REPO, Daybook, set_var
from hypothesis import Phase, given, seed, settings
from lines import call
from lives import VARIABLES, lives, plans
from reference.calls import as_id, items
from reference.plan import Plan
from reference.story import Story
from test_promises import without_provenance
from test_publish import (
    a_copy_of,
    another_night,
    published,
    small_published,  # noqa: F401
    small_world,  # noqa: F401
)

from loaders.cli import main
from loaders.night.lock import night_lock

ANA, OLD, PHONE, MAIL = "ana-4711", "visitor-0815", "a1b2c3d4-phone", "ana.doe@acme.example"


def at(day: int, hour: int = 10) -> dict:
    return {
        "timestamp": f"2024-05-{day:02}T{hour:02}:00:00Z",
        "receivedAt": f"2024-05-{day:02}T{hour:02}:00:01Z",
    }


def anas_calls() -> list[dict]:
    """Ana signs up, is known by two ids and a telephone, and works for Acme."""
    me = {"userId": ANA, "context": {"groupId": "acme-0001"}}
    traits = {"email": MAIL, "role": "founder"}
    return [
        call(messageId="a1", type="identify", event=..., traits=traits, **me, **at(1)),
        call(messageId="a2", userId=OLD, **at(1, 11)),
        call(messageId="a3", type="alias", event=..., previousId=OLD, userId=ANA, **at(1, 12)),
        call(messageId="a4", anonymousId=PHONE, **me, **at(2)),
        call(messageId="a5", userId=..., anonymousId=PHONE, **at(3)),
        call(messageId="a6", anonymousId="kiosk", **me, **at(3, 11)),
        call(messageId="a7", type="group", event=..., groupId="acme-0001", userId=ANA, **at(4)),
    ]


def bens_calls() -> list[dict]:
    """Ben, a colleague of hers, uses the kiosk too."""
    me = {"userId": "ben", "context": {"groupId": "acme-0001"}}
    return [
        call(messageId="b1", type="identify", event=..., traits={"role": "pm"}, **me, **at(1)),
        *(call(messageId=f"b2{day}", anonymousId="kiosk", **me, **at(day)) for day in range(1, 9)),
        call(messageId="b3", userId=..., anonymousId="kiosk", **at(5, 11)),
    ]


def left_in_files(daybook: Daybook, *texts: str) -> dict[str, str]:
    """The files below the folder, except logs, that hold a text, as bytes or as a value."""
    found = {}
    for path in daybook.folder.rglob("*"):
        if not path.is_file() or path.is_relative_to(daybook.logs) or path.is_symlink():
            continue
        if path.suffix in (".csv", ".sql", ".yml") or "target" in path.parts:
            continue
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += str(duckdb.sql(f"from '{path}'").fetchall()).encode()
        if content[8:12] == b"DUCK":
            with duckdb.connect(str(path), read_only=True) as connection:
                tables = connection.execute(
                    "select schema_name, table_name from duckdb_tables()"
                ).fetchall()
                for schema, table in tables:
                    rows = connection.execute(f'from "{schema}"."{table}"').fetchall()
                    content += str(rows).encode()
        for text in texts:
            if text.lower().encode() in content.lower():
                found[str(path.relative_to(daybook.folder))] = text
    return found


def messages(daybook: Daybook) -> set[str]:
    return {row["message_id"] for row in daybook.rows("select message_id from raw.calls")}


def certificate(daybook: Daybook, *arguments) -> dict:
    return json.loads(daybook.run("forget", *arguments, "--yes", "--json").stdout)


def accounted(daybook: Daybook) -> str:
    """The line of `daybook status` that adds up the lines."""
    shown = daybook.run("status").stdout.splitlines()
    assert "Every line is accounted for." in shown
    (lines,) = [line for line in shown if line.startswith("lines")]
    return lines.split(maxsplit=1)[1]


# --- The ids and the calls of a person


@pytest.mark.parametrize("named", [ANA, OLD])
def test_a_person_is_erased_with_all_its_ids_and_its_own_devices(daybook, named):
    daybook.write(anas_calls(), "ana.jsonl")
    daybook.write(bens_calls(), "ben.jsonl")
    daybook.land()
    said = certificate(daybook, "--user", named)
    assert said["forgotten"]["users"] == [ANA, OLD]
    assert said["forgotten"]["devices"] == [PHONE]
    assert said["forgotten"]["emails"] == [MAIL]
    assert said["left"]["shared_devices"] == ["kiosk"]
    assert messages(daybook) == {each["messageId"] for each in bens_calls()}
    assert left_in_files(daybook, ANA, OLD, PHONE, MAIL) == {}
    assert accounted(daybook) == "17 = 10 landed + 0 quarantined + 0 blank + 7 forgotten"


def test_the_certificate_names_companies_that_lose_traits_with_the_person(daybook):
    group = {"type": "group", "event": ..., "groupId": "acme"}
    daybook.write([*anas_calls(), *bens_calls()])
    traits = [
        call(messageId=f"g-{user}", userId=user, **group, traits={"plan": plan}, **at(day))
        for user, plan, day in [("ben", "growth", 2), (ANA, "free", 3)]
    ]
    daybook.write(
        [*traits, call(messageId="g", userId=ANA, **group | {"groupId": "bolt"}, **at(3))]
    )
    daybook.land()
    assert certificate(daybook, "--user", ANA)["removed"]["traits_of_companies"] == ["acme"]


def test_landing_the_logs_again_brings_no_erased_person_back(daybook):
    daybook.write(anas_calls(), "ana.jsonl")
    daybook.write(bens_calls(), "ben.jsonl")
    daybook.land()
    certificate(daybook, "--user", ANA)
    assert "unchanged" in daybook.land().stdout

    mixed = [line for pair in zip(anas_calls(), bens_calls(), strict=False) for line in pair]
    daybook.write(mixed, "mixed.jsonl")
    body = {"batch": [bens_calls()[0], anas_calls()[0]], "sentAt": "2024-05-09T10:00:00Z"}
    broken = json.dumps(call(userId=ANA, event=""))
    daybook.write([body, broken, "{" + broken, '{"type": "wink"}', ""], "others.jsonl")
    shown = daybook.land(daybook.logs / "mixed.jsonl", daybook.logs / "others.jsonl").stdout
    assert "14 lines, 7 calls, 7 forgotten (load" in shown
    assert "5 lines, 1 call, 1 quarantined, 1 blank, 3 forgotten" in shown
    assert left_in_files(daybook, ANA, OLD, PHONE, MAIL) == {}
    assert accounted(daybook) == "36 = 17 landed + 1 quarantined + 1 blank + 17 forgotten"
    assert messages(daybook) == {each["messageId"] for each in bens_calls()}


def test_another_user_of_a_forgotten_device_lands(daybook):
    daybook.write(anas_calls(), "ana.jsonl")
    daybook.land()
    certificate(daybook, "--user", ANA)
    eva = {"userId": "eva", "anonymousId": PHONE}
    broken = json.dumps(call(event="", **eva))
    daybook.write(
        [
            call(messageId="e1", **eva),
            call(messageId="e2", type="alias", event=..., previousId=PHONE, userId="eva"),
            call(messageId="e3", userId=..., anonymousId=PHONE),
            call(messageId="e4", userId="Undefined", anonymousId=PHONE),
            call(messageId="e5", userId=ANA, anonymousId=PHONE),
            broken,
            {"batch": [call(messageId="e6", **eva), call(event="", userId=..., anonymousId=PHONE)]},
            json.dumps(call(event="", userId="Undefined", anonymousId=PHONE)),
        ],
        "later.jsonl",
    )
    daybook.land()
    assert messages(daybook) == {"e1", "e2", "e6"}
    assert [row["line"].decode() for row in daybook.rows("from raw.quarantine")] == [broken]


@pytest.mark.parametrize(
    "line",
    [
        r'{"userId":"\ud800 and half a letter","event":""}',
        "[" * 100_000,
        '{"userId":' + "9" * 5000 + ',"event":""}',
        '{"userId":1e999,"event":"","context":[NaN]}',
        '{"batch":{"batch":7}}',
        '"\udcff'.encode(errors="surrogateescape"),
    ],
)
def test_odd_lines_are_quarantined_and_stay(daybook, line):
    daybook.write([*anas_calls(), line], "1.jsonl")
    daybook.land()
    certificate(daybook, "--user", ANA)
    daybook.write([line, call(messageId="next", userId="ben")], "2.jsonl")
    daybook.land(daybook.logs / "2.jsonl")
    assert {row["load_id"] for row in daybook.rows("from raw.quarantine")} == {1, 2}


def test_quarantined_lines_that_name_a_person_are_erased(daybook):
    theirs = [
        json.dumps(call(userId=ANA, event="")),
        "{" + json.dumps(call(userId=ANA)),
        json.dumps(call(userId="ben", event="", properties={"invited": MAIL.upper()})),
        json.dumps({"batch": [anas_calls()[0], call(userId="ben", event="")]}),
    ]
    others = [
        json.dumps(call(userId="ben", event="")),
        json.dumps(call(userId=f"{ANA}2", event="")),
    ]
    daybook.write([*anas_calls(), *theirs, *others])
    daybook.land()
    said = certificate(daybook, "--user", ANA)
    assert said["removed"]["quarantined"] == len(theirs)
    assert said["removed"]["calls"] == len(anas_calls()) + 1  # one in the batch
    assert [row["line"].decode() for row in daybook.rows("from raw.quarantine")] == others
    assert accounted(daybook) == "13 = 0 landed + 2 quarantined + 0 blank + 11 forgotten"
    # An id within a longer id does not count; the certificate lists it.
    (explained,) = said["check"]["within_longer_values"].values()
    assert f"{ANA}2" in explained[0]


def test_a_short_id_is_erased_and_the_same_text_elsewhere_stays(daybook):
    daybook.write(
        [
            call(messageId="m1", userId=7),
            call(messageId="m2", userId="7", anonymousId="7"),
            call(messageId="m3", userId="ben", properties={"seats": 7, "plan": "7"}),
            call(messageId="m4", userId="17"),
        ]
    )
    daybook.land()
    said = certificate(daybook, "--user", "7")
    assert said["check"]["searched_in_columns_of_ids_only"] == ["7"]
    assert messages(daybook) == {"m3", "m4"}
    (ben,) = daybook.rows("select properties from raw.calls where user_id = 'ben'")
    assert json.loads(ben["properties"]) == {"seats": 7, "plan": "7"}


def test_mentions_in_calls_of_others_are_replaced(daybook):
    mentions = {
        "invited": MAIL,
        "by": ANA,
        "url": f"https://app.example/u/{ANA}/?mail=Ana.Doe%40acme.example",
        "in_a_url": f"/?next=%2Fu%3Fid%3D{ANA}%26mail%3dana.doe%40acme.example%26",
        "both": f"{ANA} {ANA},{ANA}",
        "escaped": f"{ANA}\n",
    }
    kept = {"other": f"{ANA}2", "encoded": f"a%2D{ANA}", "mail": f"x{MAIL}", "word": "founder"}
    daybook.write(
        [
            *anas_calls(),
            call(messageId="b1", userId="ben", properties=mentions | kept, name=ANA),
            call(messageId=f"by {ANA}", userId="ben"),
        ]
    )
    daybook.land()
    said = certificate(daybook, "--user", ANA)
    assert said["removed"]["mentions_in_other_calls"] == 2
    one, other = daybook.rows("select * from raw.calls order by line_number")
    assert (
        json.loads(one["properties"])
        == {
            "invited": "[erased]",
            "by": "[erased]",
            "url": "https://app.example/u/[erased]/?mail=[erased]",
            "in_a_url": "/?next=%2Fu%3Fid%3D[erased]%26mail%3d[erased]%26",
            "both": "[erased] [erased],[erased]",
            "escaped": "[erased]\n",
        }
        | kept
    )
    assert (one["message_id"], one["name"]) == ("b1", "[erased]")
    assert len(other["message_id"]) == 32


@pytest.mark.parametrize(
    ("one", "spellings"),
    [
        (
            "+5511988975131",
            ["call +5511988975131 today", "/p/+5511988975131", "?n=%2B5511988975131"],
        ),
        (
            "ana.maria+x@mail.example",
            [
                "https://x.test/?to=ana.maria%2Bx%40mail.example",
                "https://x.test/?next=%3Fto=ana.maria%252Bx%2540mail.example",
                '{"e":"ana.maria+x\\u0040mail.example"}',
                "?to=ana%2Emaria+x%2540mail&#46;example",
            ],
        ),
        (r"Ana O'Brien%_\x-8899", ["?id=Ana%20O%27Brien%25_%5Cx-8899"]),
        (
            "ünï\U0001f642-7788x",
            ["?id=%C3%BCn%C3%AF%F0%9F%99%82-7788x", json.dumps({"e": "ünï\U0001f642-7788x"})],
        ),
    ],
    ids=["telephone", "address", "odd letters", "unicode"],
)
def test_mentions_are_replaced_in_every_spelling(daybook, one, spellings):
    mention_in_calls_of_ben(daybook, one, spellings)
    said = certificate(daybook, "--user", one)
    assert said["removed"]["mentions_in_other_calls"] == len(spellings) + 1
    told = daybook.rows("select properties, traits from raw.calls where message_id in ('m0', 'g')")
    assert "[erased]" in repr(told)
    rest = max(re.findall("[a-z0-9.]+", one), key=len)
    assert rest not in repr(daybook.rows("select properties, traits from raw.calls"))


def test_a_mention_in_a_trait_as_json_within_json_does_not_stop_the_erasure(daybook):
    """The built tables have the trait's text, in which one level of JSON is read already."""
    one = "ünï\U0001f642-7788x"
    mention_in_calls_of_ben(daybook, one, [json.dumps({"e": one})])
    daybook.build()
    certificate(daybook, "--user", one)
    assert "7788x" not in repr(daybook.rows("select traits from raw.calls"))


def mention_in_calls_of_ben(daybook: Daybook, one: str, spellings: list[str]) -> None:
    traits = {"plan": " ".join(spellings)}
    calls = [
        call(messageId="own", userId=one, **at(1)),
        *(
            call(messageId=f"m{n}", userId="ben", properties={"report_type": text}, **at(1))
            for n, text in enumerate(spellings)
        ),
        call(
            type="group", messageId="g", event=..., userId="ben", groupId="acme", traits=traits,
            **at(1),
        ),
    ]  # fmt: skip
    daybook.land(daybook.write(calls, "mentions.jsonl"))


def test_ids_of_others_that_contain_an_id_become_pseudonyms(daybook):
    """Different ids stay different, and a company stays one."""
    group = {"type": "group", "event": ..., "userId": "ben"}
    ids = {
        "userId": f"team:{ANA}",
        "anonymousId": f"{ANA}:web",
        "context": {"groupId": MAIL, "locale": "de"},
    }
    daybook.write(
        [
            *anas_calls(),
            call(messageId="b1", **ids),
            call(messageId="b2", **ids),
            call(messageId="b3", groupId=MAIL, **group),
            call(messageId="b4", groupId=f"of {ANA}", **group),
            call(messageId="b5", type="alias", event=..., previousId=ids["userId"], userId="ben"),
            call(messageId="b6", userId=ANA.upper(), anonymousId=f"{ANA}2"),
        ]
    )
    daybook.land()
    said = certificate(daybook, "--user", ANA)
    assert said["removed"]["mentions_in_other_calls"] == 5
    assert said["removed"]["rows_by_table"]["raw.calls"] == len(anas_calls())
    (key,) = daybook.rows("select key from raw.forgetting_key")

    def pseudonym(one: str) -> str:
        return (
            "erased_"
            + hmac.new(
                key["key"].encode(), f"pseudonym:{one}".encode(), hashlib.sha256
            ).hexdigest()[:16]
        )

    rows = daybook.rows("select * from raw.calls order by message_id")
    for row in rows[:2]:
        assert row["user_id"] == pseudonym(f"team:{ANA}")
        assert row["anonymous_id"] == pseudonym(f"{ANA}:web")
        assert json.loads(row["context"]) == {"groupId": pseudonym(MAIL), "locale": "de"}
    assert rows[2]["group_id"] == pseudonym(MAIL)
    assert rows[3]["group_id"] == pseudonym(f"of {ANA}")
    assert rows[4]["previous_id"] == pseudonym(f"team:{ANA}")
    # Another user, and another device: the certificate shows such values.
    assert (rows[5]["user_id"], rows[5]["anonymous_id"]) == (ANA.upper(), f"{ANA}2")
    assert left_in_files(daybook, OLD, PHONE, MAIL) == {}


def test_a_longer_value_in_a_spelling_of_its_own_stays_and_is_shown(daybook):
    longer = {"url": "?of=ana%2D47112"}
    line = json.dumps(call(userId="ben", event="", properties=longer))
    daybook.land(daybook.write([*anas_calls(), line], "1.jsonl"))
    (shown,) = certificate(daybook, "--user", ANA)["check"]["within_longer_values"].values()
    assert shown == ['warehouse.duckdb raw.quarantine.line: rl": "?of=ana%2D47112"}}']
    daybook.land(daybook.write([call(userId="ben", properties=longer), *anas_calls()], "2.jsonl"))
    (shown,) = certificate(daybook, "--user", ANA)["check"]["within_longer_values"].values()
    assert shown[0].endswith('raw.calls.properties: url":"?of=ana%2D47112"}')


def test_mentions_in_another_case_and_after_escaped_white_space_are_replaced(daybook):
    text = f"Hi\n{ANA.upper()}\t{ANA}"
    daybook.write([*anas_calls(), call(messageId="b1", userId="ben", properties={"text": text})])
    daybook.land()
    certificate(daybook, "--user", ANA)
    (ben,) = daybook.rows("select properties from raw.calls")
    assert json.loads(ben["properties"]) == {"text": "Hi\n[erased]\t[erased]"}
    assert left_in_files(daybook, ANA) == {}


def test_a_companys_id_is_replaced_as_a_whole_value_only(daybook):
    """Its id is replaced where it is a whole value, but not within somebody's address."""
    company = "northwind.example"
    kept = {"email": f"zoe@{company}", "about": f"{company} and more", company: 1}
    traits = kept | {"domain": company, "all": [company, company, 1]}
    daybook.write(
        [
            call(messageId="m1", context={"groupId": company}),
            call(messageId="m2", type="identify", event=..., userId="zoe", traits=traits),
            call(messageId="m3", userId=f"zoe@{company}", name=company, category=f"at {company}"),
            json.dumps(call(messageId="m4", userId="zoe", event="", traits=kept)),
            call(messageId="m5", userId=company),
        ]
    )
    daybook.land()
    daybook.seed("internal_accounts", [{"match_on": "email_domain", "value": company.title()}])
    said = daybook.run("forget", "--company", company, exit_code=1).stderr
    assert "internal_accounts.csv, row 2 names northwind.example" in said
    daybook.seed("internal_accounts")
    certificate(daybook, "--company", company)
    zoe, other, third = daybook.rows("select * from raw.calls order by message_id")
    assert json.loads(zoe["traits"]) == kept | {
        "domain": "[erased]",
        "all": ["[erased]", "[erased]", 1],
    }
    assert (other["user_id"], other["name"]) == (f"zoe@{company}", "[erased]")
    assert other["category"] == f"at {company}"
    assert third["user_id"].startswith("erased_")
    assert len(daybook.rows("from raw.quarantine")) == 1


@pytest.mark.parametrize(
    ("line", "is_hers"),
    [
        (r'{"us\u0065rId":"42","event":""}', True),
        (r'{"us\u0065rId":"42",', True),
        (r'{"userId":"ben","properties":{"userId":"42"},"event":""}', False),
        (r'{"userId":"ben","by":"jos\u00c9\u0040x.example","event":""}', True),
        (r'{"userId":"ben","by":"JOSÉ@x.example",', True),
        (r'{"userId":"ben","url":"https:\/\/x.example\/?m=jos%C3%A9%40x.example",', True),
        (r'{"userId":"ben","text":"Dear\nJOSÉ@x.example",', True),
        ('{"userId":"ben","by":"bob.josé@x.example","event":""}', False),
        ('{"userId":"ben","by":"bob-josé@x.example",', False),
        ('{"userId":"ben","by":"josé@x.example.au","event":""}', False),
    ],
)
def test_a_quarantined_line_is_read_with_its_escapes_resolved(daybook, line, is_hers):
    traits = {"email": "josé@x.example"}
    hers = call(messageId="a1", type="identify", event=..., userId="42", traits=traits)
    daybook.write([hers, line])
    daybook.land()
    said = certificate(daybook, "--user", "42")
    assert said["removed"]["quarantined"] == is_hers
    assert len(daybook.rows("from raw.quarantine")) == (not is_hers)


def test_an_address_or_long_id_that_is_only_mentioned_is_erased(daybook):
    daybook.write(anas_calls(), "1.jsonl")
    daybook.land()
    certificate(daybook, "--user", ANA)
    daybook.write(
        [
            call(messageId="b1", userId="ben", properties={"by": MAIL, "for": PHONE}),
            call(messageId="b2", userId="ben", event="", properties={"by": MAIL}),
            call(messageId="b3", userId="ben", context={"groupId": "acme-0001"}),
        ],
        "2.jsonl",
    )
    daybook.land()
    said = certificate(daybook, "--user", MAIL, PHONE)
    assert (said["removed"]["calls"], said["removed"]["mentions_in_other_calls"]) == (0, 1)
    assert messages(daybook) == {"b1", "b3"}
    assert left_in_files(daybook, MAIL, PHONE) == {}
    said = daybook.run("forget", "--user", "acme-0001", exit_code=1).stderr
    assert "No call and no quarantined line names acme-0001" in said


def test_an_address_that_others_have_too_stays_with_them(daybook):
    bens = {"userId": "ben", "traits": {"email": MAIL.title()}}
    daybook.write([*anas_calls(), call(messageId="b1", type="identify", event=..., **bens)])
    daybook.land()
    said = certificate(daybook, "--user", ANA)
    assert said["left"]["shared_emails"] == [MAIL]
    (ben,) = daybook.rows("select traits from raw.calls")
    assert json.loads(ben["traits"]) == {"email": MAIL.title()}


def test_a_company_is_erased_with_every_call_that_names_it(daybook):
    group = {"type": "group", "event": ..., "userId": "ben"}
    daybook.write(
        [
            call(messageId="m1", groupId=42, **group),
            call(messageId="m2", context={"groupId": 42.0}),
            call(messageId="m3", context={"groupId": " 42 "}),
            call(messageId="m4", context={"groupId": ["42"]}),
            call(messageId="m5", groupId="bolt", **group),
            call(messageId="m6", userId="42"),
        ]
    )
    daybook.land()
    said = certificate(daybook, "--company", "42")
    assert said["removed"]["calls"] == 3
    assert messages(daybook) == {"m4", "m5", "m6"}
    daybook.write([call(messageId="m7", context={"groupId": 42}), call(messageId="m8")], "again")
    daybook.land()
    assert messages(daybook) == {"m4", "m5", "m6", "m8"}


def test_several_people_are_erased_at_once(daybook):
    people = [f"user-{number:04}" for number in range(1, 6)]
    daybook.write([call(messageId=one, userId=one) for one in people])
    daybook.land()
    listed = daybook.folder / "list.txt"
    listed.write_text(f"\n {people[0]} \r\n{people[1]}\n\n")
    certificate(daybook, "--file", listed, "--user", people[2], people[3])
    assert messages(daybook) == {people[4]}


# --- Messages


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--user", "nobody-1"), "No call and no quarantined line names nobody-1."),
        (("--user", ANA, "nobody-1"), "No call and no quarantined line names nobody-1."),
        (("--company", ANA), f"No call and no quarantined line names {ANA}."),
        (("--user", "Undefined"), "Undefined is listed in the seed placeholder_ids"),
        (("--user", PHONE), f"{PHONE} is the anonymous id of a device of {ANA}."),
        (("--user", MAIL), f"{MAIL} is the e-mail address of a user with another id."),
    ],
)
def test_an_id_that_is_no_person_is_one_line_and_nobody_is_erased(daybook, arguments, said):
    daybook.write(anas_calls())
    daybook.land()
    result = daybook.run("forget", *arguments, exit_code=1)
    assert result.stderr.startswith(f"daybook: {said}")
    assert "Nothing was forgotten" in result.stderr
    assert result.stderr.count("\n") == 1
    assert len(daybook.rows("from raw.calls")) == len(anas_calls())


@pytest.mark.parametrize(
    "arguments", [(), ("ana",), ("--company", " "), ("--user", "a", "b", "--company", "c")]
)
def test_a_command_without_an_id_or_with_an_id_of_no_kind_has_exit_code_2(daybook, arguments):
    daybook.write(anas_calls())
    daybook.land()
    assert "Usage" in daybook.run("forget", *arguments, exit_code=2).stderr


def test_a_list_that_is_not_utf_8_is_one_line(daybook):
    daybook.write(anas_calls())
    daybook.land()
    listed = daybook.folder / "list.txt"
    listed.write_bytes(f"{ANA}\njosé".encode("latin-1"))
    said = daybook.run("forget", "--file", listed, exit_code=2).stderr
    assert f"{listed} is not UTF-8. Save it as UTF-8" in said


@pytest.mark.parametrize("zone", ["europe/berlin", "PST", "GMT+3"])
def test_erasure_reads_time_zones_like_the_models(daybook, zone):
    set_var(daybook, "timezone", zone)
    daybook.write(anas_calls())
    daybook.land()
    certificate(daybook, "--user", ANA)
    assert messages(daybook) == set()


def test_an_unknown_time_zone_is_one_line(daybook):
    set_var(daybook, "timezone", "Europe/Atlantis")
    daybook.write(anas_calls())
    daybook.land()
    said = daybook.run("forget", "--user", ANA, exit_code=1).stderr
    assert said.startswith("daybook: dbt_project.yml: the var timezone (Europe/Atlantis)")
    assert said.count("\n") == 1


def test_before_the_first_landing_nobody_can_be_forgotten(daybook):
    said = daybook.run("forget", "--user", ANA, exit_code=1).stderr
    assert said == f"daybook: There is no database at {daybook.database}: nobody is known there.\n"
    assert not daybook.database.exists()


def test_nobody_is_forgotten_while_a_night_runs(daybook):
    daybook.write(anas_calls())
    daybook.land()
    with night_lock(daybook.database):
        said = daybook.run("forget", "--user", ANA, exit_code=3).stderr
    assert "Another night holds" in said
    assert len(daybook.rows("from raw.calls")) == len(anas_calls())


def test_an_internal_account_must_be_removed_from_its_seed_first(daybook):
    daybook.write(anas_calls())
    daybook.land()
    daybook.seed("internal_accounts", [{"match_on": "user_id", "value": ANA}])
    said = daybook.run("forget", "--user", OLD, exit_code=1).stderr
    assert "internal_accounts.csv, row 2 names" in said
    daybook.seed("internal_accounts")
    certificate(daybook, "--user", OLD)


def test_forgetting_again_says_that_it_is_done(daybook):
    daybook.write(anas_calls())
    daybook.land()
    first = certificate(daybook, "--user", ANA)
    before = daybook.database.read_bytes()
    again = certificate(daybook, "--user", ANA)
    assert again["forgotten"]["at"] == first["forgotten"]["at"]
    assert again["removed"]["rows_by_table"] == {}
    assert again["check"]["is_clean"]
    assert daybook.database.read_bytes() == before


def test_the_certificate_names_the_log_files_that_held_the_person(daybook):
    for name, calls in (("1.jsonl", anas_calls()[:2]), ("2.gz", anas_calls()[2:])):
        daybook.write([*calls, *bens_calls()], name)
    daybook.write(bens_calls()[1:], "3.jsonl")
    daybook.land()
    said = certificate(daybook, "--user", ANA)
    assert [(each["path"].rsplit("/")[-1], each["calls"]) for each in said["log_files"]] == [
        ("1.jsonl", 2),
        ("2.gz", 5),
    ]


# --- The ledger and the other tables of the warehouse


def test_forgotten_lines_are_accounted_for_like_any_others(daybook):
    daybook.write([{"batch": [*anas_calls()[:2], *bens_calls()[:2]]}, *anas_calls()[2:]], "1.jsonl")
    daybook.land()
    certificate(daybook, "--user", ANA)
    assert accounted(daybook) == "6 = 0 landed + 0 quarantined + 0 blank + 6 forgotten"
    with duckdb.connect(str(daybook.database)) as connection:
        connection.execute("delete from raw.forgotten_calls where line_number = 2")
    said = daybook.run("status", exit_code=1).stderr
    assert "forgotten lines 6 in raw.loads, 5 in the tables" in said

    daybook.run("unland", "--load", 1)
    daybook.write([call(messageId="next")], "2.jsonl")
    daybook.land(daybook.logs / "2.jsonl")
    accounted(daybook)
    assert [row["load_id"] for row in daybook.rows("from raw.loads")] == [2]  # not 1 again


def test_a_symbolic_link_stays_and_its_target_is_rewritten(daybook):
    daybook.write(anas_calls(), "ana.jsonl")
    daybook.write(bens_calls(), "ben.jsonl")
    disk = daybook.folder / "disk"
    disk.mkdir()
    daybook.database.symlink_to(disk / "real.duckdb")
    daybook.land()
    certificate(daybook, "--user", ANA)
    assert daybook.database.is_symlink()
    assert messages(daybook) == {each["messageId"] for each in bens_calls()}
    assert left_in_files(daybook, ANA, OLD, PHONE, MAIL) == {}
    assert [each.name for each in disk.iterdir()] == ["real.duckdb"]


def test_tables_of_other_origin_stay_unless_they_name_the_person(daybook):
    daybook.write(anas_calls())
    daybook.land()
    with duckdb.connect(str(daybook.database)) as connection:
        connection.execute("create table regions as select 'north' as region")
        connection.execute(f"create schema mine; create table mine.users as select '{ANA}' as who")
    said = certificate(daybook, "--user", ANA)
    assert daybook.rows("from regions") == [{"region": "north"}]
    assert said["removed"]["dropped_tables"] == ["mine.users"]
    assert said["removed"]["rows_by_table"]["mine.users"] == 1


def test_the_ids_are_not_kept_and_their_hashes_are_keyed(daybook):
    daybook.write(anas_calls())
    daybook.land()
    certificate(daybook, "--user", ANA)
    (key,) = daybook.rows("select key from raw.forgetting_key")
    hashes = {row["hash"] for row in daybook.rows("from raw.forgotten_ids where kind = 'user'")}
    assert hashes == {
        hmac.new(key["key"].encode(), f"user:{one}".encode(), hashlib.sha256).hexdigest()
        for one in (ANA, OLD)
    }


def test_a_forgotten_call_does_not_land_under_another_hash_function_of_duckdb(daybook):
    daybook.write(anas_calls(), "1.jsonl")
    daybook.land()
    certificate(daybook, "--user", ANA)
    with duckdb.connect(str(daybook.database)) as connection:
        connection.execute("update raw.forgetting_key set engine_sample = 1")
        connection.execute("update raw.forgotten_ids set engine_hash = 1")
    daybook.write([*anas_calls(), call(messageId="next")], "2.jsonl")
    daybook.land()
    assert messages(daybook) == {"next"}


# --- Random lives


@pytest.mark.parametrize("number", range(3))
def test_erasing_gives_the_same_as_logs_without_the_person(tmp_path, number):
    forget_in_a_life(tmp_path, number)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(3, 63))
def test_erasing_gives_the_same_as_logs_without_the_person_in_many_lives(tmp_path, number):
    forget_in_a_life(tmp_path, number)


def forget_in_a_life(folder: Path, number: int) -> None:
    """Users of a random life are forgotten one by one; then the same lines land again."""
    variables = VARIABLES[number % len(VARIABLES)]
    life, seeds = a_life(number, variables)
    story = Story(life, Plan(seeds, variables))
    daybook, other = (a_checkout(folder / name, seeds, variables) for name in ("with", "without"))
    daybook.write(life)
    daybook.land()
    landed = daybook.database.read_bytes()
    users = sorted({call.user_id for call in story.calls} - {None})
    assert len(users) > 3
    for user in users if number > 2 else users[::3]:
        daybook.database.write_bytes(landed)
        certificate(daybook, "--user", user)
        kept = without(user, life, story)
        assert len(kept) < len(life)
        other.forget()
        other.write(kept)
        other.land()
        assert landed_calls(daybook) == landed_calls(other), user

        daybook.land(daybook.write(life[::-1], "again.jsonl"))
        again = without(user, life, story, is_landing=True)
        other.land(other.write(again[::-1], "again.jsonl"))
        assert landed_calls(daybook) == landed_calls(other), user
        accounted(daybook)
    if number == 1:
        daybook.database.write_bytes(landed)
        daybook.build(vars=variables)  # an earlier build, whose tables the erasure has to replace
        certificate(daybook, "--user", users[-1])
        daybook.build(vars=variables)
        other.forget()
        other.write(without(users[-1], life, story))
        other.land()
        other.build(vars=variables)
        assert without_provenance(daybook) == without_provenance(other)


def a_life(number: int, variables: dict) -> tuple[list[dict], dict]:
    drawn = []

    @seed(number)
    @settings(max_examples=5, phases=[Phase.generate], database=None, deadline=None)
    @given(lines=lives(), seeds=plans(variables))
    def draw(lines: list, seeds: dict) -> None:
        # An account in a seed must be removed from the seed first.
        accounts = [row for row in seeds["internal_accounts"] if row["match_on"] != "user_id"]
        drawn.append((lines, seeds | {"internal_accounts": accounts}))

    draw()
    return max(drawn, key=lambda each: len(each[0]))


def a_checkout(folder: Path, seeds: dict, variables: dict) -> Daybook:
    daybook = Daybook(folder)
    for name, rows in seeds.items():
        daybook.seed(name, rows)
    for name, value in variables.items():
        set_var(daybook, name, value)
    return daybook


def without(user: str, lines: list[dict], story: Story, *, is_landing: bool = False) -> list[dict]:
    """The lines without an id of the user, by the reference's reading of the contract.

    When they land later, another user's call of one of the user's devices is not the user's.
    """
    end = story.follow(user)
    users = {one for one in {*story.alias_of, user, end} if story.follow(one) == end}
    devices = {one for one, seen in story.devices.items() if {each.what for each in seen} == {end}}

    def is_theirs(call: dict) -> bool:
        user_id, device, previous = (
            as_id(call.get(name)) for name in ("userId", "anonymousId", "previousId")
        )
        if is_landing and user_id and ("user", user_id.lower()) not in story.plan.placeholders:
            return user_id in users or previous in users
        return user_id in users or device in devices or previous in users | devices

    return [line for line in lines if not any(is_theirs(body) for _, body, _ in items(line))]


def landed_calls(daybook: Daybook) -> list[str]:
    """All rows of raw.calls, without their place in the logs."""
    rows = daybook.rows("select * exclude (load_id, line_number, call_number) from raw.calls")
    return sorted(map(repr, rows))


# --- Published nights


@pytest.fixture
def small(request, tmp_path) -> Daybook:
    """Ana and Ben of Acme and Eva of Bolt, with one published night."""
    return a_copy_of(request.getfixturevalue("small_published"), tmp_path / "daybook")


def test_readers_get_a_night_without_the_person_and_earlier_nights_are_gone(small):
    (small.folder / "report.html").write_text("ana")
    another_night(small, call(messageId="late", userId="ben", **at(20)))
    folder = (small.folder / "published").resolve()
    with duckdb.connect(str(folder / "daybook.duckdb"), read_only=True) as reader:
        said = certificate(small, "--user", "ana")
        assert reader.execute("select count(*) from marts.dim_users").fetchall() == [(3,)]

    assert [each.name for each in (small.folder / "published.nights").iterdir()] == ["3"]
    assert said["night"] == 3
    assert said["removed"]["nights"] == ["published.nights/1", "published.nights/2"]
    assert said["removed"]["rows_by_table"]["published.nights/2/dim_users.parquet"] == 1
    assert said["removed"]["files"] == ["report.html"]
    users = [(one,) for one in ("ben", "eva")]
    for table in ("dim_users", "fct_events", "fct_activity_days", "fct_memberships"):
        query = f"select distinct user_id from marts.{table} order by all"
        assert published(small, query) == users
        assert small.rows(query) == [{"user_id": one} for (one,) in users]
    assert (small.folder / "published" / "report.html").stat().st_size > 10_000
    assert "up to date" in small.run("status").stdout
    assert small.database.stat().st_mode & 0o777 == 0o600
    usual = 0o666 & ~_umask()
    assert (small.folder / "published" / "daybook.duckdb").stat().st_mode & 0o777 == usual

    reasons = published(
        small,
        "select distinct unnest(json_keys(reasons::json)) from nights.restatements where night = 3",
    )
    assert ("erased",) in reasons
    assert ("load taken out",) not in reasons
    later = [call(messageId=f"later {user}", userId=user, **at(21)) for user in ("eva", "ana")]
    small.run("land", small.write(later, "later.jsonl"))
    small.build()
    assert "1 line of forgotten people left out" in small.run("publish").stdout
    assert published(small, "select max((number, forgotten)) from nights.nights") == [((4, 1),)]


def test_a_published_warehouse_can_only_be_erased_in_the_folder_of_its_nights(small, tmp_path):
    before = small.database.read_bytes()
    for folder in (tmp_path, small.folder / "seeds"):
        with contextlib.chdir(folder):
            said = _main("--database", os.path.relpath(small.database), "forget", "--user", "ana")
        assert said.exit_code == 1
        assert f"is published in {small.folder / 'published'}" in said.stderr
        assert "run the command in that folder" in said.stderr
    assert small.database.read_bytes() == before


def test_files_of_dbt_in_the_folder_hold_no_id(small):
    another_night(small, call(messageId="late", userId=ANA, **at(20)))
    (small.folder / "logs").mkdir(exist_ok=True)
    (small.folder / "target").mkdir(exist_ok=True)
    before = [small.folder / name for name in ("target/earlier.json", "logs/dbt.log.1")]
    for path in before:
        path.write_text(json.dumps({"invocation_command": f"dbt forget --user {ANA}"}))
    running = begin(small, "--user", ANA, "--yes", "--json", stdout=subprocess.PIPE)
    out, problem = running.communicate(timeout=120)
    assert running.returncode == 0, problem
    assert json.loads(out)["removed"]["files"] == ["logs/dbt.log.1", "target/earlier.json"]
    dbts = [*small.folder.glob("logs/dbt.log*"), *small.folder.glob("target/*.json")]
    assert len(dbts) > 2
    assert [path for path in dbts if ANA.encode() in path.read_bytes()] == []


def _main(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--yes"])


def test_a_build_that_fails_leaves_everything_as_it_was(small):
    before = small.database.read_bytes()
    small.seed("plans", [{"plan": "free", "is_paying": "perhaps"}])
    said = small.run("forget", "--user", "ana", "--yes", exit_code=1).stderr.splitlines()[-1]
    assert "plans.csv, row 2" in said
    assert "Nothing was forgotten: it stopped at the step build." in said
    assert small.database.read_bytes() == before
    assert ("ana",) in published(small, "select user_id from marts.dim_users")
    assert list(small.folder.glob("*.erasing")) == []


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


# --- Stops, and a terminal


def begin(daybook: Daybook, *arguments, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "loaders", "--database", daybook.database, "forget", *arguments],
        cwd=daybook.folder,
        env=os.environ | {"PYTHONPATH": str(REPO)},
        stderr=subprocess.PIPE,
        **options,
    )


def killed_when(daybook: Daybook, is_so, *arguments) -> None:
    """Begin to forget, and kill the process as soon as the condition holds."""
    running = begin(daybook, *arguments, "--yes", stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not is_so() and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    running.kill()
    running.communicate()
    assert is_so(), "it ended before"


@pytest.mark.parametrize("later", [0, 0.02, 0.05, 0.1, 0.2])
def test_a_kill_is_healed_by_running_the_same_command_again(daybook, later):
    daybook.write(anas_calls(), "ana.jsonl")
    daybook.write(bens_calls(), "ben.jsonl")
    daybook.land()
    beside = daybook.folder / "warehouse.duckdb.erasing"
    seen = []

    def is_so() -> bool:
        seen.extend([time.monotonic()] if beside.exists() else [])
        return bool(seen) and time.monotonic() >= seen[0] + later

    killed_when(daybook, is_so, "--user", ANA)
    accounted(daybook)  # no state is half erased
    assert len(messages(daybook)) in (len(bens_calls()), len(bens_calls() + anas_calls()))
    certificate(daybook, "--user", ANA)
    assert left_in_files(daybook, ANA, OLD, PHONE, MAIL) == {}
    assert messages(daybook) == {each["messageId"] for each in bens_calls()}
    assert not beside.exists()


def test_a_kill_while_a_night_is_published_is_healed_by_running_the_same_command_again(small):
    nights = small.folder / "published.nights"
    killed_when(small, lambda: (nights / "2.unfinished").exists(), "--user", "ana")
    assert ("ana",) in published(small, "select user_id from marts.dim_users")
    killed_when(small, lambda: os.readlink(small.folder / "published")[-1] != "1", "--user", "ana")
    certificate(small, "--user", "ana")
    assert ("ana",) not in published(small, "select user_id from marts.dim_users")
    assert len(list(nights.iterdir())) == 1
    assert small.rows("from raw.calls where user_id = 'ana'") == []
    assert "up to date" in small.run("status").stdout


@pytest.mark.parametrize(("answer", "left"), [(b"n\n", 17), (b"y\n", 10)])
def test_on_a_terminal_forget_asks_first(daybook, answer, left):
    daybook.write([*anas_calls(), *bens_calls()])
    daybook.land()
    terminal, stdin = os.openpty()
    os.write(terminal, answer)
    running = begin(daybook, "--user", ANA, stdin=stdin, stdout=subprocess.PIPE)
    _, asked = running.communicate(timeout=60)
    os.close(stdin)
    os.close(terminal)
    assert b"It cannot be undone [y/N]" in asked
    assert len(daybook.rows("from raw.calls")) == left


def test_without_a_terminal_forget_needs_yes(daybook):
    daybook.write(anas_calls())
    daybook.land()
    before = daybook.rows("from raw.calls")
    said = daybook.run("forget", "--user", ANA, exit_code=1).stderr
    assert "There is no terminal to ask on. Nothing was forgotten; add --yes" in said
    assert daybook.rows("from raw.calls") == before


def test_a_warehouse_of_an_earlier_version_is_accounted_for_and_can_erase_people(daybook):
    daybook.write(anas_calls())
    daybook.land()
    with duckdb.connect(str(daybook.database)) as connection:
        for table in ("forgotten_calls", "forgotten_ids", "forgetting_key"):
            connection.execute(f"drop table raw.{table}")
        connection.execute("create table raw.kept as select * exclude (forgotten) from raw.loads")
        connection.execute("drop table raw.loads; alter table raw.kept rename to loads")
    assert accounted(daybook) == "7 = 7 landed + 0 quarantined + 0 blank"
    certificate(daybook, "--user", ANA)
    assert accounted(daybook) == "7 = 0 landed + 0 quarantined + 0 blank + 7 forgotten"
