"""A company's own checkout of Daybook: lands real files, builds with real dbt, reads the marts.

One dbt process serves the whole session (importing dbt costs seconds), and what it has parsed is
kept from build to build and from checkout to checkout.
"""

import atexit
import contextlib
import csv
import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import yaml
from click.testing import CliRunner, Result

REPO = Path(__file__).resolve().parent.parent
SHARED_WITH_THE_REPO = (
    "models",
    "macros",
    "analyses",
    "tests/sql",
    "profiles.yml",
)
# The plan that comes with Daybook, pinned: a company edits seeds/ and the vars in its own checkout.
JUNE = REPO / "tests" / "june"

# Contract 4, column by column.
SEED_COLUMNS = {
    "tracking_plan_events": (
        "event description feature counts_as_active expected_side former_names"
    ),
    "tracking_plan_properties": "event property type required allowed_values is_pii",
    "tracking_plan_traits": "entity trait type required allowed_values is_pii former_names",
    "context_columns": "column path type is_pii",
    "placeholder_ids": "id value reason",
    "public_email_domains": "domain",
    "plans": "plan is_paying mau_limit",
    "internal_accounts": "match_on value reason",
    "activity_reports": "report entity event filter_by filter_values starts_on ends_on",
    "stickiness_reports": "report entity event bucket starts_on ends_on",
    "retention_reports": (
        "report entity cohort_event return_event cohort_rule period return_window minimum_events"
        " periods filter_by filter_values breakdown breakdown_at starts_on ends_on"
    ),
    "activation_milestones": "entity milestone position event minimum_events within_days",
    "funnels": "funnel entity order_rule window_seconds starts_on ends_on",
    "funnel_steps": "funnel step event excluded_event",
}


@dataclass(frozen=True)
class Build:
    """The result of a `dbt build`: `failures` has a line per failed node, or the one error."""

    succeeded: bool
    failures: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)  # warnings, errors and print()s, as shown
    ran: list[str] = field(default_factory=list)  # the nodes that ran, by unique id
    target: Path | None = None  # where dbt wrote its artifacts

    @property
    def output(self) -> str:
        """All output of the build that a person can read."""
        return "\n".join([*self.printed, *self.failures])


class Daybook:
    """A folder that shares the repo's models and has its own seeds, logs and database."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self.database = self.folder / "warehouse.duckdb"
        self.logs = self.folder / "logs_in"
        self.logs.mkdir(parents=True)
        for name in SHARED_WITH_THE_REPO:
            place = self.folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(REPO / name)
        write_dbt_project(self.folder)
        self.restore_seeds()

    # What the company has

    def restore_seeds(self) -> None:
        """Put back the seeds that come with Daybook."""
        write_seeds(self.folder)

    def seed_path(self, name: str) -> Path:
        """The path of a seed, by `retention_reports` or by `reports/retention_reports`."""
        name = f"{Path(name).name}.csv"
        found = sorted((self.folder / "seeds").rglob(name))
        assert len(found) == 1, f"{len(found)} seeds are called {name}: {found}"
        return found[0]

    def seed(self, name: str, rows: Iterable[Mapping[str, Any]] = ()) -> Path:
        """Replace a seed's rows. Columns that a row lacks, or has as None, are blank."""
        path = self.seed_path(name)
        columns = SEED_COLUMNS[path.stem].split()
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            for row in rows:
                writer.writerow({name: _cell(value) for name, value in row.items()})
        return path

    def seed_rows(self, name: str) -> list[dict[str, str]]:
        """A seed's rows as in the file, every cell as text."""
        with self.seed_path(name).open(newline="") as file:
            return list(csv.DictReader(file))

    def write(
        self, calls: Iterable[Mapping | str | bytes] | bytes, name: str = "log.jsonl"
    ) -> Path:
        """Write a log: a call per line; text and bytes are written unchanged; .gz is compressed."""
        if not isinstance(calls, bytes):
            calls = b"".join(_line(call) + b"\n" for call in calls)
        path = self.logs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(calls, mtime=0) if name.endswith(".gz") else calls)
        return path

    def forget(self) -> None:
        """Start again without logs and database. Seeds stay."""
        shutil.rmtree(self.logs)
        self.logs.mkdir()
        for path in self.folder.glob(f"{self.database.name}*"):
            path.unlink()

    # What the company does

    def run(self, *arguments: Any, exit_code: int | None = 0) -> Result:
        """Run `daybook ARGUMENTS` in the folder, and check its `exit_code` (None: any)."""
        from loaders.cli import main

        with _inside(self.folder):
            result = CliRunner(env={"DAYBOOK_DATABASE": str(self.database)}).invoke(
                main, [str(argument) for argument in arguments]
            )
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert exit_code in (None, result.exit_code), (
            f"daybook {' '.join(map(str, arguments))} ended with {result.exit_code}:\n"
            f"{result.output}"
        )
        return result

    def land(self, *paths: Path | str, exit_code: int | None = 0) -> Result:
        """Run `daybook land PATHS`; without a path, land the folder of logs."""
        return self.run("land", *(paths or [self.logs]), exit_code=exit_code)

    def build(
        self,
        *arguments: str,
        vars: Mapping[str, Any] | None = None,
        command: str = "build",
        fails: bool = False,
    ) -> Build:
        """Run `dbt build ARGUMENTS`. Raises if it fails, or, with `fails`, if it passes."""
        result = _dbt(self.folder, command, *arguments, vars=vars or {})
        if result.succeeded == fails:
            raise AssertionError(
                f"dbt {command} should have failed, and passed"
                if fails
                else f"dbt {command} failed:\n{result.output}"
            )
        return result

    # What the company reads

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """A query's rows. Its own connection, read only, closed before it returns."""
        columns, rows = self._ask(sql)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def query(self, sql: str) -> pl.DataFrame:
        """A query's rows as a frame."""
        columns, rows = self._ask(sql)
        return pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)

    def table(self, name: str) -> pl.DataFrame:
        """A whole table: `table("marts.activity")`."""
        return self.query(f"select * from {name}")

    def _ask(self, sql: str) -> tuple[list[str], list[tuple]]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            answer = connection.execute(sql)
            return [column[0] for column in answer.description], answer.fetchall()


def write_seeds(folder: Path) -> None:
    """Write the pinned seeds, with the column types of the repo."""
    seeds = folder / "seeds"
    shutil.rmtree(seeds, ignore_errors=True)
    shutil.copytree(JUNE / "seeds", seeds)
    shutil.copy(REPO / "seeds" / "seeds.yml", seeds)


def write_dbt_project(folder: Path) -> None:
    """Write the repo's dbt_project.yml with the pinned vars."""
    project = yaml.safe_load((REPO / "dbt_project.yml").read_text())
    project["vars"] |= yaml.safe_load((JUNE / "vars.yml").read_text())
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(project, sort_keys=False))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _line(call: Mapping | str | bytes) -> bytes:
    if isinstance(call, bytes):
        return call
    return call.encode() if isinstance(call, str) else json.dumps(call).encode()


@contextlib.contextmanager
def _inside(folder: Path, **environment: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _dbt(folder: Path, command: str, *arguments: str, vars: Mapping[str, Any]) -> Build:
    from dbt.cli.main import dbtRunner

    # dbt parses everything again when the project's or the database's path has changed. So it sees
    # all checkouts under one path, a link; and each set of vars keeps a manifest of its own.
    desk = _desk()
    checkout = desk / "checkout"
    checkout.unlink(missing_ok=True)
    checkout.symlink_to(folder)
    vars_as_text = json.dumps(vars, sort_keys=True, default=str)
    target = desk / f"target-{sha256(vars_as_text.encode()).hexdigest()[:12]}"

    printed = []

    def keep(event: Any) -> None:
        if event.info.level in ("warn", "error") or event.info.name in ("PrintEvent", "Formatting"):
            printed.append(event.info.msg)

    options = [
        *("--project-dir", str(checkout), "--profiles-dir", str(checkout)),
        *("--target-path", str(target), "--log-path", str(desk / "logs")),
        *("--vars", vars_as_text),
    ]
    logging = ["--quiet", "--log-level", "none", "--log-level-file", "none", "--no-use-colors"]
    with _inside(folder, DAYBOOK_DATABASE=str(checkout / "warehouse.duckdb")):
        outcome = dbtRunner(callbacks=[keep]).invoke(
            [*logging, *command.split(), *options, *arguments]
        )
    _close_every_connection()

    nodes = list(getattr(outcome.result, "results", []))
    failures = [
        f"{node.node.unique_id}: {node.message}"
        for node in nodes
        if node.status in ("error", "fail", "runtime error")
    ]
    if outcome.exception:
        failures.append(str(outcome.exception))
    ran = [node.node.unique_id for node in nodes]
    return Build(outcome.success, failures, printed, ran, target)


@cache
def _desk() -> Path:
    """The folder where this session's dbt keeps its manifests."""
    folder = tempfile.mkdtemp(prefix="daybook-dbt-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _close_every_connection() -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import reset_adapters

    environment = DuckDBConnectionManager._ENV
    reset_adapters()
    if environment is not None:
        environment.close()


def set_var(daybook: Daybook, name: str, value: str) -> None:
    """Set a var in the dbt_project.yml of a checkout."""
    path = daybook.folder / "dbt_project.yml"
    project = yaml.safe_load(path.read_text())
    project["vars"][name] = value
    path.write_text(yaml.safe_dump(project, sort_keys=False))
