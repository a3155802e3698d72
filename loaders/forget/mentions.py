"""Finds mentions of people in texts: in JSON and other columns of calls, and in files.

Only distinctive ids and e-mail addresses are looked for within texts, because an id like `7` or a
plain word may occur anywhere by chance. Other ids are looked for in columns of ids only.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from loaders import fields
from loaders.forget.people import People
from loaders.forget.spellings import any_except, pattern, plain, plain_part
from loaders.forgotten import PSEUDONYM, ids_named_in, is_distinctive, resolved

ERASED = "[erased]"
_CHUNK = 1 << 24  # bytes
_OVERLAP = 1 << 16  # bytes; no spelling of an id is longer
_LONGEST_PATTERN = 100_000  # characters; the engine refuses a pattern that is much longer


@dataclass(frozen=True)
class _Kind:
    """What an id may be a part of without being mentioned, and what replaces a mention."""

    characters: str  # of longer values: the id `7b` is not mentioned in `7b-2`
    after: str
    instead: str = ERASED


_ID = _Kind("A-Za-z0-9_-", "$|[^A-Za-z0-9_-]")
_NUMBER = _Kind("A-Za-z0-9_.-", "$|[^A-Za-z0-9_.-]", "0")  # perhaps a JSON number
_ADDRESS = _Kind("A-Za-z0-9_.%+-", r"$|[^A-Za-z0-9.-]|\.$|\.[^A-Za-z0-9]")


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

    def found_in(self, columns: dict[str, str], *, may_be_json: bool = False) -> str:
        """Return the condition that columns of texts or JSON (name -> type) mention them.

        `may_be_json`: texts are read as JSON, too: in a Parquet file, JSON is text.
        """
        in_json = [name for name, type_ in columns.items() if may_be_json or _is_json(type_)]
        found = [
            self._found(in_json, self._in_json),
            self._found([name for name in columns if name not in in_json], self._in_text),
        ]
        for name, type_ in columns.items():
            found += [_matches(f"{name}::varchar", each) for each, _ in self._companies_in(type_)]
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
        patterns = self._in_json if _is_json(type_) else self._in_text
        for sought, instead in patterns + self._companies_in(type_):
            for _ in range(2):  # one pass finds only the first of two adjacent mentions
                to = _quoted(rf"\1{instead}\2")
                replaced = f"regexp_replace({replaced}, {_quoted(sought)}, {to}, 'g')"
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
        if not texts or not patterns:
            return "false"
        text = f"concat_ws(chr(10), {texts})"
        # Few texts have the plain part of an id. Spelled characters take long to find.
        plain_parts = "|".join(sorted(set(map(plain_part, self._kinds))))
        found = " or ".join(_matches(text, sought) for sought, _ in patterns)
        return f"case when {_matches(text, f'(?i){plain_parts}')} then {found} else false end"

    @cached_property
    def _in_text(self) -> list[tuple[str, str]]:
        return [(f"(?i){sought}", instead) for sought, instead in self._in_ids]

    @cached_property
    def _in_json(self) -> list[tuple[str, str]]:
        return [(f"(?i){sought}", instead) for sought, instead in self._patterns(in_json=True)]

    @cached_property
    def _in_ids(self) -> list[tuple[str, str]]:
        return self._patterns(in_json=False)

    def _patterns(self, *, in_json: bool) -> list[tuple[str, str]]:
        """Return pairs of pattern and substitute; the pattern's two groups around it stay."""
        return [
            (f"{'(?i)' if kind is _ADDRESS else ''}{sought}", kind.instead)
            for kind in (_ID, _NUMBER, _ADDRESS)
            for sought in _any_of(
                f"(^|{any_except(kind.characters, in_json=in_json)})",
                [one for one, of in self._kinds.items() if of is kind],
                f"({kind.after})",
            )
        ]

    @cached_property
    def _kinds(self) -> dict[str, _Kind]:
        kinds = {one: _NUMBER if one.isdigit() else _ID for one in self.ids}
        return kinds | dict.fromkeys(self.addresses, _ADDRESS)

    def _companies_in(self, type_: str) -> list[tuple[str, str]]:
        if not self.companies:
            return []
        before, after = ("[:,\\[]|^", "[]},]|$") if _is_json(type_) else ("^", "$")
        numbers = [one for one in self.companies if one.isdigit()]
        quoted = self.companies
        if _is_json(type_):
            quoted = [json.dumps(one, ensure_ascii=False) for one in self.companies]
        patterns = [(f"({before})(?:{'|'.join(map(re.escape, quoted))})({after})", ERASED)]
        if _is_json(type_):
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
        text = resolved(line)
        spelled = plain(text.encode()).decode(errors="replace")
        return any(self._are_in_text(each.lower()) for each in {text, spelled})

    def _are_in_text(self, text: str) -> bool:
        # A plain search first: a pattern of thousands of texts is slow.
        return any(form in text and re.search(sought, text) for form, sought in self._in_lower_case)

    @cached_property
    def _in_lower_case(self) -> list[tuple[str, str]]:
        return [
            (
                form.lower(),
                f"(?:^|{any_except(kind.characters, in_json=True)})"
                f"{re.escape(form.lower())}(?:{kind.after})",
            )
            for one, kind in self._kinds.items()
            for form in _plain_forms(one)
        ]

    def count_in_file(self, path: Path) -> dict[str, int]:
        """Count the places of each id and address in a file's bytes, also within longer texts."""
        if not self:
            return {}
        forms = {one: _bytes(one) for one in self.texts}
        plain_parts = {plain_part(one).lower().encode() for one in self.texts}
        found: Counter[str] = Counter()
        with path.open("rb") as file:
            before = b""
            while chunk := file.read(_CHUNK):
                text = before + chunk.lower()
                if b"" in plain_parts or _which_are_in(text, plain_parts):
                    found += _places(text, forms) - _places(before, forms)
                before = text[-_OVERLAP:]
        return dict(found)

    @cached_property
    def _named(self) -> set[tuple[str, str]]:
        return set(self.people.ids())


def _which_are_in(text: bytes, ones: set[bytes]) -> set[bytes]:
    """Return the texts among `ones` that `text` contains, in one pass."""
    whole = pl.Series([text.decode("latin-1")])
    every = sorted(one.decode("latin-1") for one in ones)
    found = whole.str.extract_many(every, overlapping=True).explode().drop_nulls().unique()
    return {one.encode("latin-1") for one in found}


def _places(text: bytes, forms: dict[str, set[bytes]]) -> Counter[str]:
    """Count the places of each id in a text in lower case, in any spelling."""
    found: Counter[str] = Counter()
    for each in (text, plain(text).lower()):
        there = _which_are_in(each, set().union(*forms.values()))
        found |= Counter({one: sum(map(each.count, there & some)) for one, some in forms.items()})
    return found


def _any_of(before: str, ones: Iterable[str], after: str) -> Iterator[str]:
    """Yield patterns that find these ids, each of a length that the engine takes."""
    some: list[str] = []
    for one in map(pattern, ones):
        if some and sum(map(len, some)) + len(one) > _LONGEST_PATTERN:
            yield f"{before}(?:{'|'.join(some)}){after}"
            some = []
        some.append(one)
    if some:
        yield f"{before}(?:{'|'.join(some)}){after}"


def _is_json(type_: str) -> bool:
    return type_.upper() == "JSON"


def _pseudonym(one: str) -> str:
    return f"'erased_' || left(forgetting_hash('{PSEUDONYM}', {one}), 16)"


def _plain_forms(one: str) -> set[str]:
    return {one, one.replace(" ", "+")}  # + is a space in a URL


def _bytes(one: str) -> set[bytes]:
    """Return the bytes of an id or an address in UTF-8, with ASCII letters in lower case."""
    forms = {case for form in _plain_forms(one) for case in (form, form.lower(), form.upper())}
    return {form.encode(errors="surrogatepass").lower() for form in forms}


def _matches(text: str, sought: str) -> str:
    return f"regexp_matches({text}, {_quoted(sought)})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
