"""Who was forgotten, as landing sees it: keyed hashes of ids, so that no call of theirs lands.

The hash is HMAC-SHA256. Its key stays in the private warehouse; the ids are not kept.
"""

import hmac
import json
import re
import secrets
from collections.abc import Iterable, Iterator
from hashlib import sha256

import duckdb

from loaders import fields

USER, ANONYMOUS, COMPANY = "user", "anonymous", "company"

_FIELDS = {
    "userId": (USER,),
    "anonymousId": (ANONYMOUS,),
    "previousId": (USER, ANONYMOUS),
    "groupId": (COMPANY,),
}
_TEXT = rb'"(?:[^"\\]|\\.)*"'
_TEXTS = re.compile(_TEXT)
_ID = re.compile(
    rb'"(%s)"[ \t\r\n]*:[ \t\r\n]*(%s|-?[0-9][0-9.eE+-]*)' % ("|".join(_FIELDS).encode(), _TEXT)
)
_BLOCK = 64  # bytes of a block of SHA-256


def is_distinctive(one: str) -> bool:
    """Whether a text can only be this id: `7` or a plain word may stand anywhere by chance."""
    if "@" in one or len(one) >= 16:
        return True
    if one.isdigit():
        return len(one) >= 10
    has_both = any(map(str.isdigit, one)) and any(map(str.isalpha, one))
    return len(one) >= 6 and has_both


def ids_named_in(line: bytes) -> Iterator[tuple[str, str]]:
    """Yield kind and value of each id that a line names, be it JSON or not.

    Those in the fields of a call, and any distinctive text, which may be an id of each kind.
    """
    for field, value in _ID.findall(line):
        for kind in _FIELDS[field.decode()]:
            yield kind, _text(value)
    for text in set(_TEXTS.findall(line)):
        one = _text(text)
        if is_distinctive(one):
            yield from ((kind, one) for kind in (USER, ANONYMOUS, COMPANY))


def _text(value: bytes) -> str:
    """An id as it is kept: without white space at its ends, 42.0 as 42."""
    try:
        read = json.loads(value)
    except ValueError:
        return value.strip(b'"').decode(errors="replace").strip()
    if isinstance(read, float) and read.is_integer():
        read = int(read)
    return str(read).strip()


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
        """A condition that is quick, and true of each forgotten call and of few others."""
        (sample,) = self._run(f"select {self._engine_hash(self._text_of_key())}").fetchone()
        if sample != self._sample:  # another version of DuckDB, which hashes otherwise
            return self.is_theirs()
        return _any(
            f"{self._engine_hash(column)} in (select engine_hash from raw.forgotten_ids)"
            for column in self._columns()
        )

    def is_theirs(self) -> str:
        """The condition that a call names a forgotten id."""
        return _any(
            f"forgetting_hash('{kind}', {column}) in (select hash from raw.forgotten_ids)"
            for column, kinds in self._columns().items()
            for kind in kinds
        )

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
        """Whether a line that is no sound call names somebody who was forgotten."""
        return any(self._hash(kind, one) in self._hashes for kind, one in set(ids_named_in(line)))

    # -- remembering

    def remember(self, ids: Iterable[tuple[str, str]], at, schema: str) -> None:
        """Add ids to `schema`, the raw tables of the database that will be the warehouse."""
        if self._key is None:
            self._key = secrets.token_hex(32)
            self._run(
                f"insert into {schema}.forgetting_key"
                f" select $key, {self._engine_hash(self._text_of_key())}",
                {"key": self._key},
            )
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
        return hmac.new(self._key.encode(), f"{kind}:{one}".encode(), sha256).hexdigest()

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
