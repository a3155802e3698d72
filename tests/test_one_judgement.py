"""DuckDB and Python judge every line the same, tested with hostile lines.

The expected outcome comes from must-pass and must-fail cases of RFC 8259, in the manner
of JSONTestSuite, and from Python's own `json`, which neither of the two ways uses.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders.landing.discover import discover
from loaders.landing.lander import Lander
from loaders.landing.ledger import NO_CALL
from loaders.limits import MB, Limits
from loaders.warehouse import Warehouse, open_warehouse

WAYS = ("at engine speed", "carefully")
# The file's number replaces the load's.
_FILE = (
    r"(select regexp_extract(path, '(\d+)[.]jsonl', 1)::int from raw.loads as l where l.load_id = "
)
TABLES = {
    "raw.loads": "* exclude (load_id, started_at, finished_at)",
    "raw.calls": f"* replace ({_FILE} calls.load_id) as load_id)",
    "raw.quarantine": f"* replace ({_FILE} quarantine.load_id) as load_id)",
}


@dataclass(frozen=True)
class Judgement:
    """All rows of the raw tables after landing some files."""

    tables: dict[str, list[tuple]]

    def reason_of(self, line: int) -> str | None:
        """Why a line of the first file was quarantined whole; None: it was not."""
        return self._reasons.get(line)

    @cached_property
    def _reasons(self) -> dict[int, str]:
        return {
            line: why for load, line, call, why, _ in self.quarantine if (load, call) == (0, None)
        }

    @property
    def loads(self) -> list[tuple]:
        return self.tables["raw.loads"]

    @property
    def calls(self) -> list[tuple]:
        return self.tables["raw.calls"]

    @property
    def quarantine(self) -> list[tuple]:
        return self.tables["raw.quarantine"]


class Bench:
    """A warehouse for each way, opened once, so that landing a file takes milliseconds."""

    def __init__(self, folder: Path, warehouses: dict[str, Warehouse]):
        self.folder = folder
        self.warehouses = warehouses

    def judge(self, files: Iterable[bytes], **limits: float) -> Judgement:
        """Land these files each way, and compare the tables."""
        files = list(files)
        paths = [self.folder / f"{number:05}.jsonl" for number, _ in enumerate(files)]
        for path, content in zip(paths, files, strict=True):
            path.write_bytes(content)
        try:
            quick, careful = (self._judge_by(way, limits) for way in WAYS)
        finally:
            for path in paths:
                path.unlink()
        for table in TABLES:
            assert quick.tables[table] == careful.tables[table], table
        return quick

    def _judge_by(self, way: str, limits: dict[str, float]) -> Judgement:
        warehouse = self.warehouses[way]
        run = warehouse.connection.execute
        for table in (*TABLES, "raw.copies"):
            run(f"delete from {table}")
        lander = Lander(warehouse, Limits(**limits), careful=way == "carefully")
        for landed in lander.land(discover([str(self.folder)])):
            assert landed.status == "landed" or landed.because == NO_CALL, landed
        return Judgement(
            {
                table: run(f"select {columns} from {table} order by all").fetchall()
                for table, columns in TABLES.items()
            }
        )


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Iterator[Bench]:
    with contextlib.ExitStack() as stack:
        warehouses = {}
        for way in WAYS:
            database = tmp_path_factory.mktemp("warehouse") / "warehouse.duckdb"
            warehouses[way] = stack.enter_context(open_warehouse(database, Limits()))
        yield Bench(tmp_path_factory.mktemp("logs"), warehouses)


# --- The expected outcome


def call(message_id: str = "m1", **fields) -> dict:
    return {
        "type": "track",
        "messageId": message_id,
        "userId": "ana",
        "event": "report_loaded",
        "timestamp": "2024-05-01T09:00:00Z",
    } | fields


def around(value: bytes) -> bytes:
    """A call that is sound if `value` is."""
    return json.dumps(call(properties={"a": "$"})).encode().replace(b'"$"', value)


GOOD = [json.dumps(call(f"good {number}")).encode() for number in range(3)]


def is_json_object(line: bytes) -> bool | None:
    """By Python's own parser, made strict; None where RFC 8259 leaves the answer open."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        text = line.decode("utf-8")
        value = json.loads(text, parse_constant=refuse, parse_int=str, parse_float=str)
    except RecursionError:
        return None
    except ValueError:
        return False
    try:
        # An escaped half of a surrogate pair is in the grammar, and has no meaning.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return None
    return isinstance(value, dict)


def values_of(line: bytes) -> list | str | None:
    """The values on a line, by Python's own parser, made strict.

    The values one after another, or the elements of an array; "not JSON"; None where RFC 8259
    leaves the answer open.
    """

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    decoder = json.JSONDecoder(parse_constant=refuse, parse_int=_Number, parse_float=_Number)
    try:
        text = line.decode("utf-8").strip(" \t\r\n")
        if text.startswith("["):
            found = decoder.decode(text)
        else:
            found, position = [], 0
            while position < len(text):
                value, position = decoder.raw_decode(text, position)
                is_word = value is None or isinstance(value, bool | _Number)
                if is_word and text[position : position + 1] not in ("", *' \t\r\n{[]}",'):
                    return "not JSON"
                found.append(value)
                position += len(text[position:]) - len(text[position:].lstrip(" \t\r\n"))
        json.dumps(found, ensure_ascii=False).encode("utf-8")
    except (RecursionError, UnicodeEncodeError):
        return None
    except ValueError:
        return "not JSON"
    return found


class _Number(str):
    """A number as it was written."""


def may_be_judged(line: bytes, reason: str | None) -> bool:
    """Whether this may be the reason why the line was quarantined whole (None: it was not)."""
    values = values_of(line)
    if values == "not JSON":
        return reason in ("not_a_json_object", "nested_too_deep")
    if values is None:
        return True
    if line.strip().startswith(b"["):
        return reason == (None if values else "empty_batch") or reason == "nested_too_deep"
    if len(values) != 1:
        return reason in (None, "nested_too_deep")
    return (reason == "not_a_json_object") == (not isinstance(values[0], dict))


MUST_PASS = [
    # arrays
    b"[[]   ]",
    b'[""]',
    b"[]",
    b'["a"]',
    b"[false]",
    b'[null, 1, "1", {}]',
    b"[1\r]",
    b"[\t1]",
    b" [1]",
    b"[1,null,null,null,2]",
    b"[2] ",
    # numbers
    b"123e65",
    b"0e+1",
    b"0e1",
    b"-0",
    b"-0.0",
    b" 4",
    b"-0.000000000000000000000000000000000000000000000000000000000000000000000000000001",
    b"20e1",
    b"-123",
    b"-1",
    b"1E22",
    b"1E-2",
    b"1E+2",
    b"123e45",
    b"123.456e78",
    b"1e-2",
    b"1e+2",
    b"123",
    b"123.456789",
    b"0.4e00669999999999999999999999999999999999999999999999999999999999999999999999999999999999969",
    b"1.5e+9999",
    b"-1e+9999",
    b"123e-10000000",
    b"100000000000000000000",
    b"-123123123123123123123123123123",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775808",
    b"-9223372036854775809",
    b"18446744073709551615",
    b"18446744073709551616",
    b"1e400",
    b"-1e400",
    b"1e-400",
    b"1" * 5000,
    b"0." + b"1" * 5000,
    b"1.7976931348623157e308",
    b"5e-324",
    b"0.1000000000000000055511151231257827021181583404541015625",
    # objects
    b'{"asd":"sdf", "dfg":"fgh"}',
    b'{"asd":"sdf"}',
    b'{"a":"b","a":"c"}',
    b'{"a":"b","a":"b"}',
    b"{}",
    b'{"":0}',
    b'{"foo\\u0000bar": 42}',
    b'{ "min": -1.0e+28, "max": 1.0e+28 }',
    b'{"x":[{"id": "' + b"x" * 40 + b'"}], "id": "' + b"x" * 40 + b'"}',
    b'{"a":[]}',
    b'{"title":"\\u041f\\u043e\\u043b\\u0442\\u043e\\u0440\\u0430" }',
    # strings
    b'"\\u0060\\u012a\\u12AB"',
    b'"\\uD801\\udc37"',
    b'"\\ud83d\\ude39\\ud83d\\udc8d"',
    b'"\\"\\\\\\/\\b\\f\\n\\r\\t"',
    b'"\\\\u0000"',
    b'"\\\\a"',
    b'"\\\\n"',
    b'"\\u0012"',
    b'"\\uFFFF"',
    b'"a/*b*/c/*d//e"',
    b'"\\"\\n\\t"',
    b'"\xf4\x8f\xbf\xbf"',
    b'"\xef\xbf\xbf"',
    b'"\\u0000"',
    b'"\\u002c"',
    b'"\xcf\x80"',
    b'"\xf0\x9b\xbf\xbf"',
    b'"asd "',
    b'" "',
    b'"\\uDBFF\\uDFFF"',
    b'"new\\u00A0line"',
    b'"\xe2\x80\xa8"',  # U+2028, a line end to JavaScript
    b'"\xe2\x80\xa9"',
    b'"\xc2\x85"',  # U+0085, a line end to Unicode
    b'"\xc2\xa0"',
    b'"\xef\xbb\xbf"',
    b'"\x7f"',
    b'"\\u0022"',
    b'"\\uD834\\uDd1e"',
    b'"NaN, Infinity]"',
    b'"a,]}"',
    b'"nan}"',
    b'",}"',
    b'"\\\\"',
    b'"\\\\\\""',
    # what structures have around them
    b"false",
    b"true",
    b"null",
    b"\t\r 1 \t\r",
    b"[" * 500 + b"]" * 500,
    b'{"a":' * 500 + b"1" + b"}" * 500,
]
MUST_FAIL = [
    # arrays
    b"[1 true]",
    b"[a\xe5]",
    b'["": 1]',
    b'[""],',
    b"[,1]",
    b"[1,,2]",
    b'["x",,]',
    b'["x"]]',
    b'["",]',
    b'["x"',
    b"[x",
    b"[3[4]]",
    b"[\xff]",
    b"[1:2]",
    b"[,]",
    b"[-]",
    b'[   , ""]',
    b"[1,]",
    b"[1,,]",
    b'["\x0ba"\\f]',
    b"[*]",
    b'[""',
    b"[1,",
    b"[{}",
    b"[1, ]",
    b"[1,\r]",
    b"[1,\t\r ]",
    b"[\x0c1]",
    b"[\x0b1]",
    b"[1\x0c]",
    b"[1\xc2\xa0]",
    b"[\xe2\x80\xa81]",
    b"[\xc2\x851]",
    b"[\xef\xbb\xbf1]",
    b"[\x001]",
    # words
    b"fals",
    b"nul",
    b"tru",
    b"True",
    b"TRUE",
    b"None",
    b"undefined",
    # numbers
    b"++1234",
    b"+1",
    b"+Inf",
    b"-01",
    b"-1.0.",
    b"-2.",
    b"-NaN",
    b".-1",
    b".2e-3",
    b"0.1.2",
    b"0.3e+",
    b"0.3e",
    b"0.e1",
    b"0E+",
    b"0E",
    b"0e+",
    b"0e",
    b"1.0e+",
    b"1.0e-",
    b"1.0e",
    b"1 000.0",
    b"1eE2",
    b"2.e+3",
    b"2.e-3",
    b"2.e3",
    b"9.e+",
    b"Inf",
    b"inf",
    b"INF",
    b"NaN",
    b"nan",
    b"nAn",
    b"Infinity",
    b"infinity",
    b"-Infinity",
    b"-infinity",
    b"-INF",
    b"Infin",
    b"[NaN]",
    b'{"a":NaN}',
    b'{"a":-Infinity }',
    b"[NaN\t,1]",
    b"\xef\xbc\x91",  # a full-width 1
    b"1+2",
    b"0x1",
    b"0x42",
    b"0b1",
    b"0o7",
    b"1_000",
    b"-foo",
    b"- 1",
    b"-012",
    b"-.123",
    b"1ea",
    b"1.",
    b".123",
    b"1.2a-3",
    b"1.8011670033376514H-308",
    b"012",
    b"00",
    b"1e1.5",
    b"1" * 30 + b".",
    b"0" + b"1" * 30,
    b"1" * 30 + b"e",
    b"-" + b"0" * 30,
    # objects
    b'["x", truth]',
    b'{[: "x"}',
    b'{"x", null}',
    b'{"x"::"b"}',
    b"{\xf0\x9f\x87\xa8\xf0\x9f\x87\xad}",
    b'{"a":"a" 123}',
    b"{key: 'value'}",
    b"{'a':0}",
    b'{"a" b}',
    b'{:"b"}',
    b'{"a" "b"}',
    b'{"a":',
    b'{"a"',
    b"{1:1}",
    b"{12345678901234567890:1}",
    b"{1e400:1}",
    b"{9999E9999:1}",
    b"{null:null,null:null}",
    b'{"id":0,,,,,}',
    b'{"id":0,}',
    b'{"id":0, \t}',
    b'{"a":"b"}/**/',
    b'{"a":/*comment*/"b"}',
    b'{"a":"b"}//',
    b'{"a":"b",,"c":"d"}',
    b'{a: "b"}',
    b'{"a":"a',
    b'{ "foo" : "bar", "a" }',
    b'{"a":"b"}#',
    b"{,}",
    b"{]",
    # strings
    b'"\\uD800\\"',
    b'"\\uD800\\u"',
    b'"\\uD800\\u1"',
    b'"\\uD800\\u1x"',
    b'"\\u"',
    b'"\\u00A"',
    b'"\\uD834\\uDd"',
    b'"\\x00"',
    b'"\\\\\\"',
    b'"\\\t"',
    b'"\\a"',
    b'"\\uqqqq"',
    b'"\\u 041"',
    b'"\\u+041"',
    b'"\\u-041"',
    b'"\\U00000041"',
    b'"\\\xe5"',
    b"'single quote'",
    b"\\n",
    b'"',
    b'"a\x00a"',
    b'"\x01"',
    b'"\x1f"',
    b'"a\tb"',
    b'"\t"',
    b'"a\rb"',
    b'"\\\x00"',
    b'\\u0020"asd"',
    b'"\\\r"',
    # UTF-8 that is none
    b'"\xff"',
    b'"\xc3"',
    b'"\xc3("',
    b'"\xa0"',
    b'"\xe2\x82"',
    b'"\xed\xa0\x80"',  # a surrogate
    b'"\xed\xbf\xbf"',
    b'"\xc0\xaf"',  # longer than need be
    b'"\xe0\x80\xaf"',
    b'"\xfc\x83\xbf\xbf\xbf\xbf"',
    b'"\xf4\x90\x80\x80"',  # beyond the last code point
    b'"\xf8\x88\x80\x80\x80"',
    b'"\xfe"',
    b'{"\xff":1}',
    # structures
    b"<.>",
    b"[<null>]",
    b"[1]x",
    b'{"a": true} "x"',
    b"[1][2]",
    b"\xe2\x81\xa0",
    b"@",
    b"1]",
    b'[\\u000A""]',
    b"\xef\xbb\xbf{}",
    b"",
    b"]",
    b"}",
    b":",
    b",",
    b"0 0",
]
# RFC 8259 leaves these open; both ways must agree.
MAY_GO_EITHER_WAY = [
    b'"\\ud800"',
    b'"\\uDFAA"',
    b'"\\uDd1e\\uD834"',
    b'"\\uD888\\u1234"',
    b'"\\uD800\\n"',
    b'"\\ud800abc"',
    b'{"\\ud800":1}',
    b"[" * 1018 + b"]" * 1018,
    b"[" * 1021 + b"]" * 1021,
    b"[" * 1022 + b"]" * 1022,
    b"[" * 1023 + b"]" * 1023,
    b"[" * 1024 + b"]" * 1024,
    b"[" * 1025 + b"]" * 1025,
    b'{"a":' * 1022 + b"1" + b"}" * 1022,
    b'{"a":' * 1023 + b"1" + b"}" * 1023,
    b'{"a":' * 1025 + b"1" + b"}" * 1025,
    b'"' + b"[" * 3000 + b'"',  # not deep at all
    b"[" * 600 + b'"' + b"[" * 3000 + b'"' + b"]" * 600,
]


def test_the_cases_are_sorted_correctly_by_pythons_parser():
    """Python's own parser decides, which neither of the two ways uses."""
    assert [case for case in MUST_PASS if not is_json_object(around(case))] == []
    assert [case for case in MUST_FAIL if is_json_object(around(case)) is not False] == []


def test_valid_json_is_landed(bench):
    found = bench.judge([around(case) + b"\n" for case in MUST_PASS])
    assert [MUST_PASS[load] for load, *_ in found.quarantine] == []
    assert len(found.calls) == len(MUST_PASS)


def test_invalid_json_is_quarantined(bench):
    found = bench.judge([around(case) + b"\n" for case in MUST_FAIL])
    assert found.calls == []
    wanted = [(i, 1, None, "not_a_json_object", around(e)) for i, e in enumerate(MUST_FAIL)]
    # A carriage return at the end belongs to the line end; no case ends with one.
    assert found.quarantine == wanted


def test_json_that_is_no_object_is_quarantined(bench):
    """The same cases as whole lines: text, numbers, arrays, and lines that are not JSON."""
    lines = [
        line
        for line in (*MUST_PASS, *MUST_FAIL, *MAY_GO_EITHER_WAY)
        if line.strip() and not line.startswith(b"\xef\xbb\xbf")
    ]
    found = bench.judge([b"\n".join([GOOD[0], *lines, GOOD[1]]) + b"\n"])
    assert [line for _, line, *_ in found.calls] == [1, len(lines) + 2]
    for number, line in enumerate(lines, start=2):
        assert may_be_judged(line, found.reason_of(number)), line


def test_json_that_the_rfc_leaves_open_is_landed_or_quarantined_once(bench):
    found = bench.judge([around(case) + b"\n" for case in MAY_GO_EITHER_WAY])
    assert len(found.calls) + len(found.quarantine) == len(MAY_GO_EITHER_WAY)


# --- Hostile lines


IDS_OF_EVERY_TYPE = [
    b'"ana"', b'" ana"', b'"ana\\t"', b'"\xe3\x80\x80ana\\u00a0"', b'""', b'" "', b'"\\u2003"',
    b'"42.0"', b'"1e2"', b'"1e+22"', b'"007"', b'"83187836488e5098"', b"42.0", b"4.2e1", b"1e22",
    b"9007199254740993.0", b"4503599627370497.25", b"1e308", b"-0.0", b"0e99999999999999999999",
    b"12345678901234567890.0", b"1" * 400 + b".0", b"-1.5e+300",
    b"null", b"true", b"false", b"0", b"-0", b"1", b"1.0", b"1.50", b"-1",
    b"1e2", b"1E+2", b"1e400", b"-1e-400", b"9007199254740993", b"18446744073709551616",
    b"123456789012345678901234567890", b"0.1000000000000000055511151231257827", b"{}", b"[]",
    b'{"a":1}', b'["ana"]', b'"true"', b'"false"', b'"null"', b'"{}"', b'"[]"', b'"[1]"',
    b'"{\\"a\\":1}"', b'"{"', b'"["', b'"\\u0000"', b'"a\\u0000b"', b'"\\""', b'"\\\\"', b'"\\n"',
    b'"\\u0041na"', b'"\xc3\xa9"', b'"e\xcc\x81"', b'"\xf0\x9f\x8e\x89"', b'"NaN"', b"NaN",
    b'"2024-05-01"', b"[[]]", b'[""]', b'{"":""}', b'"' + b"x" * 70000 + b'"', b"1" * 400,
]  # fmt: skip
FIELDS = [
    "type", "messageId", "userId", "anonymousId", "groupId", "previousId", "event", "name",
    "category", "channel", "properties", "traits", "context", "integrations", "timestamp",
    "originalTimestamp", "sentAt", "receivedAt", "batch", "distinct_id",
]  # fmt: skip
SPACES = [
    b"", b" ", b"\t", b"\r", b"\x0b", b"\x0c", b"\x00", b"\x1c", b"\x1e", b"\x1f", b"\xc2\x85",
    b"\xc2\xa0", b"\xe2\x80\xa8", b"\xef\xbb\xbf",
]  # fmt: skip
NAUGHTY_KEYS = [
    "", " ", "$", "$.a", "/", "/a/b", "a.b", "a\"b", "a\\b", "a'b", "''", "a]", "[0]", "*", "$[*]",
    "..", "#", "-", "--", ";", "a;drop table raw.calls", "%s", "{}", "{0}", "${a}", "null", "true",
    "NaN", "Infinity", "undefined", "__proto__", "constructor", "é", "e\u0301", "İ", "ß", "\u200b",
    "\u202e", "\ufeff", "\uffff", "\U0001f389", "田中さん", "\u0000", "\n", "\t", "\u2028", "\x7f",
    "line", "call", "made_id", "call_number", "in_batch", "look_again", "reason", "rowid", "batch ",
    "select", "Type", "TYPE", "USERID", "userid", "UserId", "user_id", "message_id", "Batch", "1",
    "a" * 5000, "number", "x" * 63, "column0", "json", "load_id",
]  # fmt: skip


def with_field(name: str, value: bytes, **more) -> bytes:
    """A call with `value`, verbatim, in the place of a field."""
    fields = {key: json.dumps(each).encode() for key, each in call(**more).items()}
    fields[name] = value
    return b"{" + b",".join(json.dumps(key).encode() + b":" + v for key, v in fields.items()) + b"}"


def without(*names: str) -> bytes:
    return json.dumps({key: each for key, each in call().items() if key not in names}).encode()


def in_batch(*items: bytes, **body) -> bytes:
    rest = b"".join(b"," + json.dumps({k: v}).encode()[1:-1] for k, v in body.items())
    return b'{"batch":[' + b",".join(items) + b"]" + rest + b"}"


def twice(name: str, first: str, second: str, spelling: str | None = None) -> bytes:
    """A call that has a field twice, the second time perhaps in another spelling."""
    rest = json.dumps({key: each for key, each in call().items() if key != name})[1:-1]
    return f'{{"{name}":{first},{rest},"{spelling or name}":{second}}}'.encode()


def hostile_lines() -> dict[str, list[bytes]]:
    """Hostile lines, by the property that makes them hostile."""
    good = json.dumps(call()).encode()
    body = {"sentAt": "2024-05-02", "context": {"a": [1.50, 1e22]}}
    lines = {
        "ids of every type": [
            with_field(name, value)
            for name, value in product(FIELDS, IDS_OF_EVERY_TYPE)
            if len(value) < 1000 or name == "userId"
        ],
        "duplicate keys": [
            twice(name, first, second, spelling)
            for name, spelling in [
                ("userId", None),
                ("userId", "\\u0075serId"),
                ("userId", "user\\u0049d"),
                ("type", None),
                ("type", "t\\u0079pe"),
                ("messageId", None),
                ("messageId", "message\\u0049\\u0064"),
                ("event", None),
                ("timestamp", None),
                ("batch", None),
                ("batch", "b\\u0061tch"),
                ("properties", None),
                ("context", None),
                ("distinct_id", None),
            ]
            for first, second in product(
                ['"track"', '"2024-05-01"', "null", '""', "true", "7", "[]", "{}", '[{"a":1}]'],
                repeat=2,
            )
        ],
        "duplicate keys within": [
            around(b'{"a":1,"a":2}'),
            around(b'{"a":1,"\\u0061":2}'),
            around(b'{"a":{"b":1,"b":2},"a":{"b":3}}'),
            without("messageId")[:-1] + b',"properties":{"a":1,"a":2}}',
            without("messageId")[:-1] + b',"properties":{"a":2,"a":1}}',
            without("messageId")[:-1] + b',"event":"x","event":"y"}',
        ],
        "spaced keys": [
            text
            for value in ('"ben"', '""', "null", "{}")
            for spaced in (
                without("userId")[:-1] + f',"userId" : "ana","userId":{value}}}'.encode(),
                without("userId")[:-1] + f',"userId"\t:{value},"userId":"ana"}}'.encode(),
            )
            for text in (spaced, in_batch(spaced), around(spaced))
        ],
        "keys beside an escaped end of a key": [
            text
            for value in ('"ben"', '""', "null", "{}")
            for escaped in ("\\u0022\\u003a", '\\"\\u003A', "\\u0022:", '\\":')
            for repeated in (
                without("userId")[:-1]
                + f',"name":"{escaped}","userId":"ana","userId":{value}}}'.encode(),
            )
            for text in (repeated, in_batch(repeated), around(repeated))
        ],
        "case": [
            twice("userId", '"ana"', '"ben"', spelling)
            for spelling in ("userid", "USERID", "UserId", "user_id")
        ]
        + [with_field("TYPE", b'"alias"'), with_field("Batch", b"[]"), with_field("BATCH", b"[]")]
        + [good.replace(b"userId", b"userid"), good.replace(b"type", b"Type")],
        "naughty keys": [
            line
            for key in NAUGHTY_KEYS
            for line in (
                json.dumps(call(**{key: 1} if key not in FIELDS else {})).encode(),
                json.dumps(call(properties={key: {key: key}})).encode(),
                json.dumps(call(properties={key: key}), ensure_ascii=False).encode(),
                json.dumps(call(**{key: 1}) | {"messageId": None}).encode(),
                in_batch(json.dumps(call(context={key: key})).encode(), **{key: 1}),
            )
        ],
        "white space around": [
            before + good + after
            for before, after in product(SPACES, repeat=2)
        ],
        "white space within": [
            good.replace(b", ", space + b"," + space).replace(b": ", space + b":" + space)
            for space in SPACES
        ],
        "nothing": [
            b"", b" ", b"\t", b"\r", b" \r", b"\x0b", b"\x0c", b"\x00", b"\x1a", b"\xef\xbb\xbf",
            b"\xc2\xa0", b"\xe2\x80\xa8", b"\x1c", b"\x85", b"\xff", b"\x0c \x0b",
        ],
        "no object": [
            b"null", b"true", b"0", b'""', b"[]", b"[{}]", b"[" + good + b"]", b'"' + good + b'"',
            b"nan", b"NaN", b"-", b"{", b"}", b"{}{}", b"[]{}", b"\\", b"{}", b'{"a":1}',
            b'{"":""}',
            json.dumps(good.decode()).encode(), b"# comment", b"// comment", b"-- comment", b"---",
            b"<xml/>", b"a,b,c", b"\x1f\x8b", b"PK\x03\x04", b"PAR1",
        ],
        "two on a line": [
            good + between + good
            for between in (
                *SPACES, b",", b", ", b";", b"7", b" 7 ", b"null", b'"}{"', b"[]", b"{}",
            )
        ],
        "several on a line": [
            good + in_batch(good, good) + without("messageId"),
            in_batch(good, **body) + good + in_batch(without("sentAt"), **body),
            in_batch() + good,
            good + b'{"batch":[]}',
            good + around(b'"}{"') + around(b'["},{", {"a":1},{"b":2}]') + good,
            around(b'"\\"}{"') + around(b'"\\\\"') + good,
            twice("userId", '"a"', '"b"') + good + twice("messageId", "null", '"a"'),
            with_field("userId", b"42.0") + with_field("event", b'" x "') + good,
            around(b"1e400") + around(b"18446744073709551616") + around(b"1.50"),
            good * 50,
            good * 3 + good[:-1],
            good * 3 + b"}",
            b"7" + good,
            b"7 8 9",
            b"{}" * 30,
            b"true" + good + b"false " + good,
            around(b"[" * 500 + b"]" * 500) * 2,
            good + around(b"[" * 1500 + b"]" * 1500),
        ],
        "an array on a line": [
            b"[" + inside + b"]"
            for inside in (
                b"", b" ", good, good + b"," + good, b" " + good + b" ,\t" + good + b" ",
                good + b",", b"," + good, good + b",," + good, good + b" " + good, good + good,
                in_batch(good, good, **body) + b"," + good, in_batch() + b"," + good,
                b"null," + good + b",7,[],[" + good + b"]", b"{}", b"{},{}",
                b"[" + good + b"]", good + b"]", b"[" + good,
                around(b'["},{", {"a":1},{"b":2}]') + b"," + around(b'"\\"},{"') + b"," + good,
                twice("userId", '"a"', '"b"') + b"," + with_field("userId", b"42.0"),
                without("messageId") + b"," + without("userId") + b"," + without("event"),
                b",".join([good, b"7"] * 20), good + b'},{"a":1', b'{"a":1' + good,
            )
        ],
        "cut": [good[:end] for end in range(1, len(good))],
        "batches": [
            in_batch(),
            in_batch(**body),
            in_batch(good),
            in_batch(good, **body),
            in_batch(good, good, b"null", b"1", b"[]", b'""', b"{}", b"true", **body),
            in_batch(in_batch(good), **body),
            in_batch(in_batch(in_batch(good))),
            in_batch(without("messageId"), without("userId"), without("event"), **body),
            in_batch(*[without("messageId")] * 3, **body),
            in_batch(good, b"{", b"}"),
            in_batch(good, b""),
            in_batch(good) + in_batch(good),
            in_batch(around(b"1e400"), around(b"18446744073709551616"), around(b"1.50"), **body),
            in_batch(around(b'"\\ud83d\\ude39"'), around(b'"\\u0000"'), **body),
            in_batch(around(b"[" * 200 + b"]" * 200), **body),
            in_batch(around(b"[" * 300 + b"]" * 300), **body),
            in_batch(around(b"[" * 900 + b"]" * 900), good, **body),
            in_batch(around(b"[" * 1500 + b"]" * 1500), good),
            in_batch(twice("userId", '"a"', '"b"'), **body),
            in_batch(twice("userId", '"a"', '"b"', "user\\u0049d"), good, **body),
            in_batch(twice("messageId", '"a"', "null"), twice("messageId", "null", '"a"'), **body),
            in_batch(with_field("context", b'{"a":1,"a":2}')),
            in_batch(good)[:-1] + b',"sentAt":"2024-05-03","sentAt":"2024-05-04"}',
            in_batch(good)[:-1] + b',"sentAt":null,"sentAt":"2024-05-04"}',
            in_batch(good)[:-1] + b',"context":{"a":1,"a":2}}',
            in_batch(good)[:-1] + b',"context":{"n":1e400}}',
            in_batch(good)[:-1] + b',"batch":[]}',
            b'{"batch":[],"batch":[' + good + b"]}",
            b'{"batch":null,"batch":[' + good + b"]}",
            b'{"b\\u0061tch":[' + good + b"]}",
            b'{"batch":[' + good + b'],"b\\u0061tch":1}',
            b'{"Batch":[' + good + b"]}",
            b'{"batch":{"0":' + good + b"}}",
            b'{"batch":"[' + good.replace(b'"', b'\\"') + b']"}',
            *(
                b'{"batch":[' + good + b'],"%s":%s}' % (name.encode(), value)
                for name in ("sentAt", "receivedAt", "context")
                for value in IDS_OF_EVERY_TYPE
                if len(value) < 1000
            ),
            *(
                in_batch(with_field(name, value), **body)
                for name in FIELDS
                for value in IDS_OF_EVERY_TYPE
                if len(value) < 1000
            ),
        ],
        "marks": [
            # What the loader itself writes around lines and numbers.
            around(b'"number 0123456789abcdef 12345678901234567890"'),
            json.dumps(call(line=7, call_number=9, in_batch=True, made_id="x", call={})).encode(),
            with_field("userId", b'"number "'),
            b"{}",
            b'{"line":1,"call_number":1,"in_batch":false,"made_id":"x","call":' + good + b"}",
        ],
    }  # fmt: skip
    lines["deep"] = [
        around(open_ * depth + middle + close * depth)
        for depth in (1015, 1020, 1030, 5000, 100_000)
        for open_, middle, close in ((b"[", b"", b"]"), (b'{"a":', b"1", b"}"))
    ] + [b"[" * 100_000, b"{" * 100_000, b'{"a":' * 100_000, b"]" * 100_000, around(b"[" * 100_000)]
    return lines


HOSTILE = hostile_lines()
AS_A_FILE = {
    "an array": b"[\n" + b",\n".join(GOOD) + b"\n]\n",
    "pretty-printed": json.dumps(call(), indent=2).encode(),
    "pretty-printed array": json.dumps([call(), call()], indent=2).encode(),
    "pretty-printed batch": json.dumps({"batch": [call(), call()]}, indent=2).encode(),
    "an array on one line": b"[" + b",".join(GOOD) + b"]",
    "carriage returns only": b"\r".join(GOOD) + b"\r",
    "mixed line ends": GOOD[0] + b"\r\n" + GOOD[1] + b"\n\r" + GOOD[2] + b"\r\r\n",
    "record separators": b"".join(b"\x1e" + line + b"\n" for line in GOOD),
    "no line end at all": b"".join(GOOD),
    "form feeds for line ends": b"\x0c".join(GOOD),
    "U+2028 for line ends": b"\xe2\x80\xa8".join(GOOD),
    "two byte order marks": b"\xef\xbb\xbf" * 2 + GOOD[0],
    "a byte order mark on each line": b"".join(b"\xef\xbb\xbf" + line + b"\n" for line in GOOD),
    "nothing but line ends": b"\n" * 5,
    "one byte": b"{",
    "a line end": b"\n",
    "a NUL": b"\x00",
    "spaces": b"   ",
    "a last blank line without an end": GOOD[0] + b"\n  ",
    "a csv": b"type,userId\ntrack,ana\n",
    "random bytes": bytes(range(1, 256)) * 3,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_line_is_judged_the_same_each_way(bench, kind):
    """All of a kind in one file, where a line could also spoil its neighbours."""
    lines = HOSTILE[kind]
    content = b"".join(line + b"\n" for line in [*GOOD, *lines, *GOOD])
    found = bench.judge([content])
    for number, line in enumerate(lines, start=len(GOOD) + 1):
        if line.strip():
            assert may_be_judged(line, found.reason_of(number)), line
    landed = {(line, message) for _, line, _, _, _, message, *_ in found.calls}
    last = len(GOOD) + len(lines)
    for number, _ in enumerate(GOOD):
        assert (number + 1, f"good {number}") in landed
        assert (last + number + 1, f"good {number}") in landed


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_line_is_judged_the_same_beside_any_other_lines(bench, kind):
    """Each line alone in a file, and all lines together: other lines must not matter."""
    lines = [line for line in dict.fromkeys(HOSTILE[kind]) if not line.startswith(b"\xef\xbb\xbf")]
    lines = lines[:: max(1, len(lines) // 150)]
    together = bench.judge([GOOD[0] + b"\n" + b"".join(line + b"\n" for line in lines)])
    alone = bench.judge([b"\n".join([GOOD[0], line]) for line in lines])

    def without_place(rows: list[tuple]) -> list[tuple]:
        return [row[2:] for row in sorted(rows, key=lambda row: (row[0], row[1], row[2] or 0))]

    first_lines = [row for row in alone.calls if row[1] == 1]
    assert len(first_lines) == len(lines)
    assert without_place([row for row in together.calls if row[1] > 1]) == without_place(
        [row for row in alone.calls if row[1] > 1]
    )
    assert without_place(together.quarantine) == without_place(alone.quarantine)


@pytest.mark.parametrize("chunk_bytes", [64 * MB, 1])
def test_a_hostile_file_is_judged_the_same_each_way(bench, chunk_bytes):
    found = bench.judge(AS_A_FILE.values(), chunk_bytes=chunk_bytes)
    names = list(AS_A_FILE)
    refused = {
        name
        for number, name in enumerate(names)
        for path, *_, reason, _forgotten in found.loads
        if path.endswith(f"{number:05}.jsonl") and reason
    }
    assert refused == {
        "pretty-printed",
        "pretty-printed array",
        "pretty-printed batch",
        "record separators",
        "two byte order marks",
        "one byte",
        "a NUL",
        "a csv",
        "random bytes",
    }
    # One line for each line feed, and one for what comes after the last.
    for number, content in enumerate(AS_A_FILE.values()):
        if names[number] in refused:
            continue
        rows = [row for row in found.loads if row[0].endswith(f"{number:05}.jsonl")]
        wanted = content.removeprefix(b"\xef\xbb\xbf").count(b"\n") + (not content.endswith(b"\n"))
        assert [row[5] for row in rows] == [wanted], names[number]
    landed = {names[load] for load, *_ in found.calls}
    assert landed == {
        "an array",  # its last line is a whole object
        "an array on one line",
        "no line end at all",
        "carriage returns only",  # white space to JSON
        "mixed line ends",
        "a byte order mark on each line",  # the first of them
        "a last blank line without an end",
    }


def test_a_line_of_40_megabytes_is_judged_the_same_each_way(bench):
    """Longer than DuckDB reads by default, and than a block; good ones and bad ones."""
    long = b'"' + b"x" * (40 * MB)
    found = bench.judge([b"\n".join([GOOD[0], around(long + b'"'), around(long), GOOD[1]])])
    assert [line for _, line, *_ in found.calls] == [1, 2, 4]
    assert [row[1:] for row in found.quarantine] == [(3, None, "not_a_json_object", around(long))]


# --- Anything at all


def judged(bench: Bench, lines: list[bytes]) -> None:
    """Compare both ways with each other and with Python's parser, for any lines."""
    content = b"".join(line + b"\n" for line in lines)
    # Lines that make the whole file no log are left to another test.
    content = GOOD[0] + b"\n" + content
    found = bench.judge([content])
    for number, line in enumerate(content.split(b"\n")[1:-1], start=2):
        if line.strip():
            assert may_be_judged(line, found.reason_of(number)), line


SEEDS = [
    *GOOD,
    json.dumps(call(properties={"a": [1, 2.5, None, True, {"b": "é\n"}]})).encode(),
    json.dumps(call(properties={"é": "ü"}), ensure_ascii=False).encode(),
    json.dumps({k: v for k, v in call().items() if k != "messageId"}).encode(),
    in_batch(GOOD[0], GOOD[1], sentAt="2024-05-02", context={"a": 1}),
    in_batch(without("messageId"), without("event"), context={"a": 1}),
    around(b"[NaN]"),
    around(b"123456789012345678901234567890"),
    b"{}",
    GOOD[0] + GOOD[1],
    b"[" + GOOD[0] + b", " + in_batch(GOOD[1], GOOD[2]) + b"]",
    with_field("userId", b"42.0") + with_field("userId", b'" ana "'),
]
BITS = [
    b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"/", b" ", b"\t", b"\r", b"\n", b"\x00",
    b"\x0b", b"\x0c", b"\x1f", b"\x7f", b"\x80", b"\xc3", b"\xff", b"\xef\xbb\xbf",
    b"\xe2\x80\xa8", b"\xed\xa0\x80", b"\\u0000", b"\\ud800", b"\\udc00", b"\\u00e9", b"\\n",
    b"0", b"1", b"-", b"+", b".", b"e", b"E5", b"1e400", b"99999999999999999999", b"NaN",
    b"Infinity", b"-inf", b"nan", b"null", b"true", b"false", b'""', b"[]", b"{}", b",]", b",}",
    b", }", b'"a":', b'"userId":', b'"userId":7,', b'"user\\u0049d":"b",', b'"type":"alias",',
    b'"batch":[],', b'"batch":[', b'"batch":null,', b'"messageId":null,', b'"sentAt":1,',
    b'"timestamp":"2024",', b'"context":{"a":1,"a":2},', b'"":', b"'", b"#", b"//", b"/*", b"*/",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sound line with some of it cut, doubled, replaced, or put in between."""
    line = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(line)))
        end = draw(st.integers(start, min(len(line), start + 12)))
        bit = draw(st.sampled_from(BITS) | st.just(line[start:end] * 2) | st.just(b""))
        line = line[:start] + bit + line[end:]
    return line


ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
ANY_CALL = st.dictionaries(
    st.sampled_from(FIELDS) | st.text(max_size=5),
    ANY_VALUE
    | st.sampled_from(["track", "group", "alias", "identify", "ana", "2024-05-01", "{}", "true"]),
    max_size=12,
).map(lambda some: json.dumps(call() | some).encode())

SOME = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(st.lists(st.binary(max_size=40), max_size=30))
@settings(SOME, max_examples=25)
def test_random_bytes_are_judged_the_same_each_way(bench, lines):
    judged(bench, lines)


@given(st.lists(mutated(), min_size=1, max_size=40))
@settings(SOME, max_examples=40)
def test_mutated_lines_are_judged_the_same_each_way(bench, lines):
    judged(bench, lines)


SHAPES = {
    "lines": lambda calls: calls,
    "a batch": lambda calls: [in_batch(*calls)],
    "an array": lambda calls: [b"[" + b",".join(calls) + b"]"],
    "one after another": lambda calls: [b"".join(calls)],
}


@given(st.lists(ANY_CALL, min_size=1, max_size=20), st.sampled_from(list(SHAPES)))
@settings(SOME, max_examples=40)
def test_any_call_is_judged_the_same_each_way(bench, calls, shape):
    judged(bench, SHAPES[shape](calls))


@pytest.mark.soak
@given(st.lists(mutated() | ANY_CALL | st.binary(max_size=60), min_size=1, max_size=60))
@settings(SOME, max_examples=3000)
def test_a_great_many_lines_are_judged_the_same_each_way(bench, lines):
    judged(bench, lines)
