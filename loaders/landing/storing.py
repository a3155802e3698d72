"""Stores a spool: its calls in `raw.calls`, and each quarantined line in `raw.quarantine`.

DuckDB reads the spool and stores every line that is plainly one call. The other lines are judged in
Python, one by one (`sift`): batch bodies, several calls on a line, calls without a message id, ids
that are not kept as they were sent, and lines to quarantine. Both ways end in the same SQL, which
reads the fields and gives the reasons.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import accumulate, groupby, pairwise
from operator import attrgetter
from pathlib import Path

from loaders import fields
from loaders.forgotten import Forgotten
from loaders.landing import judging
from loaders.landing.parts import Block, Counts, Part, Stored
from loaders.landing.quarantine import resembles_a_call
from loaders.landing.sift import ToQuarantine, sift
from loaders.landing.spools import Spool, Written
from loaders.limits import KB, MB, Limits
from loaders.warehouse import Warehouse

# The text of a line is stored with each of its problems if these copies fit into this many bytes,
# else with the first problem only: a batch may have thousands of problems.
_COPIES_UP_TO = 256 * KB
# Lines are quarantined in portions of about this size.
_PORTION = 16 * MB
_MOST_ROWS = 100_000

_SMALLEST_OBJECT_SIZE = 8 * MB

_GIANT = 8 * MB
_MEMORY_PER_BYTE = 32  # worst case: a line of nothing but small numbers or objects
_SIFTED = {
    "line": "BIGINT",
    "call_number": "BIGINT",
    "in_batch": "BOOLEAN",
    "whole_line": "BOOLEAN",
    "made_id": "VARCHAR",
}


class Storer:
    """Stores spools one after the other, in the open transaction.

    Until a line gets its load id and line number, it is identified by its index in the spool.
    """

    def __init__(self, warehouse: Warehouse, limits: Limits):
        self._connection = warehouse.connection
        self._run = warehouse.connection.execute
        self._limits = limits
        self._folder = warehouse.spool
        self._forgotten = Forgotten(warehouse.connection)

    def store(self, spool: Spool, written: Sequence[Written], loads: Sequence[int]) -> list[Stored]:
        """Store each part under its load of `loads`; without `written`, every line is sifted."""
        stored = [Stored(Counts(lines=part.lines)) for part in spool.parts]
        if spool.lines:
            self._place(spool.parts, loads)
            left_out = self._store_at_engine_speed(spool, written)
            self._look_at(spool, left_out, stored)
        for each in stored:
            counts = each.counts
            counts.landed = counts.lines - counts.quarantined - counts.blank - counts.forgotten
        return stored

    def _place(self, parts: Sequence[Part], loads: Sequence[int]) -> None:
        self._loads = loads
        self._befores = [part.lines_before for part in parts]
        self._starts = list(accumulate((part.lines for part in parts), initial=0))
        self._here = f"load_id between {min(loads)} and {max(loads)}"
        if len(parts) == 1:  # a piece of a large file: do not scan the earlier pieces
            before = parts[0].lines_before
            self._here += f" and line_number between {before + 1} and {before + parts[0].lines}"
        self._is_numbered = False

    def _place_of(self, line: int) -> tuple[int, int]:
        """The load of a line, and its line number in it."""
        part = bisect_right(self._starts, line) - 1
        return self._loads[part], self._befores[part] + line - self._starts[part] + 1

    def _number_the_lines(self) -> None:
        """Make the temporary table `numbered`, with the load and number of every line, once."""
        if self._is_numbered:
            return
        self._run(
            """
            create or replace temp table numbered as
            select load_id, start + i as line, before + i + 1 as line_number
            from (
                select load_id, start, before, unnest(range(lines)) as i
                from (
                    select
                        unnest($loads::bigint[]) as load_id,
                        unnest($starts::bigint[]) as start,
                        unnest($befores::bigint[]) as before,
                        unnest($lines::bigint[]) as lines
                )
            )
            """,
            {
                "loads": self._loads,
                "starts": self._starts[:-1],
                "befores": self._befores,
                "lines": [end - start for start, end in pairwise(self._starts)],
            },
        )
        self._is_numbered = True

    # -- by DuckDB

    def _store_at_engine_speed(self, spool: Spool, written: Sequence[Written]) -> Sequence[int]:
        """Store the lines that are plainly one call. Returns the others, in order."""
        if not written:
            return range(spool.lines)
        if len(spool.parts) > 1:
            self._number_the_lines()
        halves = " union all ".join(self._select_calls(half, spool.parts) for half in written)
        (inserted,) = self._run(f"insert into raw.calls {halves}").fetchone()
        if not self._is_in_order(written):
            self._take_back()
            return range(spool.lines)
        return () if inserted == spool.lines else self._left_out()

    def _select_calls(self, half: Written, parts: Sequence[Part]) -> str:
        place = "load_id, line_number"
        numbered = "inner join numbered on read.line = numbered.line"
        if len(parts) == 1:  # then no join is needed
            place = f"{self._loads[0]}, {parts[0].lines_before + 1} + read.line"
            numbered = ""
        return f"""
            select {place}, 1, false, {fields.columns_kept()}
            from (
                select
                    *,
                    {half.lines_before} - 1 + row_number() over () as line,
                    {judging.needs_python()} as look_again,
                    {judging.reason()} as reason
                from (
                    select {fields.select_kept()}, batch, distinct_id
                    from {read_json(half.path, fields.SENT)}
                )
            ) as read
            {numbered}
            where not look_again and reason is null
                {f"and not {self._forgotten.may_be_theirs()}" if self._forgotten else ""}
        """

    def _is_in_order(self, written: Sequence[Written]) -> bool:
        """Whether the n-th row is the n-th line, checked at the landmarks.

        The line numbers rely on DuckDB reading each half in the order of its lines.
        """
        landmarks = {
            self._place_of(line): text for half in written for line, text in half.landmarks.items()
        }
        loads, numbers = zip(*landmarks, strict=True)
        return all(
            message_id.encode() in landmarks[load, number]
            for load, number, message_id in self._run(
                f"""
                select calls.load_id, calls.line_number, calls.message_id
                from (select * from raw.calls where {self._here}) as calls
                inner join (
                    select
                        unnest($loads::bigint[]) as load_id,
                        unnest($numbers::bigint[]) as line_number
                ) as landmarks
                    on calls.load_id = landmarks.load_id
                    and calls.line_number = landmarks.line_number
                """,
                {"loads": loads, "numbers": numbers},
            ).fetchall()
        )

    def _take_back(self) -> None:
        self._number_the_lines()
        self._run(
            """
            delete from raw.calls using numbered
            where calls.load_id = numbered.load_id and calls.line_number = numbered.line_number
            """
        )

    def _left_out(self) -> list[int]:
        self._number_the_lines()
        rows = self._run(
            f"""
            select numbered.line
            from numbered
            anti join (
                select load_id, line_number from raw.calls where {self._here}
            ) as calls
                on calls.load_id = numbered.load_id and calls.line_number = numbered.line_number
            order by all
            """
        ).fetchall()
        return [line for (line,) in rows]

    # -- line by line

    def _look_at(self, spool: Spool, left_out: Sequence[int], stored: list[Stored]) -> None:
        """Sift the lines that DuckDB did not store, and count the outcomes of each part's lines."""
        for each in stored:
            each.counts.calls = each.counts.lines
        if not left_out:
            return
        self._number_the_lines()
        lines = _Lines(spool.blocks())
        for is_giant, some in groupby(left_out, lines.are_giant):
            for together in ([line] for line in some) if is_giant else (some,):
                with self._more_memory(lines, together[0]) if is_giant else nullcontext():
                    self._sift(lines, list(together), stored)

    @contextmanager
    def _more_memory(self, lines: "_Lines", giant: int) -> Iterator[None]:
        """A higher memory limit for a giant line: the memory DuckDB needs grows with the line."""
        usual = int(self._limits.engine_bytes)
        # A cursor, because an error may have aborted the transaction.
        with self._connection.cursor() as cursor:
            cursor.execute(f"set memory_limit = '{usual + _MEMORY_PER_BYTE * len(lines[giant])}B'")
            try:
                yield
            finally:
                cursor.execute(f"set memory_limit = '{usual}B'")

    def _sift(self, lines: "_Lines", some: Sequence[int], stored: list[Stored]) -> None:
        path = self._folder / "sifted"
        with path.open("wb") as out:
            to_quarantine, blank, longest = sift(((line, lines[line]) for line in some), out)
        self._run(f"create or replace temp table sifted as {self._select_sifted(path, longest)}")
        path.unlink()
        self._run(
            f"""
            insert into raw.calls
            select load_id, line_number, call_number, in_batch, {fields.columns_kept()}
            from sifted
            inner join numbered on sifted.line = numbered.line
            where reason is null and not is_forgotten
            """
        )
        found = self._run(
            """
            select line, if(whole_line, null, call_number), reason from sifted
            where reason is not null and not is_forgotten
            """
        ).fetchall()
        to_quarantine = sorted(
            [*to_quarantine, *(ToQuarantine(*each) for each in found)],
            key=lambda each: (each.line, each.call_number or 0),
        )
        if self._forgotten:
            to_quarantine = self._skip_the_forgotten(to_quarantine, lines, stored)
        self._quarantine(to_quarantine, lines, stored)
        calls = self._run(
            "select line, count(*) from sifted where reason is null and not is_forgotten"
            " group by all"
        ).fetchall()
        self._count(stored, some, dict(calls), to_quarantine, blank)

    def _skip_the_forgotten(
        self, to_quarantine: list[ToQuarantine], lines: "_Lines", stored: list[Stored]
    ) -> list[ToQuarantine]:
        """Note which calls are of forgotten people; return what is still to quarantine.

        Quarantine keeps whole lines, so a line that names a forgotten person is not quarantined.
        """
        calls = self._run("select line, call_number from sifted where is_forgotten").fetchall()
        theirs = {line for line, _ in calls}
        theirs |= {
            line
            for line in {each.line for each in to_quarantine} - theirs
            if self._forgotten.is_named_in(lines[line])
        }
        calls += [(each.line, each.call_number) for each in to_quarantine if each.line in theirs]
        self._run(
            """
            insert into raw.forgotten_calls
            select load_id, line_number, call_number
            from (
                select
                    unnest($lines::bigint[]) as line, unnest($call_numbers::bigint[]) as call_number
            ) as calls
            inner join numbered on calls.line = numbered.line
            """,
            {"lines": [line for line, _ in calls], "call_numbers": [call for _, call in calls]},
        )
        for line in theirs:
            self._part_of(line, stored).counts.forgotten += 1
        return [each for each in to_quarantine if each.line not in theirs]

    def _select_sifted(self, path: Path, longest: int) -> str:
        call = ", ".join(f'"{name}" {kind}' for name, kind in fields.SENT.items())
        columns = _SIFTED | {"call": f"STRUCT({call})"}
        return f"""
            select
                line, call_number, in_batch, whole_line,
                {fields.columns_kept()},
                {judging.reason()} as reason,
                {self._forgotten.is_theirs() if self._forgotten else "false"} as is_forgotten
            from (
                select * replace (coalesce(made_id, message_id) as message_id)
                from (
                    select
                        line, call_number, in_batch, whole_line, made_id,
                        {fields.select_kept()},
                        distinct_id
                    from (
                        select line, call_number, in_batch, whole_line, made_id, unnest(call)
                        from {read_json(path, columns, longest)}
                    )
                )
            )
        """

    def _quarantine(
        self, to_quarantine: list[ToQuarantine], lines: "_Lines", stored: list[Stored]
    ) -> None:
        rows: list[tuple[int, int | None, str, bytes | None]] = []
        size = 0
        for line, group in groupby(to_quarantine, attrgetter("line")):
            problems, text, part = list(group), lines[line], self._part_of(line, stored)
            part.resembles_a_log = part.resembles_a_log or (
                problems[0].reason == "empty_batch" or resembles_a_call(text)
            )
            copy = text if len(text) * len(problems) <= _COPIES_UP_TO else None
            for position, each in enumerate(problems):
                kept = copy if position else text
                rows.append((*each, kept))
                size += len(kept or b"")
                if size >= _PORTION or len(rows) >= _MOST_ROWS:
                    self._insert_quarantined(rows)
                    rows, size = [], 0
        if rows:
            self._insert_quarantined(rows)

    def _insert_quarantined(self, rows: list[tuple[int, int | None, str, bytes | None]]) -> None:
        columns = map(list, zip(*rows, strict=True))
        self._run(
            """
            insert into raw.quarantine
            select load_id, line_number, call_number, reason, text
            from (
                select
                    unnest($lines::bigint[]) as line,
                    unnest($call_numbers::bigint[]) as call_number,
                    unnest($reasons::varchar[]) as reason,
                    unnest($texts::blob[]) as text
            ) as quarantined
            inner join numbered on quarantined.line = numbered.line
            """,
            dict(zip(("lines", "call_numbers", "reasons", "texts"), columns, strict=True)),
        )

    def _count(
        self,
        stored: list[Stored],
        sifted: Sequence[int],
        calls: dict[int, int],
        to_quarantine: list[ToQuarantine],
        blank: list[int],
    ) -> None:
        for line in sifted:
            self._part_of(line, stored).counts.calls += calls.get(line, 0) - 1
        for line in blank:
            self._part_of(line, stored).counts.blank += 1
        for line in {each.line for each in to_quarantine}:
            self._part_of(line, stored).counts.quarantined += 1
        for each in to_quarantine:
            self._part_of(each.line, stored).reasons[each.reason] += 1

    def _part_of(self, line: int, stored: list[Stored]) -> Stored:
        return stored[bisect_right(self._starts, line) - 1]


class _Lines:
    """A spool's lines, each verbatim without its line ending (LF or CR LF).

    Fast when they are read in order: it continues from the line that was read last.
    """

    def __init__(self, blocks: Sequence[Block]):
        self._blocks = blocks
        self._starts = list(accumulate((block.lines for block in blocks), initial=0))
        self._block = self._line = self._position = 0

    def are_giant(self, line: int) -> bool:
        """Whether the line's block is so large that its lines are sifted one by one."""
        return len(self._blocks[bisect_right(self._starts, line) - 1].content) > _GIANT

    def __getitem__(self, line: int) -> bytes:
        block = bisect_right(self._starts, line) - 1
        if block != self._block or line < self._line:
            self._block, self._line, self._position = block, self._starts[block], 0
        content, position = self._blocks[block].content, self._position
        for _ in range(line - self._line):
            position = content.index(b"\n", position) + 1
        self._line, self._position = line, position
        return content[position : content.index(b"\n", position)].removesuffix(b"\r")


def read_json(path: Path, columns: dict[str, str], longest_line: int = 0) -> str:
    """The SQL that reads JSON Lines with stated columns, one row per line.

    All columns are null for a line that is not one JSON object. The first of equal keys counts.
    """
    typed = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
    size = max(_SMALLEST_OBJECT_SIZE, longest_line + 1024)
    quoted = str(path).replace("'", "''")
    return (
        f"read_json('{quoted}', format = 'newline_delimited', compression = 'none',"
        f" columns = {{{typed}}}, ignore_errors = true, maximum_object_size = {size})"
    )
