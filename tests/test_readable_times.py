"""Readable times: the loader and the models read each of them alike."""

import json
import re
from datetime import datetime, timedelta
from functools import cache

import duckdb
import pytest
from harness import REPO
from hypothesis import given, settings
from hypothesis import strategies as st
from lines import call, landed, quarantined

READABLE = {
    "2024-05-01": "2024-05-01",
    "2024-05-01T09:00": "2024-05-01 09:00",
    "2024-05-01T09:00:00": "2024-05-01 09:00",
    "2024-05-01 09:00:00": "2024-05-01 09:00",
    "2024-05-01T09:00:00Z": "2024-05-01 09:00",
    "2024-05-01t09:00:00z": "2024-05-01 09:00",
    "2024-05-01T09:00:00.5Z": "2024-05-01 09:00:00.5",
    "2024-05-01T09:00:00,5Z": "2024-05-01 09:00:00.5",
    "2024-05-01T09:00:00.123456Z": "2024-05-01 09:00:00.123456",
    "2024-05-01T09:00:00.123+00:00": "2024-05-01 09:00:00.123",
    "2024-05-01T09:00:00+05:30": "2024-05-01 03:30",
    "2024-05-01T09:00:00-0800": "2024-05-01 17:00",
    "2024-05-01T09:00:00+14:00": "2024-04-30 19:00",
    "2024-05-01T09:00:00+02": "2024-05-01 07:00",
    "2024-02-29": "2024-02-29",
    "1970-01-01": "1970-01-01",
    "1970-01-01T00:00:00Z": "1970-01-01",
    "2099-12-31T23:59:59Z": "2099-12-31 23:59:59",
    # Unix times, in seconds and in milliseconds
    "1714554000": "2024-05-01 09:00",
    "1714554000000": "2024-05-01 09:00",
    "1714554000.5": "2024-05-01 09:00:00.5",
    "1714554000.123456": "2024-05-01 09:00:00.123456",
    "1714554000.123456999": "2024-05-01 09:00:00.123456",  # cut off, as in ISO 8601
    "1714554000123.456": "2024-05-01 09:00:00.123456",
    "100000000": "1973-03-03 09:46:40",
    "100000000000": "1973-03-03 09:46:40",
    "4102444799.999999": "2099-12-31 23:59:59.999999",
    "4102444799999.9999": "2099-12-31 23:59:59.999999",
}
UNREADABLE = [
    "",
    " ",
    "yesterday",
    "99999999",
    "99999999.9",
    "99999999999",  # seconds, in the year 5138
    "4102444800",  # 2100-01-01
    "4102444800000",
    "99999999999999",
    "100000000000000",
    "1714554000.",
    "1714554000,5",
    "01714554000",
    "+1714554000",
    "-1714554000",
    " 1714554000",
    "1714554e3",
    "0x6631f9d0",
    "1_714_554_000",
    "2024-02-30",
    "2023-02-29",
    "2024-13-01",
    "2024-00-10",
    "2024-5-1",
    "24-05-01",
    "05/01/2024",
    "2024/05/01",
    "May 1, 2024",
    "2024-05-01T25:00:00Z",
    "2024-05-01T09:60:00Z",
    "2024-05-01T09:00:00+25:00",
    "2024-05-01T09:00:00 Europe/Paris",
    "2024-05-01T09:00:00Z and more",
    "12026-01-01",
    "-2024-05-01",
    "+2024-05-01",
    "1969-12-31",
    "1969-12-31T23:59:59.999999Z",
    "2100-01-01",
    "0001-01-01",
    "infinity",
    "epoch",
    "now",
    "today",
    "2024-05-01T09:00:00Z\n",
    "\u0662\u0660\u0662\u0664-05-01",
]


@pytest.mark.parametrize("field", ["timestamp", "originalTimestamp", "sentAt", "receivedAt"])
def test_readable_times(daybook, field):
    times = [*READABLE, *UNREADABLE]
    rows = landed(daybook, *(call(timestamp=...) | {field: text} for text in times))
    column = re.sub("([A-Z])", r"_\1", field).lower()
    assert [row[column] for row in rows] == list(READABLE)  # as sent
    assert {reason for _, _, reason in quarantined(daybook)} == {"no_readable_time"}


@cache
def the_models_way_to_read_a_time() -> str:
    """The macro `readable_time`, rendered with dbt's own Jinja."""
    from dbt_common.clients.jinja import get_environment

    file = (REPO / "macros" / "readable_time.sql").read_text()
    macros = get_environment(None, True).from_string(file)
    # dbt calls a macro by the prefixed name that it gives it when it reads it.
    pattern = vars(macros.make_module({}))["dbt_macro__iso_8601"]
    module = macros.make_module({"iso_8601": pattern})
    return str(vars(module)["dbt_macro__readable_time"]("text"))


def read_both_ways(texts: list[str]) -> dict[str, tuple]:
    """The times that the loader and the models read from each text."""
    from loaders.fields import readable_time

    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        rows = connection.execute(
            f"""
            select text, {readable_time("text")}, {the_models_way_to_read_a_time()}
            from (select unnest($texts) as text)
            """,
            {"texts": texts},
        ).fetchall()
    return {text: (loader, models) for text, loader, models in rows}


ODD_TIMES = [
    *READABLE,
    *UNREADABLE,
    "2024-05-01T24:00:00Z",
    "2024-12-31T24:00:00",
    "2024-05-01T23:59:60Z",
    "2016-12-31T23:59:60Z",
    "2024-05-01T23:59:59.9999999Z",
    "2024-05-01T09:00:00.123456789Z",
    "2024-05-01T09:00:00." + "1" * 40 + "Z",
    "2024-05-01T09:00:00.Z",
    "2024-05-01T09Z",
    "2024-05-01T09",
    "2024-05-01Z",
    "2024-05-01T",
    "2024-05-01+02:00",
    "2024-05-01T09:00:00 Z",
    "2024-05-01T09:00:00 +02:00",
    "2024-05-01  09:00:00",
    " 2024-05-01",
    "2024-05-01 ",
    "\t2024-05-01",
    "20240501",
    "20240501T090000Z",
    "2024-W18-3",
    "2024W183",
    "2024-122",
    "2024-05",
    "2024",
    "2024-05-01T09:00:00+14:00",
    "2024-05-01T09:00:00+14:59",
    "2024-05-01T09:00:00+15:00",
    "2024-05-01T09:00:00+15:59:59",
    "2024-05-01T09:00:00-15:59",
    "2024-05-01T09:00:00+23:59",
    "2024-05-01T09:00:00+24:00",
    "2024-05-01T09:00:00+2:00",
    "2024-05-01T09:00:00+0200",
    "2024-05-01T09:00:00+020",
    "2024-05-01T09:00:00\u221202:00",
    "2024-05-01T09:00:00-00:00",
    "1970-01-01T00:00:00+01:00",
    "1969-12-31T23:00:00-01:00",
    "1969-12-31T23:59:59-00:01",
    "2099-12-31T23:59:59.999999Z",
    "2099-12-31T23:59:59.9999999Z",
    "2099-12-31T23:59:59-01:00",
    "2100-01-01T00:59:59+01:00",
    "2024-05-01T09:00:00z",
    "2024-05-01t09:00:00Z",
    "2024-05-01_09:00:00",
    "2024-05-01T09.00.00",
    "0000-00-00",
    "9999-12-31",
    "292278994-08-17",
    "2024-05-01 (BC)",
    "2024-05-01 BC",
    "\uff12\uff10\uff12\uff14-05-01",
    "2024-05-01T09:00:00Z\u0000",
]


def test_the_loader_and_the_models_read_every_time_alike():
    for text, (loader, models) in read_both_ways(ODD_TIMES).items():
        assert loader == models, text


@given(
    st.lists(
        st.from_regex(
            r"(19|20|21)\d\d-[01]\d-[0-3]\d([Tt ][0-2]\d:[0-6]\d(:[0-6]\d([.,]\d{1,10})?)?"
            r"([Zz]|[+-][0-2]\d(:?[0-6]\d)?)?)?",
            fullmatch=True,
        )
        | st.datetimes().map(str)
        | st.from_regex(r"[0-9]{8,15}(\.[0-9]{0,9})?", fullmatch=True)
        | st.integers(90_000_000, 100_000_000_000_000).map(str)
        | st.text("0123456789-:+TZtz ., W", max_size=30),
        min_size=20,
        max_size=200,
    )
)
@settings(max_examples=30, deadline=None)
def test_the_loader_and_the_models_read_any_time_alike(texts):
    for text, (loader, models) in read_both_ways(texts).items():
        assert loader == models, text


@given(
    st.lists(
        st.builds(
            lambda start, odd: "".join(
                odd.get(place, letter) for place, letter in enumerate(start)
            ),
            st.just("2024-05-01T09:00:00.123Z"),
            st.dictionaries(
                st.integers(0, 23), st.sampled_from("0129 \t+-/:.,TZ\u0662"), min_size=1, max_size=5
            ),
        ),
        min_size=50,
        max_size=300,
    )
)
@settings(max_examples=30, deadline=None)
def test_a_text_that_only_looks_like_a_usual_time_is_read_alike(texts):
    for text, (loader, models) in read_both_ways(texts).items():
        assert loader == models, text


def test_a_unix_time_may_be_a_number_of_the_log(daybook):
    numbers = [
        "1714554000",
        "1714554000.123456",
        "1714554000123",
        "1714554000123.456",
        "1.714554e9",
    ]
    lines = [json.dumps(call(timestamp="$")).replace('"$"', number) for number in numbers]
    rows = landed(daybook, *lines, '{"batch": [' + ",".join(lines) + "]}")
    found = read_both_ways([row["timestamp"] for row in rows])
    times = [found[row["timestamp"]] for row in rows]
    wanted = [
        datetime(2024, 5, 1, 9),
        datetime(2024, 5, 1, 9, 0, 0, 123456),
        datetime(2024, 5, 1, 9, 0, 0, 123000),
        datetime(2024, 5, 1, 9, 0, 0, 123456),
        datetime(2024, 5, 1, 9),
    ]
    assert times == [(time, time) for time in wanted] * 2


@given(st.lists(st.integers(100_000_000_000_000, 4_102_444_799_999_999), min_size=20, max_size=200))
@settings(max_examples=20, deadline=None)
def test_a_unix_time_is_exact_to_the_microsecond(microseconds):
    """As text with six decimals of a second, or three of a millisecond."""
    for per_unit, places in ((1_000_000, 6), (1_000, 3)):
        texts = {f"{us // per_unit}.{us % per_unit:0{places}}": us for us in microseconds}
        for text, times in read_both_ways(list(texts)).items():
            wanted = datetime(1970, 1, 1) + timedelta(microseconds=texts[text])
            assert times == (wanted, wanted), text


def test_times_are_read_correctly():
    """Against Python's own reading of ISO 8601."""
    found = read_both_ways([*READABLE, *UNREADABLE])
    for text, wanted in READABLE.items():
        assert found[text][0] == datetime.fromisoformat(wanted), text
    for text in UNREADABLE:
        assert found[text][0] is None, text
