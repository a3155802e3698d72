"""Reads one chunk into memory tables: its calls, and why each bad one is set aside.

Three ways, from the quickest to the most patient:

    whole    DuckDB reads the chunk strictly; trusted if it finds a row for every line
    mended   a line somewhere is no call at all: such lines are taken out first, in Python
    sifted   every line is looked at in Python

After a whole or mended read only the lines that DuckDB cannot tell apart (see
`fields.not_told_apart`) are sifted. All three end in the same SQL, which gives the reasons.
"""

import base64
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal

import duckdb

from loaders import fields
from loaders.chunks import Chunk
from loaders.limits import MB
from loaders.sift import SetAside, read_object, sift

Way = Literal["whole", "mended", "sifted"]

# A longer line is kept with the first of its problems only: a batch may have thousands.
REPEATED_UP_TO = 1 * MB

_SMALLEST_OBJECT_SIZE = 4 * MB
_numbers = count(1)

_SIFTED = {
    "line_number": "BIGINT",
    "call_number": "BIGINT",
    "in_batch": "BOOLEAN",
    "made_id": "VARCHAR",
}
_ASIDE = {
    "line_number": "BIGINT",
    "call_number": "BIGINT",
    "reason": "VARCHAR",
    "line": "VARCHAR",
}


@dataclass(frozen=True)
class JudgedChunk:
    """A chunk as tables `<schema>.rows`, `.sifted` and `.aside`, those that are not None."""

    schema: str
    lines_before: int
    lines: int
    blank: int
    rows: str | None  # one row per line; the n-th row is the n-th line
    has_odd_rows: bool  # whether some of `rows` may not be landed
    sifted: str | None
    aside: str | None
    reasons: Counter[str]


class Judge:
    """Judges the chunks of one file, in order; remembers which way the last one needed."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path, way: Way | None = None):
        self._connection = connection
        self._folder = folder
        self._always = way
        self._way: Way = way or "whole"

    def judge(self, chunk: Chunk) -> JudgedChunk:
        """Judge one chunk. Its tables live in a memory database of their own; drop it after."""
        schema = f"chunk_{next(_numbers)}"
        self._connection.execute(f"attach ':memory:' as {schema}")
        try:
            return _Reading(self, chunk, schema).finish()
        except BaseException:
            self._connection.execute(f"detach {schema}")
            raise


class _Reading:
    """One chunk on its way through the judge."""

    def __init__(self, judge: Judge, chunk: Chunk, schema: str):
        self.judge = judge
        self.run = judge._connection.execute
        self.chunk = chunk
        self.schema = schema
        self.lines: list[bytes] | None = None
        self.settled: dict[int, str | None] = {}  # line index -> reason, None where it is blank
        self.aside: list[SetAside] = []
        self.blank = 0
        self.rows: str | None = None
        self.has_odd_rows = False
        self.sifted: str | None = None

    def finish(self) -> JudgedChunk:
        way = self.judge._way
        if way == "whole" and not (not self.chunk.doubtful and self.read(self.chunk.content)):
            way = "mended"
        if way == "mended" and not self.read(self.mended()):
            way = "sifted"
        if way == "sifted":
            self.settled.clear()
            needed = self.sift_all()
        else:
            needed = self.sift_what_cannot_be_told_apart()
            self.set_aside_what_is_settled()
        if not self.judge._always:
            self.judge._way = self.next_way(way, needed)
        return JudgedChunk(
            self.schema,
            self.chunk.lines_before,
            self.chunk.lines,
            self.blank,
            self.rows,
            self.has_odd_rows,
            self.sifted,
            self.keep_aside(),
            Counter(each.reason for each in self.aside),
        )

    def next_way(self, way: Way, needed: int) -> Way:
        """What was needed here is likely to be needed in the next chunk."""
        if 2 * needed > self.chunk.lines:
            return "sifted"
        return "mended" if way == "mended" and self.settled else "whole"

    # -- the whole chunk at once

    def read(self, content: bytes) -> bool:
        """Read `content` strictly into `rows`; False where it cannot be trusted."""
        spool = self.spool("whole", content)
        self.rows = None
        try:
            self.run(f"create or replace table {self.schema}.rows as {self.select_rows(spool)}")
        except duckdb.InvalidInputException:
            return False
        finally:
            spool.unlink()
        (found,) = self.run(f"select count(*) from {self.schema}.rows").fetchone()
        if found != self.chunk.lines or not self.is_in_order():
            return False
        self.rows = f"{self.schema}.rows"
        return True

    def is_in_order(self) -> bool:
        """Whether the n-th row is the n-th line, looked up at the chunk's landmarks.

        DuckDB keeps the order of a file, on which the line numbers rest; trust, but verify.
        """
        starts = dict(self.chunk.landmarks)
        content = self.chunk.content
        return all(
            message_id.encode() in content[starts[index] : content.find(b"\n", starts[index])]
            for index, message_id in self.run(
                f"""
                select rowid, message_id from {self.schema}.rows
                where rowid in ({", ".join(map(str, starts))}) and not look_again
                """
            ).fetchall()
        )

    def select_rows(self, spool: Path) -> str:
        return f"""
            select
                {fields.columns_kept()},
                {fields.not_told_apart()} as look_again,
                {fields.reason()} as reason
            from (
                select {fields.select_kept()}, batch, distinct_id
                from {read_json(spool, fields.SENT, self.chunk.longest_line)}
            )
        """

    def mended(self) -> bytes:
        """The chunk with `{}` in the place of every line that is blank or not a JSON object."""
        lines = self.split().copy()
        for index, line in enumerate(lines):
            if not line.strip():
                self.settled[index] = None
            elif isinstance(reason := read_object(line), str):
                self.settled[index] = reason
            else:
                continue
            lines[index] = b"{}"
        return b"\n".join(lines) + b"\n"

    def set_aside_what_is_settled(self) -> None:
        for index, reason in self.settled.items():
            if reason is None:
                self.blank += 1
            else:
                self.aside.append(SetAside(self.number(index), None, reason))

    # -- line by line

    def sift_what_cannot_be_told_apart(self) -> int:
        again = []
        for index, look_again, reason in self.run(
            f"""
            select rowid, look_again, reason from {self.rows}
            where look_again or reason is not null
            """
        ).fetchall():
            self.has_odd_rows = True
            if index in self.settled:
                continue
            if look_again:
                again.append(index)
            else:
                self.aside.append(SetAside(self.number(index), None, reason))
        if again:
            lines = self.split()
            self.sift((self.number(index), lines[index]) for index in again)
        return len(again)

    def sift_all(self) -> int:
        self.rows = None
        lines = self.split()
        self.sift((self.number(index), line) for index, line in enumerate(lines))
        return sum(b'"batch"' in line or b'"messageId"' not in line for line in lines)

    def sift(self, lines: Iterable[tuple[int, bytes]]) -> None:
        spool = self.judge._folder / f"{self.schema}.sifted"
        with spool.open("wb") as out:
            aside, blank, longest = sift(lines, out)
        self.aside += aside
        self.blank += blank
        self.sifted = f"{self.schema}.sifted"
        self.run(f"create table {self.sifted} as {self.select_sifted(spool, longest)}")
        spool.unlink()
        self.aside += [
            SetAside(line_number, call_number, reason)
            for line_number, call_number, reason in self.run(
                f"""
                select line_number, if(in_batch, call_number, null), reason
                from {self.sifted} where reason is not null
                """
            ).fetchall()
        ]

    def select_sifted(self, spool: Path, longest: int) -> str:
        call = ", ".join(f'"{name}" {kind}' for name, kind in fields.SENT.items())
        columns = _SIFTED | {"call": f"STRUCT({call})"}
        return f"""
            select
                line_number, call_number, in_batch,
                {fields.columns_kept()},
                {fields.reason()} as reason
            from (
                select * replace (coalesce(made_id, message_id) as message_id)
                from (
                    select
                        line_number, call_number, in_batch, made_id,
                        {fields.select_kept()},
                        distinct_id
                    from (
                        select line_number, call_number, in_batch, made_id, unnest(call)
                        from {read_json(spool, columns, longest)}
                    )
                )
            )
        """

    # -- what was set aside

    def keep_aside(self) -> str | None:
        """Write what was set aside, with its line, to the table `aside`."""
        if not self.aside:
            return None
        lines = self.split()
        seen: set[int] = set()
        spool = self.judge._folder / f"{self.schema}.aside"
        longest = 0
        with spool.open("wb") as out:
            for each in self.aside:
                line = lines[each.line_number - 1 - self.chunk.lines_before]
                repeated = each.line_number in seen and len(line) > REPEATED_UP_TO
                seen.add(each.line_number)
                longest = max(longest, out.write(_as_row(each, None if repeated else line)))
        table = f"{self.schema}.aside"
        self.run(
            f"create table {table} as select * replace (from_base64(line) as line)"
            f" from {read_json(spool, _ASIDE, longest)}"
        )
        spool.unlink()
        return table

    # -- helpers of the above

    def split(self) -> list[bytes]:
        if self.lines is None:
            self.lines = self.chunk.split()
        return self.lines

    def number(self, index: int) -> int:
        return self.chunk.lines_before + index + 1

    def spool(self, kind: str, content: bytes) -> Path:
        path = self.judge._folder / f"{self.schema}.{kind}"
        path.write_bytes(content)
        return path


def read_json(spool: Path, columns: dict[str, str], longest_line: int) -> str:
    """The SQL that reads JSON Lines strictly, with nothing guessed.

    DuckDB sets two buffers of the longest line aside, for each thread.
    """
    typed = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
    size = max(_SMALLEST_OBJECT_SIZE, longest_line + 1024)
    path = str(spool).replace("'", "''")
    return (
        f"read_json('{path}', format = 'newline_delimited', compression = 'none',"
        f" columns = {{{typed}}}, maximum_object_size = {size})"
    )


def _as_row(each: SetAside, line: bytes | None) -> bytes:
    return b'{"line_number":%d,"call_number":%s,"reason":"%s","line":%s}\n' % (
        each.line_number,
        b"null" if each.call_number is None else b"%d" % each.call_number,
        each.reason.encode(),
        b"null" if line is None else b'"' + base64.b64encode(line) + b'"',
    )
