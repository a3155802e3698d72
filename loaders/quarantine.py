"""The quarantined lines, and why they are."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb

# Every reason there is, in the words of the README.
REASONS = {
    "not_a_json_object": "not JSON in UTF-8 (RFC 8259, strictly), or not an object",
    "nested_too_deep": "nested deeper than 1,024 levels",
    "unknown_type": "type is not identify, group, track, page, screen or alias",
    "posthog_format": "PostHog's own format (distinct_id), not Segment's",
    "no_user_id": "neither userId nor anonymousId",
    "no_event": "a track without event",
    "no_group_id": "a group without groupId",
    "no_previous_id": "an alias without previousId",
    "no_readable_time": "neither an ISO 8601 nor a Unix time between 1970 and 2099 in `timestamp`,"
    " `originalTimestamp`, `sentAt` or `receivedAt`",
    "empty_batch": "a batch body or an array without calls",
}

_A_KEY_OF_CALLS = re.compile(
    rb'"(?:type|batch|userId|anonymousId|messageId|event|distinct_id)"[ \t\r\n]*:'
)

_SHOWN = 200


@dataclass(frozen=True)
class Quarantined:
    """A quarantined line, or a quarantined call of one."""

    load_id: int
    path: str
    line_number: int
    call_number: int | None
    reason: str
    beginning: bytes | None  # None: the line is too long to be kept with each of its calls


def resembles_a_call(line: bytes) -> bool:
    """Whether a quarantined line is a call or a batch all the same: a broken or incomplete one."""
    return line.lstrip().startswith((b"{", b"[")) and bool(_A_KEY_OF_CALLS.search(line))


def quarantined(
    connection: duckdb.DuckDBPyConnection, load_id: int | None = None, limit: int | None = None
) -> Iterator[Quarantined]:
    """Everything in quarantine, in order, with the beginning of each line."""
    found = connection.execute(
        f"""
        select load_id, loads.path, line_number, call_number, quarantine.reason,
            array_slice(line, 1, {_SHOWN})
        from raw.quarantine
        left join raw.loads using (load_id)
        where $load is null or load_id = $load
        order by load_id, line_number, call_number nulls first
        limit $limit
        """,
        {"load": load_id, "limit": limit if limit is not None else 1 << 62},
    )
    while rows := found.fetchmany(1000):
        for row in rows:
            yield Quarantined(*row)


def lines(
    connection: duckdb.DuckDBPyConnection, load_id: int | None = None, limit: int | None = None
) -> Iterator[bytes]:
    """Each line of which anything is quarantined, once, verbatim without its line ending."""
    found = connection.execute(
        """
        select any_value(line)
        from raw.quarantine
        where $load is null or load_id = $load
        group by load_id, line_number
        order by load_id, line_number
        limit $limit
        """,
        {"load": load_id, "limit": limit if limit is not None else 1 << 62},
    )
    while row := found.fetchone():
        yield row[0]


def examples(connection: duckdb.DuckDBPyConnection, loads: Sequence[int]) -> dict[str, Quarantined]:
    """For each reason the first line of these loads that was quarantined for it."""
    rows = connection.execute(
        f"""
        select first.load_id, loads.path, first.line_number, first.call_number, first.reason,
            first.beginning
        from (
            -- One struct, so that all its fields are of the same row, the null ones too.
            select min({{
                'load_id': load_id, 'line_number': line_number,
                'place': coalesce(call_number, 0), 'call_number': call_number,
                'reason': reason, 'beginning': array_slice(line, 1, {_SHOWN})
            }}) as first
            from raw.quarantine
            where load_id in (select unnest($loads::bigint[]))
            group by reason
        )
        left join raw.loads on first.load_id = loads.load_id
        """,
        {"loads": list(loads)},
    ).fetchall()
    return {each.reason: each for each in (Quarantined(*row) for row in rows)}


def count_quarantined(connection: duckdb.DuckDBPyConnection, load_id: int | None = None) -> int:
    """How many rows `quarantined` has without a limit."""
    return connection.execute(
        "select count(*) from raw.quarantine where $load is null or load_id = $load",
        {"load": load_id},
    ).fetchone()[0]
