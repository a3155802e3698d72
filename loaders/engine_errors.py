"""DuckDB's errors as data: their kind, the errno behind them, and the place in the statement.

DuckDB writes them into the text of an error, as JSON, on connections that ask for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    import duckdb

DATA_CORRUPTION = "Data Corruption"  # Python has no class for it


@dataclass(frozen=True)
class EngineError:
    """What an error says. Without JSON, its text is all there is."""

    message: str
    kind: str | None = None  # "IO", "Catalog", ...
    errno: int | None = None  # where the operating system refused something
    position: int | None = None  # in the bytes of the statement
    missing: str | None = None  # "Table", "Scalar Function", ...: what has no such name


def ask_for_json(connection: duckdb.DuckDBPyConnection) -> None:
    """Have DuckDB write the errors of this connection, and of its cursors, as JSON."""
    connection.execute("set global errors_as_json = true")


def read(error: BaseException) -> EngineError:
    """Read an error, of DuckDB or of anything else."""
    text = str(error).strip()
    try:
        # A name like `IO Error: ` may stand before it.
        said = orjson.loads(text[text.index("{") :])
        message, kind = said["exception_message"].strip(), said["exception_type"]
    except (ValueError, LookupError, TypeError):
        return EngineError(text)
    numbers = _number(said.get("errno")), _number(said.get("position"))
    return EngineError(message, kind, *numbers, said.get("type"))


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says."""
    message = read(error).message
    return message.splitlines()[0].rstrip(".") if message else repr(error)


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
