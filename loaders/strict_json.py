"""Reads one line as RFC 8259 has it, and cuts JSON text without rewriting it.

orjson is strict but for two things: a number beyond a double is an error to it, and a whole number
beyond 64 bits becomes a float. Both are valid JSON, so numbers that long travel as marked text.
"""

import re
import secrets
from collections.abc import Iterator

import orjson

from loaders.leniency import DEEPEST

# Wherever a value has so many digits or an exponent, what was read may not be what was written.
_LONG_NUMBER = re.compile(rb"[0-9]{17}|[0-9][eE]")
# Possessive, and content with an unclosed string: no line can make it go back and forth.
_TOKEN = re.compile(
    rb'"(?:[^"\\]++|\\.)*+"?|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|[{}\[\],:]',
    re.DOTALL,
)
_MARK = f"number {secrets.token_hex(8)} "
_MARKED = re.compile(rb'"' + _MARK.encode() + rb'([^"]*)"')
_MARKED_KEY = re.compile(_MARKED.pattern + rb"[ \t\r\n]*:")


class NotJson(ValueError):
    """Not one JSON value in UTF-8."""


class NestedTooDeep(NotJson):
    """Deeper than 1,024 levels."""


def parse(text: bytes) -> object:
    """Read `text` strictly; long numbers come as marked text (see `is_number`)."""
    if _LONG_NUMBER.search(text):
        text = _TOKEN.sub(_mark, text)
        if _MARKED_KEY.search(text):
            raise NotJson("a number in the place of a key")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if "depth" in str(error) or "recursion" in str(error).lower():
            raise NestedTooDeep(f"nested deeper than {DEEPEST} levels") from None
        raise NotJson(str(error)) from None


def is_number(value: object) -> bool:
    """Whether a value out of `parse` is a JSON number."""
    if isinstance(value, str):
        return value.startswith(_MARK)
    return isinstance(value, int | float) and not isinstance(value, bool)


def write(value: object, *, sort_keys: bool = False) -> bytes:
    """Write what `parse` read, numbers as they were sent.

    Raises `NestedTooDeep` beyond the 254 levels that orjson writes.
    """
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS if sort_keys else None)
    except TypeError as error:
        raise NestedTooDeep(str(error)) from None
    return _MARKED.sub(rb"\1", text) if _MARK.encode() in text else text


def members(text: bytes) -> dict[str, bytes]:
    """The members of a (valid) JSON object, each value verbatim; of equal keys the first."""
    found, parts = {}, _parts(text)
    for key in parts:
        found.setdefault(orjson.loads(key), next(parts))
    return found


def elements(text: bytes) -> list[bytes]:
    """The elements of a (valid) JSON array, each verbatim."""
    return list(_parts(text))


def join_members(found: dict[str, bytes]) -> bytes:
    """The object that has these members."""
    return b"{" + b",".join(orjson.dumps(key) + b":" + value for key, value in found.items()) + b"}"


def _mark(match: re.Match[bytes]) -> bytes:
    token = match[0]
    if token[0] in b'"{}[],:' or not _LONG_NUMBER.search(token):
        return token
    return b'"' + _MARK.encode() + token + b'"'


def _parts(text: bytes) -> Iterator[bytes]:
    """What stands between the outermost brackets, cut at the commas and colons of that level."""
    depth, start = 0, 0
    for token in _TOKEN.finditer(text):
        kind = token[0]
        if kind in (b"{", b"["):
            depth += 1
            if depth == 1:
                start = token.end()
        elif kind in (b"}", b"]"):
            depth -= 1
            if depth == 0 and (part := text[start : token.start()].strip()):
                yield part
        elif depth == 1 and kind in (b",", b":"):
            yield text[start : token.start()].strip()
            start = token.end()
