"""Keyed hashes of forgotten ids, so that no call with one of these ids lands again.

The hash is HMAC-SHA256. Its key stays in the private warehouse; the ids are not kept.
"""

import hmac
import json
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import duckdb

from loaders import fields

USER, ANONYMOUS, COMPANY = "user", "anonymous", "company"
PSEUDONYM = "pseudonym"  # ids of others that contain one of theirs
NOBODY = "nobody"  # user ids that the seed placeholder_ids lists, in lower case

_FIELDS = {
    "userId": (USER,),
    "anonymousId": (ANONYMOUS,),
    "previousId": (USER, ANONYMOUS),
    "groupId": (COMPANY,),
}
_STRING = r'"(?:[^"\\]|\\.)*"'
_STRINGS = re.compile(_STRING)
_ID = re.compile(rf'"({"|".join(_FIELDS)})"[ \t\r\n]*:[ \t\r\n]*({_STRING}|-?[0-9][0-9.eE+-]*)')
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_BLOCK = 64  # bytes of a block of SHA-256


def is_distinctive(one: str) -> bool:
    """Whether a text can only be this id; `7` or a plain word may occur anywhere by chance."""
    if "@" in one or len(one) >= 16:
        return True
    if sum(map(str.isdigit, one)) >= 10:
        return True
    has_both = any(map(str.isdigit, one)) and any(map(str.isalpha, one))
    return len(one) >= 6 and has_both


@dataclass(frozen=True)
class Named:
    """The ids that one call of a line names; `user` is its userId."""

    ids: frozenset[tuple[str, str]]
    user: str | None = None


def ids_named_in(line: bytes) -> Iterator[Named]:
    """Yield the ids that each call of a line names. A line that is not JSON counts as one call.

    A call names the ids in its fields. Any distinctive string may be an id of any kind.
    """
    try:
        body = json.loads(line, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        yield _named_in_text(resolved(line))
        return
    batch = [each for name, value in _pairs(body) if name == "batch" for each in _items(value)]
    yield _named_in_call(_Pairs(pair for pair in _pairs(body) if pair[0] != "batch"))
    for item in batch:
        yield _named_in_call(item)
    if not isinstance(body, _Pairs):
        yield _named_in_call(body)


def resolved(line: bytes) -> str:
    r"""Return the text of a line with `\u0040` as `@` and `\/` as `/`; quotes stay escaped."""

    def character(found: re.Match[str]) -> str:
        code, other = found.groups()
        one = chr(int(code, 16)) if code else other
        return one if one == "/" or (code and one >= " " and one not in '"\\') else found[0]

    text = _ESCAPE.sub(character, line.decode(errors="replace"))
    # Characters beyond the basic plane are two escapes.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class _Pairs(list):
    """A JSON object as pairs, so that a repeated key keeps all of its values."""


def _pairs(value: Any) -> list[tuple[str, Any]]:
    return value if isinstance(value, _Pairs) else []


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) and not isinstance(value, _Pairs) else [value]


def _named_in_call(call: Any) -> Named:
    ids = {
        (kind, one)
        for name, value in _pairs(call)
        if (one := _as_id(value))
        for kind in _FIELDS.get(name, ())
    }
    for name, value in _pairs(call):
        if name == "context":
            ids |= {
                (COMPANY, one)
                for field, company in _pairs(value)
                if field == "groupId" and (one := _as_id(company))
            }
    user = next((_as_id(value) for name, value in _pairs(call) if name == "userId"), None)
    return Named(frozenset(ids | _distinctive(_strings(call))), user)


def _named_in_text(text: str) -> Named:
    fields_found = [(name, _read(value)) for name, value in _ID.findall(text)]
    ids = {(kind, one) for name, one in fields_found if one for kind in _FIELDS[name]}
    user = next((one for name, one in fields_found if name == "userId"), None)
    return Named(frozenset(ids | _distinctive(map(_read, _STRINGS.findall(text)))), user)


def _distinctive(strings: Iterable[str | None]) -> set[tuple[str, str]]:
    kinds = (USER, ANONYMOUS, COMPANY)
    return {(kind, one) for one in set(strings) if one and is_distinctive(one) for kind in kinds}


def _strings(value: Any) -> Iterator[str | None]:
    """Yield every string and number of a JSON value as an id, but no keys."""
    rest = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, _Pairs):
            rest += [each for _, each in one]
        elif isinstance(one, list):
            rest += one
        else:
            yield _as_id(one)


def _as_id(value: Any) -> str | None:
    """An id as it is kept: without white space at its ends, 42.0 as 42."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        return str(value)
    except ValueError:  # thousands of digits
        return None


def _read(text: str) -> str | None:
    try:
        return _as_id(json.loads(text))
    except ValueError:
        return text.strip('"').strip() or None


class Forgotten:
    """The forgotten ids of a warehouse that is open for writing."""

    def __init__(self, connection: duckdb.DuckDBPyConnection):
        self._run = connection.execute
        self._key = self._sample = None
        if found := self._run("from raw.forgetting_key").fetchone():
            self._key, self._sample = found
            self._define_hash()
        self._hashes = dict(
            self._run("select hash, forgotten_at from raw.forgotten_ids order by 2 desc").fetchall()
        )
        self._has_companies = bool(
            self._run(f"select 1 from raw.forgotten_ids where kind = '{COMPANY}'").fetchone()
        )

    def __bool__(self) -> bool:
        return bool(self._hashes)

    # -- SQL over columns named as in raw.calls

    def may_be_theirs(self) -> str:
        """A quick pre-filter: true for every forgotten call, and for few others."""
        (sample,) = self._run(f"select {self._engine_hash(self._text_of_key())}").fetchone()
        if sample != self._sample:  # another version of DuckDB, which hashes otherwise
            return self.is_theirs()
        return _any(
            f"{self._engine_hash(column)} in (select engine_hash from raw.forgotten_ids)"
            for column in self._columns()
        )

    def is_theirs(self) -> str:
        """The condition that a call names a forgotten id.

        A forgotten anonymous id counts only without a user id, as others may use the device.
        """
        user_id = fields.FIELDS["userId"][0]
        has_no_user = f"({user_id} is null or {self._is_in(NOBODY, f'lower({user_id})')})"
        return _any(
            f"{self._is_in(kind, column)}" + (f" and {has_no_user}" if kind == ANONYMOUS else "")
            for column, kinds in self._columns().items()
            for kind in kinds
        )

    def _is_in(self, kind: str, column: str) -> str:
        return f"forgetting_hash('{kind}', {column}) in (select hash from raw.forgotten_ids)"

    def _columns(self) -> dict[str, tuple[str, ...]]:
        columns = {
            fields.FIELDS[name][0]: kinds for name, kinds in _FIELDS.items() if name != "groupId"
        }
        if self._has_companies:
            columns |= dict.fromkeys(("group_id", fields.company_in_context()), (COMPANY,))
        return columns

    # -- one id or line

    def since(self, kind: str, one: str):
        """When an id was forgotten; None: it was not."""
        return self._hashes.get(self._hash(kind, one)) if self._key else None

    def is_named_in(self, line: bytes) -> bool:
        """Whether a line that is not a sound call names a forgotten person."""
        return any(self._is_named_by(each) for each in ids_named_in(line))

    def _is_named_by(self, call: Named) -> bool:
        kinds = {kind for kind, one in call.ids if self._hash(kind, one) in self._hashes}
        has_no_user = call.user is None or self.since(NOBODY, call.user.lower())
        return bool(kinds - {ANONYMOUS} or (kinds and has_no_user))

    # -- remembering

    def make_key(self, schema: str) -> None:
        """Make the key of the hashes in `schema`, if there is none."""
        if self._key is None:
            self._key = secrets.token_hex(32)
            self._run(
                f"insert into {schema}.forgetting_key"
                f" select $key, {self._engine_hash(self._text_of_key())}",
                {"key": self._key},
            )
            self._define_hash()

    def remember(self, ids: Iterable[tuple[str, str]], at, schema: str) -> None:
        """Add ids to `schema`, the raw tables of the database that will be the warehouse.

        Needs the key.
        """
        rows = [(kind, self._hash(kind, one), one) for kind, one in ids]
        rows = [row for row in rows if row[1] not in self._hashes]
        kinds, hashes, texts = zip(*rows, strict=True) if rows else ((), (), ())
        self._run(
            f"""
            insert into {schema}.forgotten_ids
            select kind, hash, {self._engine_hash("one")}, $at::timestamp
            from (
                select
                    unnest($kinds::varchar[]) as kind, unnest($hashes::varchar[]) as hash,
                    unnest($ones::varchar[]) as one
            )
            """,
            {"kinds": list(kinds), "hashes": list(hashes), "ones": list(texts), "at": at},
        )

    def _hash(self, kind: str, one: str) -> str:
        return hmac.new(
            self._key.encode(), f"{kind}:{one}".encode(errors="surrogatepass"), sha256
        ).hexdigest()

    def _engine_hash(self, column: str) -> str:
        return f"hash({column}, {self._text_of_key()})"

    def _text_of_key(self) -> str:
        return f"'{self._key}'"

    def _define_hash(self) -> None:
        key = self._key.encode().ljust(_BLOCK, b"\0")
        inner, outer = (bytes(byte ^ pad for byte in key).hex() for pad in (0x36, 0x5C))
        self._run(
            f"""
            create or replace temp macro forgetting_hash(kind, x) as sha256(
                unhex('{outer}')
                || unhex(sha256(unhex('{inner}') || encode(kind || ':' || x)))
            )
            """
        )


def _any(conditions: Iterable[str]) -> str:
    return "(" + " or ".join(f"coalesce({each}, false)" for each in conditions) + ")"
