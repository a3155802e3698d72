"""Landing: what every line of a log becomes, by sections 2 and 3 of the contract."""

import gzip
import json
import os
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from math import trunc

import duckdb
import pytest
import zstandard
from harness import REPO, Daybook
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from lines import MAY_1, as_bytes, call, counted, counts, everything, landed, quarantined

from loaders.landing.storing import Storer
from loaders.limits import MB

# --- The shapes of a line


def test_a_segment_archive_line_lands_field_by_field(daybook):
    sent = {
        "type": "track",
        "messageId": "ajs-1",
        "userId": "ana",
        "anonymousId": "device-1",
        "event": "report_created",
        "channel": "client",
        "properties": {"report_type": "Retention", "nested": {"n": [1, None, "é"]}},
        "context": {"groupId": "acme", "library": {"name": "analytics.js"}},
        "integrations": {"All": False},
        "timestamp": "2024-05-01T09:00:00.123Z",
        "originalTimestamp": "2024-05-01T08:59:59.123Z",
        "sentAt": "2024-05-01T09:00:01.000Z",
        "receivedAt": "2024-05-01T09:00:02.000Z",
        "version": 2,
    }
    [row] = landed(daybook, sent)
    for column in ("properties", "context", "integrations"):
        row[column] = json.loads(row[column])
    assert row == {
        "load_id": 1,
        "line_number": 1,
        "call_number": 1,
        "in_batch": False,
        "type": "track",
        "message_id": "ajs-1",
        "user_id": "ana",
        "anonymous_id": "device-1",
        "group_id": None,
        "previous_id": None,
        "event": "report_created",
        "name": None,
        "category": None,
        "channel": "client",
        "properties": sent["properties"],
        "traits": None,
        "context": sent["context"],
        "integrations": sent["integrations"],
        "timestamp": sent["timestamp"],
        "original_timestamp": sent["originalTimestamp"],
        "sent_at": sent["sentAt"],
        "received_at": sent["receivedAt"],
    }


def test_each_type_of_call_lands_with_its_own_fields(daybook):
    rows = landed(
        daybook,
        call(type="identify", event=..., traits={"role": "founder"}),
        call(type="group", event=..., groupId="acme", traits={"plan": "Growth"}),
        call(type="page", event=..., name="Home", category="Docs"),
        call(type="screen", event=..., name="Main"),
        call(type="alias", event=..., previousId="device-1"),
        call(type="track"),
    )
    own = ("type", "event", "group_id", "previous_id", "name", "category", "traits")
    assert [tuple(row[name] for name in own) for row in rows] == [
        ("identify", None, None, None, None, None, '{"role":"founder"}'),
        ("group", None, "acme", None, None, None, '{"plan":"Growth"}'),
        ("page", None, None, None, "Home", "Docs", None),
        ("screen", None, None, None, "Main", None, None),
        ("alias", None, None, "device-1", None, None, None),
        ("track", "report_loaded", None, None, None, None, None),
    ]


def test_a_rudderstack_line_lands_without_a_timestamp(daybook):
    [row] = landed(
        daybook,
        call(
            timestamp=...,
            originalTimestamp="2024-05-01T09:00:00.000Z",
            sentAt="2024-05-01T09:00:01.000Z",
            context={"traits": {"role": "founder"}},
            rudderId="r-1",
        ),
    )
    assert row["timestamp"] is None
    assert row["original_timestamp"] == "2024-05-01T09:00:00.000Z"
    assert row["sent_at"] == "2024-05-01T09:00:01.000Z"


def test_a_batch_lands_a_call_per_item_in_their_order(daybook):
    rows = landed(daybook, call(), {"batch": [call(messageId="b1"), call(messageId="b2")]})
    found = [(r["line_number"], r["call_number"], r["in_batch"], r["message_id"]) for r in rows]
    assert found == [(1, 1, False, "m1"), (2, 1, True, "b1"), (2, 2, True, "b2")]
    assert counts(daybook) == [counted(2, 2, calls=3)]


BODY = {
    "sentAt": "2024-05-01T09:00:05Z",
    "receivedAt": "2024-05-01T09:00:06Z",
    "context": {"ip": "1.2.3.4", "library": {"name": "a"}},
}


def test_an_item_inherits_sent_at_received_at_and_context(daybook):
    [row] = landed(daybook, BODY | {"batch": [call()]})
    assert row["sent_at"] == BODY["sentAt"]
    assert row["received_at"] == BODY["receivedAt"]
    assert json.loads(row["context"]) == BODY["context"]


def test_an_item_inherits_nothing_else(daybook):
    theirs = {
        "type": "identify",
        "messageId": "the body's",
        "userId": "ben",
        "anonymousId": "device-9",
        "groupId": "acme",
        "previousId": "old",
        "event": "no",
        "name": "no",
        "category": "no",
        "channel": "no",
        "properties": {"no": 1},
        "traits": {"no": 1},
        "integrations": {"no": 1},
        "timestamp": "2020-01-01",
        "originalTimestamp": "2020-01-01",
    }
    [alone] = landed(daybook, {"batch": [call()]})
    [row] = landed(daybook, theirs | {"batch": [call()]})
    assert row == alone


def test_the_time_of_a_body_is_not_the_time_of_its_calls(daybook):
    assert landed(daybook, {"timestamp": MAY_1, "batch": [call(timestamp=...)]}) == []
    assert quarantined(daybook) == [(1, 1, "no_readable_time")]


def test_a_context_is_inherited_as_a_whole_and_never_mixed(daybook):
    [row] = landed(daybook, BODY | {"batch": [call(context={"groupId": "acme"})]})
    assert json.loads(row["context"]) == {"groupId": "acme"}


@pytest.mark.parametrize("absent", [None, "", {}])
def test_an_empty_field_of_an_item_is_inherited(daybook, absent):
    item = call(sentAt=absent, receivedAt=absent, context=absent)
    [row] = landed(daybook, BODY | {"batch": [item]})
    assert (row["sent_at"], row["received_at"]) == (BODY["sentAt"], BODY["receivedAt"])
    assert json.loads(row["context"]) == BODY["context"]


def test_a_field_that_an_item_has_is_not_inherited(daybook):
    own = {"sentAt": "2024-05-02", "receivedAt": "2024-05-03", "context": {"own": True}}
    [row] = landed(daybook, BODY | {"batch": [call(**own)]})
    assert (row["sent_at"], row["received_at"]) == ("2024-05-02", "2024-05-03")
    assert json.loads(row["context"]) == {"own": True}


def test_a_line_without_a_batch_inherits_nothing_from_its_neighbours(daybook):
    _, after = landed(daybook, BODY | {"batch": [call()]}, call(messageId="m2"))
    assert (after["sent_at"], after["received_at"], after["context"]) == (None, None, None)


def test_only_a_list_makes_a_batch(daybook):
    """Ana's product may have a field of that name."""
    rows = landed(daybook, *(call(batch=value) for value in ("march", 7, None, {}, {"a": [1]})))
    assert [row["in_batch"] for row in rows] == [False] * 5


def test_a_batch_in_a_batch_is_not_opened(daybook):
    inner = {"batch": [call(messageId="inner")]}
    rows = landed(daybook, {"batch": [call(messageId="outer"), inner]})
    assert [row["message_id"] for row in rows] == ["outer"]
    assert quarantined(daybook) == [(1, 2, "unknown_type")]


# --- Several calls on a line


BETWEEN = {"nothing": "", "a blank": " ", "white space": " \t \r "}


@pytest.mark.parametrize("between", BETWEEN)
def test_calls_may_follow_each_other_on_a_line(daybook, between):
    """Firehose writes files like this."""
    calls = [json.dumps(call(messageId=f"m{number}")) for number in range(3)]
    rows = landed(daybook, call(messageId="a"), BETWEEN[between].join(calls), call(messageId="z"))
    found = [(r["line_number"], r["call_number"], r["in_batch"], r["message_id"]) for r in rows]
    assert found == [
        (1, 1, False, "a"),
        (2, 1, False, "m0"),
        (2, 2, False, "m1"),
        (2, 3, False, "m2"),
        (3, 1, False, "z"),
    ]
    assert counts(daybook) == [counted(3, 3, calls=5)]
    assert "Every line is accounted for" in daybook.run("status").output


@pytest.mark.parametrize("space", ["", " ", " \t\r "])
def test_a_line_may_be_an_array_of_calls(daybook, space):
    calls = [json.dumps(call(messageId=f"m{number}")) for number in range(3)]
    rows = landed(daybook, space + "[" + space + f"{space},{space}".join(calls) + space + "]")
    found = [(r["call_number"], r["in_batch"], r["message_id"]) for r in rows]
    assert found == [(1, False, "m0"), (2, False, "m1"), (3, False, "m2")]
    assert counts(daybook) == [counted(1, 1, calls=3)]


@pytest.mark.parametrize("as_array", [True, False])
def test_call_numbers_count_on_through_the_bodies_of_a_line(daybook, as_array):
    parts = [
        call(messageId="m1"),
        BODY | {"batch": [call(messageId="m2"), call(messageId="m3")]},
        call(messageId="m4"),
        {"batch": [call(messageId="m5")]},
    ]
    line = parts if as_array else "".join(map(json.dumps, parts))
    rows = landed(daybook, json.dumps(line) if as_array else line)
    assert [(r["call_number"], r["message_id"], r["in_batch"], r["sent_at"]) for r in rows] == [
        (1, "m1", False, None),
        (2, "m2", True, BODY["sentAt"]),
        (3, "m3", True, BODY["sentAt"]),
        (4, "m4", False, None),  # it follows a batch body, and inherits nothing from it
        (5, "m5", True, None),
    ]


@pytest.mark.parametrize("as_array", [True, False])
def test_a_bad_call_on_a_line_is_quarantined_without_its_neighbours(daybook, as_array):
    parts = [
        call(messageId="m1"),
        call(event=""),
        {"batch": [call(messageId="m3"), call(type="?")]},
        7,
        {"batch": []},
        call(messageId="m7"),
    ]
    line = json.dumps(parts) if as_array else " ".join(map(json.dumps, parts))
    rows = landed(daybook, line, call(messageId="next"))
    assert [(row["line_number"], row["call_number"]) for row in rows] == [
        (1, 1),
        (1, 3),
        (1, 6 + 1),
        (2, 1),
    ]
    assert quarantined(daybook) == [
        (1, 2, "no_event"),
        (1, 4, "unknown_type"),
        (1, 5, "not_a_json_object"),
        (1, 6, "empty_batch"),
    ]
    kept = {row["line"] for row in daybook.rows("select line from raw.quarantine")}
    assert kept == {line.encode()}
    assert counts(daybook) == [counted(2, 1, 1, calls=4)]
    assert "Every line is accounted for" in daybook.run("status").output


def test_a_line_with_an_invalid_part_is_quarantined_whole(daybook):
    good = json.dumps(call())
    lines = [
        good + good[:-1],
        good + "oops" + good,
        good + "," + good,
        good + "}",
        good + good + "[",
        f"[{good},{good}",
        f"[{good},{good},]",
        f"[{good},,{good}]",
        f"[{good} {good}]",
        f"[{good};{good}]",
        "7 " + good + "oops",
        f"[,{good}]",
        f"[{good}]]",
        good + "012",
        good + "tru",
        good.encode() + b'{"a":"\xff"}',
        good + '{"a":NaN}',
    ]
    assert landed(daybook, *lines) == []
    wanted = [(number + 1, None, "not_a_json_object") for number, _ in enumerate(lines)]
    assert quarantined(daybook) == wanted
    kept = daybook.rows("select line from raw.quarantine order by line_number")
    assert [row["line"] for row in kept] == [as_bytes(line) for line in lines]


def test_braces_in_text_and_lists_do_not_cut_a_call(daybook):
    said = call(properties={"text": 'a}{b},{"c":"\\"}', "items": [{"a": 1}, {"b": [{}, {}]}]})
    line = json.dumps(said)
    for rows in (landed(daybook, line + line), landed(daybook, f"[{line},{line}]")):
        assert [json.loads(row["properties"]) for row in rows] == [said["properties"]] * 2


def test_an_array_without_calls_is_quarantined(daybook):
    landed(daybook, call(), "[]", " [ ] ", "[[]]", "[] []")
    assert quarantined(daybook) == [
        (2, None, "empty_batch"),
        (3, None, "empty_batch"),
        (4, 1, "not_a_json_object"),
        (5, None, "not_a_json_object"),
    ]


@pytest.mark.parametrize("shape", ["one after another", "an array"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_may_be_one_long_line_of_calls(daybook, shape, pack):
    """The line is longer than DuckDB reads and than a block, and ends with a carriage return."""
    calls = [json.dumps(call(messageId=f"m{n}", name="x" * 200)).encode() for n in range(60_000)]
    calls[40_000] = json.dumps(call(messageId="bad", event="")).encode()
    line = b"".join(calls) if shape == "one after another" else b"[" + b",".join(calls) + b"]"
    assert len(line) > 16 * MB
    (daybook.logs / "firehose").write_bytes(pack(line + b"\r\n"))
    daybook.land()
    assert counts(daybook) == [counted(1, 0, 1, calls=59_999)]
    assert quarantined(daybook) == [(1, 40_001, "no_event")]
    [wrong] = daybook.rows(
        "select count(*) as n from raw.calls where message_id <> 'm' || (call_number - 1)"
    )
    assert wrong == {"n": 0}
    [kept] = daybook.rows("select line from raw.quarantine")
    assert kept["line"] == line  # without its line end


@pytest.mark.parametrize("between", ["7", "null", '"}{"', "[{},{}]"])
def test_objects_and_other_values_may_alternate_on_a_line(daybook, between):
    parts = [json.dumps(call()), between, json.dumps(call()), json.dumps(call())] * 200
    for line in ("[" + ",".join(parts) + "]", " ".join(parts)):
        assert len(landed(daybook, line)) == 600
        assert counts(daybook) == [counted(1, 0, 1, calls=600)]
        assert [number for _, number, _ in quarantined(daybook)] == list(range(2, 801, 4))


# --- Ids


ID_FIELDS = {
    "userId": "user_id",
    "anonymousId": "anonymous_id",
    "groupId": "group_id",
    "previousId": "previous_id",
    "messageId": "message_id",
    "event": "event",
}


@pytest.mark.parametrize(
    "number", ["0", "42", "9007199254740993", "123456789012345678901234567890"]
)
def test_numbers_as_ids_become_text(daybook, number):
    line = json.dumps(call(**dict.fromkeys(ID_FIELDS, "$"))).replace('"$"', number)
    plain, item = landed(daybook, line, '{"batch": [' + line + "]}")
    assert {plain[column] for column in ID_FIELDS.values()} == {number}
    assert {item[column] for column in ID_FIELDS.values()} == {number}


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("42.0", "42"),
        ("4.2e1", "42"),
        ("1e2", "100"),
        ("1E+2", "100"),
        ("-0.0", "0"),
        ("-7.000", "-7"),
        ("1e22", "10000000000000000000000"),
        ("9007199254740993.0", "9007199254740993"),  # more than a double holds exactly
        ("12345678901234567890.0", "12345678901234567890"),
        ("1.5", "1.5"),
    ],
)
def test_a_number_without_a_fraction_is_written_without_one(daybook, number, kept):
    line = json.dumps(call(**dict.fromkeys(ID_FIELDS, "$"))).replace('"$"', number)
    good = call(messageId="good")
    lines = [good, line, good, good, '{"batch": [' + line + "]}", good, line + line]
    rows = [row for row in landed(daybook, *lines) if row["message_id"] != "good"]
    assert len(rows) == 4
    for row in rows:
        assert {row[column] for column in ID_FIELDS.values()} == {kept}


WHOLE = st.integers() | st.floats(allow_nan=False, allow_infinity=False).map(trunc).map(float)


# Beyond 53 bits, a JSON column holds the nearest double.
@given(st.lists(WHOLE, min_size=1))
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example([42.0, -0.0, 1e15, 1e16, 1e20, 1e21, -1e21, 1.5e300, 0.1, -2.5, 2**64])
def test_the_models_read_a_number_in_a_context_as_the_loader_reads_a_group_id(daybook, numbers):
    daybook.forget()
    daybook.write(
        call(messageId=str(place), groupId=number, context={"groupId": number})
        for place, number in enumerate(numbers)
    )
    daybook.land()
    text = "json_extract_string(context, '$.groupId')"
    read = engine_macros().json_id("context", ["groupId"], text)
    rows = daybook.rows(f"select group_id, {read} as read from raw.calls")
    assert [row["read"] for row in rows] == [row["group_id"] for row in rows]


@pytest.mark.parametrize("number", ["1e400", "-1e400"])
def test_a_number_beyond_a_double_stays_as_it_was_sent(daybook, number):
    line = json.dumps(call(groupId="$", context={"groupId": "$"})).replace('"$"', number)
    (row,) = landed(daybook, line)
    assert (row["group_id"], row["context"]) == (number, f'{{"groupId":{number}}}')


def test_a_text_that_looks_like_a_number_stays_as_it_is(daybook):
    texts = ["42.0", "1e2", "1e+22", "-0.0", "007", "83187836488e5098"]
    rows = landed(daybook, *(call(userId=text, messageId=text) for text in texts))
    assert [(row["user_id"], row["message_id"]) for row in rows] == [(text, text) for text in texts]


WHITE_SPACE = [letter for letter in map(chr, range(0x110000)) if letter.isspace()]


def test_white_space_at_the_ends_of_an_id_does_not_count(daybook):
    ids = {name: f"{name} of ana" for name in ID_FIELDS}
    lines = [
        call(**{name: before + text + after for name, text in ids.items()})
        for space in WHITE_SPACE
        for before, after in ((space, ""), ("", space), (space + " ", "\t" + space))
    ]
    rows = landed(daybook, *lines, {"batch": lines}, *map(json.dumps, ([each] for each in lines)))
    assert len(rows) == 3 * len(lines)
    for row in rows:
        assert {name: row[column] for name, column in ID_FIELDS.items()} == ids


def test_other_characters_than_white_space_stay_at_the_ends_of_an_id(daybook):
    names = ["\u200bana", "ana\u200b", "\ufeffana", "ana\x00", "ána", "アナ", "ana\u3001", "a na"]
    rows = landed(daybook, *(call(userId=name) for name in names))
    assert [row["user_id"] for row in rows] == names


# White space, what looks like it, and characters at the borders of visible ASCII.
ENDS = [chr(code) for code in range(0x3001) if chr(code).isspace()]
ENDS += ["\x00", "!", "~", "\x7f", "a", "é", "\u200b", "\ufeff"]


def test_the_models_trim_texts_as_python_does():
    texts = ["", *ENDS, *(f"{one}a a{other}" for one in ENDS for other in ENDS)]
    trimmed = engine_macros().trimmed("text")
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select {trimmed} from (select unnest(?::varchar[]) as text)", [texts]
        ).fetchall()
    assert [text for (text,) in rows] == [text.strip() for text in texts]


def engine_macros():
    """The macros of the models that differ between engines, to call from Python."""
    engine = (REPO / "macros" / "engine.sql").read_text()
    return Environment(extensions=["jinja2.ext.do"]).from_string(engine).module


@pytest.mark.parametrize("space", [" ", "\t\n", "\u00a0", "\u3000"])
def test_an_id_of_white_space_is_absent(daybook, space):
    rows = landed(
        daybook,
        call(userId=space, anonymousId="device-1"),
        call(messageId=space),
        {"batch": [call(messageId=space)]},
        call(messageId=...),
        call(userId=space),
        call(event=space),
        call(type="group", groupId=space),
        call(type="alias", previousId=space),
    )
    assert rows[0]["user_id"] is None
    assert len({row["message_id"] for row in rows[1:]}) == 1  # made from the same content
    assert quarantined(daybook) == [
        (5, None, "no_user_id"),
        (6, None, "no_event"),
        (7, None, "no_group_id"),
        (8, None, "no_previous_id"),
    ]


@pytest.mark.parametrize("absent", [None, "", True, False, {}, [], {"id": 1}, ["ana"]])
def test_a_value_that_is_neither_text_nor_number_is_no_id(daybook, absent):
    ids = call(userId=absent, groupId=absent, previousId=absent, anonymousId="device-1")
    for row in landed(daybook, ids, {"batch": [ids]}):
        assert row["anonymous_id"] == "device-1"
        assert (row["user_id"], row["group_id"], row["previous_id"]) == (None, None, None)


def test_ids_that_look_like_json_are_text(daybook):
    names = ["true", "false", "null", "{}", "[]", '{"id": 1}', "[1]", "1.50", "{", '"', "[a"]
    rows = landed(daybook, *(call(userId=name) for name in names))
    assert [row["user_id"] for row in rows] == names


# --- Quarantined lines and their reasons


REASONS = {
    "not_a_json_object": [
        "not json",
        '"text"',
        "7",
        "null",
        "true",
        json.dumps(call())[:-1],
        json.dumps(call()) + ",",
        json.dumps(call(properties={"n": float("nan")})),
        json.dumps(call(properties={"n": float("-inf")})),
        json.dumps(call())[:-1] + ",}",
        b'{"type": "track", "userId": "\xff"}',
    ],
    "nested_too_deep": [
        json.dumps(call(properties="$")).replace('"$"', "[" * 2000 + "]" * 2000),
    ],
    "unknown_type": [
        {},
        call(type=...),
        call(type=None),
        call(type=""),
        call(type="Track"),
        call(type="track "),
        call(type="delete"),
        call(type=1),
        call(type=["track"]),
        {"type": {}},
    ],
    "posthog_format": [
        {"event": "$identify", "distinct_id": "ana", "timestamp": MAY_1},
    ],
    "no_user_id": [
        call(userId=...),
        call(userId=None, anonymousId=None),
        call(userId="", anonymousId=""),
        call(type="identify", userId=True),
    ],
    "no_event": [call(event=...), call(event=None), call(event=""), call(event={"name": "a"})],
    "no_group_id": [call(type="group"), call(type="group", groupId="")],
    "no_previous_id": [call(type="alias"), call(type="alias", previousId=None)],
    "no_readable_time": [
        call(timestamp=...),
        call(timestamp=""),
        call(timestamp="yesterday"),
        call(timestamp=99999999),
        call(timestamp=4102444800),
        call(timestamp=-1714554000),
        call(timestamp={"at": MAY_1}),
        call(timestamp="1969-12-31"),
    ],
    "empty_batch": [{"batch": []}, BODY | {"batch": []}, call(batch=[]), "[]"],
}


@pytest.mark.parametrize("reason", REASONS)
def test_a_bad_line_is_quarantined_with_its_reason(daybook, reason):
    lines = [as_bytes(line) for line in REASONS[reason]]
    good = call(messageId="good")
    rows = landed(daybook, good, *lines, good)

    # The good lines before and after keep their line numbers.
    assert [row["line_number"] for row in rows] == [1, len(lines) + 2]
    assert quarantined(daybook) == [(i, None, reason) for i in range(2, len(lines) + 2)]
    kept = daybook.rows("select line from raw.quarantine order by line_number")
    assert [row["line"] for row in kept] == lines  # verbatim
    assert counts(daybook) == [counted(len(lines) + 2, 2, len(lines))]


@pytest.mark.parametrize(
    "reason", sorted(REASONS.keys() - {"not_a_json_object", "nested_too_deep", "empty_batch"})
)
def test_one_bad_call_is_quarantined_without_its_neighbours(daybook, reason):
    body = {"batch": [call(messageId="a"), REASONS[reason][0], call(messageId="c")]}
    rows = landed(daybook, body, call(messageId="d"))

    assert [(row["call_number"], row["message_id"]) for row in rows] == [
        (1, "a"),
        (3, "c"),
        (1, "d"),
    ]
    assert quarantined(daybook) == [(1, 2, reason)]
    [kept] = daybook.rows("select line from raw.quarantine")
    assert json.loads(kept["line"]) == body
    # The line counts as quarantined, though two of its calls have landed.
    assert counts(daybook) == [counted(2, 1, 1, calls=3)]


@pytest.mark.parametrize("item", [None, 1, "track", [], True])
def test_an_item_that_is_no_object_is_quarantined_alone(daybook, item):
    rows = landed(daybook, {"batch": [item, call()]})
    assert [row["call_number"] for row in rows] == [2]
    assert quarantined(daybook) == [(1, 1, "not_a_json_object")]


def test_a_line_with_two_problems_is_one_quarantined_line(daybook):
    landed(daybook, {"batch": [call(event=""), call(), call(type="x"), call(userId="")]})
    assert quarantined(daybook) == [
        (1, 1, "no_event"),
        (1, 3, "unknown_type"),
        (1, 4, "no_user_id"),
    ]
    assert counts(daybook) == [counted(1, 0, 1, calls=1)]


def test_an_anonymous_id_alone_is_enough(daybook):
    [row] = landed(daybook, call(userId=None, anonymousId="device-1"))
    assert (row["user_id"], row["anonymous_id"]) == (None, "device-1")


def test_one_readable_time_of_the_four_is_enough(daybook):
    lines = [
        call(timestamp="soon", originalTimestamp=MAY_1),
        call(timestamp=..., sentAt=MAY_1),
        call(timestamp=True, receivedAt=MAY_1),
    ]
    rows = landed(daybook, *lines, {"sentAt": MAY_1, "batch": [call(timestamp="")]})
    assert len(rows) == 4
    assert rows[0]["timestamp"] == "soon"  # as the sender wrote it


def test_numbers_beyond_64_bits_are_fine(daybook):
    numbers = ["18446744073709551616", "-9223372036854775809", "1" * 400, "1e400", "-1e-400"]
    lines = [json.dumps(call(properties={"n": "$"})).replace('"$"', n) for n in numbers]
    assert len(landed(daybook, *lines, *('{"batch": [' + line + "]}" for line in lines))) == 10


# --- Lines that are no errors


def test_blank_lines_are_counted(daybook):
    line = json.dumps(call()).encode()
    daybook.write(b"\n" + line + b"\n\n  \n\t\n \r\n" + line + b"\n\n")
    daybook.land()
    assert counts(daybook) == [counted(8, 2, blank=6)]
    assert [row["line_number"] for row in daybook.rows("from raw.calls order by all")] == [2, 7]


@pytest.mark.parametrize("blank", range(4))
@pytest.mark.parametrize("space", ["", " ", "\t", "\r"])
def test_a_blank_line_shifts_no_line_number(daybook, blank, space):
    lines = [json.dumps(call(messageId=f"m{number}")) for number in range(3)]
    lines.insert(blank, space)
    rows = landed(daybook, *lines)
    assert [row["line_number"] for row in rows] == [n for n in (1, 2, 3, 4) if n != blank + 1]
    assert [row["message_id"] for row in rows] == ["m0", "m1", "m2"]
    assert counts(daybook) == [counted(4, 3, blank=1)]


def test_a_byte_order_mark_is_not_an_error(daybook):
    daybook.write(b"\xef\xbb\xbf" + json.dumps(call()).encode() + b"\n")
    daybook.land()
    assert counts(daybook) == [counted(1, 1)]


def test_a_byte_order_mark_within_a_file_is_an_error(daybook):
    good = json.dumps(call())
    assert len(landed(daybook, good, b"\xef\xbb\xbf" + good.encode(), good)) == 2
    assert quarantined(daybook) == [(2, None, "not_a_json_object")]


def test_windows_line_ends_are_not_an_error(daybook):
    good, bad = json.dumps(call()).encode(), b"no json"
    daybook.write(good + b"\r\n" + bad + b"\r\n\r\n" + good + b"\r\n")
    daybook.land()
    assert counts(daybook) == [counted(4, 2, 1, 1)]
    [kept] = daybook.rows("select line from raw.quarantine")
    assert kept["line"] == bad  # without its line end


@pytest.mark.parametrize("last", [json.dumps(call()).encode(), b"no json", b" "])
def test_a_missing_last_line_end_is_not_an_error(daybook, last):
    first = json.dumps(call(messageId="first")).encode()
    daybook.write(first + b"\n" + last)
    daybook.land()
    without = counts(daybook)
    daybook.forget()
    daybook.write(first + b"\n" + last + b"\n")
    daybook.land()
    assert without == counts(daybook)
    assert without[0]["lines"] == 2


@pytest.mark.parametrize("empty", [b"", b"\xef\xbb\xbf"])
def test_an_empty_file_lands_without_lines(daybook, empty):
    daybook.write(empty)
    daybook.land()
    assert counts(daybook) == [counted(0, 0)]


# --- Compression is detected by the first bytes


def in_members(data: bytes) -> bytes:
    """gzip as `cat a.gz b.gz` makes it, cut in the middle of a line."""
    return gzip.compress(data[:50]) + gzip.compress(b"") + gzip.compress(data[50:])


def in_frames(data: bytes) -> bytes:
    """zstd frames, with one to skip between them."""
    skip = b"\x50\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"any"
    pack = zstandard.ZstdCompressor(write_checksum=True).compress
    return pack(data[:50]) + skip + pack(data[50:])


def in_a_stream(data: bytes) -> bytes:
    """zstd without the size in the header, as written to a pipe."""
    packer = zstandard.ZstdCompressor().compressobj()
    return packer.compress(data) + packer.flush()


PACKED = {
    "plain": bytes,
    "gzip": gzip.compress,
    "gzip members": in_members,
    "zstd": zstandard.ZstdCompressor().compress,
    "zstd frames": in_frames,
    "zstd stream": in_a_stream,
}


@pytest.mark.parametrize("packed", PACKED)
def test_compression_is_detected_by_the_first_bytes_and_not_by_the_name(daybook, packed):
    for position, name in enumerate(("log.jsonl", "log", "log.gz", "log.zst", "log.json.bz2")):
        lines = [call(messageId=f"{position}-{line}") for line in range(3)]
        data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        (daybook.logs / name).write_bytes(PACKED[packed](data))
    daybook.land()
    assert counts(daybook) == [counted(3, 3)] * 5


# --- The same content is landed once


def test_landing_again_changes_nothing(daybook):
    daybook.write([call(), "broken", ""], "a.jsonl")
    daybook.write([{"batch": [call(messageId="m2"), call(type="?")]}], "day/b.jsonl.gz")
    daybook.land()
    before = everything(daybook)
    for _ in range(2):
        daybook.land()
        assert everything(daybook) == before


def test_content_is_landed_once_whatever_its_name_is(daybook):
    data = json.dumps(call()).encode() + b"\n"
    (daybook.logs / "a.jsonl").write_bytes(data)
    daybook.land()
    before = everything(daybook)

    for name, pack in PACKED.items():
        (daybook.logs / f"{name}.copy").write_bytes(pack(data))
    (daybook.logs / "a.jsonl").rename(daybook.logs / "renamed.jsonl")
    daybook.land()
    assert everything(daybook) == before
    daybook.land()
    assert everything(daybook) == before


def test_two_names_of_one_content_in_one_run_are_landed_once(daybook):
    for name in ("a.jsonl", "b.jsonl", "c.jsonl.gz"):
        daybook.write([call(), call(messageId="m2")], name)
    daybook.write([call(messageId="m3")], "d.jsonl")
    daybook.land()
    assert counts(daybook) == [counted(2, 2), counted(1, 1)]


def test_a_file_named_twice_is_landed_once(daybook):
    path = daybook.write([call()])
    daybook.land(path, daybook.logs, daybook.logs / "*.jsonl")
    assert counts(daybook) == [counted(1, 1)]


def test_a_file_with_a_new_time_and_the_same_content_is_not_landed_again(daybook):
    path = daybook.write([call()])
    daybook.land()
    before = everything(daybook)
    os.utime(path, (1, 1))
    daybook.land()
    assert everything(daybook) == before


def test_new_content_under_an_old_name_is_landed(daybook):
    daybook.write([call()])
    daybook.land()
    daybook.write([call(), call(messageId="m2")])
    daybook.land()
    assert counts(daybook) == [counted(1, 1), counted(2, 2)]


def test_a_file_that_differs_only_in_a_line_end_is_landed_as_another_file(daybook):
    data = json.dumps(call()).encode()
    daybook.write(data, "a.jsonl")
    daybook.write(data + b"\n", "b.jsonl")
    daybook.land()
    assert counts(daybook) == [counted(1, 1)] * 2


def test_a_refused_file_is_tried_again_next_time(daybook):
    whole = gzip.compress(json.dumps(call()).encode() + b"\n")
    path = daybook.logs / "log.gz"
    path.write_bytes(whole[:-3])
    daybook.land(exit_code=4)
    daybook.land(exit_code=4)
    assert len(daybook.rows("from raw.loads where status = 'refused'")) == 1

    path.write_bytes(whole)
    daybook.land()
    assert [row["status"] for row in daybook.rows("from raw.loads")] == ["landed"]
    assert len(daybook.rows("from raw.calls")) == 1


def test_a_refused_file_that_is_a_copy_next_time_is_no_longer_refused(daybook):
    daybook.write([call()], "a.jsonl")
    (daybook.logs / "b.jsonl").write_bytes(b"no log")
    daybook.land(exit_code=4)
    daybook.write([call()], "b.jsonl")
    daybook.land()
    assert "1 landed, 0 refused" in daybook.run("status").stdout


def test_a_file_is_landed_whole_or_not_at_all(daybook, monkeypatch):
    """The damage is at the very end, where all calls have been read."""
    monkeypatch.setenv("DAYBOOK_CHUNK_BYTES", "10000")
    data = b"".join(json.dumps(call(messageId=str(i))).encode() + b"\n" for i in range(2000))
    whole = gzip.compress(data)
    damaged = whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:]  # the checksum's first byte
    daybook.write([call()], "a.jsonl")
    (daybook.logs / "b.gz").write_bytes(damaged)
    daybook.write([call(messageId="c")], "c.jsonl")
    daybook.land(exit_code=4)
    assert len(daybook.rows("from raw.calls")) == 2
    assert len(daybook.rows("from raw.loads where status = 'landed'")) == 2

    (daybook.logs / "b.gz").write_bytes(whole)
    daybook.land()
    assert len(daybook.rows("from raw.calls")) == 2002
    numbers = daybook.rows("select line_number from raw.calls where message_id <> 'c' order by all")
    assert [row["line_number"] for row in numbers] == [1, *range(1, 2001)]
    daybook.run("status")


# --- The ledger


def test_a_load_records_its_file_and_the_outcome_of_its_lines(daybook):
    lines = [call(), "broken", "", {"batch": [call(messageId="m2"), call(messageId="m3")]}]
    path = daybook.write(lines, "segment-logs/src1/1714521600000/log.jsonl.gz")
    before = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=1)
    daybook.land()
    [load] = daybook.rows("from raw.loads")

    times = load.pop("started_at"), load.pop("finished_at")
    assert before <= times[0] <= times[1] <= before + timedelta(minutes=1)
    wanted = {
        "load_id": 1,
        "path": str(path),
        "source": "src1",
        "sha256": sha256(gzip.decompress(path.read_bytes())).hexdigest(),
        "bytes": path.stat().st_size,
        **counted(lines=4, landed=2, quarantined=1, blank=1, calls=3),
        "status": "landed",
        "reason": None,
    }
    assert {name: load[name] for name in wanted} == wanted


def test_a_refused_file_has_a_row_with_its_reason(daybook):
    path = daybook.logs / "log.gz"
    path.write_bytes(b"\x1f\x8bnothing")
    daybook.land(exit_code=4)
    [load] = daybook.rows("from raw.loads")
    assert (load["path"], load["status"], load["bytes"]) == (str(path), "refused", 9)
    assert "gzip" in load["reason"]
    assert (load["lines"], load["calls"]) == (None, None)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("segment-logs/abc123/1714521600000/x.gz", "abc123"),
        ("bucket/segment-logs/abc123/1714521600000/x.gz", "abc123"),
        ("rudder-logs/2Xy/05-01-2024/x.json.gz", "2Xy"),
        ("rudder-logs/2Xy/05-01-2024/13/x.json.gz", "2Xy"),
        ("logs/2024/x.gz", None),
        ("segment-logs/x.gz", None),
    ],
)
def test_the_source_is_read_from_an_archives_path(daybook, path, source):
    daybook.write([call()], path)
    daybook.land()
    assert [row["source"] for row in daybook.rows("from raw.loads")] == [source]


def test_load_ids_increase_and_are_never_reused(daybook):
    ids = []
    for night in range(4):
        daybook.write([call(messageId=str(night))], f"{night}.jsonl")
        if night == 2:
            (daybook.logs / "bad.gz").write_bytes(b"\x1f\x8b")
        daybook.land(exit_code=None)
        ids += [row["load_id"] for row in daybook.rows("from raw.loads where status = 'landed'")]
    distinct = list(dict.fromkeys(ids))
    assert len(distinct) == 4
    assert distinct == sorted(distinct)


def test_every_line_of_a_large_file_keeps_its_number(daybook):
    """70 MB in several chunks and buffers, with a mix of long, short and bad lines."""
    before, after = json.dumps(call(messageId="N", event="LONG")).split("LONG")
    lines = [
        "" if number % 9973 == 0 else "broken" if number % 997 == 0 else
        before.replace("N", str(number)) + "x" * (number % 400 + 1) + after
        for number in range(1, 250_001)
    ]  # fmt: skip
    daybook.write("\n".join(lines).encode())
    daybook.land()
    [load] = counts(daybook)
    blank, bad = 250_000 // 9973, 250_000 // 997
    assert load == counted(250_000, 250_000 - bad - blank, bad, blank)
    [wrong] = daybook.rows("select count(*) as n from raw.calls where message_id <> line_number")
    assert wrong == {"n": 0}
    [wrong] = daybook.rows("select count(*) as n from raw.quarantine where line_number % 997 <> 0")
    assert wrong == {"n": 0}


@pytest.mark.parametrize("lines", [32_768, 245_760, 245_761, 491_520, 491_521])
def test_pieces_may_end_where_a_block_ends(daybook, lines):
    """Lines of 128 bytes fill a block and a piece exactly."""
    before, after = json.dumps(call(messageId="N")).split("N")
    width = 127 - len(before + after)
    text = "".join(f"{before}{number:0{width}}{after}\n" for number in range(1, lines + 1))
    daybook.write(text.encode())
    daybook.land()
    assert counts(daybook) == [counted(lines, lines)]
    [wrong] = daybook.rows(
        "select count(*) as n from raw.calls where message_id::bigint <> line_number"
    )
    assert wrong == {"n": 0}


def test_long_lines_are_stored_by_whole_row_groups(daybook, monkeypatch):
    """A chunk holds less than two row groups: one is stored, the rest with the next chunk."""
    stored = []
    store = Storer.store
    monkeypatch.setattr(
        Storer, "store", lambda self, *spool: stored.append(spool[0].lines) or store(self, *spool)
    )
    monkeypatch.setenv("DAYBOOK_CHUNK_BYTES", str(40 * MB))
    before, after = json.dumps(call(messageId="N")).split("N")
    width = 255 - len(before + after)
    text = "".join(f"{before}{number:0{width}}{after}\n" for number in range(1, 300_001))
    daybook.write(text.encode())
    daybook.land()
    assert stored == [122_880, 122_880, 300_000 - 2 * 122_880]
    assert counts(daybook) == [counted(300_000, 300_000)]
    [wrong] = daybook.rows(
        "select count(*) as n from raw.calls where message_id::bigint <> line_number"
    )
    assert wrong == {"n": 0}


# --- Every line is accounted for


def _line(landed=0, quarantined=0, blank=0, calls=0):
    return {"landed": landed, "quarantined": quarantined, "blank": blank, "calls": calls}


KINDS = [
    (json.dumps(call()), _line(landed=1, calls=1)),
    (json.dumps(call(messageId=None)), _line(landed=1, calls=1)),
    (json.dumps(call(userId=True)), _line(quarantined=1)),
    (json.dumps({"batch": [call()] * 3}), _line(landed=1, calls=3)),
    (json.dumps({"batch": [call(), call(event=""), 7]}), _line(quarantined=1, calls=1)),
    (json.dumps({"batch": [call(event="")]}), _line(quarantined=1)),
    (json.dumps({"batch": []}), _line(quarantined=1)),
    (json.dumps([call()] * 2), _line(landed=1, calls=2)),
    (json.dumps(call(userId=" ana ")) * 2, _line(landed=1, calls=2)),
    (json.dumps([{"batch": [call()] * 2}, call()]), _line(landed=1, calls=3)),
    (json.dumps([call(), {"batch": [call(), call(event="")]}]), _line(quarantined=1, calls=2)),
    (json.dumps(call(event="")) + json.dumps(call()), _line(quarantined=1, calls=1)),
    (json.dumps(call()) + "oops", _line(quarantined=1)),
    ("[]", _line(quarantined=1)),
    (json.dumps(call(type="?")), _line(quarantined=1)),
    ("broken", _line(quarantined=1)),
    ("null", _line(quarantined=1)),
    ("", _line(blank=1)),
    (" \t", _line(blank=1)),
]


@given(
    files=st.lists(st.lists(st.sampled_from(range(len(KINDS))), max_size=12), max_size=4),
    chunk=st.sampled_from(["1", "300", "100000"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_line_is_accounted_for(daybook, files, chunk, line_end):
    """For any mix of lines, the counts of a file are the sums over its kinds of lines."""
    daybook.forget()
    wanted = {}
    for number, kinds in enumerate(files):
        # Each file begins with a different line, so that no two have the same content.
        lines = [
            json.dumps(call(messageId=f"first of {number}")),
            *(KINDS[kind][0] for kind in kinds),
        ]
        path = daybook.write("".join(line + line_end for line in lines).encode(), f"{number}.log")
        each = [_line(landed=1, calls=1), *(KINDS[kind][1] for kind in kinds)]
        wanted[str(path)] = {"lines": len(lines)} | {
            name: sum(line[name] for line in each) for name in each[0]
        }
    if not files:
        return
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DAYBOOK_CHUNK_BYTES", chunk)
        daybook.land()

    loads = daybook.rows("from raw.loads")
    assert {
        load["path"]: {name: load[name] for name in wanted[load["path"]]} for load in loads
    } == wanted
    for load in loads:
        assert load["lines"] == load["landed"] + load["quarantined"] + load["blank"]
    places = daybook.rows(
        """
        select load_id, line_number, call_number from raw.calls
        union all select load_id, line_number, call_number from raw.quarantine
        """
    )
    assert len({tuple(place.values()) for place in places}) == len(places)
    assert "Every line is accounted for" in daybook.run("status").output


# --- The made id of a call that was sent without one


def ids(daybook: Daybook, *lines) -> list[str]:
    return [row["message_id"] for row in landed(daybook, *lines)]


def test_a_retry_without_an_id_gets_the_same_made_id(daybook):
    """The retry has the same content, at another time, in another body."""
    said = call(messageId=..., properties={"n": 1.5, "list": [1, None]})
    found = ids(
        daybook,
        said,
        said | {"sentAt": "2024-05-01T09:00:01Z", "receivedAt": "2024-05-01T09:00:02Z"},
        said | {"sentAt": "2024-05-02T09:00:01Z", "receivedAt": "2024-05-02T09:00:02Z"},
        said | {"messageId": None},
        said | {"messageId": ""},
        said | {"messageId": {}},
        {"batch": [said]},
        BODY | {"batch": [said, said]},
        BODY | {"context": {"ip": "4.3.2.1"}, "sentAt": "2024-05-03", "batch": [said]},
    )
    assert len(found) == 10
    assert len(set(found)) == 1


def test_the_made_id_does_not_depend_on_the_order_and_spelling_of_keys(daybook):
    found = ids(
        daybook,
        '{"type":"track","userId":"ana","event":"é","timestamp":"2024-05-01","properties":'
        '{"a":1,"b":2}}',
        '{"properties":{"b":2,"a":1},"timestamp":"2024-05-01","event":"\\u00e9","userId":"ana",'
        '"type":"track"}',
        '{ "type" : "track", "user\\u0049d":"ana","event":"é","timestamp":"2024-05-01",'
        '"properties":{"a":1,"b":2} }',
    )
    assert len(found) == 3
    assert len(set(found)) == 1


def test_different_content_has_a_different_made_id(daybook):
    said = call(messageId=..., properties={"a": {"b": [1, 2]}})
    found = ids(
        daybook,
        said,
        said | {"userId": "ben"},
        said | {"event": "report_created"},
        said | {"timestamp": "2024-05-01T09:00:01Z"},
        said | {"properties": {"a": {"b": [2, 1]}}},
        said | {"properties": {"a": {"b": ["1", 2]}}},
        said | {"properties": {"a": {"c": [1, 2]}}},
        said | {"originalTimestamp": "2024-05-01T09:00:00Z"},
        said | {"context": {"groupId": "acme"}},
        said | {"a field of no spec": 1},
        json.dumps(said).replace("[1, 2]", "[1, 18446744073709551616]"),
        json.dumps(said).replace("[1, 2]", "[1, 18446744073709551617]"),
    )
    assert len(found) == 12
    assert len(set(found)) == 12


def test_the_made_id_depends_on_a_calls_own_context_and_not_on_an_inherited_one(daybook):
    said = call(messageId=...)
    own, inherited, alone = ids(
        daybook,
        {"batch": [said | {"context": BODY["context"]}]},
        {"context": BODY["context"], "batch": [said]},
        said,
    )
    assert own != inherited
    assert inherited == alone


def test_the_made_id_does_not_depend_on_other_calls_of_the_line(daybook):
    said, odd = call(messageId=...), "{"
    [alone] = ids(daybook, said)
    found = ids(daybook, odd, call(messageId="m9"), said, odd, {"batch": [call(event=""), said]})
    assert found == ["m9", alone, alone]
