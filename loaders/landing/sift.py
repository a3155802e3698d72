"""Judges, one by one in Python, the lines that DuckDB cannot judge or would refuse as a whole.

A line becomes calls in a uniform wrapping, or is quarantined. DuckDB still reads the fields, from
the text that was sent, so that both ways of reading give the same call. If a key is repeated, the
first one counts, as it does in DuckDB.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import orjson

from loaders.fields import IDS, INHERITED
from loaders.landing.message_id import message_id
from loaders.landing.strict_json import (
    NestedTooDeep,
    NotJson,
    elements,
    is_number,
    join_members,
    members,
    parse,
    values,
    whole_number,
    write,
)

_EMPTY = (None, "", {})
# Spellings for which counting `":` miscounts keys: space before the colon, or escaped characters.
_HIDDEN = re.compile(rb'"[ \t\r\n]+:|\\u00(?:22|3[aA])')


class ToQuarantine(NamedTuple):
    """A line, or a call of it, to quarantine. `call_number` None: the whole line."""

    line: int  # its index
    call_number: int | None
    reason: str


@dataclass(frozen=True)
class _Call:
    """A call as DuckDB will read it."""

    number: int  # on its line, from 1
    in_batch: bool
    is_whole_line: bool
    made_id: str | None  # for a call that was sent without a message id
    text: bytes


def sift(
    lines: Iterable[tuple[int, bytes]], out: BinaryIO
) -> tuple[list[ToQuarantine], list[int], int]:
    """Write the calls of indexed `lines` to `out`, wrapped; blank lines are skipped.

    Returns what to quarantine, which lines are blank, and the length of the longest line written.
    """
    to_quarantine: list[ToQuarantine] = []
    blank: list[int] = []
    longest = written = 0
    for index, line in lines:
        if not line.strip():
            blank.append(index)
            continue
        quarantined_before, written_before = len(to_quarantine), written
        try:
            for call in _calls(index, line, to_quarantine):
                size = out.write(_wrap(index, call))
                longest, written = max(longest, size), written + size
        except NotJson as error:  # then no part of the line lands
            del to_quarantine[quarantined_before:]
            if written > written_before:
                out.seek(written_before)
                out.truncate()
                written = written_before
            is_deep = isinstance(error, NestedTooDeep)
            to_quarantine.append(
                ToQuarantine(index, None, "nested_too_deep" if is_deep else "not_a_json_object")
            )
    return to_quarantine, blank, longest


def _calls(index: int, line: bytes, to_quarantine: list[ToQuarantine]) -> Iterator[_Call]:
    """The calls of a line, in order. Raises `NotJson`, possibly after some of them."""
    line = line.strip(b" \t\r\n")
    is_array = line.startswith(b"[")
    number = 0
    for text, value in elements(line) if is_array else values(line):
        is_whole_line = not is_array and len(text) == len(line)
        if not isinstance(value, dict):
            if is_whole_line:
                raise NotJson("no object")
            number += 1
            to_quarantine.append(ToQuarantine(index, number, "not_a_json_object"))
            continue
        repeats = _repeats_a_key(value, text)
        if repeats:
            value = _first_of_equal_keys(text)
        if not isinstance(value.get("batch"), list):
            number += 1
            yield _Call(number, False, is_whole_line, *_plain(value, text))
        elif value["batch"]:
            yield from _batch(index, text, value, repeats, number, to_quarantine)
            number += len(value["batch"])
        else:
            number += 1
            to_quarantine.append(
                ToQuarantine(index, None if is_whole_line else number, "empty_batch")
            )
    if not number:
        to_quarantine.append(ToQuarantine(index, None, "empty_batch"))


def _batch(
    index: int,
    text: bytes,
    body: dict,
    repeats: bool,
    before: int,
    to_quarantine: list[ToQuarantine],
) -> Iterator[_Call]:
    to_inherit = {name: body[name] for name in INHERITED if body.get(name) not in _EMPTY}
    if repeats:
        parts = members(text)
        texts = [item for item, _ in elements(parts["batch"])]
        to_inherit = {name: parts[name] for name in to_inherit}
    for position, item in enumerate(body["batch"]):
        number = before + position + 1
        if not isinstance(item, dict):
            to_quarantine.append(ToQuarantine(index, number, "not_a_json_object"))
        elif repeats:
            yield _Call(number, True, False, *_item_verbatim(texts[position], to_inherit))
        else:
            yield _Call(number, True, False, *_item(item, to_inherit))


def _plain(call: dict, text: bytes) -> tuple[str | None, bytes]:
    """A call outside a batch: the id made for it, if it needs one, and its text."""
    ids = _corrected_ids(call)
    made_id = _made_id(call, ids, text)
    return made_id, _with_ids(members(text), ids) if ids else text


def _item(item: dict, to_inherit: dict) -> tuple[str | None, bytes]:
    text = write(item)
    ids = _corrected_ids(item)
    call = {name: value for name, value in (item | ids).items() if ids.get(name, "") is not None}
    for name, value in to_inherit.items():
        if call.get(name) in _EMPTY:
            call[name] = value
    return _made_id(item, ids, text), text if call == item else write(call)


def _item_verbatim(text: bytes, to_inherit: dict[str, bytes]) -> tuple[str | None, bytes]:
    """The same, from the text as sent: for an item with repeated keys or too deep to write."""
    item = _first_of_equal_keys(text)
    ids, call = _corrected_ids(item), members(text)
    for name, value in to_inherit.items():
        if item.get(name) in _EMPTY:
            call[name] = value
    return _made_id(item, ids, text), _with_ids(call, ids)


def _with_ids(found: dict[str, bytes], ids: dict[str, str | None]) -> bytes:
    """The JSON object with these members, in which `ids` replace the ids of the same name."""
    for name, value in ids.items():
        if value is None:
            del found[name]
        else:
            found[name] = orjson.dumps(value)
    return join_members(found)


def _repeats_a_key(value: dict, text: bytes) -> bool:
    """Whether `text` may hold more keys than `value`, which was parsed from it."""
    if _HIDDEN.search(text):
        return True
    try:
        return text.count(b'":') != write(value).count(b'":')
    except NestedTooDeep:
        return True


def _first_of_equal_keys(text: bytes) -> dict:
    """An object's members as DuckDB reads them: the first of equal keys. orjson takes the last."""
    return {name: parse(value) for name, value in members(text).items()}


def _corrected_ids(call: dict) -> dict[str, str | None]:
    """The ids that differ from what was sent, in the form that is stored; None: absent."""
    corrected = {}
    for name in IDS:
        value = call.get(name)
        if value in (None, ""):
            continue
        if is_number(value):
            if whole := whole_number(value):
                corrected[name] = whole
        elif not isinstance(value, str):
            corrected[name] = None
        elif name != "type" and value != (text := value.strip()):
            corrected[name] = text or None
    return corrected


def _made_id(call: dict, ids: dict[str, str | None], text: bytes) -> str | None:
    """The id for a call that was sent without one; `text` is the call verbatim."""
    sent_id = ids.get("messageId", call.get("messageId"))
    return message_id(call, text) if sent_id in (None, "") else None


def _wrap(index: int, call: _Call) -> bytes:
    head = b'{"line":%d,"call_number":%d,"in_batch":%s,"whole_line":%s,"made_id":%s,"call":' % (
        index,
        call.number,
        b"true" if call.in_batch else b"false",
        b"true" if call.is_whole_line else b"false",
        orjson.dumps(call.made_id),
    )
    return head + call.text + b"}\n"
