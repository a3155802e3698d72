"""What `daybook land`, `status` and `quarantine` do."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

import click
import duckdb

from loaders import accounts, display
from loaders import quarantine as set_aside
from loaders.discover import discover
from loaders.errors import SOME_FILES_REFUSED, AccountingFailed
from loaders.landing import Lander
from loaders.limits import Limits
from loaders.warehouse import open_warehouse, read_warehouse


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.pass_context
def land(context: click.Context, paths: tuple[str, ...]) -> None:
    """Land log files: JSON Lines, plain, gzip or zstd.

    PATH is a file, a folder (with all that is in it) or a glob. What has been landed before is
    left alone; a damaged file is refused whole; a bad line is set aside with its reason.
    """
    database, limits = context.obj.database, Limits.from_environment()
    files = discover(paths, besides=database)
    results = []
    with (
        open_warehouse(database, limits) as warehouse,
        display.progress_bar(sum(file.bytes for file in files)) as progress,
    ):
        for landed in Lander(warehouse, limits).land(files, progress):
            if len(files) <= display.FEW_FILES or landed.status in ("refused", "growing"):
                display.show_file(landed)
            results.append(landed)
    display.show_total(results, _option(context))
    if any(landed.status == "refused" for landed in results):
        context.exit(SOME_FILES_REFUSED)


@click.command()
@click.pass_context
def status(context: click.Context) -> None:
    """What has been landed, and the proof that every line of it is accounted for."""
    with _what_has_landed(context) as connection:
        if connection is None:
            return
        display.show_status(accounts.summarise(connection), str(context.obj.database))
        wrong = accounts.disagreements(connection)
    if not wrong:
        click.echo("Every line is accounted for.")
        return
    for each in wrong:
        display.show_disagreement(each)
    raise AccountingFailed(
        f"{display.plural(len(wrong), 'load')} of {context.obj.database} cannot be accounted for:"
        " something other than daybook changed the tables, or the file was damaged. Restore the"
        " database from a copy, or delete it and land the logs again."
    )


@click.command()
@click.option("--load", "load_id", type=int, metavar="N", help="Only what load N set aside.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Show the first N only.")
@click.pass_context
def quarantine(context: click.Context, load_id: int | None, limit: int | None) -> None:
    """The lines that were set aside, each with its file, line number and reason."""
    with _what_has_landed(context) as connection:
        if connection is None:
            return
        total = set_aside.count_quarantined(connection, load_id)
        if not total:
            click.echo("Nothing was set aside.")
        for each in set_aside.quarantined(connection, load_id, limit):
            display.show_quarantined(each)
        if limit and total > limit:
            click.echo(f"... and {total - limit:,} more")


@contextmanager
def _what_has_landed(context: click.Context) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """The warehouse to read; None, and a word on what to do, where nothing has been landed yet."""
    database = context.obj.database
    if database.exists():
        with read_warehouse(database) as connection:
            if accounts.has_landed(connection):
                yield connection
                return
    click.echo(f"Nothing has been landed in {database} yet. Start with: daybook land PATH")
    yield None


def _option(context: click.Context) -> str:
    """`--database FILE` for a command to copy, where it is not the default."""
    name = str(context.obj.database)
    return "" if name == "warehouse.duckdb" else f" --database {shlex.quote(name)}"
