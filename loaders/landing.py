"""Lands files, each whole or not at all: read once, judged in chunks, one transaction."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

from loaders import fields
from loaders.chunks import chunks
from loaders.discover import LogFile
from loaders.errors import DamagedFile
from loaders.judge import Judge, JudgedChunk, Way
from loaders.ledger import Counts, Ledger, now
from loaders.limits import Limits
from loaders.stream import Stream
from loaders.warehouse import Warehouse


@dataclass(frozen=True)
class Landed:
    """What became of one file."""

    file: LogFile
    status: Literal["landed", "unchanged", "refused"]
    load_id: int
    counts: Counts = field(default_factory=Counts)
    reasons: Counter[str] = field(default_factory=Counter)  # why lines and calls were set aside
    refused_because: str | None = None


@dataclass(frozen=True)
class Progress:
    """Whom to tell while a file is read: bytes of the file, calls landed."""

    read: Callable[[int], None] = lambda _: None
    called: Callable[[int], None] = lambda _: None


class _AlreadyLanded(Exception):
    def __init__(self, load_id: int):
        self.load_id = load_id


class Lander:
    """Lands one file after the other into a warehouse."""

    def __init__(self, warehouse: Warehouse, limits: Limits, way: Way | None = None):
        """`way` makes every chunk go one way, for tests; by default the quickest that is safe."""
        self._warehouse = warehouse
        self._limits = limits
        self._way = way
        self._ledger = Ledger(warehouse.connection)
        # Reads and judges the next chunk while the last one is stored.
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="ahead")

    def __enter__(self) -> "Lander":
        return self

    def __exit__(self, *_: object) -> None:
        self._ahead.shutdown()

    def land(self, file: LogFile, progress: Progress | None = None) -> Landed:
        """Land one file. A file whose content is already here is left alone."""
        progress = progress or Progress()
        if earlier := self._ledger.load_of_file(file):
            progress.read(file.bytes)
            return Landed(file, "unchanged", earlier)
        started_at = now()
        try:
            if self._ledger.may_be_a_copy(file):
                self._look_for_the_same_content(file)
            with self._warehouse.transaction():
                return self._store(file, progress, started_at)
        except _AlreadyLanded as earlier:
            with self._warehouse.transaction():
                self._ledger.remember_copy(file, earlier.load_id)
            return Landed(file, "unchanged", earlier.load_id)
        except DamagedFile as damage:
            with self._warehouse.transaction():
                load_id = self._ledger.refuse(file, str(damage), started_at)
            return Landed(file, "refused", load_id, refused_because=str(damage))

    def _look_for_the_same_content(self, file: LogFile) -> None:
        stream = Stream(file, self._limits)
        for _ in stream:
            pass
        self._refuse_to_land_twice(stream)

    def _refuse_to_land_twice(self, stream: Stream) -> None:
        if earlier := self._ledger.load_of_content(stream.sha256):
            raise _AlreadyLanded(earlier)

    def _store(self, file: LogFile, progress: Progress, started_at) -> Landed:
        stream = Stream(file, self._limits, progress.read)
        load_id, counts, reasons = self._ledger.next_load(), Counts(), Counter()
        for chunk in self._judged(stream):
            stored = self._store_chunk(load_id, chunk)
            counts.add(stored)
            reasons += chunk.reasons
            progress.called(stored.calls)
        self._refuse_to_land_twice(stream)
        self._ledger.land(load_id, file, stream.sha256, counts, started_at)
        return Landed(file, "landed", load_id, counts, reasons)

    def _judged(self, stream: Stream) -> Iterator[JudgedChunk]:
        """The judged chunks of a stream, one ahead of the one that is being stored."""
        with self._warehouse.connection.cursor() as cursor:
            judge = Judge(cursor, self._warehouse.spool, self._way)
            waiting = chunks(stream, self._limits)

            def judge_next() -> JudgedChunk | None:
                chunk = next(waiting, None)
                return judge.judge(chunk) if chunk else None

            ahead = self._ahead.submit(judge_next)
            try:
                while judged := ahead.result():
                    ahead = self._ahead.submit(judge_next)
                    try:
                        yield judged
                    finally:
                        self._warehouse.detach(judged.schema)
            finally:
                # Stopped half-way: what was judged ahead will never be stored.
                if not ahead.cancel() and not ahead.exception() and (left := ahead.result()):
                    self._warehouse.detach(left.schema)

    def _store_chunk(self, load_id: int, chunk: JudgedChunk) -> Counts:
        """Copy a chunk's tables into the raw tables, and count what went where."""
        run, kept = self._warehouse.connection.execute, fields.columns_kept()
        counts = Counts(lines=chunk.lines, blank=chunk.blank)
        if chunk.rows:
            where = "where not look_again and reason is null" if chunk.has_odd_rows else ""
            (counts.landed,) = run(
                f"""
                insert into raw.calls
                select {load_id}, {chunk.lines_before} + rowid + 1, 1, false, {kept}
                from {chunk.rows} {where}
                """
            ).fetchone()
            counts.calls = counts.landed
        if chunk.aside:
            run(f"insert into raw.quarantine select {load_id}, * from {chunk.aside}")
            (counts.quarantined,) = run(
                f"select count(distinct line_number) from {chunk.aside}"
            ).fetchone()
        if chunk.sifted:
            (calls,) = run(
                f"""
                insert into raw.calls
                select {load_id}, line_number, call_number, in_batch, {kept}
                from {chunk.sifted} where reason is null
                """
            ).fetchone()
            but_not_aside = (
                f"where line_number not in (select line_number from {chunk.aside})"
                if chunk.aside
                else ""
            )
            (landed,) = run(
                f"select count(distinct line_number) from {chunk.sifted} {but_not_aside}"
            ).fetchone()
            counts.calls += calls
            counts.landed += landed
        return counts
