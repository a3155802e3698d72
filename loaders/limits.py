"""How much is too much: the sizes that keep memory bounded and bombs out.

Each limit can be set by an environment variable of the name given beside it.
"""

import os
from dataclasses import dataclass, field, fields
from math import inf, nan

from loaders.errors import DaybookError

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30


def _limit(variable: str, default: float) -> float:
    return field(default=default, metadata={"variable": variable})


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    # A file that unpacks to more than this, or to more than `ratio` times its own size, is a bomb.
    unpacked_bytes: float = _limit("DAYBOOK_MAX_UNPACKED_BYTES", 256 * GB)
    ratio: float = _limit("DAYBOOK_MAX_RATIO", 300)
    # Below this size no ratio is looked at: small repetitive logs pack very well.
    ratio_from_bytes: float = _limit("DAYBOOK_RATIO_FROM_BYTES", 16 * MB)
    # A file with a longer line is refused: a line has to fit into memory to be judged.
    line_bytes: float = _limit("DAYBOOK_MAX_LINE_BYTES", 256 * MB)
    # What is judged and handed to DuckDB at once. Larger chunks cost memory, smaller ones speed.
    chunk_bytes: float = _limit("DAYBOOK_CHUNK_BYTES", 208 * MB)
    # What DuckDB itself may use; Python's share comes on top (about three chunks). With less than
    # this, it gives memory back between two chunks, and asks for it anew.
    engine_bytes: float = _limit("DAYBOOK_MEMORY", 640 * MB)
    # How long to wait for another process to close the database.
    lock_seconds: float = _limit("DAYBOOK_LOCK_SECONDS", 5)
    # How long to ask object storage again that does not answer, or says it is too busy.
    retry_seconds: float = _limit("DAYBOOK_RETRY_SECONDS", 60)

    @classmethod
    def from_environment(cls) -> "Limits":
        """The defaults, with what the environment says instead."""
        chosen = {}
        for limit in fields(cls):
            variable = limit.metadata["variable"]
            if text := os.environ.get(variable):
                try:
                    value = float(text)
                except ValueError:
                    value = nan
                if not 0 <= value < inf:
                    raise DaybookError(f"{variable} must be a number from 0 up, not {text!r}.")
                chosen[limit.name] = value
        return cls(**chosen)
