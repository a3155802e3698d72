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

    content: bytes
    lines_before: int
    lines: int
    longest_line: int  # an upper bound, in bytes
    doubtful: bool  # DuckDB's parser might forgive something here

    def split(self) -> list[bytes]:
        """The lines, each verbatim without its line ending (LF or CR LF)."""
        lines = self.content.split(b"\n")
        if not lines[-1]:
            lines.pop()
            return [line.removesuffix(b"\r") for line in lines]
        return [*(line.removesuffix(b"\r") for line in lines[:-1]), lines[-1]]


def chunks(blocks: Iterable[bytes], limits: Limits) -> Iterator[Chunk]:
    """Gather `blocks` into chunks of about `limits.chunk_bytes`, without the file's BOM."""
    lines_before = 0
    for content in _cut_at_line_ends(blocks, limits):
        if not lines_before:
            content = content.removeprefix(BOM)
        if not content:
            continue
        lines = content.count(b"\n") + (not content.endswith(b"\n"))
        longest, deep = longest_line(content)
        yield Chunk(content, lines_before, lines, longest, deep or may_be_misread(content))
        lines_before += lines


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
