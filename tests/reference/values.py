"""Contract 5, "A trait's planned type holds everywhere": values of traits, and what they look like.

A cast value is a text, a number, a boolean, a `datetime` in UTC, a list or an object; None is null.
"""

import json
import re
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from reference.calls import time
from reference.periods import Calendar

DATE_ALONE = re.compile(r"\d{4}-\d{2}-\d{2}")
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


def is_blank(value: Any) -> bool:
    """An explicit null or empty text clears a trait; an empty list does not."""
    return value is None or value == ""


def cast(value: Any, planned_type: str | None, calendar: Calendar) -> Any:
    """The value in the type that the plan gives it; without one it stays as sent."""
    match planned_type:
        case "string":
            return value if isinstance(value, str) else json_text(value)
        case "boolean":
            return as_boolean(value)
        case "number":
            return as_number(value)
        case "datetime":
            return as_datetime(value, calendar)
        case "array":
            return each_once(value) if isinstance(value, list) else None
        case "object":
            return value if isinstance(value, dict) else None
    return value


def as_boolean(value: Any) -> bool | None:
    words = {"true": True, "1": True, "false": False, "0": False}
    return words.get(json_text(as_number(value)) if is_number(value) else str(value).lower())


def as_number(value: Any) -> int | float | None:
    """A number or its text; whole ones become integers, so that 50, "50" and 50.0 are one value."""
    if isinstance(value, str) and NUMBER.fullmatch(value):
        value = float(value)
    if not is_number(value) or not isfinite(value):
        return None
    return int(value) if value == int(value) else value


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_datetime(value: Any, calendar: Calendar) -> datetime | None:
    """Any readable time, also before 1970; a date alone is that day in the reporting time zone."""
    if isinstance(value, datetime):
        return value
    moment = time(value, first_year=1)
    if moment and isinstance(value, str) and DATE_ALONE.fullmatch(value):
        return calendar.midnight(moment.date())
    return moment


def each_once(elements: list) -> list:
    """A list's elements in order, each once."""
    return [one for position, one in enumerate(elements) if one not in elements[:position]]


def as_text(value: Any) -> str | None:
    """What a breakdown shows: texts bare, all else as JSON."""
    return value if value is None or isinstance(value, str) else json_text(value)


def filtered_texts(value: Any) -> list[str]:
    """What a filter compares, trimmed and without case: of a list any element."""
    elements = value if isinstance(value, list) else [value]
    return [as_text(one).strip().casefold() for one in elements if one is not None]


def json_text(value: Any) -> str:
    """A value as JSON; a time as its ISO 8601 text."""
    if isinstance(value, datetime):
        seconds, _, fraction = (
            value.astimezone(UTC).isoformat().removesuffix("+00:00").partition(".")
        )
        value = seconds + f".{fraction}".rstrip(".0") + "Z"
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
