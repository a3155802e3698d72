"""The command `daybook report`."""

from __future__ import annotations

from pathlib import Path

import click

from loaders.asking.command import what_to_read
from loaders.display import show_path
from loaders.report.page import write_report

NAME = "report.html"
PUBLISHED = Path("published")


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to write the page. [default: published/report.html once a night is published]",
)
@click.pass_context
def report(context: click.Context, out: Path | None) -> None:
    """Write the report: one HTML page that opens without a network.

    It holds the questions of analyses/ with their answers, and a chart of every report in marts.
    Once a night is published, it is drawn from the published copy, unless --database is given.
    """
    database = what_to_read(context)
    if out is None:
        # Personal data of the warehouse must not come into published/.
        out = Path(NAME) if database == context.obj.database else PUBLISHED / NAME
    write_report(database, None, out)
    click.echo(f"The report is in {show_path(str(out))}")
