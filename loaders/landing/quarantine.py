"""Reads the quarantined lines with their reasons."""

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
_PATH = "coalesce(loads.path, '(not in raw.loads)')"


@dataclass(frozen=True)
class Quarantined:
    """A quarantined line, or one quarantined call of a line."""

    load_id: int
    path: str
    line_number: int
    call_number: int | None
    reason: str
    beginning: bytes | None  # None: the line itself is gone


def resembles_a_call(line: bytes) -> bool:
    """Whether a quarantined line is a broken or incomplete call or batch."""
    return line.lstrip().startswith((b"{", b"[")) and bool(_A_KEY_OF_CALLS.search(line))


def quarantined(
    connection: duckdb.DuckDBPyConnection, load_id: int | None = None, limit: int | None = None
) -> Iterator[Quarantined]:
    """Everything in quarantine, in order, with the beginning of each line."""
    found = connection.execute(
        f"""
        select
            problems.load_id, {_PATH}, problems.line_number, problems.call_number, problems.reason,
            coalesce(array_slice(problems.line, 1, {_SHOWN}), kept.beginning)
        from raw.quarantine as problems
        left join raw.loads on problems.load_id = loads.load_id
        left join ({_kept("$load is null or load_id = $load")}) as kept
            on problems.load_id = kept.load_id and problems.line_number = kept.line_number
        where $load is null or problems.load_id = $load
        order by problems.load_id, problems.line_number, problems.call_number nulls first
        limit $limit
        """,
        {"load": load_id, "limit": limit if limit is not None else 1 << 62},
    )
    while rows := found.fetchmany(1000):
        for row in rows:
            yield Quarantined(*row)


def _kept(within: str) -> str:
    """Select the beginnings of lines whose text is stored with only one of their problems."""
    return f"""
        select load_id, line_number, any_value(array_slice(line, 1, {_SHOWN})) as beginning
        from raw.quarantine
        semi join (
            select load_id, line_number from raw.quarantine where line is null and ({within})
        ) as not_kept
            using (load_id, line_number)
        where line is not null
        group by all
    """


def lines(
    connection: duckdb.DuckDBPyConnection, load_id: int | None = None, limit: int | None = None
) -> Iterator[bytes]:
    """Each line with something quarantined, once, verbatim without its line ending."""
    found = connection.execute(
        """
        select any_value(line)
        from raw.quarantine
        where ($load is null or load_id = $load) and line is not null
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
    within = "load_id in (select unnest($loads::bigint[]))"
    rows = connection.execute(
        f"""
        select
            first.load_id, {_PATH}, first.line_number, first.call_number, first.reason,
            coalesce(first.beginning, kept.beginning)
        from (
            -- One struct, so that all its fields are of the same row, the null ones too.
            select min({{
                'load_id': load_id, 'line_number': line_number,
                'place': coalesce(call_number, 0), 'call_number': call_number,
                'reason': reason, 'beginning': array_slice(line, 1, {_SHOWN})
            }}) as first
            from raw.quarantine
            where {within}
            group by reason
        )
        left join raw.loads on first.load_id = loads.load_id
        left join ({_kept(within)}) as kept
            on first.load_id = kept.load_id and first.line_number = kept.line_number
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
