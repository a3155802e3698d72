"""Finds the log files behind what a person names: files, folders and globs."""

import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from loaders.errors import NothingToLand

# What `daybook simulate` writes beside its logs: the planted answers, not a log.
NOT_LOGS = frozenset({"truth.json"})

# segment-logs/<source>/<day>/<file> is Segment's S3 archive; rudder-logs/<source>/<date>/<file>
# is what RudderStack's object storage destinations write.
_ARCHIVE = re.compile(r"(?:^|/)(?:segment-logs|rudder-logs)/([^/]+)/(?:[^/]+/)+[^/]+$")

_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class LogFile:
    """A file to land, as it lies there: nothing of it has been read yet."""

    path: str  # absolute
    bytes: int
    modified_at: datetime  # UTC, naive
    source: str | None = None  # the archive's source id, where the path tells it
    refused_because: str | None = None  # known before reading: not a regular file, ...


def discover(paths: Iterable[str], *, besides: Path | None = None) -> list[LogFile]:
    """Name every log file behind `paths`, in order, each once.

    The database at `besides` and its companions (.wal, .tmp) are never taken for logs.
    Raises `NothingToLand` for the first path that matches nothing.
    """
    found: dict[str, LogFile] = {}
    for path in paths:
        matches = list(_expand(path, str(besides.absolute()) if besides else None))
        if not matches:
            raise NothingToLand(_nothing_at(path))
        for match in matches:
            found.setdefault(match.path, match)
    return list(found.values())


def source_of(path: str) -> str | None:
    """The source id that an archive's path carries."""
    match = _ARCHIVE.search(path.replace(os.sep, "/"))
    return match[1] if match else None


def _expand(path: str, database: str | None) -> Iterator[LogFile]:
    if os.path.isdir(path):
        yield from _walk(path, database)
    elif os.path.lexists(path):
        yield _describe(path)
    elif glob.has_magic(path):
        for match in sorted(glob.glob(path, recursive=True)):
            if os.path.isdir(match):
                # `**` names every folder and every file in it; `*` only the folders.
                if not path.endswith("**"):
                    yield from _walk(match, database)
            elif _is_log(os.path.abspath(match), database):
                yield _describe(match)


def _walk(folder: str, database: str | None) -> Iterator[LogFile]:
    root = os.path.realpath(folder)
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = os.path.abspath(os.path.join(parent, name))
            if not _is_log(path, database):
                continue
            if os.path.islink(path) and not _is_inside(os.path.realpath(path), root):
                yield _describe(path, refused_because="a link that leads out of the folder")
            elif not os.path.exists(path) or os.path.isfile(path):
                yield _describe(path)


def _is_log(path: str, database: str | None) -> bool:
    name = os.path.basename(path)
    if name.startswith(".") or name in NOT_LOGS:
        return False
    return database is None or not (path == database or path.startswith(database + "."))


def _is_inside(path: str, root: str) -> bool:
    return path.startswith(root.rstrip(os.sep) + os.sep)


def _describe(path: str, refused_because: str | None = None) -> LogFile:
    path = os.path.abspath(path)
    try:
        facts = os.stat(path)
    except OSError as error:
        return LogFile(path, 0, _EPOCH, source_of(path), refused_because or _reason(error))
    if not stat.S_ISREG(facts.st_mode):
        refused_because = refused_because or "not a regular file"
    modified_at = _EPOCH + timedelta(microseconds=facts.st_mtime_ns // 1000)
    return LogFile(path, facts.st_size, modified_at, source_of(path), refused_because)


def _reason(error: OSError) -> str:
    return f"cannot be read: {error.strerror or error}"


def _nothing_at(path: str) -> str:
    if os.path.isdir(path):
        return f"{path} holds no log files. Name the folder that does."
    if glob.has_magic(path):
        return f"{path} matches no file. Check the pattern; `**` goes into folders."
    return f"{path} does not exist. Check the path."
