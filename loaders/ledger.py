"""The ledger: what became of every file, and the proof that the numbers agree."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import duckdb

from loaders.discover import LogFile
from loaders.errors import AccountingFailed


@dataclass
class Counts:
    """What became of a file's lines so far. `calls` are rows of `raw.calls`."""

    lines: int = 0
    landed: int = 0
    quarantined: int = 0
    blank: int = 0
    calls: int = 0

    def add(self, other: "Counts") -> None:
        """Count the lines of the next chunk, too."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass
class Ledger:
    """`raw.loads`, and the names under which landed content is known."""

    connection: duckdb.DuckDBPyConnection
    _known: dict[tuple, int] | None = field(default=None)

    def load_of_file(self, file: LogFile) -> int | None:
        """The load that landed this very file: same path, size and time. Reads nothing of it."""
        if self._known is None:
            rows = self.connection.execute(
                """
                select path, bytes, modified_at, load_id from raw.loads where status = 'landed'
                union all select path, bytes, modified_at, load_id from raw.copies
                """
            ).fetchall()
            self._known = {(path, size, time): load for path, size, time, load in rows}
        return self._known.get((file.path, file.bytes, file.modified_at))

    def load_of_content(self, sha256: str) -> int | None:
        """The load that landed this content, under whatever name."""
        row = self.connection.execute(
            "select load_id from raw.loads where sha256 = ? and status = 'landed'", [sha256]
        ).fetchone()
        return row[0] if row else None

    def may_be_a_copy(self, file: LogFile) -> bool:
        """Whether a landed file has the same size: then it pays to look at the content first."""
        return bool(
            self.connection.execute(
                "select 1 from raw.loads where bytes = ? and status = 'landed' limit 1",
                [file.bytes],
            ).fetchone()
        )

    def remember_copy(self, file: LogFile, load_id: int) -> None:
        """Next time this file need not be read."""
        self.connection.execute("delete from raw.copies where path = ?", [file.path])
        self.connection.execute(
            "insert into raw.copies values (?, ?, ?, ?)",
            [file.path, file.bytes, file.modified_at, load_id],
        )

    def next_load(self) -> int:
        """A number that no load had before."""
        return self.connection.execute("select nextval('raw.load_ids')").fetchone()[0]

    def land(
        self, load_id: int, file: LogFile, sha256: str, counts: Counts, started_at: datetime
    ) -> None:
        """Write the row of a landed file, unless a single line is unaccounted for."""
        self._check(load_id, file, counts)
        self._forget_refusals(file)
        self._insert(load_id, file, started_at, "landed", sha256=sha256, **vars(counts))

    def refuse(self, file: LogFile, reason: str, started_at: datetime) -> int:
        """Write the row of a refused file, in the place of an earlier one of the same path."""
        self._forget_refusals(file)
        load_id = self.next_load()
        self._insert(load_id, file, started_at, "refused", reason=reason)
        return load_id

    def _check(self, load_id: int, file: LogFile, counts: Counts) -> None:
        calls, quarantined = self.connection.execute(
            """
            select
                (select count(*) from raw.calls where load_id = $load),
                (select count(distinct line_number) from raw.quarantine where load_id = $load)
            """,
            {"load": load_id},
        ).fetchone()
        told = (counts.lines, counts.calls, counts.quarantined)
        found = (counts.landed + quarantined + counts.blank, calls, quarantined)
        if told != found:
            raise AccountingFailed(
                f"{file.path}: lines, calls and quarantined lines should be {told} and are"
                f" {found}. Nothing of this file was landed; please report it with the file."
            )

    def _forget_refusals(self, file: LogFile) -> None:
        self.connection.execute(
            "delete from raw.loads where path = ? and status = 'refused'", [file.path]
        )

    def _insert(self, load_id: int, file: LogFile, started_at: datetime, status: str, **more):
        row = {
            "load_id": load_id,
            "path": file.path,
            "source": file.source,
            "bytes": file.bytes,
            "modified_at": file.modified_at,
            "status": status,
            "started_at": started_at,
            "finished_at": now(),
            **more,
        }
        names = ", ".join(row)
        marks = ", ".join("?" * len(row))
        self.connection.execute(
            f"insert into raw.loads ({names}) values ({marks})", list(row.values())
        )


def now() -> datetime:
    """The time in UTC, as the ledger keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)
