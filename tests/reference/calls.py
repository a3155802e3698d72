"""Contract 2: from lines to unique calls, each with its receive time and event time."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Body = Mapping[str, Any]
LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Call:
    """One call, as sent (`body`), with what contract 2 makes of its id and its times."""

    message_id: str
    body: Body
    received_at: datetime | None
    at: datetime
    time_quality: str

    @property
    def type(self) -> str:
        return self.body["type"]

    @property
    def rank(self) -> tuple:
        """What makes a call the later one: event time, then receive time, then message id."""
        return self.at, self.received_at or LAST, self.message_id

    def id(self, field: str) -> str | None:
        return as_id(self.body.get(field))

    def context(self, field: str) -> Any:
        return (self.body.get("context") or {}).get(field)


def as_id(value: Any) -> str | None:
    """Null and empty are absent, for ids too; numbers become text."""
    return None if value is None or value == "" else str(value)


def unique_calls(lines: Iterable[Body]) -> list[Call]:
    """One call per message id: the copy with the earliest receive time (none sorts last)."""
    copies: dict[str, list[Call]] = {}
    for line in lines:
        for call in calls_of(line):
            copies.setdefault(call.message_id, []).append(call)
    return [min(same, key=lambda call: call.received_at or LAST) for same in copies.values()]


def calls_of(line: Body) -> Iterator[Call]:
    """A plain line is a call; a batch body holds several, which inherit three fields from it."""
    if "batch" not in line:
        yield read(line, own=line, in_batch=False)
        return
    for item in line["batch"]:
        inherited = {
            field: line[field]
            for field in ("sentAt", "receivedAt", "context")
            if field in line and item.get(field) is None
        }
        yield read({**item, **inherited}, own=item, in_batch=True)


def read(body: Body, own: Body, in_batch: bool) -> Call:
    received_at = first(body, "receivedAt", "sentAt")
    at, time_quality = event_time(body, in_batch)
    if received_at and at > received_at + timedelta(days=1):
        at, time_quality = received_at, "clamped"
    return Call(message_id(own), body, received_at, at, time_quality)


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


def time(value: Any) -> datetime | None:
    """ISO 8601 text, a date alone included; an offset is honoured, none means UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment if 1970 <= moment.year <= 2099 else None
