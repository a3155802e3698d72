"""Where texts mention people: in JSON and other columns of calls, and in files.

Only distinctive ids and e-mail addresses are looked for inside of texts: the id `7` stands anywhere
by chance, and so does a plain word. Those are looked for in the columns of ids.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from loaders.forget.people import People
from loaders.forgotten import ids_named_in, is_distinctive

ERASED = "[erased]"
_CHUNK = 1 << 24  # bytes
_NOT_IN_IDS, _NOT_IN_ADDRESSES = "[^A-Za-z0-9_-]", "[^A-Za-z0-9_.%+-]"


@dataclass(frozen=True)
class Mentions:
    """The texts to look for. `addresses` are in lower case, and found in any."""

    people: People
    ids: tuple[str, ...]
    addresses: tuple[str, ...]

    @classmethod
    def of(cls, people: People) -> "Mentions":
        """Look for what is theirs alone."""
        shared = people.shared_devices | people.shared_emails
        ids = {one for _, one in people.ids()} - shared
        addresses = people.emails | {one.lower() for one in ids if "@" in one} - shared
        return cls(
            people,
            tuple(sorted(one for one in ids if is_distinctive(one) and "@" not in one)),
            tuple(sorted(addresses)),
        )

    def __bool__(self) -> bool:
        return bool(self.ids or self.addresses)

    @property
    def not_distinctive(self) -> list[str]:
        """The ids that are looked for in columns of ids only."""
        return sorted({one for _, one in self.people.ids() if not is_distinctive(one)})

    # -- in SQL

    def found_in(self, text: str) -> str:
        """Return the condition that an SQL text mentions them."""
        patterns = self._patterns()
        conditions = [f"regexp_matches({text}, {_quoted(pattern)})" for pattern, _ in patterns]
        return f"({' or '.join(conditions)})" if conditions else "false"

    def erased_from(self, column: str, type_: str) -> str:
        """Return the SQL of a column in which each mention is replaced."""
        if not self:
            return column
        text = f"{column}::varchar"
        replaced = text
        for pattern, instead in self._patterns():
            for _ in range(2):  # of two mentions side by side, one pass finds only the first
                to = _quoted(rf"\1{instead}\2")
                replaced = f"regexp_replace({replaced}, {_quoted(pattern)}, {to}, 'g')"
        return f"case when {self.found_in(text)} then ({replaced})::{type_} else {column} end"

    def _patterns(self) -> list[tuple[str, str]]:
        numbers = [one for one in self.ids if one.isdigit()]
        texts = [one for one in self.ids if not one.isdigit()]
        patterns = []
        if texts:
            patterns.append((_pattern(texts, _NOT_IN_IDS), ERASED))
        if numbers:  # perhaps a JSON number
            patterns.append((_pattern(numbers, "[^A-Za-z0-9_.-]"), "0"))
        if self.addresses:
            after = r"$|[^A-Za-z0-9.-]|\.$|\.[^A-Za-z0-9]"
            ones = "|".join(_escaped(one).replace(r"\x{40}", "(?:@|%40)") for one in self.addresses)
            patterns.append((f"(?i)(^|{_NOT_IN_ADDRESSES})(?:{ones})({after})", ERASED))
        return patterns

    # -- in bytes

    def are_in_line(self, line: bytes) -> bool:
        """Whether a line of a log names or mentions them."""
        is_named = any(not self._named.isdisjoint(call.ids) for call in ids_named_in(line))
        return is_named or bool(self and self._in_bytes.search(line))

    def count_in_file(self, path: Path) -> dict[str, int]:
        """Count per id and address where its bytes stand in a file, be it within other text."""
        forms = {
            one: [form.lower() for form in _bytes(one)] for one in (*self.ids, *self.addresses)
        }
        overlap = max((len(form) for some in forms.values() for form in some), default=1) - 1
        found: Counter[str] = Counter()
        with path.open("rb") as file:
            before = b""
            while chunk := file.read(_CHUNK):
                text = before + chunk.lower()
                for one, some in forms.items():
                    found[one] += sum(_count_beyond(text, form, len(before)) for form in some)
                before = text[-overlap:] if overlap else b""
        return dict(+found)

    @cached_property
    def _named(self) -> set[tuple[str, str]]:
        return set(self.people.ids())

    @cached_property
    def _in_bytes(self) -> re.Pattern[bytes]:
        forms = sorted(form for one in (*self.ids, *self.addresses) for form in _bytes(one))
        ones = b"|".join(map(re.escape, forms))
        return re.compile(rb"(?i)(?<![A-Za-z0-9_-])(?:%s)(?![A-Za-z0-9_-])" % ones)


def _count_beyond(text: bytes, one: bytes, start: int) -> int:
    """Count the places of `one` that end after `start`."""
    at, found = text.find(one, max(0, start - len(one) + 1)), 0
    while at >= 0:
        found, at = found + 1, text.find(one, at + 1)
    return found


def _pattern(ones: list[str], boundary: str) -> str:
    forms = sorted({form for one in ones for form in _forms(one)})
    return f"(^|{boundary})(?:{'|'.join(map(_escaped, forms))})($|{boundary})"


def _forms(one: str) -> set[str]:
    """Return an id as it stands in plain text, and as JSON may spell it."""
    forms = {one, json.dumps(one)[1:-1], json.dumps(one, ensure_ascii=False)[1:-1]}
    return forms | {form.replace("/", r"\/") for form in forms}


def _bytes(one: str) -> set[bytes]:
    """Return the bytes as which an id or an address may stand in a file."""
    forms = {form.encode() for form in _forms(one)}
    return forms | {form.replace(b"@", b"%40") for form in forms}


def _escaped(text: str) -> str:
    """Return a pattern of RE2 that matches just this text."""
    return "".join(
        letter if letter.isalnum() or letter == "_" else rf"\x{{{ord(letter):x}}}"
        for letter in text
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
