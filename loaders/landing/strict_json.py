"""Reads JSON strictly (RFC 8259), and cuts JSON text into its values without rewriting them.

orjson is strict, with two exceptions: it refuses a number beyond a double, and it turns a whole
number beyond 64 bits into a float. Both are valid JSON. Numbers of that length are passed to it as
marked text.
"""

import re
import secrets
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from math import isinf

import orjson

from loaders.landing.leniency import DEEPEST

# Numbers that a double may not hold exactly: 16 digits and a point, 17 digits, or an exponent. A
# number follows one of these letters, or begins the text; most digits of a log are in strings.
_LONG_NUMBER = re.compile(rb"(?:\A|[:,\[ \t\r\n])-?(?:[0-9.]{17}|[0-9.]+[eE])")
# The regular expressions are possessive and accept an unclosed string, so they never backtrack.
_STRING = rb'"(?:[^"\\]++|\\.)*+"?'
_NUMBER = rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_TOKEN = re.compile(_STRING + rb"|" + _NUMBER + rb"|[{}\[\],:]", re.DOTALL)
_BRACKET = re.compile(_STRING + rb"|[{}\[\]]", re.DOTALL)
# A number or a word ends at the first character that cannot be a part of it.
_SCALAR = re.compile(
    _STRING + rb"|(?:" + _NUMBER + rb'|true|false|null)(?=[ \t\r\n{}\[\]",]|\Z)', re.DOTALL
)
_SPACE = re.compile(rb"[ \t\r\n]*")
# The place between two objects. Outside strings, this matches nowhere else, except in a list within
# one of them.
_NEXT_OBJECT = re.compile(rb"\}(?=[ \t\r\n]*\{)")
_NEXT_ELEMENT = re.compile(rb"\}(?=[ \t\r\n]*,[ \t\r\n]*\{)")
_MARK = f"number {secrets.token_hex(8)} "
_MARKED = re.compile(rb'"' + _MARK.encode() + rb'([^"]*)"')
_MARKED_KEY = re.compile(_MARKED.pattern + rb"[ \t\r\n]*:")


class NotJson(ValueError):
    """Not JSON in UTF-8."""


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
        has_many_brackets = text.count(b"[") + text.count(b"{") > DEEPEST
        if has_many_brackets and _is_too_deep(error.doc[: error.pos].encode()):
            raise NestedTooDeep(f"nested deeper than {DEEPEST} levels") from None
        raise NotJson(str(error)) from None


def _is_too_deep(text: bytes) -> bool:
    """Whether more brackets are open at the end of `text` than orjson reads."""
    depth = 0
    for token in _BRACKET.finditer(text):
        if token[0] in (b"{", b"["):
            depth += 1
        elif token[0] in (b"}", b"]"):
            depth -= 1
    return depth > DEEPEST


def is_number(value: object) -> bool:
    """Whether a value from `parse` is a JSON number."""
    if isinstance(value, str):
        return value.startswith(_MARK)
    return isinstance(value, int | float) and not isinstance(value, bool)


def whole_number(value: object) -> str | None:
    """Return a number from `parse` as the text of an integer, if its fraction is zero: 4.2e1 is 42.

    None: its fraction is not zero, it was written as an integer, or it is beyond a double.
    """
    if isinstance(value, int):
        return None
    sent = value.removeprefix(_MARK) if isinstance(value, str) else repr(value)
    if isinf(float(sent)):
        return None
    try:
        number = Decimal(sent)
    except InvalidOperation:  # zero as a double, with an exponent of 19 digits
        return None
    whole = str(int(number)) if number == number.to_integral_value() else sent
    return whole if whole != sent else None


def values(text: bytes) -> Iterator[tuple[bytes, object]]:
    """Yield the values in `text`, one after another, each verbatim and as `parse` reads it.

    White space between them is optional. Raises `NotJson`, possibly after some values.
    """
    cutter, position = _Cutter(text, len(text), _NEXT_OBJECT), _after_space(text, 0)
    while position < len(text):
        end, value = cutter.read(position)
        yield text[position:end], value
        position = _after_space(text, end)


def elements(text: bytes) -> Iterator[tuple[bytes, object]]:
    """The same for the elements of an array; `text` begins with its bracket."""
    last = len(text.rstrip(b" \t\r\n")) - 1
    if last < 1 or text[last : last + 1] != b"]":
        raise NotJson("an array that is cut off")
    cutter, position = _Cutter(text, last, _NEXT_ELEMENT), _after_space(text, 1)
    while position < last:
        end, value = cutter.read(position)
        yield text[position:end], value
        comma = _after_space(text, end)
        if comma == last:
            return
        position = _after_space(text, comma + 1)
        if text[comma : comma + 1] != b"," or position == last:
            raise NotJson("an array with a comma too few or too many")


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
    """The members of a (valid) JSON object, each value verbatim. The first of equal keys counts."""
    found, parts = {}, _parts(text)
    for key in parts:
        found.setdefault(orjson.loads(key), next(parts))
    return found


def join_members(found: dict[str, bytes]) -> bytes:
    """The JSON object with these members."""
    return b"{" + b",".join(orjson.dumps(key) + b":" + value for key, value in found.items()) + b"}"


def _after_space(text: bytes, position: int) -> int:
    return _SPACE.match(text, position).end()


class _Cutter:
    """Reads the values of a long text from its start to its end, in one pass."""

    def __init__(self, text: bytes, end: int, next_object: re.Pattern[bytes]):
        self._text, self._end, self._next_object = text, end, next_object
        self._guesses = True

    def read(self, start: int) -> tuple[int, object]:
        """Return the end of the value that begins at `start`, and the value.

        The first guess is that an object ends where the next one begins. A wrong guess does not
        parse, because no object is the beginning of another. Then the brackets are counted.
        """
        text, guess = self._text, None
        if self._guesses and text[start : start + 1] == b"{":
            found = self._next_object.search(text, start, self._end)
            guess = found.start() + 1 if found else self._end
            try:
                return guess, parse(text[start:guess])
            except NestedTooDeep:
                raise
            except NotJson:
                pass
        end = _end_of_value(text, start, self._end)
        # A guess that was too far scans the rest of the text, so guess only once.
        self._guesses = self._guesses and (guess is None or guess < end)
        return end, parse(text[start:end])


def _end_of_value(text: bytes, start: int, end: int) -> int:
    if scalar := _SCALAR.match(text, start, end):
        return scalar.end()
    if text[start : start + 1] not in (b"{", b"["):
        raise NotJson("no JSON value begins here")
    depth = 0
    for token in _BRACKET.finditer(text, start, end):
        kind = token[0]
        if kind in (b"{", b"["):
            depth += 1
        elif kind in (b"}", b"]"):
            depth -= 1
            if not depth:
                return token.end()
    raise NotJson("a value that is cut off")


def _mark(match: re.Match[bytes]) -> bytes:
    token = match[0]
    if token[0] in b'"{}[],:' or not _LONG_NUMBER.search(token):
        return token
    return b'"' + _MARK.encode() + token + b'"'


def _parts(text: bytes) -> Iterator[bytes]:
    """Yield the text between the outermost brackets, cut at the commas and colons of that level."""
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
