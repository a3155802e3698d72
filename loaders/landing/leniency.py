"""Finds, cheaply, the lines that DuckDB's JSON parser may accept and RFC 8259 forbids.

DuckDB accepts trailing commas, NaN and Infinity, form feeds around a line, and any nesting; it
skips blank lines without numbering them. Such lines are judged one by one, in Python. A false alarm
costs a little speed, never a row.
"""

import re
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_

import polars as pl

from loaders.limits import MB

# orjson reads no deeper. Deeper lines are quarantined.
DEEPEST = 1024
# DuckDB allocates two buffers of the longest line for each thread.
LONGEST_FOR_THE_ENGINE = 4 * MB

# First polars looks for pairs of bytes: the end of each hint, or all of it. Rust's regular
# expressions are fastest with a few such pairs. Then it looks for the hints themselves, one by one,
# because one expression of all of them takes three times as long.
_PAIRS = r"(?-u:[, \t\r][}\]]|[ \t\r],|[nNfFyY][,}\]]|\n[\n \t\r])"
_HINTS = (
    r"(?-u:,[ \t\r]*[}\]])",
    r"(?-u:\n[ \t\r]*\n)",
    r"(?-u:(?:[nN][aA][nN]|[iI][nN][fF]|[nN][iI][tT][yY])[ \t\r]*[,}\]])",
)
_FEEDS = (b"\x0b", b"\x0c")
_WHERE = (
    re.compile(rb",[ \t\r]*[}\]]"),
    re.compile(rb"[\x0b\x0c]"),
    re.compile(rb"(?:nan|inf|nity)[ \t\r]*[,}\]]", re.IGNORECASE),
    re.compile(rb"(?m)^(?=[ \t\r]*\n)"),
)
_STEP = 2 * DEEPEST


def doubtful_lines(blocks: Sequence[bytes]) -> list[list[tuple[int, int]]]:
    """For each block of whole lines: the lines that DuckDB should not judge, by start and end.

    The line end is not part of the line.
    """
    return [
        sorted({*_long_or_deep(block), *(_hinted(block) if hint or _starts_blank(block) else ())})
        for block, hint in zip(blocks, _have_hints(blocks), strict=True)
    ]


def _have_hints(blocks: Sequence[bytes]) -> list[bool]:
    try:
        text = pl.Series(blocks, dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.PolarsError:  # a block is not UTF-8: Python looks for its hints
        if len(blocks) == 1:
            return [True]
        return [hint for block in blocks for hint in _have_hints([block])]
    found = pl.Series([any(feed in block for feed in _FEEDS) for block in blocks])
    if (pairs := text.str.contains(_PAIRS)).any():
        found |= pairs & reduce(or_, (text.str.contains(hint) for hint in _HINTS))
    return found.to_list()


def _starts_blank(block: bytes) -> bool:
    return block.startswith((b"\n", b"\r", b" ", b"\t"))


def _hinted(block: bytes) -> Iterator[tuple[int, int]]:
    for pattern in _WHERE:
        for match in pattern.finditer(block):
            start = block.rfind(b"\n", 0, match.start()) + 1
            yield start, block.index(b"\n", start)


def _long_or_deep(block: bytes) -> Iterator[tuple[int, int]]:
    """Jumps to the last line end within each step: a line shorter than a step is not too deep."""
    position = 0
    while position < len(block):
        end = block.rfind(b"\n", position, position + _STEP)
        if end < 0:
            end = block.index(b"\n", position)
            if end - position > LONGEST_FOR_THE_ENGINE or _opens(block, position, end) > DEEPEST:
                yield position, end
        position = end + 1


def _opens(block: bytes, start: int, end: int) -> int:
    return block.count(b"{", start, end) + block.count(b"[", start, end)
