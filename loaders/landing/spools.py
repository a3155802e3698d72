"""Gathers files into spools. A spool is passed to DuckDB as a whole, and committed as a whole.

A spool holds many small files, each complete, or one piece of a large file. The next spool is read
while the previous one is being stored.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from loaders.errors import DamagedFile, StillGrowing
from loaders.landing.discover import LogFile
from loaders.landing.fetching import ahead
from loaders.landing.ledger import Ledger, now
from loaders.landing.leniency import doubtful_lines
from loaders.landing.objects import PIECE
from loaders.landing.parts import Block, Outcome, Part, Status
from loaders.landing.stream import Stream
from loaders.limits import MB, Limits

# With more doubtful lines than this, a spool is judged line by line from the start.
_MOST_DOUBTFUL = 20_000
# DuckDB stores rows in groups of this size. Each of its two threads gets one whole group: smaller
# parts are copied together in one thread, and rows beyond a group are written twice.
_ROW_GROUP = 122_880
_MOST_LINES = 2 * _ROW_GROUP
_MOST_FILES = 5_000

# At any time one spool is being stored and one is being written, each in two files. Overwriting a
# file is faster than creating and removing one.
_names = cycle(["half-1", "half-2", "half-3", "half-4"])

# Blocks are checked for doubtful lines before they are written. A check takes this many blocks,
# each of at least this size.
_LOOK_AT = 1 * MB
_LOOK_AT_ONCE = 4


@dataclass
class Spool:
    """Parts to store together, and the outcomes of the other files that were read with them."""

    parts: list[Part] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    drops_what_came_before: bool = False  # the pieces so far are of a file that is not stored

    @property
    def closes(self) -> bool:
        """Whether all its files are complete, so that it can be committed."""
        return all(part.sha256 for part in self.parts)

    @property
    def lines(self) -> int:
        """The lines of all parts."""
        return sum(part.lines for part in self.parts)

    @property
    def is_full(self) -> bool:
        """Whether it holds as many files as go into one transaction."""
        return len(self.parts) + len(self.outcomes) >= _MOST_FILES

    def blocks(self) -> list[Block]:
        """The blocks of all parts, in order."""
        return [block for part in self.parts for block in part.blocks]


@dataclass(frozen=True)
class Written:
    """Half a spool as a file for DuckDB: one row per line, `{}` in the place of a doubtful line."""

    path: Path
    lines_before: int  # in the same spool
    landmarks: dict[int, bytes]  # a few lines, by their index in the spool


def spools(
    files: Iterable[LogFile], ledger: Ledger, limits: Limits, on_read: Callable[[int], None]
) -> Iterator[Spool]:
    """Read `files`, in order, into spools of about `limits.chunk_bytes`."""
    spool, lines, size = Spool(), 0, 0
    files = _fetched_ahead(files, wanted=lambda file: not ledger.has_file(file))
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
                    lines, size = lines + part.lines, size + part.bytes
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
    """Yield the parts of a new and sound file. Else raises `_NothingToStore`, maybe after some."""
    started_at = now()

    def nothing(status: Status, reason: str | None = None, sha256: str | None = None):
        return _NothingToStore(Outcome(index, file, status, started_at, reason, sha256))

    try:
        if ledger.has_file(file):
            on_read(file.bytes)
            raise nothing("unchanged")
        if file.bytes > limits.chunk_bytes and ledger.may_have_content_of(file):
            # Reading a large file twice is cheaper than storing it and rolling back.
            sha256 = _hash(file, limits)
            if ledger.has_content(sha256):
                on_read(file.bytes)
                raise nothing("unchanged", sha256=sha256)
        stream = Stream(file, limits, on_read)
        before = 0
        for blocks in _cut(stream, limits):
            sha256 = stream.sha256 if stream.is_read else None
            if sha256 and ledger.has_content(sha256):
                raise nothing("unchanged", sha256=sha256)
            if sha256:
                ledger.expect(sha256)
            part = Part(index, file, started_at, blocks, before, sha256)
            yield part
            before += part.lines
    except StillGrowing as growing:
        raise nothing("growing", str(growing)) from growing
    except DamagedFile as damage:
        raise nothing("refused", str(damage)) from damage


def _hash(file: LogFile, limits: Limits) -> str:
    stream = Stream(file, limits)
    for _ in stream:
        pass
    return stream.sha256


def _fetched_ahead(
    files: Iterable[LogFile], wanted: Callable[[LogFile], bool]
) -> Iterator[LogFile]:
    """Yield the same files; small objects are fetched in advance, while earlier files are used."""

    def weigh(file: LogFile) -> int:
        is_small = file.remote is not None and file.bytes <= PIECE
        return file.bytes if is_small and wanted(file) else 0

    for file, _ in ahead(files, lambda file: file.remote.fetch(), weigh):
        yield file


def _cut(stream: Stream, limits: Limits) -> Iterator[list[Block]]:
    """Cut a stream into blocks of whole lines, gathered into pieces. The last may be empty."""
    blocks: list[Block] = []
    size = lines = 0
    line: list[bytes] = []  # the beginning of a line whose end has not been read yet
    for read in stream:
        end = read.rfind(b"\n") + 1
        if end:
            content = b"".join((*line, memoryview(read)[:end]))
            _refuse_a_long_line(content, limits)
            block, line = Block(content, _count_lines(content)), []
            while lines + block.lines >= _MOST_LINES:
                first, block = block.cut(_MOST_LINES - lines)
                yield [*blocks, first]
                blocks, size, lines = [], 0, 0
            if block.lines:
                blocks.append(block)
            size, lines = size + len(block.content), lines + block.lines
        line.append(read[end:])
        if sum(map(len, line)) > limits.line_bytes:
            raise _too_long(limits)
        if size >= limits.chunk_bytes:
            # With long lines there may be room for one row group only: store it alone.
            piece, blocks = _halve(blocks, lines) if lines > _ROW_GROUP else (blocks, [])
            yield piece
            size = sum(len(block.content) for block in blocks)
            lines = sum(block.lines for block in blocks)
    if last := b"".join(line):
        # DuckDB sometimes moves a last line without an end to the front.
        blocks.append(Block(last + b"\n", 1))
    yield blocks


def _refuse_a_long_line(content: bytes, limits: Limits) -> None:
    """Raise `DamagedFile` if one of these whole lines is too long. Looks at few of the bytes."""
    start, most = 0, int(limits.line_bytes)
    while len(content) - start > most + 1:
        end = content.rfind(b"\n", start, start + most + 1)
        if end < 0:
            raise _too_long(limits)
        start = end + 1


def _too_long(limits: Limits) -> DamagedFile:
    most = limits.line_bytes
    size = f"{most / MB:,.0f} MB" if most >= MB else f"{most:,.0f} bytes"
    return DamagedFile(f"a line is longer than {size} (DAYBOOK_MAX_LINE_BYTES allows more)")


def _count_lines(content: bytes) -> int:
    """The same as `count(b"\\n")`, but faster: `replace` jumps from one to the next."""
    return len(content) - len(content.replace(b"\n", b""))


def write(spool: Spool, folder: Path) -> list[Written]:
    """Write a spool as a file for each of two threads; none if too many lines are doubtful."""
    written, before = [], 0
    most_doubtful = _MOST_DOUBTFUL
    for blocks in _halve(list(_gather(spool.blocks())), spool.lines):
        path = folder / next(_names)
        written.append(Written(path, before, landmarks := {}))
        with path.open("r+b" if path.exists() else "wb") as out:
            for some in _by(_LOOK_AT_ONCE, blocks):
                doubtful = doubtful_lines([block.content for block in some])
                most_doubtful -= sum(map(len, doubtful))
                for block, lines in zip(some, doubtful, strict=True):
                    out.writelines(_masked(block.content, lines))
                    landmarks |= _landmarks(block, before)
                    before += block.lines
            out.truncate()
        if most_doubtful < 0:
            return []
    return written


def _by(number: int, blocks: Sequence[Block]) -> Iterator[Sequence[Block]]:
    for start in range(0, len(blocks), number):
        yield blocks[start : start + number]


def _halve(blocks: list[Block], lines: int) -> Iterator[list[Block]]:
    """Yield one row group and the rest; with fewer lines than that, two halves."""
    half, left = [], _ROW_GROUP if lines >= _ROW_GROUP else -(-lines // 2)
    for position, block in enumerate(blocks):
        if block.lines > left:
            last, first = block.cut(left)
            yield [*half, last] if left else half
            yield [first, *blocks[position + 1 :]]
            return
        half.append(block)
        left -= block.lines
    yield half


def _gather(blocks: Iterable[Block]) -> Iterator[Block]:
    """Join small blocks into blocks of at least `_LOOK_AT` bytes."""
    held: list[Block] = []
    for block in blocks:
        held.append(block)
        if sum(len(each.content) for each in held) >= _LOOK_AT:
            yield _join(held)
            held = []
    if held:
        yield _join(held)


def _join(blocks: Sequence[Block]) -> Block:
    if len(blocks) == 1:
        return blocks[0]
    return Block(b"".join(each.content for each in blocks), sum(each.lines for each in blocks))


def _masked(content: bytes, doubtful: Sequence[tuple[int, int]]) -> Iterator[bytes | memoryview]:
    """The content, with `{}` in the place of the doubtful lines."""
    view, position = memoryview(content), 0
    for start, end in doubtful:
        yield view[position:start]
        yield b"{}"
        position = end
    yield view[position:]


def _landmarks(block: Block, before: int) -> dict[int, bytes]:
    """The first and the last line of a block."""
    content = block.content
    last = content.rfind(b"\n", 0, len(content) - 1) + 1
    return {before: content[: content.index(b"\n")], before + block.lines - 1: content[last:-1]}
