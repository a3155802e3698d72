"""Finds, cheaply, what DuckDB's JSON parser would forgive and RFC 8259 does not.

DuckDB takes trailing commas, NaN and Infinity, form feeds around a line, and any nesting. A chunk
with a hint of these is judged line by line instead. A false alarm costs speed, never a row.
"""

import re

# Deeper lines are set aside. It is what orjson reads.
DEEPEST = 1024

_TRAILING_COMMA = re.compile(rb",[ \t\r]*[}\]]")
# Looked for in lower case. They begin with letters, not with a class: that is what makes them fast.
_NOT_NUMBERS = (
    re.compile(rb"nan[ \t\r]*[,}\]]"),
    re.compile(rb"inf(?:inity)?[ \t\r]*[,}\]]"),
)
_STEP = 2 * DEEPEST


def may_be_misread(content: bytes) -> bool:
    """Whether strict reading by DuckDB may accept something here that is not JSON."""
    if _TRAILING_COMMA.search(content) or b"\x0b" in content or b"\x0c" in content:
        return True
    lowered = content.lower()
    return any(pattern.search(lowered) for pattern in _NOT_NUMBERS)


def longest_line(content: bytes) -> tuple[int, bool]:
    """An upper bound of the longest line, and whether a line may be nested too deep.

    Jumps from line end to line end in steps: a line shorter than a step cannot be too deep.
    """
    position, size, longest, deep = 0, len(content), _STEP, False
    while position < size:
        end = content.rfind(b"\n", position, position + _STEP)
        if end < 0:
            end = content.find(b"\n", position)
            end = size if end < 0 else end
            longest = max(longest, end - position)
            deep = deep or _opens(content, position, end) > DEEPEST
        position = end + 1
    return longest, deep


def _opens(content: bytes, start: int, end: int) -> int:
    return content.count(b"{", start, end) + content.count(b"[", start, end)
