"""What `daybook land`, `status`, `quarantine` and `unland` do."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
import duckdb

from loaders import accounts, display
from loaders import quarantine as set_aside
from loaders.discover import discover
from loaders.errors import SOME_FILES_REFUSED, AccountingFailed
from loaders.landing import Lander
from loaders.ledger import Ledger
from loaders.limits import Limits
from loaders.warehouse import open_warehouse, read_warehouse

AS_JSON = click.option("--json", "as_json", is_flag=True, help="For machines: JSON on stdout.")


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@AS_JSON
@click.pass_context
def land(context: click.Context, paths: tuple[str, ...], as_json: bool) -> None:
    """Land log files: JSON Lines, plain, gzip or zstd.

    PATH is a file, a folder (with all that is in it) or a glob; on this machine, or in a bucket:
    s3://, gs:// or az:// (pip install 'daybook[s3]'). What has been landed before is left alone; a
    damaged file is refused whole; a bad line is set aside with its reason.
    """
    database, limits = context.obj.database, Limits.from_environment()
    files = discover(paths, limits, besides=database)
    are_few = files.are_at_most(display.FEW_FILES)
    results = []
    with (
        open_warehouse(database, limits) as warehouse,
        display.progress_bar(files.bytes) as progress,
    ):
        for landed in Lander(warehouse, limits).land(files, progress):
            if not as_json and (are_few or landed.because):
                display.show_file(landed)
            results.append(landed)
        loads = [each.load_id for each in results if each.status == "landed"]
        examples = set_aside.examples(warehouse.connection, loads)
    if as_json:
        display.print_landed(results)
    else:
        display.show_total(results, examples, _option(context))
    if any(landed.status == "refused" for landed in results):
        context.exit(SOME_FILES_REFUSED)


@click.command()
@AS_JSON
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """What has been landed, and the proof that every line of it is accounted for."""
    with _what_has_landed(context, silent=as_json) as connection:
        if connection is None:
            if as_json:
                display.print_status(accounts.Summary(), [], None, str(context.obj.database))
            return
        summary, wrong = accounts.summarise(connection), accounts.disagreements(connection)
        due = accounts.build_due(connection)
    if as_json:
        display.print_status(summary, wrong, due, str(context.obj.database))
    else:
        display.show_status(summary, due, str(context.obj.database))
        for each in wrong:
            display.show_disagreement(each)
    if wrong:
        raise AccountingFailed(
            f"{display.plural(len(wrong), 'load')} of {context.obj.database} cannot be accounted"
            " for: something other than daybook changed the tables, or the file was damaged. Take"
            f" it out (daybook unland --load {wrong[0].load_id}) and land its file again, or"
            " restore the database from a copy."
        )
    if not as_json:
        click.echo("Every line is accounted for.")


@click.command()
@click.option("--load", "load_id", type=int, metavar="N", help="Only what load N set aside.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Show the first N only.")
@click.option(
    "--export",
    type=click.File("wb", atomic=True),
    metavar="FILE",
    help="Write the lines themselves, byte for byte, to be mended and landed.",
)
@AS_JSON
@click.pass_context
def quarantine(
    context: click.Context,
    load_id: int | None,
    limit: int | None,
    export: BinaryIO | None,
    as_json: bool,
) -> None:
    """The lines that were set aside, each with its file, line number and reason."""
    if export and Path(export.name).absolute() == context.obj.database.absolute():
        raise click.UsageError("--export FILE would replace the database; name another file.")
    with _what_has_landed(context, silent=as_json) as connection:
        if connection is None:
            return
        if export:
            written = 0
            for line in set_aside.lines(connection, load_id, limit):
                export.write(line + b"\n")
                written += 1
            said = f"{display.plural(written, 'line')} written to {export.name}"
            nothing = f"Nothing was set aside, and {export.name} is not written."
            click.echo(said if written else nothing, err=True)
            return
        show = display.print_quarantined if as_json else display.show_quarantined
        for each in set_aside.quarantined(connection, load_id, limit):
            show(each)
        total = set_aside.count_quarantined(connection, load_id)
    if as_json:
        return
    if not total:
        click.echo("Nothing was set aside.")
    if limit and total > limit:
        click.echo(f"... and {total - limit:,} more")


@click.command()
@click.option("--load", "load_id", type=int, required=True, metavar="N", help="Which load.")
@click.pass_context
def unland(context: click.Context, load_id: int) -> None:
    """Take a wrongly landed file out, completely.

    The next `dbt build` brings every mart to what it would have been without it.
    """
    database, limits = context.obj.database, Limits.from_environment()
    with _what_has_landed(context) as connection:
        if connection is None:
            return
    with open_warehouse(database, limits) as warehouse:
        taken = Ledger(warehouse.connection).take_out(warehouse, load_id)
    click.echo(
        f"taken out  {display.show_path(taken.path)}: load {load_id},"
        f" {display.plural(taken.calls, 'call')}. The next dbt build forgets it;"
        " the next landing of its file, should it still lie there, brings it back."
    )


@contextmanager
def _what_has_landed(
    context: click.Context, *, silent: bool = False
) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """The warehouse to read; None, and a word on what to do, where nothing has been landed yet."""
    database = context.obj.database
    if database.exists():
        with read_warehouse(database) as connection:
            if accounts.has_landed(connection):
                yield connection
                return
    if not silent:
        click.echo(f"Nothing has been landed in {database} yet. Start with: daybook land PATH")
    yield None


def _option(context: click.Context) -> str:
    """`--database FILE` for a command to copy, where it is not the default."""
    name = str(context.obj.database)
    return "" if name == "warehouse.duckdb" else f" --database {shlex.quote(name)}"
