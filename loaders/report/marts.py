"""Reads the marts, of the private warehouse or of a published copy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from loaders.asking import Answer


@dataclass(frozen=True)
class Marts:
    """The data from which the sections of a report are made."""

    connection: duckdb.DuckDBPyConnection
    as_of: date  # the last complete day of the logs
    answers: list[Answer]  # of the questions at the top of analyses/

    def has(self, table: str) -> bool:
        """Whether the table exists; `table` includes its schema."""
        return bool(self.columns(table))

    def columns(self, table: str) -> list[str]:
        """The table's columns; none if there is no such table."""
        schema, _, name = table.partition(".")
        rows = self.connection.execute(
            "select column_name from duckdb_columns()"
            " where database_name = current_database() and schema_name = ? and table_name = ?"
            " order by column_index",
            [schema, name],
        ).fetchall()
        return [column for (column,) in rows]

    def query(self, table: str, sql: str, **values: object) -> pl.DataFrame:
        """The rows of `sql`, which reads `table`; no rows and no columns if the table is missing.

        `values` are the parameters `$name` of the query.
        """
        if not self.has(table):
            return pl.DataFrame()
        return self.connection.sql(sql, params=values or None).pl()
