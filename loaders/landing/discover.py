"""Finds the log files behind paths: files, folders and globs, on this machine or in a bucket."""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, islice
from pathlib import Path

from wcmatch import glob

from loaders.errors import NothingToLand
from loaders.landing import objects
from loaders.limits import Limits

# `daybook simulate` writes it beside its logs: the planted answers.
NOT_LOGS = frozenset({"truth.json"})

# segment-logs/<source>/<day>/<file> is Segment's S3 archive; rudder-logs/<source>/<date>/<file>
# is what RudderStack's object storage destinations write, below a prefix of one's choice.
_ARCHIVE = re.compile(r"(?:^|/)(?:segment-logs|rudder-logs)/([^/]+)/(?:[^/]+/)+[^/]+$")
# If that folder is renamed, RudderStack's file names still hold the source:
# <epoch>.<source>.<uuid>.json.gz.
_RUDDERSTACK = re.compile(r"(?:^|/)([^/]+)/[^/]+/\d+\.\1\.[0-9a-f-]{36}\.json(?:\.gz)?$")

# A bucket with more objects than this is still being listed while its first objects are landed.
_LISTED_AT_FIRST = 1000

_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class LogFile:
    """A file to land. Its content has not been read yet."""

    path: str  # absolute, or the URL of an object
    bytes: int
    modified_at: datetime  # UTC, naive
    source: str | None = None  # the archive's source id, if the path holds it
    refused_because: str | None = None  # found before reading it, e.g. not a regular file
    remote: objects.Object | None = field(default=None, compare=False, repr=False)  # else on disk


@dataclass(frozen=True)
class LogFiles:
    """Log files in their order; those of a large bucket are listed while the first are landed."""

    known: list[LogFile]
    to_come: Iterator[LogFile] | None = None

    def __iter__(self) -> Iterator[LogFile]:
        """May be called only once while more files are still to be listed."""
        yield from self.known
        if self.to_come:
            yield from self.to_come

    @property
    def bytes(self) -> int | None:
        """Total size of all files; None while some are still to be listed."""
        return None if self.to_come else sum(file.bytes for file in self.known)

    def are_at_most(self, number: int) -> bool:
        """Whether there are at most `number` files."""
        return not self.to_come and len(self.known) <= number


def discover(
    paths: Sequence[str], limits: Limits | None = None, *, besides: Path | None = None
) -> LogFiles:
    """Name every log file behind `paths`, in order, each once.

    The database at `besides` and its companions (.wal, .tmp) are never taken for logs.
    Raises `NothingToLand` for the first path that matches nothing.
    """
    database = str(besides.absolute()) if besides else None
    found, empty = [], []
    for path in paths:
        if objects.is_url(path):
            matches = _in_bucket(path, limits or Limits())
        else:
            matches = iter(list(_expand(path, database)))
        if first := next(matches, None):
            found.append(chain([first], matches))
        else:
            empty.append(path)
    if empty:
        raise NothingToLand(_nothing_at(empty[0]), at_any_path=not found)
    files = chain.from_iterable(found) if len(found) == 1 else _each_once(found)
    if not any(map(objects.is_url, paths)):
        return LogFiles(list(files))
    known = list(islice(files, _LISTED_AT_FIRST))
    return LogFiles(known, files if len(known) == _LISTED_AT_FIRST else None)


def source_of(path: str) -> str | None:
    """The source id that an archive's path carries."""
    path = path.replace(os.sep, "/")
    match = _ARCHIVE.search(path) or _RUDDERSTACK.search(path)
    return match[1] if match else None


def _each_once(found: Iterable[Iterable[LogFile]]) -> Iterator[LogFile]:
    seen = set()
    for file in chain.from_iterable(found):
        if file.path not in seen:
            seen.add(file.path)
            yield file


def _in_bucket(url: str, limits: Limits) -> Iterator[LogFile]:
    for each in objects.find(url, limits.retry_seconds):
        path = each.url
        if _is_log(path, None):
            yield LogFile(path, each.bytes, each.modified_at, source_of(path), remote=each)


def _expand(path: str, database: str | None) -> Iterator[LogFile]:
    if os.path.isdir(path):
        yield from _walk(path, database)
    elif os.path.lexists(path):
        yield _describe(path)
    elif glob.is_magic(path):
        for match in sorted(glob.glob(path, flags=glob.GLOBSTAR | glob.FOLLOW)):
            if os.path.isdir(match):
                # `**` names every folder and every file in it; `*` only the folders.
                if not path.endswith("**"):
                    yield from _walk(match, database)
            elif _is_log(os.path.abspath(match), database):
                yield _describe(match)


def _walk(folder: str, database: str | None) -> Iterator[LogFile]:
    root = os.path.realpath(folder)
    unreadable: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            path = os.path.abspath(os.path.join(parent, name))
            if os.path.islink(path) and not _is_inside(os.path.realpath(path) + os.sep, root):
                yield _describe(path, refused_because="a link that leads out of the folder")
        for name in sorted(names):
            path = os.path.abspath(os.path.join(parent, name))
            if not _is_log(path, database):
                continue
            if os.path.islink(path) and not _is_inside(os.path.realpath(path), root):
                yield _describe(path, refused_because="a link that leads out of the folder")
            elif not os.path.exists(path) or os.path.isfile(path):
                yield _describe(path)
    for error in unreadable:
        yield _describe(error.filename, refused_because=_reason(error))


def _is_log(path: str, database: str | None) -> bool:
    name = os.path.basename(path)
    if name.startswith(".") or name in NOT_LOGS:
        return False
    return database is None or not (path == database or path.startswith(database + "."))


def _is_inside(path: str, root: str) -> bool:
    return path.startswith(root.rstrip(os.sep) + os.sep)


def _describe(path: str, refused_because: str | None = None) -> LogFile:
    path = os.path.abspath(path)
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    if text != path:
        return LogFile(text, 0, _EPOCH, refused_because="its name is not UTF-8; rename it")
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
    if glob.is_magic(path):
        return f"{path} matches no file. Check the pattern; `**` goes into folders."
    if objects.is_url(path):
        return f"{path} holds no log files. Name an object, all of a folder's name, or a pattern."
    if "://" in path:
        return f"{path}: Daybook reads files and folders here, and s3://, gs:// and az://."
    return f"{path} does not exist. Check the path."
