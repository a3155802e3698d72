"""Contract 2: from lines to unique calls, each with ids, a receive time and an event time."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from reference.periods import Calendar

Body = Mapping[str, Any]
Placeholders = frozenset[tuple[str, str]]  # (kind of id, value in lower case)

LAST = datetime.max.replace(tzinfo=UTC)
EVENT_TYPES = ("track", "page", "screen")


@dataclass(frozen=True)
class Call:
    """One call, as sent (`body`), with what contract 2 makes of its id and its times."""

    message_id: str
    body: Body
    received_at: datetime | None
    at: datetime
    day: date
    time_quality: str
    placeholders: Placeholders

    @property
    def type(self) -> str:
        return self.body["type"]

    @property
    def rank(self) -> tuple:
        """Orders calls: by event time, then receive time, then message id."""
        return self.at, self.received_at or LAST, self.message_id

    @property
    def user_id(self) -> str | None:
        return self.id("user", self.body.get("userId"))

    @property
    def anonymous_id(self) -> str | None:
        return self.id("anonymous", self.body.get("anonymousId"))

    @property
    def company_id(self) -> str | None:
        """The company that the call itself names."""
        is_group = self.type == "group"
        return self.id("company", self.body.get("groupId") if is_group else self.context("groupId"))

    def previous_id(self, kind: str) -> str | None:
        """An alias's previousId, taken for the id of a user or of a device."""
        return self.id(kind, self.body.get("previousId")) if self.type == "alias" else None

    def id(self, kind: str, value: Any) -> str | None:
        """An id that `placeholder_ids` lists for its kind is absent."""
        one = as_id(value)
        return None if one and (kind, one.lower()) in self.placeholders else one

    def context(self, field: str) -> Any:
        return (self.body.get("context") or {}).get(field)


def as_id(value: Any) -> str | None:
    """Text is trimmed, a number is text without a needless fraction, all else is absent."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(int(value)) if value == int(value) else str(value)


def unique_calls(
    lines: Iterable[Body], calendar: Calendar, earliest_day: date, placeholders: Placeholders
) -> list[Call]:
    """One call per message id: the copy with the earliest receive time (none sorts last)."""
    copies: dict[str, list[Call]] = {}
    for line in lines:
        for own, body, in_batch in items(line):
            call = read(own, body, in_batch, calendar, placeholders)
            copies.setdefault(call.message_id, []).append(clamped(call, calendar, earliest_day))
    return [min(same, key=lambda call: call.received_at or LAST) for same in copies.values()]


def items(line: Body) -> Iterator[tuple[Body, Body, bool]]:
    """Per call of a line: as it stands there, with what it inherits, and whether from a batch.

    A plain line is a call; a batch body holds several, which inherit three fields from it.
    """
    if "batch" not in line:
        yield line, line, False
        return
    for item in line["batch"]:
        inherited = {
            field: line[field]
            for field in ("sentAt", "receivedAt", "context")
            if field in line and item.get(field) in (None, {}, "")
        }
        yield item, {**item, **inherited}, True


def read(
    own: Body, body: Body, in_batch: bool, calendar: Calendar, placeholders: Placeholders
) -> Call:
    received_at = first(body, "receivedAt", "sentAt")
    at, time_quality = event_time(body, in_batch)
    day = calendar.day(at)
    return Call(message_id(own), body, received_at, at, day, time_quality, placeholders)


def clamped(call: Call, calendar: Calendar, earliest_day: date) -> Call:
    """An impossible event time becomes the receive time, if that is possible."""
    if call.received_at is None:
        return call
    received_on = calendar.day(call.received_at)
    is_ahead = call.at > call.received_at + timedelta(days=1)
    is_too_early = call.day < earliest_day <= received_on
    if is_ahead or is_too_early:
        return replace(call, at=call.received_at, day=received_on, time_quality="clamped")
    return call


def message_id(own: Body) -> str:
    """The sender's, or one made of the call's own content, so that a retry is recognised."""
    content = {key: value for key, value in own.items() if key not in ("sentAt", "receivedAt")}
    return as_id(own.get("messageId")) or json.dumps(content, sort_keys=True)


def event_time(body: Body, in_batch: bool) -> tuple[datetime, str]:
    """The first rule that applies, and its name."""
    fields = "timestamp", "originalTimestamp", "sentAt", "receivedAt"
    timestamp, original, sent, received = (time(body.get(field)) for field in fields)
    if not in_batch and received and timestamp:
        return timestamp, "corrected_by_sender"
    if timestamp and original:
        return timestamp, "set_by_caller"
    began = original or (timestamp if in_batch else None)
    if received and sent and began:
        return received - (sent - began), "corrected"
    return first(body, *fields), "as_sent"


def first(body: Body, *fields: str) -> datetime | None:
    """The first of these fields that holds a readable time."""
    return next(filter(None, (time(body.get(field)) for field in fields)), None)


def time(value: Any, first_year: int = 1970) -> datetime | None:
    """ISO 8601 text (an offset is honoured, none means UTC), or a Unix time."""
    moment = unix_time(value) or iso_time(value)
    return moment if moment and first_year <= moment.year <= 2099 else None


def unix_time(value: Any) -> datetime | None:
    """Seconds or milliseconds, told apart by their size, as a number or a text of digits."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if 100_000_000 <= value < 100_000_000_000:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value)
    if 100_000_000_000 <= value < 100_000_000_000_000:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)
    return None


def iso_time(value: Any) -> datetime | None:
    """The extended form, a date alone included."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d{2}-\d{2}", value):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
