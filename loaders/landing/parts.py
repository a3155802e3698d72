"""The data types that the steps of landing share: parts of files, and outcomes of their lines."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from loaders.landing.discover import LogFile

Status = Literal["landed", "unchanged", "refused", "growing"]


@dataclass(frozen=True)
class Block:
    """Whole lines as sent, each with its line end. One is added to a last line without it."""

    content: bytes
    lines: int

    def cut(self, lines: int) -> "tuple[Block, Block]":
        """Its first lines, and the rest."""
        end = 0
        for _ in range(lines):
            end = self.content.index(b"\n", end) + 1
        return Block(self.content[:end], lines), Block(self.content[end:], self.lines - lines)


@dataclass(frozen=True)
class Part:
    """Consecutive lines of one file."""

    index: int  # of the file, among those to land
    file: LogFile
    started_at: datetime
    blocks: Sequence[Block]
    lines_before: int  # of the same file, in earlier parts
    sha256: str | None  # of the whole file's unpacked bytes; None: more parts are to come

    @property
    def lines(self) -> int:
        """The number of lines."""
        return sum(block.lines for block in self.blocks)

    @property
    def bytes(self) -> int:
        """Unpacked."""
        return sum(len(block.content) for block in self.blocks)


@dataclass(frozen=True)
class Outcome:
    """A file from which nothing is stored."""

    index: int
    file: LogFile
    status: Status
    started_at: datetime
    reason: str | None = None
    sha256: str | None = None  # of a file whose content is known under another name


@dataclass
class Counts:
    """The outcomes of a file's lines so far. `calls` are rows of `raw.calls`."""

    lines: int = 0
    landed: int = 0
    quarantined: int = 0
    blank: int = 0
    calls: int = 0
    forgotten: int = 0

    def add(self, other: "Counts") -> None:
        """Count the lines of the next part, too."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass
class Stored:
    """The outcome of one part's lines."""

    counts: Counts
    reasons: Counter[str] = field(default_factory=Counter)
    resembles_a_log: bool = False  # a quarantined line is a call or a batch, although broken
