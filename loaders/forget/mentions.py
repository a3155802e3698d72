"""Finds mentions of people in texts: in JSON and other columns of calls, and in files.

Only distinctive ids and e-mail addresses are looked for within texts, because an id like `7` or a
plain word may occur anywhere by chance. Other ids are looked for in columns of ids only.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote, unquote

import polars as pl

from loaders import fields
from loaders.forget.people import People
from loaders.forgotten import PSEUDONYM, ids_named_in, is_distinctive, resolved

ERASED = "[erased]"
_CHUNK = 1 << 24  # bytes
_NOT_IN_IDS, _NOT_IN_NUMBERS = "[^A-Za-z0-9_-]", "[^A-Za-z0-9_.-]"
_NOT_IN_ADDRESSES = "[^A-Za-z0-9_.%+-]"
_AFTER_ADDRESS = r"$|[^A-Za-z0-9.-]|\.$|\.[^A-Za-z0-9]"
_SPACE = r"\\[bfnrt]"  # as JSON escapes white space
# A delimiter as a URL within a URL writes it: white space, "&'(),/:;<=>?[]{|}
_ENCODED = "%(?:0[9adAD]|2[0267-9cfCF]|3[a-fA-F]|5[bdBD]|7[b-dB-D])"


@dataclass(frozen=True)
class Mentions:
    """The texts to look for. `addresses` are in lower case; the search ignores case.

    `companies` are looked for as whole values only: they may be part of somebody's address.
    """

    people: People
    ids: tuple[str, ...]
    addresses: tuple[str, ...]
    companies: tuple[str, ...] = ()

    @classmethod
    def of(cls, people: People) -> "Mentions":
        """Look for the ids and addresses that belong to these people alone."""
        shared = people.shared_devices | people.shared_emails
        ids = (people.users | people.devices) - shared
        addresses = people.emails | {one.lower() for one in ids if "@" in one} - shared
        return cls(
            people,
            tuple(sorted(one for one in ids if is_distinctive(one) and "@" not in one)),
            tuple(sorted(addresses)),
            tuple(sorted(filter(is_distinctive, people.companies - ids))),
        )

    def __bool__(self) -> bool:
        return bool(self.texts)

    @property
    def texts(self) -> tuple[str, ...]:
        """All ids and addresses that are looked for in texts."""
        return (*self.ids, *self.addresses, *self.companies)

    @property
    def not_distinctive(self) -> list[str]:
        """The ids that are looked for in columns of ids only."""
        return sorted({one for _, one in self.people.ids() if not is_distinctive(one)})

    # -- in SQL

    def found_in(self, columns: dict[str, str]) -> str:
        """Return the condition that columns of texts or JSON (name -> type) mention them."""
        found = [self._found(columns, self._in_text)]
        found += [self._found([name], self._companies_in(type_)) for name, type_ in columns.items()]
        return f"({' or '.join(found)})"

    def found_in_id(self, *columns: str) -> str:
        """Return the condition that ids of somebody else contain one of theirs.

        Ids that differ in case are different ids.
        """
        found = [self._found(columns, self._in_ids)]
        if self.companies:
            companies = ", ".join(map(_quoted, self.companies))
            found += [f"coalesce({column} in ({companies}), false)" for column in columns]
        return f"({' or '.join(found)})"

    def erased_from(self, column: str, type_: str) -> str:
        """Return the SQL of a column with texts or JSON in which each mention is replaced."""
        if not self:
            return column
        replaced = f"{column}::varchar"
        for pattern, instead in self._in_text + self._companies_in(type_):
            for _ in range(2):  # one pass finds only the first of two adjacent mentions
                to = _quoted(rf"\1{instead}\2")
                replaced = f"regexp_replace({replaced}, {_quoted(pattern)}, {to}, 'g')"
        found = self.found_in({column: type_})
        return f"case when {found} then ({replaced})::{type_} else {column} end"

    def erased_from_id(self, column: str) -> str:
        """Return the SQL of an id, or of its pseudonym: different ids stay different."""
        return f"case when {self.found_in_id(column)} then {_pseudonym(column)} else {column} end"

    def erased_from_context(self) -> str:
        """Return the SQL of `context` without mentions: `groupId` is an id, the rest is text."""
        company = fields.company_in_context()
        with_pseudonym = f"""
            case when {self.found_in_id(company)}
                then json_merge_patch(context, json_object('groupId', {_pseudonym(company)}))
                else context
            end
        """
        return self.erased_from(f"({with_pseudonym})", "json")

    def _found(self, columns: Iterable[str], patterns: list[tuple[str, str]]) -> str:
        # One match for all columns: a pattern of thousands of ids takes long to compile.
        texts = ", ".join(f"{column}::varchar" for column in columns)
        conditions = [
            f"regexp_matches(concat_ws(chr(10), {texts}), {_quoted(pattern)})"
            for pattern, _ in patterns
        ]
        return f"({' or '.join(conditions)})" if texts and conditions else "false"

    @cached_property
    def _in_text(self) -> list[tuple[str, str]]:
        return [(f"(?i){pattern}", instead) for pattern, instead in self._in_ids]

    @cached_property
    def _in_ids(self) -> list[tuple[str, str]]:
        """Return pairs of pattern and substitute; the pattern's two groups around it stay."""
        numbers = [one for one in self.ids if one.isdigit()]
        texts = [one for one in self.ids if not one.isdigit()]
        patterns = []
        if texts:
            patterns.append((_pattern(texts, _NOT_IN_IDS, f"$|{_NOT_IN_IDS}"), ERASED))
        if numbers:  # perhaps a JSON number
            patterns.append((_pattern(numbers, _NOT_IN_NUMBERS, f"$|{_NOT_IN_NUMBERS}"), "0"))
        if self.addresses:
            ones = _pattern(self.addresses, _NOT_IN_ADDRESSES, _AFTER_ADDRESS)
            patterns.append((f"(?i){ones}".replace(r"\x{40}", "(?:@|%40)"), ERASED))
        return patterns

    def _companies_in(self, type_: str) -> list[tuple[str, str]]:
        if not self.companies:
            return []
        before, after = ("[:,\\[]|^", "[]},]|$") if type_.upper() == "JSON" else ("^", "$")
        numbers = [one for one in self.companies if one.isdigit()]
        quoted = self.companies
        if type_.upper() == "JSON":
            quoted = [json.dumps(one, ensure_ascii=False) for one in self.companies]
        patterns = [(f"({before})(?:{'|'.join(map(_escaped, quoted))})({after})", ERASED)]
        if type_.upper() == "JSON":
            patterns[0] = (patterns[0][0], f'"{ERASED}"')
            if numbers:
                ones = "|".join(numbers)
                patterns.append((rf"({before})(?:{ones})(?:\.0)?({after})", "0"))
        return patterns

    # -- in bytes

    def are_in_line(self, line: bytes) -> bool:
        """Whether a line of a log names or mentions them."""
        if any(not self._named.isdisjoint(call.ids) for call in ids_named_in(line)):
            return True
        return self.are_in_text(line)

    def are_in_text(self, line: bytes) -> bool:
        """Whether a text mentions them."""
        text = re.sub(_SPACE, " ", resolved(line))
        return any(self._are_in_text(each) for each in {text, unquote(text)})

    def _are_in_text(self, text: str) -> bool:
        text = text.lower()
        # A plain search first: a pattern of thousands of texts is slow.
        return any(
            form in text and re.search(pattern, text) for form, pattern in self._in_lower_case
        )

    @cached_property
    def _in_lower_case(self) -> list[tuple[str, str]]:
        found = []
        for one in (*self.ids, *self.addresses):
            before, after = _NOT_IN_IDS, f"$|{_NOT_IN_IDS}"
            if one.isdigit():
                before, after = _NOT_IN_NUMBERS, f"$|{_NOT_IN_NUMBERS}"
            if one in self.addresses:
                before, after = _NOT_IN_ADDRESSES, _AFTER_ADDRESS
            for form in _forms(one):
                form = form.lower()
                found.append((form, f"(?:^|{before}){re.escape(form)}(?:{after})"))
        return found

    def count_in_file(self, path: Path) -> dict[str, int]:
        """Count the places of each id and address in a file's bytes, also within longer texts."""
        if not self:
            return {}
        forms = {one: [form.lower() for form in _bytes(one)] for one in self.texts}
        every = sorted({form.decode("latin-1") for some in forms.values() for form in some})
        overlap = max(map(len, every), default=1) - 1
        found: Counter[str] = Counter()
        with path.open("rb") as file:
            before = b""
            while chunk := file.read(_CHUNK):
                text = before + chunk.lower()
                there = _which_are_in(text, every)
                for one, some in forms.items():
                    found[one] += sum(
                        _count_beyond(text, form, len(before)) for form in there.intersection(some)
                    )
                before = text[-overlap:] if overlap else b""
        return dict(+found)

    @cached_property
    def _named(self) -> set[tuple[str, str]]:
        return set(self.people.ids())


def _which_are_in(text: bytes, ones: list[str]) -> set[bytes]:
    """Return the texts among `ones` that `text` contains, in one pass."""
    whole = pl.Series([text.decode("latin-1")])
    found = whole.str.extract_many(ones, overlapping=True).explode().drop_nulls().unique()
    return {one.encode("latin-1") for one in found}


def _count_beyond(text: bytes, one: bytes, start: int) -> int:
    """Count the places of `one` that end after `start`."""
    at, found = text.find(one, max(0, start - len(one) + 1)), 0
    while at >= 0:
        found, at = found + 1, text.find(one, at + 1)
    return found


def _pattern(ones: Iterable[str], before: str, after: str) -> str:
    forms = sorted({form for one in ones for form in _forms(one)})
    begins = f"^|{before}|{_SPACE}|{_ENCODED}"
    return f"({begins})(?:{'|'.join(map(_escaped, forms))})({after})"


def _pseudonym(one: str) -> str:
    return f"'erased_' || left(forgetting_hash('{PSEUDONYM}', {one}), 16)"


def _forms(one: str) -> set[str]:
    """Return the spellings of an id: in plain text, JSON and URLs, and one of them in another."""
    in_json = {one, one.replace("@", r"\u0040"), json.dumps(one)[1:-1]}
    in_json |= {json.dumps(form, ensure_ascii=False)[1:-1] for form in in_json}
    in_json |= {form.replace("/", r"\/") for form in in_json}
    in_url = {quote(one, safe=""), quote(one, safe="@")}
    return in_json | in_url | {quote(form, safe="") for form in in_url}


def _bytes(one: str) -> set[bytes]:
    """Return the bytes that an id or an address may have in a file."""
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
