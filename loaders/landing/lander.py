"""Lands files, each whole or not at all. A transaction holds many small files or one large one."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import TypeVar

from loaders.landing.discover import LogFile
from loaders.landing.ledger import NO_CALL, Counts, Ledger, Load
from loaders.landing.spools import Outcome, Spool, Status, Written, spools, write
from loaders.landing.storing import Storer
from loaders.limits import Limits
from loaders.warehouse import Warehouse

Item = TypeVar("Item")


@dataclass(frozen=True)
class Landed:
    """The outcome of one file."""

    file: LogFile
    status: Status
    load_id: int | None
    counts: Counts = field(default_factory=Counts)
    reasons: Counter[str] = field(default_factory=Counter)  # why lines and calls are quarantined
    because: str | None = None  # why it was refused


@dataclass(frozen=True)
class Progress:
    """Callbacks while files are read: bytes read, calls landed."""

    read: Callable[[int], None] = lambda _: None
    called: Callable[[int], None] = lambda _: None


class _Dropped(Exception):
    def __init__(self, outcomes: list[Outcome]):
        self.outcomes = outcomes


class Lander:
    """Lands files into a warehouse."""

    def __init__(self, warehouse: Warehouse, limits: Limits, *, careful: bool = False):
        """With `careful`, Python judges every line; tests compare its outcome with DuckDB's."""
        self._warehouse = warehouse
        self._limits = limits
        self._ledger = Ledger(warehouse.connection)
        self._storer = Storer(warehouse, limits)
        self._careful = careful

    def land(self, files: Iterable[LogFile], progress: Progress | None = None) -> Iterator[Landed]:
        """Land files. A file whose content has landed is skipped, whatever its name is now."""
        progress = progress or Progress()
        reading = spools(files, self._ledger, self._limits, progress.read)
        prepared = ((spool, self._write(spool)) for spool in reading)
        with closing(_one_ahead(prepared)) as ready:
            for spool, written in ready:
                try:
                    with self._warehouse.transaction():
                        results = self._land_together(spool, written, ready, progress)
                except _Dropped as dropped:
                    with self._warehouse.transaction():
                        results = self._settle([], dropped.outcomes)
                yield from results

    def _write(self, spool: Spool) -> list[Written]:
        if self._careful or not spool.lines:
            return []
        return write(spool, self._warehouse.spool)

    def _land_together(
        self,
        spool: Spool,
        written: list[Written],
        ready: Iterator[tuple[Spool, list[Written]]],
        progress: Progress,
    ) -> list[Landed]:
        """Store a spool, and the following ones while they are pieces of the same file."""
        loads: list[Load] = []
        while True:
            if spool.drops_what_came_before:
                raise _Dropped(spool.outcomes)
            if not loads:
                loads = self._ledger.open(spool.parts)
            stored = self._storer.store(spool, written, [load.load_id for load in loads])
            for load, part, each in zip(loads, spool.parts, stored, strict=True):
                load.add(part, each)
            progress.called(sum(each.counts.calls for each in stored))
            if spool.closes:
                return self._settle(loads, spool.outcomes)
            spool, written = next(ready)

    def _settle(self, loads: list[Load], outcomes: list[Outcome]) -> list[Landed]:
        """Write the ledger, and return the outcome of each file in the order they were read."""
        no_logs = [load for load in loads if not load.is_a_log]
        loads = [load for load in loads if load.is_a_log]
        self._ledger.remove_rows(no_logs)
        self._ledger.close(loads)
        outcomes = [
            *map(self._ledger.judge, outcomes),
            *(
                Outcome(each.index, each.file, "refused", each.started_at, NO_CALL)
                for each in no_logs
            ),
        ]
        self._ledger.refuse([each for each in outcomes if each.status == "refused"])
        self._ledger.remember([each for each in outcomes if each.status == "unchanged"])
        results = [
            (load.index, Landed(load.file, "landed", load.load_id, load.counts, load.reasons))
            for load in loads
        ] + [
            (
                each.index,
                Landed(each.file, each.status, self._ledger.load_of(each), because=each.reason),
            )
            for each in outcomes
        ]
        return [landed for _, landed in sorted(results, key=lambda each: each[0])]


def _one_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Prepare the next item in a thread while the current one is used."""
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as ahead:
        following = ahead.submit(next, items, None)
        while (item := following.result()) is not None:
            following = ahead.submit(next, items, None)
            yield item
