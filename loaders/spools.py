"""Gathers files into spools: what is handed to DuckDB, and committed, at once.

A spool holds many small files, each whole, or one piece of a large one. Files are read here, ahead
of the spool that is being stored.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Literal

from loaders.discover import LogFile
from loaders.errors import DamagedFile, StillGrowing
from loaders.ledger import Ledger, now
from loaders.leniency import doubtful_lines
from loaders.limits import MB, Limits
from loaders.stream import Stream

# With more doubtful lines than this, a spool is judged line by line from the start.
_MOST_DOUBTFUL = 20_000
_MOST_LINES = 1_000_000
_MOST_FILES = 5_000

_numbers = count(1)


Status = Literal["landed", "unchanged", "refused", "growing"]


@dataclass(frozen=True)
class Part:
    """Whole lines of one file."""

    index: int  # of the file, among those to land
    file: LogFile
    started_at: datetime
    content: bytes  # ends with a line end, whether the file does or not; without a BOM
    lines: int
    lines_before: int  # of the same file, in earlier parts
    sha256: str | None  # of the whole file's unpacked bytes; None: more parts are to come


@dataclass(frozen=True)
class Outcome:
    """A file of which nothing is stored."""

    index: int
    file: LogFile
    status: Status
    started_at: datetime
    reason: str | None = None
    sha256: str | None = None  # of a file whose content is known under another name


@dataclass
class Spool:
    """Parts to store together, and what became of the other files on the way."""

    parts: list[Part] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    drops_what_came_before: bool = False  # the pieces so far were of a file that is no good

    @property
    def closes(self) -> bool:
        """Whether all its files are whole now, so that it can be committed."""
        return all(part.sha256 for part in self.parts)

    @property
    def lines(self) -> int:
        """The lines of all parts."""
        return sum(part.lines for part in self.parts)

    @property
    def is_full(self) -> bool:
        """Whether it holds as many files as go into one transaction."""
        return len(self.parts) + len(self.outcomes) >= _MOST_FILES

    def split(self) -> list[bytes]:
        """The lines, each verbatim without its line ending (LF or CR LF)."""
        content = b"".join(part.content for part in self.parts)
        return [line.removesuffix(b"\r") for line in content.split(b"\n")[:-1]]


@dataclass(frozen=True)
class Written:
    """Half a spool as a file for DuckDB: a row for each line, `{}` where a line is doubtful."""

    path: Path
    lines_before: int  # in the same spool
    landmarks: dict[int, bytes]  # a few lines, by their index in the spool


def spools(
    files: Iterable[LogFile], ledger: Ledger, limits: Limits, on_read: Callable[[int], None]
) -> Iterator[Spool]:
    """Read `files`, in order, into spools of about `limits.chunk_bytes`."""
    spool, lines, size = Spool(), 0, 0
    for index, file in enumerate(files):
        in_pieces = False
        try:
            for part in _read(index, file, ledger, limits, on_read):
                if not part.sha256 and not in_pieces:
                    in_pieces = True
                    if spool.parts or spool.outcomes:
                        yield spool
                    spool, lines, size = Spool(), 0, 0
                if in_pieces:
                    yield Spool([part])
                else:
                    spool.parts.append(part)
                    lines, size = lines + part.lines, size + len(part.content)
        except _NothingToStore as nothing:
            if in_pieces:
                yield Spool(outcomes=[nothing.outcome], drops_what_came_before=True)
            else:
                spool.outcomes.append(nothing.outcome)
        if size >= limits.chunk_bytes or lines >= _MOST_LINES or spool.is_full:
            yield spool
            spool, lines, size = Spool(), 0, 0
    if spool.parts or spool.outcomes:
        yield spool


class _NothingToStore(Exception):
    def __init__(self, outcome: Outcome):
        self.outcome = outcome


def _read(
    index: int, file: LogFile, ledger: Ledger, limits: Limits, on_read: Callable[[int], None]
) -> Iterator[Part]:
    """The parts of a file that is new and sound; else `_NothingToStore`, after some, perhaps."""
    started_at = now()

    def nothing(status: Status, reason: str | None = None, sha256: str | None = None):
        return _NothingToStore(Outcome(index, file, status, started_at, reason, sha256))

    try:
        if ledger.has_file(file):
            on_read(file.bytes)
            raise nothing("unchanged")
        if file.bytes > limits.chunk_bytes and ledger.may_have_content_of(file):
            # To read a large file twice is cheaper than to store it and take it back.
            sha256 = _hash(file, limits)
            if ledger.has_content(sha256):
                on_read(file.bytes)
                raise nothing("unchanged", sha256=sha256)
        stream = Stream(file, limits, on_read)
        before = 0
        for content, lines in _cut(stream, limits):
            sha256 = stream.sha256 if stream.is_read else None
            if sha256 and ledger.has_content(sha256):
                raise nothing("unchanged", sha256=sha256)
            if sha256:
                ledger.expect(sha256)
            yield Part(index, file, started_at, content, lines, before, sha256)
            before += lines
    except StillGrowing as growing:
        raise nothing("growing", str(growing)) from growing
    except DamagedFile as damage:
        raise nothing("refused", str(damage)) from damage


def _hash(file: LogFile, limits: Limits) -> str:
    stream = Stream(file, limits)
    for _ in stream:
        pass
    return stream.sha256


def _cut(stream: Stream, limits: Limits) -> Iterator[tuple[bytes, int]]:
    """Cut a stream where a line ends: pieces, and their lines. The last may be empty."""
    held: list[bytes] = []
    size = lines = 0
    unfinished = 0  # of the bytes held, those after the last line end
    for block in stream:
        held.append(block)
        size += len(block)
        lines += block.count(b"\n")
        last_end = block.rfind(b"\n")
        unfinished = len(block) - last_end - 1 if last_end >= 0 else unfinished + len(block)
        if unfinished > limits.line_bytes:
            raise DamagedFile(
                f"a line is longer than {limits.line_bytes / MB:,.0f} MB"
                " (DAYBOOK_MAX_LINE_BYTES allows more)"
            )
        if lines and (size >= limits.chunk_bytes or lines >= _MOST_LINES):
            content = b"".join(held)
            yield content[: size - unfinished], lines
            held, size, lines = [content[size - unfinished :]], unfinished, 0
    if unfinished:
        # DuckDB sometimes moves a last line without an end to the front.
        held.append(b"\n")
        lines += 1
    yield b"".join(held), lines


def write(spool: Spool, folder: Path) -> list[Written]:
    """Write a spool for DuckDB, as a file for each of two threads; none if it is too doubtful."""
    content = b"".join(part.content for part in spool.parts)
    doubtful = doubtful_lines(content, _MOST_DOUBTFUL)
    if doubtful is None:
        return []
    middle = content.find(b"\n", len(content) // 2) + 1 or len(content)
    written, before = [], 0
    for start, end in ((0, middle), (middle, len(content))):
        if start == end:
            continue
        path = folder / f"half-{next(_numbers)}"
        with path.open("wb") as out:
            position = start
            for line_start, line_end in doubtful:
                if start <= line_start < end:
                    out.write(content[position:line_start] + b"{}")
                    position = line_end
            out.write(content[position:end])
        lines, landmarks = _landmarks(content, start, end, before)
        written.append(Written(path, before, landmarks))
        before += lines
    return written


def _landmarks(
    content: bytes, start: int, end: int, before: int
) -> tuple[int, dict[int, bytes]]:
    """How many lines there are, and a few of them: one in each megabyte, and the last."""
    lines, position, found = 0, start, {}
    while position < end:
        found[before + lines] = content[position : content.index(b"\n", position)]
        step = content.find(b"\n", position + MB, end)
        step = end if step < 0 else step + 1
        lines += content.count(b"\n", position, step)
        position = step
    last = max(content.rfind(b"\n", start, end - 1) + 1, start)
    found[before + lines - 1] = content[last : end - 1]
    return lines, found
