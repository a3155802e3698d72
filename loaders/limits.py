"""The limits that keep memory bounded and refuse decompression bombs.

Each limit can be set by the environment variable that is named beside it.
"""

import os
from dataclasses import dataclass, field, fields
from math import nan

from loaders.errors import DaybookError

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30
_MOST = 1e18  # DuckDB takes no larger size


def _limit(variable: str, default: float) -> float:
    return field(default=default, metadata={"variable": variable})


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    # A file that unpacks to more than this, or to more than `ratio` times its own size, is a bomb.
    unpacked_bytes: float = _limit("DAYBOOK_MAX_UNPACKED_BYTES", 256 * GB)
    ratio: float = _limit("DAYBOOK_MAX_RATIO", 300)
    # No ratio is checked below this size, because small repetitive logs pack very well.
    ratio_from_bytes: float = _limit("DAYBOOK_RATIO_FROM_BYTES", 16 * MB)
    # A file with a longer line is refused, because a line has to fit into memory to be judged.
    line_bytes: float = _limit("DAYBOOK_MAX_LINE_BYTES", 256 * MB)
    # Bytes that are judged and passed to DuckDB at once. More takes memory, fewer are slower.
    chunk_bytes: float = _limit("DAYBOOK_CHUNK_BYTES", 208 * MB)
    # DuckDB's memory limit; Python needs about three chunks more. With a lower limit, DuckDB frees
    # memory between two chunks and allocates it again.
    engine_bytes: float = _limit("DAYBOOK_MEMORY", 640 * MB)
    # How long to wait for another process to close the database.
    lock_seconds: float = _limit("DAYBOOK_LOCK_SECONDS", 5)
    # How long to retry when object storage does not answer or is too busy.
    retry_seconds: float = _limit("DAYBOOK_RETRY_SECONDS", 60)

    @classmethod
    def from_environment(cls) -> "Limits":
        """The defaults, overridden by the environment."""
        chosen = {}
        for limit in fields(cls):
            variable = limit.metadata["variable"]
            if text := os.environ.get(variable):
                try:
                    value = float(text)
                except ValueError:
                    value = nan
                if not 0 <= value <= _MOST:
                    raise DaybookError(
                        f"{variable} must be a number from 0 to {_MOST:g}, not {text!r}."
                    )
                chosen[limit.name] = value
        return cls(**chosen)
