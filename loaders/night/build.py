"""Runs `dbt build` in this process."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loaders.errors import CannotBuild, DatabaseIsHeld, is_interrupt
from loaders.warehouse import private_files

LOG = "logs/dbt.log"
_FAILED = ("error", "fail", "runtime error")
_HELD = "is open in another process"
Told = Callable[[int, int], None]  # nodes that have started, of how many


@dataclass(frozen=True)
class Built:
    """The result of a build."""

    models: int = 0
    tests: int = 0
    warnings: list[str] = field(default_factory=list)


def build(database: Path, say: Callable[[str], None], told: Told) -> Built:
    """Build and test everything. `say` gets dbt's notes and a line per failed node.

    Raises `CannotBuild` where a model or a test failed, `DatabaseIsHeld` where dbt cannot open the
    database.
    """
    from dbt.cli.main import dbtRunner  # two seconds: only when it is needed

    def hear(event: Any) -> None:
        if event.info.name == "PrintEvent":
            say(event.info.msg)
        if event.info.name == "LogStartLine":
            told(event.data.index, event.data.total)

    quiet = ["--quiet", "--log-level", "none", "--no-use-colors"]
    with _database_of_dbt(database), _arguments_of_dbt(), private_files():
        outcome = dbtRunner(callbacks=[hear]).invoke([*quiet, "build"])
        _close_connections()
    if outcome.exception and is_interrupt(outcome.exception):
        raise KeyboardInterrupt from outcome.exception
    results = list(getattr(outcome.result, "results", None) or [])
    if not outcome.success:
        raise _why_not(outcome.exception, results, say)
    kinds = Counter(str(result.node.resource_type) for result in results)
    return Built(
        models=kinds["model"] + kinds["seed"] + kinds["snapshot"],
        tests=kinds["test"] + kinds["unit_test"],
        warnings=[_line(result) for result in results if result.status == "warn"],
    )


def _why_not(
    exception: BaseException | None, results: list[Any], say: Callable[[str], None]
) -> CannotBuild | DatabaseIsHeld:
    from dbt.cli.exceptions import DbtUsageException

    failed = [_line(result) for result in results if result.status in _FAILED]
    for line in failed:
        say(line)
    if failed:
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        return CannotBuild(f"dbt build failed: {failed[0]}{more} ({LOG} has the details)")
    problem = " ".join(str(exception or f"dbt build failed; see {LOG}").split())
    if isinstance(exception, DbtUsageException) and not Path("profiles.yml").exists():
        problem = f"There is no profiles.yml in this folder, and dbt says: {problem}"
    return DatabaseIsHeld(problem) if _HELD in problem else CannotBuild(problem)


def _line(result: Any) -> str:
    what = " ".join(str(result.message or result.status).split())
    return f"{result.node.resource_type} {result.node.name}: {what}"


@contextmanager
def _arguments_of_dbt() -> Iterator[None]:
    """dbt writes sys.argv to target/ and logs/: the ids of `daybook forget` must not be there."""
    before, sys.argv = sys.argv, ["dbt", "build"]
    try:
        yield
    finally:
        sys.argv = before


@contextmanager
def _database_of_dbt(database: Path) -> Iterator[None]:
    before = os.environ.get("DAYBOOK_DATABASE")
    os.environ["DAYBOOK_DATABASE"] = str(database)
    try:
        yield
    finally:
        if before is None:
            del os.environ["DAYBOOK_DATABASE"]
        else:
            os.environ["DAYBOOK_DATABASE"] = before


def _close_connections() -> None:
    """Publishing has to open the database, but dbt-duckdb keeps it open until the process ends."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import reset_adapters

    environment = DuckDBConnectionManager._ENV
    reset_adapters()
    if environment is not None:
        environment.close()
        DuckDBConnectionManager._ENV = None
