"""One night at a time: a file lock beside the database.

The kernel releases it when the process ends, however it ends. The file itself stays.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loaders.errors import BadDatabase, NightIsHeld


@contextmanager
def night_lock(database: Path) -> Iterator[None]:
    """Hold the lock of this database's nights. Raises `NightIsHeld` if another process has it."""
    path = database.with_name(database.name + ".lock")
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise BadDatabase(
            f"{path}: the night's lock cannot be opened: {error.strerror}. Correct that, then run"
            " the same command again."
        ) from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NightIsHeld(
                f"Another night holds {path}{_holder(file)}. Wait until it has ended, then run the"
                " same command again."
            ) from error
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(file)


def _holder(file: int) -> str:
    pid = os.pread(file, 20, 0).decode(errors="replace")
    return f" (pid {pid})" if pid.isdigit() else ""
