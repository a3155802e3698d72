"""The ledger: the outcome of every file. It refuses to commit counts that do not add up."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import duckdb

from loaders.accounts import disagreements
from loaders.errors import AccountingFailed, NoSuchLoad
from loaders.landing.discover import LogFile
from loaders.landing.parts import Counts, Outcome, Part, Stored
from loaders.warehouse import Warehouse

NO_CALL = (
    "no line of it is a call. Daybook reads JSON Lines, each call or batch body on one line (jq -c"
    " . FILE makes them of other JSON): move the file away, or name only the folders and files that"
    " are logs"
)


@dataclass
class Load:
    """A file that is being landed."""

    load_id: int
    index: int
    file: LogFile
    started_at: datetime
    sha256: str | None = None
    counts: Counts = field(default_factory=Counts)
    reasons: Counter[str] = field(default_factory=Counter)
    resembles_a_log: bool = False

    def add(self, part: Part, stored: Stored) -> None:
        """Another part of the file has been stored."""
        self.counts.add(stored.counts)
        self.reasons += stored.reasons
        self.resembles_a_log |= stored.resembles_a_log
        self.sha256 = part.sha256

    @property
    def is_a_log(self) -> bool:
        """Whether any line is a call or a batch, sound or broken, or all lines are blank."""
        counts = self.counts
        has_calls = bool(counts.calls or counts.forgotten)
        return has_calls or self.resembles_a_log or counts.lines == counts.blank


@dataclass(frozen=True)
class Unloaded:
    """A load that was removed."""

    load_id: int
    path: str
    calls: int


class Ledger:
    """`raw.loads`, and `raw.copies` with the other paths of landed content."""

    def __init__(self, connection: duckdb.DuckDBPyConnection):
        self._run = connection.execute
        self._connection = connection
        rows = self._run(
            """
            select path, bytes, modified_at, load_id from raw.loads where status = 'landed'
            union all select path, bytes, modified_at, load_id from raw.copies
            """
        ).fetchall()
        self._files = {(path, size, time): load for path, size, time, load in rows}
        self._contents: dict[str, int | None] = dict(
            self._run("select sha256, load_id from raw.loads where status = 'landed'").fetchall()
        )
        self._sizes = {size for _, size, _ in self._files}
        self._not_logs: set[str] = set()  # contents that this run has refused

    # -- asked by the thread that reads ahead

    def has_file(self, file: LogFile) -> bool:
        """Whether a file of the same path, size and time has landed. Does not read the file."""
        return _name(file) in self._files

    def has_content(self, sha256: str) -> bool:
        """Whether this content has landed or is being landed, under any name."""
        return sha256 in self._contents

    def may_have_content_of(self, file: LogFile) -> bool:
        """Whether a landed file has the same size, so that it may have the same content."""
        return file.bytes in self._sizes

    def expect(self, sha256: str) -> None:
        """Note that this content is being landed."""
        self._contents[sha256] = None

    # -- in the transaction

    def open(self, parts: Sequence[Part]) -> list[Load]:
        """A load for each part, with a new number."""
        numbers = self._run("select nextval('raw.load_ids') from range(?)", [len(parts)]).fetchall()
        return [
            Load(number, part.index, part.file, part.started_at)
            for part, (number,) in zip(parts, sorted(numbers), strict=True)
        ]

    def close(self, loads: Sequence[Load]) -> None:
        """Write the rows of landed files. Raises if even one line is unaccounted for."""
        if not loads:
            return
        self._remove_refusals([load.file for load in loads])
        self._insert(
            [
                {
                    **_row(load.file, load.started_at),
                    **vars(load.counts),
                    "load_id": load.load_id,
                    "status": "landed",
                    "sha256": load.sha256,
                }
                for load in loads
            ]
        )
        ids = [load.load_id for load in loads]
        if wrong := disagreements(self._connection, between=(min(ids), max(ids))):
            raise AccountingFailed(
                f"{wrong[0].path} cannot be accounted for: {wrong[0].what}. Nothing of it was"
                " landed; please report it with the file."
            )
        for load in loads:
            self._contents[load.sha256] = load.load_id
            self._files[_name(load.file)] = load.load_id

    def remove_rows(self, loads: Sequence[Load]) -> None:
        """Remove the stored rows of files that turned out not to be logs."""
        if not loads:
            return
        self._run(
            "delete from raw.quarantine where load_id in (select unnest($loads::bigint[]))",
            {"loads": [load.load_id for load in loads]},
        )
        self._not_logs.update(load.sha256 for load in loads)

    def judge(self, outcome: Outcome) -> Outcome:
        """Refuse a copy of a file that this run has refused because it is not a log."""
        if outcome.sha256 not in self._not_logs:
            return outcome
        return replace(outcome, status="refused", reason=NO_CALL, sha256=None)

    def refuse(self, outcomes: Sequence[Outcome]) -> None:
        """Write the rows of refused files. They replace earlier rows of the same path."""
        if not outcomes:
            return
        self._remove_refusals([each.file for each in outcomes])
        numbers = self._run(
            "select nextval('raw.load_ids') from range(?)", [len(outcomes)]
        ).fetchall()
        self._insert(
            [
                {
                    **_row(each.file, each.started_at),
                    "load_id": number,
                    "status": "refused",
                    "reason": each.reason,
                }
                for each, (number,) in zip(outcomes, sorted(numbers), strict=True)
            ]
        )

    def remember(self, outcomes: Sequence[Outcome]) -> None:
        """Store the paths of copies of landed files, so that the next run need not read them.

        A path that was refused before is not refused any more.
        """
        copies = [each for each in outcomes if each.sha256]
        if not copies:
            return
        self._remove_refusals([each.file for each in copies])
        self._run(
            "delete from raw.copies where path in (select unnest($paths::varchar[]))",
            {"paths": [each.file.path for each in copies]},
        )
        self._run(
            """
            insert into raw.copies
            select
                unnest($paths::varchar[]), unnest($bytes::bigint[]),
                unnest($times::timestamp[]), unnest($loads::bigint[])
            """,
            {
                "paths": [each.file.path for each in copies],
                "bytes": [each.file.bytes for each in copies],
                "times": [each.file.modified_at for each in copies],
                "loads": [self._contents[each.sha256] for each in copies],
            },
        )
        for each in copies:
            self._files[_name(each.file)] = self._contents[each.sha256]

    def load_of(self, outcome: Outcome) -> int | None:
        """The load that has a skipped file's content."""
        return self._files.get(_name(outcome.file))

    def unload(self, warehouse: Warehouse, load_ids: Sequence[int]) -> list[Unloaded]:
        """Remove loads from every raw table, all or none. Raises `NoSuchLoad`."""
        load_ids = list(dict.fromkeys(load_ids))
        found = self._run(
            """
            select load_ids.load_id, any_value(path), count(calls.load_id)
            from (select unnest($loads::bigint[]) as load_id) as load_ids
            left join raw.loads on load_ids.load_id = loads.load_id
            left join raw.calls on load_ids.load_id = calls.load_id
            group by load_ids.load_id
            having count(loads.load_id) > 0 or count(calls.load_id) > 0
            """,
            {"loads": load_ids},
        ).fetchall()
        known = {load_id: (path, calls) for load_id, path, calls in found}
        if unknown := [load_id for load_id in load_ids if load_id not in known]:
            several = len(unknown) > 1
            raise NoSuchLoad(
                f"There {'are' if several else 'is'} no load{'s' if several else ''}"
                f" {', '.join(map(str, unknown))}; nothing was unloaded. The table raw.loads of"
                f" {warehouse.path} lists them."
            )
        with warehouse.transaction():
            for load_id in load_ids:
                for table in ("calls", "quarantine", "forgotten_calls", "copies", "loads"):
                    self._run(f"delete from raw.{table} where load_id = ?", [load_id])
                # This tells the next build not to append to tables that still hold its calls.
                row = [load_id, known[load_id][0], now()]
                self._run("insert into raw.taken_out values (?, ?, ?)", row)
        return [
            Unloaded(load_id, path or "(not in raw.loads)", calls)
            for load_id, (path, calls) in ((load_id, known[load_id]) for load_id in load_ids)
        ]

    def _remove_refusals(self, files: Sequence[LogFile]) -> None:
        self._run(
            """
            delete from raw.loads
            where status = 'refused' and path in (select unnest($paths::varchar[]))
            """,
            {"paths": [file.path for file in files]},
        )

    def _insert(self, rows: list[dict]) -> None:
        columns = ", ".join(
            f"unnest(${name}::{_TYPES.get(name, 'varchar')}[]) as {name}" for name in rows[0]
        )
        self._run(
            f"insert into raw.loads by name select {columns}",
            {name: [row[name] for row in rows] for name in rows[0]},
        )


_TYPES = dict.fromkeys(
    ("load_id", "bytes", "lines", "landed", "quarantined", "blank", "calls", "forgotten"), "bigint"
) | dict.fromkeys(("modified_at", "started_at", "finished_at"), "timestamp")


def _name(file: LogFile) -> tuple[str, int, datetime]:
    return file.path, file.bytes, file.modified_at


def _row(file: LogFile, started_at: datetime | None) -> dict:
    return {
        "path": file.path,
        "source": file.source,
        "bytes": file.bytes,
        "modified_at": file.modified_at,
        "started_at": started_at,
        "finished_at": now(),
    }


def now() -> datetime:
    """The time in UTC, as the ledger keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)
