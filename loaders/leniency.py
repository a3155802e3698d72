"""Finds, cheaply, the lines that DuckDB's JSON parser would forgive and RFC 8259 does not.

DuckDB takes trailing commas, NaN and Infinity, form feeds around a line, and any nesting; it passes
over blank lines without giving them a number. Such lines are judged one by one instead. A false
alarm costs a little speed, never a row.
"""

import re

import polars as pl

from loaders.limits import MB

# Deeper lines are set aside. It is what orjson reads.
DEEPEST = 1024
# DuckDB sets two buffers of the longest line aside for each thread.
LONGEST_FOR_THE_ENGINE = 4 * MB

# First with Rust's regular expressions, which are quick; a chunk that has none of these is through.
_HINTS = (
    r"(?-u:,[ \t\r]*[}\]]|\n[ \t\r]*\n|[\x0b\x0c])",
    r"(?-u:(?:[nN][aA][nN]|[iI][nN][fF]|[nN][iI][tT][yY])[ \t\r]*[,}\]])",
)
_WHERE = (
    re.compile(rb",[ \t\r]*[}\]]"),
    re.compile(rb"[\x0b\x0c]"),
    re.compile(rb"(?:nan|inf|nity)[ \t\r]*[,}\]]", re.IGNORECASE),
    re.compile(rb"(?m)^(?=[ \t\r]*\n)"),
)
_STEP = 2 * DEEPEST


def doubtful_lines(content: bytes, most: int) -> list[tuple[int, int]] | None:
    """Where each line starts and ends that DuckDB should not judge; None if they are over `most`.

    `content` ends with a line end. The ends are those of the line without its line end.
    """
    found = set(_long_or_deep(content))
    if _has_hints(content):
        for pattern in _WHERE:
            for match in pattern.finditer(content):
                start = content.rfind(b"\n", 0, match.start()) + 1
                found.add((start, content.index(b"\n", start)))
                if len(found) > most:
                    return None
    return sorted(found)


def _has_hints(content: bytes) -> bool:
    if content.startswith((b"\n", b"\r", b" ", b"\t")):
        return True
    text = pl.Series([content]).cast(pl.String, strict=False)
    return text.has_nulls() or any(text.str.contains(hint)[0] for hint in _HINTS)


def _long_or_deep(content: bytes) -> list[tuple[int, int]]:
    """Jumps from line end to line end in steps: a line shorter than a step cannot be too deep."""
    position, found = 0, []
    while position < len(content):
        end = content.rfind(b"\n", position, position + _STEP)
        if end < 0:
            end = content.index(b"\n", position)
            if end - position > LONGEST_FOR_THE_ENGINE or _opens(content, position, end) > DEEPEST:
                found.append((position, end))
        position = end + 1
    return found


def _opens(content: bytes, start: int, end: int) -> int:
    return content.count(b"{", start, end) + content.count(b"[", start, end)
