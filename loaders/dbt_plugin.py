"""What dbt needs of Python: the raw tables, one clear line on a bad database, and the checks.

Named in `profiles.yml`. Its `store` is how a macro calls Python: see macros/meta.sql.
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
from loaders.engine_errors import first_line
from loaders.errors import DaybookError
from loaders.table_shapes import changed_tables, check_raw_tables
from loaders.warehouse import check_path, keep_private, not_opened

# Said by dbt's CSV reader for each type of a column that a seed may lack.
warnings.filterwarnings("ignore", '".*" does not match the name of any column', RuntimeWarning)

_BAD_SETTINGS = (duckdb.ParserException, duckdb.InvalidInputException, duckdb.OutOfMemoryException)


class _NoConnection(DbtBaseException):
    """dbt prints its text and nothing else. (Of a RuntimeError it would make a database error.)"""


class Stopped(DbtRuntimeError):
    """Likewise, from within a macro, where dbt lets only such an error through as it is."""

    def __str__(self) -> str:
        return self.msg


class Plugin(BasePlugin):
    """One per run of dbt."""

    def update_connection_config(self, creds: DuckDBCredentials, config: dict) -> None:
        """Open the database just before dbt does, to explain why that fails.

        dbt's own connection then shares this one's instance, so the file is opened once.
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
            raise _NoConnection(
                f"DAYBOOK_BUILD_MEMORY is {config.get('memory_limit')!r}, which DuckDB cannot use:"
                f" {first_line(error)}. Write a size like 5GB or 800MB."
            ) from error
        except duckdb.Error as error:
            raise _NoConnection(str(not_opened(path, error))) from error

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Create the raw tables and dbt's memory where they are missing.

        Memory that somebody has changed is forgotten: the next build then builds everything anew.
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
        """Answer a macro: `config` has the name of a function of `builds`, and what it needs.

        What the function returns is put into `config['answer']`.
        """
        question = target_config.config
        ask = {"before": builds.before, "after": builds.after}[question["ask"]]
        try:
            with self._connection.cursor() as cursor:
                question["answer"].update(ask(cursor, question))
        except DaybookError as error:
            raise Stopped(str(error)) from error
