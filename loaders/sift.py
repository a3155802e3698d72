"""Looks at lines one by one, in Python: what DuckDB cannot tell or would refuse as a whole.

A line becomes calls in a uniform wrapping, or is set aside. The fields are still read by DuckDB,
from the text that was sent, so that a call is the same whichever way it came.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

import orjson

from loaders.fields import FIELDS, IDS, INHERITED, WITNESSES
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

_KEYS = tuple(b'"%s"' % name.encode() for name in (*FIELDS, *WITNESSES))
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")
_EMPTY = (None, "", {})


@dataclass(frozen=True)
class SetAside:
    """A line, or a call of a batch, that cannot be landed. `call_number` None: the whole line."""

    line_number: int
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


def sift(lines: Iterable[tuple[int, bytes]], out: BinaryIO) -> tuple[list[SetAside], int, int]:
    """Write the calls of numbered `lines` to `out`, wrapped; blank lines are left out.

    Returns what was set aside, the number of blank lines, and the length of the longest line
    that was written.
    """
    aside: list[SetAside] = []
    blank = longest = 0
    for line_number, line in lines:
        if not line.strip():
            blank += 1
            continue
        value = read_object(line)
        if isinstance(value, str):
            aside.append(SetAside(line_number, None, value))
        elif isinstance(value.get("batch"), list):
            longest = max(longest, _sift_batch(line_number, line, value, out, aside))
        else:
            longest = max(longest, out.write(_wrap(line_number, 1, False, *_plain(value, line))))
    return aside, blank, longest


def _sift_batch(
    line_number: int, line: bytes, body: dict, out: BinaryIO, aside: list[SetAside]
) -> int:
    items = body["batch"]
    if not items:
        aside.append(SetAside(line_number, None, "empty_batch"))
        return 0
    to_inherit = {name: body[name] for name in INHERITED if body.get(name) not in _EMPTY}
    verbatim: list[bytes] | None = None
    longest = 0
    for call_number, item in enumerate(items, start=1):
        if not isinstance(item, dict):
            aside.append(SetAside(line_number, call_number, "not_a_json_object"))
            continue
        try:
            made_id, text = _item(item, to_inherit)
        except NestedTooDeep:
            verbatim = verbatim or elements(members(line)["batch"])
            raw = {name: members(line)[name] for name in to_inherit}
            made_id, text = _deep_item(item, verbatim[call_number - 1], raw)
        longest = max(longest, out.write(_wrap(line_number, call_number, True, made_id, text)))
    return longest


def _plain(call: dict, line: bytes) -> tuple[str | None, bytes]:
    """A call that is a line of its own: its made id if it needs one, and its text."""
    made_id = message_id(call, line) if _is_absent(call.get("messageId")) else None
    strange = _strange_ids(call)
    if strange or _may_repeat_a_key(line):
        found = members(line)
        return made_id, join_members({k: v for k, v in found.items() if k not in strange})
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


def _deep_item(item: dict, text: bytes, to_inherit: dict[str, bytes]) -> tuple[str | None, bytes]:
    """The same for an item that is too deep to be written again: put together from its text."""
    made_id = message_id(item, text) if _is_absent(item.get("messageId")) else None
    strange = _strange_ids(item)
    call = {name: value for name, value in members(text).items() if name not in strange}
    for name, value in to_inherit.items():
        if item.get(name) in _EMPTY:
            call[name] = value
    return made_id, join_members(call)


def _strange_ids(call: dict) -> list[str]:
    return [name for name in IDS if name in call and not _can_be_an_id(call[name])]


def _can_be_an_id(value: object) -> bool:
    return value is None or isinstance(value, str) or is_number(value)


def _is_absent(value: object) -> bool:
    return value in (None, "") or not _can_be_an_id(value)


def _may_repeat_a_key(line: bytes) -> bool:
    return bool(_ESCAPED_LETTER.search(line)) or any(line.count(key) > 1 for key in _KEYS)


def _wrap(
    line_number: int, call_number: int, in_batch: bool, made_id: str | None, call: bytes
) -> bytes:
    head = b'{"line_number":%d,"call_number":%d,"in_batch":%s,"made_id":%s,"call":' % (
        line_number,
        call_number,
        b"true" if in_batch else b"false",
        orjson.dumps(made_id),
    )
    return head + call + b"}\n"
