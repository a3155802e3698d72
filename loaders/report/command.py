"""The command `daybook report`."""

from __future__ import annotations

from pathlib import Path

import click

from loaders.display import show_path
from loaders.report.page import write_report

NAME = "report.html"
PUBLISHED = Path("published")


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to write the page. [default: published/report.html, else report.html]",
)
@click.pass_context
def report(context: click.Context, out: Path | None) -> None:
    """Write the report: one HTML page that opens without a network.

    It holds the questions of analyses/ with their answers, and a chart of every report in marts.
    """
    out = out or (PUBLISHED / NAME if PUBLISHED.is_dir() else Path(NAME))
    write_report(context.obj.database, None, out)
    click.echo(f"The report is in {show_path(str(out))}")
