"""Opens the warehouse: waits a while for another writer, and turns errors into one line."""

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TypeVar

import duckdb
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from loaders.engine_errors import DATA_CORRUPTION, EngineError, ask_for_json, first_line, read
from loaders.errors import BadDatabase, DatabaseIsHeld, NoDatabase
from loaders.limits import Limits
from loaders.table_shapes import check_raw_tables

Result = TypeVar("Result")

_NAME_ANOTHER = "Name another file with --database or DAYBOOK_DATABASE."
# DuckDB names a database after its file. These names are taken by schemas and other databases.
_TAKEN_NAMES = {
    *("raw", "meta", "seeds", "staging", "intermediate", "marts", "nights", "main"),
    *("last_night", "night_copy", "erased_copy", "memory", "system", "temp"),
}
_DAMAGED = "The file is damaged: restore a copy, or delete it and land the logs again."
_HOLDER = re.compile(r"PID (\d+)")  # only DuckDB's message names the process


@dataclass(frozen=True)
class Warehouse:
    """A warehouse opened for writing."""

    path: Path
    connection: duckdb.DuckDBPyConnection
    spool: Path  # a folder for pieces of files that are landing; empty again after each file

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything in the block, or nothing."""
        self.connection.execute("begin transaction")
        try:
            yield
            self.connection.execute("commit")
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        with suppress(duckdb.Error):  # the commit itself failed: there is no open transaction
            self.connection.execute("rollback")


@contextmanager
def open_warehouse(path: Path, limits: Limits) -> Iterator[Warehouse]:
    """Open (or create) the warehouse for writing; checkpoint it when done."""
    check_path(path)
    with private_files():
        connection = _connect(path, limits.lock_seconds, read_only=False)
        keep_private(path)
    # This process holds the database, so files here were left by a stopped run.
    spool = path.absolute().with_name(path.name + ".spool")
    with private_files(), explained(path), connection:
        connection.execute(f"set memory_limit = '{int(limits.engine_bytes)}B'")
        # Every row has its line number, so the two halves of a spool may be stored in parallel.
        connection.execute("set preserve_insertion_order = false")
        check_raw_tables(connection)
        connection.execute(_schema())
        shutil.rmtree(spool, ignore_errors=True)
        spool.mkdir()
        try:
            yield Warehouse(path, connection, spool)
            _checkpoint(path, connection)
        finally:
            shutil.rmtree(spool, ignore_errors=True)


def _checkpoint(path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Move committed data from the write-ahead log into the database."""
    try:
        connection.execute("checkpoint")
    except duckdb.Error as error:
        raise BadDatabase(
            f"{path}: what landed is kept in {path.name}.wal, and could not be moved into the"
            f" database: {first_line(error)}. Keep both files, correct the cause, and run the same"
            " command again: it moves the rest."
        ) from error


@contextmanager
def private_files() -> Iterator[None]:
    """Make files created in the block accessible to their owner only, whatever the umask."""
    with files_under(0o077):
        yield


@contextmanager
def files_under(umask: int) -> Iterator[None]:
    """Give files created in the block the modes that this umask allows."""
    before = os.umask(umask)
    try:
        yield
    finally:
        os.umask(before)


def keep_private(path: Path) -> None:
    """Let only the owner access the warehouse and the files that DuckDB keeps beside it."""
    for each in (path, path.with_name(path.name + ".wal")):
        with suppress(OSError):  # the file is missing, or owned by another user, who may decide
            each.chmod(0o600)


@contextmanager
def read_warehouse(
    path: Path, lock_seconds: float | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for reading only. Raises `NoDatabase` before the first landing."""
    if not path.exists():
        raise NoDatabase(
            f"There is no database at {path} yet. Land some logs first: daybook land PATH"
        )
    wait = Limits.from_environment().lock_seconds if lock_seconds is None else lock_seconds
    with _connect(path, wait, read_only=True) as connection, explained(path):
        check_raw_tables(connection)
        yield connection


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn each error of DuckDB or the disk into one line."""
    try:
        yield
    except BrokenPipeError:  # the reader of our output has gone
        raise
    except duckdb.OutOfMemoryException as error:
        raise BadDatabase(
            f"{path}: DuckDB needs more memory than it may use; DAYBOOK_MEMORY (bytes) allows"
            f" more. It said: {first_line(error)}"
        ) from error
    except (duckdb.Error, OSError) as error:
        is_damaged = _is_damage(error)
        if not is_damaged and not isinstance(error, duckdb.IOException | OSError):
            raise
        advice = (
            _DAMAGED
            if is_damaged
            else "What was being landed is not in it; fix the cause and run the same command again."
        )
        raise BadDatabase(
            f"{path} could not be read or written: {first_line(error)}. {advice}"
        ) from error


def _connect(path: Path, wait: float, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    if str(path) == ":memory:":
        raise BadDatabase(":memory: would be lost at once. Name a file with --database.")
    if _is_something_else(path):  # asked first: for a SQLite file DuckDB would go and download
        raise BadDatabase(f"{path} is not a DuckDB database. {_NAME_ANOTHER}")

    def connect() -> duckdb.DuckDBPyConnection:
        try:
            # Use the whole path: DuckDB does not read a name like md:calls as a file.
            return duckdb.connect(str(path.absolute()), read_only=read_only)
        except duckdb.Error as error:
            raise not_opened(path, error, read_only=read_only) from error

    connection = while_held(wait, connect)
    ask_for_json(connection)
    connection.execute("set global TimeZone = 'UTC'")
    # A missing table is an error; DuckDB must not read a Python variable of that name instead.
    connection.execute("set python_enable_replacements = false")
    return connection


def while_held(seconds: float, do: Callable[[], Result]) -> Result:
    """Retry `do` for some seconds while it raises `DatabaseIsHeld`."""
    again = Retrying(
        retry=retry_if_exception_type(DatabaseIsHeld),
        stop=stop_after_delay(seconds),
        wait=wait_fixed(min(0.1, seconds)),
        reraise=True,
    )
    return again(do)


def check_path(path: Path) -> None:
    """Raise `BadDatabase` if no database can be opened or created at `path`."""
    if not path.absolute().parent.is_dir():
        raise BadDatabase(f"{path}: there is no folder {path.absolute().parent}. Make it first.")
    name = path.name.partition(".")[0].lower()
    if name in _TAKEN_NAMES:
        raise BadDatabase(
            f"{path}: DuckDB takes the name of the file for that of the database, and {name} is the"
            " name of something in it. Call the file differently, for instance warehouse.duckdb."
        )
    if _is_something_else(path):  # asked first: for a SQLite file DuckDB would go and download
        raise BadDatabase(f"{path} is not a DuckDB database. {_NAME_ANOTHER}")


def not_opened(path: Path, error: duckdb.Error, *, read_only: bool = False) -> BadDatabase:
    """Return the error that says why DuckDB could not open `path`."""
    said = read(error)
    if said.kind is None and not path.is_dir():
        said = _asked_again(path, error, read_only=read_only)
    if said is None or said.errno == errno.EAGAIN:
        return DatabaseIsHeld(_held(path, error))
    if path.is_dir():
        return BadDatabase(f"{path} is a folder, not a database. {_NAME_ANOTHER}")
    # Without an error of the operating system, the content is not that of a DuckDB database.
    is_wrong_inside = said.kind == DATA_CORRUPTION or (said.kind == "IO" and said.errno is None)
    advice = f". {_DAMAGED}" if is_wrong_inside or _is_damage(error) else ""
    return BadDatabase(f"{path} cannot be opened: {first_line(error)}{advice}")


def _asked_again(path: Path, error: duckdb.Error, *, read_only: bool) -> EngineError | None:
    """DuckDB's error as JSON. The file is attached for it, because connecting gives only text.

    None: the file can be opened now, so another process had it open before.
    """
    name = str(path.absolute()).replace("'", "''")
    with duckdb.connect() as connection:
        ask_for_json(connection)
        try:
            connection.execute(f"attach '{name}' as asked {'(read_only)' if read_only else ''}")
        except duckdb.Error as again:
            return read(again)
    return None if isinstance(error, duckdb.IOException) else read(error)


def _is_something_else(path: Path) -> bool:
    if not path.is_file():
        return False
    with suppress(OSError), path.open("rb") as file:
        head = file.read(12)
        return bool(head) and head[8:] != b"DUCK"
    return False  # it cannot be read: DuckDB says why


def _held(path: Path, error: duckdb.Error) -> str:
    holder = _HOLDER.search(str(error))
    who = f" (pid {holder[1]})" if holder else ""
    return (
        f"{path} is open in another process{who}. Close it there, then run the same command again."
    )


def _is_damage(error: Exception) -> bool:
    kinds = (duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException)
    return isinstance(error, kinds) or read(error).kind == DATA_CORRUPTION


def _schema() -> str:
    return resources.files("loaders").joinpath("schema.sql").read_text()
