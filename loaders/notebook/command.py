"""The command `daybook notebook`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from loaders.errors import NotInstalled
from loaders.notebook.night import published_database
from loaders.package import dbt_package

NOTEBOOK = Path("analyses", "notebooks", "product.py")
# Runs marimo and then exits at once: Python's usual exit aborts if a thread is busy in DuckDB.
_MARIMO = """
import os, runpy, sys
try:
    runpy.run_module("marimo", run_name="__main__", alter_sys=True)
    code = 0
except SystemExit as end:
    code = end.code if isinstance(end.code, int) else int(bool(end.code))
except KeyboardInterrupt:
    code = 130
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)
"""


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="N",
    help="Where to serve it. [default: 2718, else the next free port]",
)
@click.option("--no-browser", is_flag=True, help="Serve it, and open no browser.")
def notebook(port: int | None, no_browser: bool) -> None:
    """Open the published night as a notebook in the browser: pick a report, a breakdown, a period.

    It is served to this machine alone, until Ctrl-C. A project with a notebook of its own at
    analyses/notebooks/product.py gets that one.
    """
    try:
        import marimo  # noqa: F401
    except ImportError as error:
        raise NotInstalled(
            "The notebook needs the extra notebook. Where Daybook was installed from a checkout,"
            " run there: pip install '.[notebook]'. From a wheel: pip install"
            " 'daybook_analytics-....whl[notebook]'"
        ) from error
    published_database()
    path = str(notebook_of(Path()))
    arguments = ["--yes", "run", "--no-sandbox", path]
    arguments += ["--port", str(port)] if port else []
    arguments += ["--headless"] if no_browser else []
    # marimo replaces this process, so that stopping this process stops the server.
    os.execv(sys.executable, [sys.executable, "-c", _MARIMO, *arguments])


def notebook_of(project: Path) -> Path:
    """Return the notebook of a project, or Daybook's if it has none."""
    own = project / NOTEBOOK
    return own if own.is_file() else dbt_package() / NOTEBOOK
