"""DuckDB's errors as data: their kind, the errno behind them, and the place in the statement.

On connections that ask for it, DuckDB writes this data as JSON into the text of an error.
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
    """The data of an error. Without JSON, only the text is known."""

    message: str
    kind: str | None = None  # "IO", "Catalog", ...
    errno: int | None = None  # if the operating system refused something
    position: int | None = None  # in the bytes of the statement
    missing: str | None = None  # kind of the unknown name: "Table", "Scalar Function", ...


def ask_for_json(connection: duckdb.DuckDBPyConnection) -> None:
    """Have DuckDB write the errors of this connection, and of its cursors, as JSON."""
    connection.execute("set global errors_as_json = true")


def read(error: BaseException) -> EngineError:
    """Read an error, of DuckDB or of anything else."""
    text = str(error).strip()
    try:
        # A prefix like `IO Error: ` may precede the JSON.
        said = orjson.loads(text[text.index("{") :])
        message, kind = said["exception_message"].strip(), said["exception_type"]
    except (ValueError, LookupError, TypeError):
        return EngineError(text)
    numbers = _number(said.get("errno")), _number(said.get("position"))
    return EngineError(message, kind, *numbers, said.get("type"))


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text."""
    message = read(error).message
    return message.splitlines()[0].rstrip(".") if message else repr(error)


def unusable_memory(limit: str | None, error: BaseException) -> str:
    """Return the message for a DAYBOOK_BUILD_MEMORY that DuckDB refuses."""
    return (
        f"DAYBOOK_BUILD_MEMORY is {limit!r}, which DuckDB cannot use: {first_line(error)}. Write a"
        " size like 5GB or 800MB."
    )


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
