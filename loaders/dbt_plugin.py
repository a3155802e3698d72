"""The dbt plugin: makes the raw tables, explains a bad database in one line, runs the checks.

It is named in `profiles.yml`. Macros call Python through its `store`: see macros/meta.sql.
"""

import secrets
import warnings
from importlib import resources
from pathlib import Path

import duckdb
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import TargetConfig
from dbt_common.exceptions import DbtBaseException, DbtRuntimeError

from loaders import builds
from loaders.engine_errors import unusable_memory
from loaders.errors import DaybookError
from loaders.table_shapes import changed_tables, check_raw_tables
from loaders.warehouse import check_path, keep_private, not_opened

# A warning of dbt's CSV reader for each column type of an optional column that a seed lacks.
warnings.filterwarnings("ignore", '".*" does not match the name of any column', RuntimeWarning)

_BAD_SETTINGS = (duckdb.ParserException, duckdb.InvalidInputException, duckdb.OutOfMemoryException)


class _NoConnection(DbtBaseException):
    """dbt prints only this error's text. (It would turn a RuntimeError into a database error.)"""


class Stopped(DbtRuntimeError):
    """The same within a macro, where dbt passes on only a DbtRuntimeError unchanged."""

    def __str__(self) -> str:
        return self.msg


class Plugin(BasePlugin):
    """One per run of dbt."""

    def update_connection_config(self, creds: DuckDBCredentials, config: dict) -> None:
        """Open the database just before dbt does, to explain a failure.

        dbt's own connection then shares this DuckDB instance, so the file is opened once.
        """
        path = Path(creds.path)
        try:
            check_path(path)
            self._first = duckdb.connect(creds.path, config=config)
            keep_private(path)
            check_raw_tables(self._first)
        except DaybookError as error:
            raise _NoConnection(str(error)) from error
        except _BAD_SETTINGS as error:
            raise _NoConnection(unusable_memory(config.get("memory_limit"), error)) from error
        except duckdb.Error as error:
            raise _NoConnection(str(not_opened(path, error))) from error

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Create the raw tables and dbt's memory if they are missing.

        Memory that was changed by hand is dropped; the next build then rebuilds everything.
        """
        for table in changed_tables(conn, "meta"):
            conn.execute(f"drop table {table}")
        for script in ("schema.sql", "memory.sql"):
            conn.execute(resources.files("loaders").joinpath(script).read_text())
        conn.execute(
            "insert into meta.publishing_key select ? where not exists (from meta.publishing_key)",
            [secrets.token_hex(32)],
        )
        self._connection = conn
        self._first = None

    def store(self, target_config: TargetConfig) -> None:
        """Answer a macro: call the function of `builds` that `config` names, with its arguments.

        The result is put into `config['answer']`.
        """
        question = target_config.config
        ask = {"before": builds.before, "after": builds.after}[question["ask"]]
        try:
            with self._connection.cursor() as cursor:
                question["answer"].update(ask(cursor, question))
        except DaybookError as error:
            raise Stopped(str(error)) from error
