"""Looks at lines one by one, in Python: what DuckDB cannot tell or would refuse as a whole.

A line becomes calls in a uniform wrapping, or is set aside. The fields are still read by DuckDB,
from the text that was sent, so that a call is the same whichever way it came. Of equal keys the
first counts, as it does in DuckDB.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import orjson

from loaders.fields import IDS, INHERITED
from loaders.message_id import message_id
from loaders.strict_json import (
    NestedTooDeep,
    NotJson,
    elements,
    is_number,
    join_members,
    members,
    parse,
    write,
)

_EMPTY = (None, "", {})
# A key that is not found by its `":`.
_SPACED_KEY = re.compile(rb'"[ \t\r\n]+:')


@dataclass(frozen=True)
class SetAside:
    """A line, or a call of a batch, that cannot be landed. `call_number` None: the whole line."""

    line: int  # its index
    call_number: int | None
    reason: str


def read_object(line: bytes) -> dict | str:
    """The JSON object that a line holds, or the reason why it does not."""
    try:
        value = parse(line)
    except NestedTooDeep:
        return "nested_too_deep"
    except NotJson:
        return "not_a_json_object"
    return value if isinstance(value, dict) else "not_a_json_object"


def sift(
    lines: Iterable[tuple[int, bytes]], out: BinaryIO
) -> tuple[list[SetAside], list[int], int]:
    """Write the calls of indexed `lines` to `out`, wrapped; blank lines are left out.

    Returns what was set aside, which lines are blank, and the length of the longest line that was
    written.
    """
    aside: list[SetAside] = []
    blank: list[int] = []
    longest = 0
    for index, line in lines:
        if not line.strip():
            blank.append(index)
            continue
        value = read_object(line)
        if isinstance(value, str):
            aside.append(SetAside(index, None, value))
            continue
        repeats = _repeats_a_key(value, line)
        if repeats:
            value = _first_of_equal_keys(line)
        if isinstance(value.get("batch"), list):
            calls = _batch(index, line, value, repeats, aside)
        else:
            calls = [(1, False, *_plain(value, line))]
        for call in calls:
            longest = max(longest, out.write(_wrap(index, *call)))
    return aside, blank, longest


def _batch(
    index: int, line: bytes, body: dict, repeats: bool, aside: list[SetAside]
) -> Iterator[tuple[int, bool, str | None, bytes]]:
    items = body["batch"]
    if not items:
        aside.append(SetAside(index, None, "empty_batch"))
    to_inherit = {name: body[name] for name in INHERITED if body.get(name) not in _EMPTY}
    if repeats:
        parts = members(line)
        texts = elements(parts["batch"])
        to_inherit = {name: parts[name] for name in to_inherit}
    for call_number, item in enumerate(items, start=1):
        if not isinstance(item, dict):
            aside.append(SetAside(index, call_number, "not_a_json_object"))
        elif repeats:
            yield call_number, True, *_item_verbatim(texts[call_number - 1], to_inherit)
        else:
            yield call_number, True, *_item(item, to_inherit)


def _plain(call: dict, line: bytes) -> tuple[str | None, bytes]:
    """A call that is a line of its own: its made id if it needs one, and its text."""
    made_id = message_id(call, line) if _is_absent(call.get("messageId")) else None
    if strange := _strange_ids(call):
        return made_id, join_members({k: v for k, v in members(line).items() if k not in strange})
    return made_id, line


def _item(item: dict, to_inherit: dict) -> tuple[str | None, bytes]:
    text = write(item)
    made_id = message_id(item, text) if _is_absent(item.get("messageId")) else None
    call = dict(item)
    for name in _strange_ids(item):
        del call[name]
    for name, value in to_inherit.items():
        if call.get(name) in _EMPTY:
            call[name] = value
    return made_id, text if call == item else write(call)


def _item_verbatim(text: bytes, to_inherit: dict[str, bytes]) -> tuple[str | None, bytes]:
    """The same, put together from what was sent: it repeats keys, or is too deep to be written."""
    item = _first_of_equal_keys(text)
    made_id = message_id(item, text) if _is_absent(item.get("messageId")) else None
    strange = _strange_ids(item)
    call = {name: value for name, value in members(text).items() if name not in strange}
    for name, value in to_inherit.items():
        if item.get(name) in _EMPTY:
            call[name] = value
    return made_id, join_members(call)


def _repeats_a_key(value: dict, text: bytes) -> bool:
    """Whether `text` may hold more keys than `value`, into which it was read."""
    if _SPACED_KEY.search(text):
        return True
    try:
        return text.count(b'":') != write(value).count(b'":')
    except NestedTooDeep:
        return True


def _first_of_equal_keys(text: bytes) -> dict:
    """An object's members as DuckDB reads them; orjson takes the last of equal keys."""
    return {name: parse(value) for name, value in members(text).items()}


def _strange_ids(call: dict) -> list[str]:
    return [name for name in IDS if name in call and not _can_be_an_id(call[name])]


def _can_be_an_id(value: object) -> bool:
    return value is None or isinstance(value, str) or is_number(value)


def _is_absent(value: object) -> bool:
    return value in (None, "") or not _can_be_an_id(value)


def _wrap(index: int, call_number: int, in_batch: bool, made_id: str | None, call: bytes) -> bytes:
    head = b'{"line":%d,"call_number":%d,"in_batch":%s,"made_id":%s,"call":' % (
        index,
        call_number,
        b"true" if in_batch else b"false",
        orjson.dumps(made_id),
    )
    return head + call + b"}\n"
