"""Cuts a stream of bytes into chunks that end where a line ends, and counts the lines."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from loaders.errors import DamagedFile
from loaders.leniency import longest_line, may_be_misread
from loaders.limits import MB, Limits
from loaders.stream import BOM


@dataclass(frozen=True)
class Chunk:
    """Whole lines of one file; the last line of the file may lack its line end."""

    content: bytes  # ends with a line end, whether the file does or not
    lines_before: int
    lines: int
    landmarks: tuple[tuple[int, int], ...]  # (index of a line, where it starts), a few
    longest_line: int  # an upper bound, in bytes
    doubtful: bool  # DuckDB's parser might forgive something here

    def split(self) -> list[bytes]:
        """The lines, each verbatim without its line ending (LF or CR LF)."""
        return [line.removesuffix(b"\r") for line in self.content.split(b"\n")[:-1]]


def chunks(blocks: Iterable[bytes], limits: Limits) -> Iterator[Chunk]:
    """Gather `blocks` into chunks of about `limits.chunk_bytes`, without the file's BOM."""
    lines_before = 0
    for content in _cut_at_line_ends(blocks, limits):
        if not lines_before:
            content = content.removeprefix(BOM)
        if not content:
            continue
        if not content.endswith(b"\n"):
            # DuckDB sometimes moves a last line without an end to the front.
            content += b"\n"
        lines, landmarks = _count_lines(content)
        longest, deep = longest_line(content)
        doubtful = deep or may_be_misread(content)
        yield Chunk(content, lines_before, lines, landmarks, longest, doubtful)
        lines_before += lines


def _count_lines(content: bytes) -> tuple[int, tuple[tuple[int, int], ...]]:
    """How many lines there are, and where a few start: one in each megabyte, and the last."""
    lines, start, landmarks = 0, 0, []
    while start < len(content):
        landmarks.append((lines, start))
        end = content.find(b"\n", start + MB)
        end = len(content) if end < 0 else end + 1
        lines += content.count(b"\n", start, end)
        start = end
    last = content.rfind(b"\n", 0, len(content) - 1) + 1
    return lines, (*landmarks, (lines - 1, last))


def _cut_at_line_ends(blocks: Iterable[bytes], limits: Limits) -> Iterator[bytes]:
    held: list[bytes] = []
    size = unfinished = 0  # bytes held, and those of them after the last line end
    for block in blocks:
        held.append(block)
        size += len(block)
        last_end = block.rfind(b"\n")
        unfinished = len(block) - last_end - 1 if last_end >= 0 else unfinished + len(block)
        if unfinished > limits.line_bytes:
            raise DamagedFile(
                f"a line is longer than {limits.line_bytes / MB:,.0f} MB"
                " (DAYBOOK_MAX_LINE_BYTES allows more)"
            )
        if size >= limits.chunk_bytes and unfinished < size:
            whole = b"".join(held)
            yield whole[: size - unfinished]
            held, size = [whole[size - unfinished :]], unfinished
    if size:
        yield b"".join(held)
