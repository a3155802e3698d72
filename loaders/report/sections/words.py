"""Words and numbers as every section writes them."""

from __future__ import annotations

from datetime import date

_MANY = {"user": "users", "company": "companies"}


def many(entity: str) -> str:
    """`users`, `companies`."""
    return _MANY.get(entity, entity)


def day(value: date) -> str:
    """`2 July 2025`."""
    return f"{value.day} {value:%B %Y}"


def short_day(value: date) -> str:
    """`2 Jul`."""
    return f"{value.day}\N{NO-BREAK SPACE}{value:%b}"


def period_name(period: str, start: date) -> str:
    """`June 2025`, `the week of 23 Jun`, `23 June 2025`."""
    if period == "month":
        return f"{start:%B %Y}"
    return f"the week of {short_day(start)}" if period == "week" else day(start)


def n(count: int) -> str:
    """`n = 1,234`, on one line."""
    return f"n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{count:,}"


def short_number(count: int) -> str:
    """`1,234`, `12k`, `1.2M`: at most five characters up to a billion."""
    if count < 10_000:
        return f"{count:,}"
    if count < 1_000_000:
        return f"{count // 1000}k"
    return f"{count / 1_000_000:.1f}M" if count < 10_000_000 else f"{count // 1_000_000}M"


def capital(text: str) -> str:
    """The text with a capital first letter; other letters stay."""
    return text[:1].upper() + text[1:]
