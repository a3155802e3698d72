"""Jinja in a question: `ref`, `source`, `var` and `config`, as dbt has them."""

from __future__ import annotations

import difflib
import traceback
from typing import Any

import duckdb
from jinja2 import StrictUndefined, TemplateSyntaxError
from jinja2.exceptions import UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from loaders.errors import BadQuestion
from loaders.project import PROJECT_FILE


class Tables:
    """The tables and views of the opened database, found by name."""

    def __init__(self, connection: duckdb.DuckDBPyConnection):
        rows = connection.execute(
            "select table_schema, table_name from information_schema.tables"
            " where table_catalog = current_database()"
        ).fetchall()
        self._schemas: dict[str, list[str]] = {}
        for schema, table in sorted(rows):
            self._schemas.setdefault(table.lower(), []).append(schema)

    def has(self, name: str, schema: str) -> bool:
        """Whether there is such a table in that schema."""
        return schema.lower() in map(str.lower, self._schemas.get(name.lower(), []))

    def find(self, name: str) -> str:
        """The table that dbt calls `name`: in `marts`, else in the only schema that has it."""
        schemas = self._schemas.get(name.lower(), [])
        if not schemas:
            raise BadQuestion(
                f"no table is called {name!r}{self._suggestion(name)} Correct the name, or build"
                " the model: dbt build"
            )
        if "marts" in schemas:
            return _quoted("marts", name)
        if len(schemas) > 1:
            raise BadQuestion(
                f"several schemas have a table {name!r}: {', '.join(schemas)}. Write the schema"
                " before it, without ref()"
            )
        return _quoted(schemas[0], name)

    def _suggestion(self, name: str) -> str:
        close = difflib.get_close_matches(name.lower(), self._schemas, n=1)
        return f". Did you mean {close[0]!r}?" if close else "."


def _quoted(schema: str, table: str) -> str:
    return ".".join('"{}"'.format(part.replace('"', '""')) for part in (schema, table))


class Template:
    """Turns Jinja into SQL for one database and the vars of one project."""

    def __init__(self, tables: Tables, variables: dict[str, Any]):
        self._tables, self._vars = tables, variables
        # As in dbt, an undefined name is an error, not an empty text.
        self._jinja = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
        self._jinja.globals.update(
            ref=self._ref, source=self._source, var=self._var, config=lambda **_: ""
        )

    def render(self, sql: str) -> str:
        """The SQL. Raises `BadQuestion` with the line where Jinja stopped."""
        try:
            return self._jinja.from_string(sql).render()
        except BadQuestion as problem:
            raise BadQuestion(str(problem), line=_line(problem)) from None
        except TemplateSyntaxError as problem:
            what = f"broken Jinja: {problem.message}"
            raise BadQuestion(what, line=problem.lineno) from None
        except UndefinedError as problem:
            what = f"{problem.message}; a question knows ref(), source(), var() and config()"
            raise BadQuestion(what, line=_line(problem)) from None
        except Exception as problem:  # a template is a program: anything can go wrong in it
            what = f"broken Jinja: {str(problem) or type(problem).__name__}"
            raise BadQuestion(what, line=_line(problem)) from None

    def _ref(self, *names: str, **_: Any) -> str:
        if len(names) not in (1, 2) or not all(isinstance(name, str) for name in names):
            raise BadQuestion("ref() takes the name of a table: {{ ref('dim_users') }}")
        return self._tables.find(names[-1])

    def _source(self, *names: str) -> str:
        if len(names) != 2 or not all(isinstance(name, str) for name in names):
            raise BadQuestion("source() takes two names: {{ source('raw', 'calls') }}")
        schema, table = names
        if not self._tables.has(table, schema):
            raise BadQuestion(f"there is no table {schema}.{table}. Correct the name")
        return _quoted(schema, table)

    def _var(self, *name_and_default: Any, **default: Any) -> Any:
        name, *others = [*name_and_default, *default.values()] or [None]
        if not isinstance(name, str) or len(others) > 1:
            raise BadQuestion("var() takes a name and a default: {{ var('email_trait', 'email') }}")
        if name not in self._vars and not others:
            raise BadQuestion(
                f"there is no var {name!r}. Set it under vars in {PROJECT_FILE}, or give a default:"
                f" var('{name}', ...)"
            )
        return self._vars.get(name, *others)


def _line(problem: Exception) -> int | None:
    """The template line of an error; Jinja puts it into a stack frame with this file name."""
    frames = traceback.extract_tb(problem.__traceback__)
    return next((each.lineno for each in reversed(frames) if each.filename == "<template>"), None)
