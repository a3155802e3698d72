"""The commands `daybook land`, `status`, `quarantine` and `unland`."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
import duckdb

from loaders import accounts
from loaders.display import plural, show_path
from loaders.errors import (
    SOME_FILES_REFUSED,
    AccountingFailed,
    NoSuchLoad,
    NothingToLand,
    NothingUsable,
)
from loaders.landing import printing
from loaders.landing import quarantine as quarantine_table
from loaders.landing.discover import discover
from loaders.landing.lander import Landed, Lander
from loaders.landing.ledger import Ledger
from loaders.limits import Limits
from loaders.warehouse import open_warehouse, read_warehouse

AS_JSON = click.option("--json", "as_json", is_flag=True, help="For machines: JSON on stdout.")


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--expect-calls",
    is_flag=True,
    help="For a schedule: end with exit code 5 if no call landed, because no new file came or no"
    " line of the new files is a sound call.",
)
@AS_JSON
@click.pass_context
def land(context: click.Context, paths: tuple[str, ...], expect_calls: bool, as_json: bool) -> None:
    """Land log files: JSON Lines, plain, gzip or zstd.

    PATH is a file, a folder (with all that is in it) or a glob; on this machine, or in a bucket:
    s3://, gs:// or az:// (needs the extra s3). A file that landed before is skipped; a damaged
    file, or one that is no log, is refused whole; a line that is no call is quarantined with its
    reason.

    Exit codes: 0 done; 4 some files were refused, the rest landed. With --expect-calls: 5 no call
    landed, whether files were refused or not; else 4 or 0.
    """
    database, limits = context.obj.database, Limits.from_environment()
    try:
        files = discover(paths, limits, besides=database)
    except NothingToLand as error:
        if expect_calls and error.at_any_path:
            raise NothingUsable(f"No new file came. {error}") from error
        raise
    are_few = files.are_at_most(printing.FEW_FILES)
    results = []
    with (
        open_warehouse(database, limits) as warehouse,
        printing.progress_bar(files.bytes) as progress,
    ):
        for landed in Lander(warehouse, limits).land(files, progress):
            if not as_json and (are_few or landed.because):
                printing.show_file(landed)
            results.append(landed)
        loads = [each.load_id for each in results if each.status == "landed"]
        examples = quarantine_table.examples(warehouse.connection, loads)
    if as_json:
        printing.print_landed(results)
    else:
        printing.show_total(results, examples, _option(context))
    if expect_calls:
        stop_without_calls(results)
    if any(landed.status == "refused" for landed in results):
        context.exit(SOME_FILES_REFUSED)


@click.command()
@AS_JSON
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Show what has landed, and prove that every line of it is accounted for."""
    with _what_has_landed(context, silent=as_json) as connection:
        if connection is None:
            if as_json:
                printing.print_status(accounts.Summary(), [], None, {}, str(context.obj.database))
            return
        summary, wrong = accounts.summarise(connection), accounts.disagreements(connection)
        due = accounts.build_due(connection)
        names = accounts.plan_and_logs(connection)
    if as_json:
        printing.print_status(summary, wrong, due, names, str(context.obj.database))
    else:
        printing.show_status(summary, due, str(context.obj.database))
        for each in wrong:
            printing.show_disagreement(each)
    if wrong:
        raise AccountingFailed(
            f"{plural(len(wrong), 'load')} of {context.obj.database} cannot be accounted"
            " for: something other than daybook changed the tables, or the file was damaged. Unload"
            f" it (daybook unland --load {wrong[0].load_id}) and land its file again, or"
            " restore the database from a copy."
        )
    if not as_json:
        printing.show_names(names)
        click.echo("Every line is accounted for.")


@click.command()
@click.option("--load", "load_id", type=int, metavar="N", help="Only the lines of load N.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Show the first N only.")
@click.option(
    "--export",
    type=click.File("wb", atomic=True),
    metavar="FILE",
    help="Write the lines themselves, byte for byte, to be fixed and landed.",
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
    """Show the quarantined lines, each with its file, line number and reason."""
    if export and Path(export.name).absolute() == context.obj.database.absolute():
        raise click.UsageError("--export FILE would replace the database; name another file.")
    if export and Path(export.name).exists():
        raise click.UsageError(f"{export.name} exists; name a new file, or move it away.")
    with _what_has_landed(context, silent=as_json) as connection:
        if connection is None:
            return
        if load_id is not None and not accounts.has_load(connection, load_id):
            raise NoSuchLoad(f"There is no load {load_id}. The table raw.loads lists them.")
        if export:
            written = 0
            for line in quarantine_table.lines(connection, load_id, limit):
                export.write(line + b"\n")
                written += 1
            said = f"{plural(written, 'line')} written to {export.name}"
            nothing = f"Nothing is quarantined, and {export.name} is not written."
            click.echo(said if written else nothing, err=True)
            return
        show = printing.print_quarantined if as_json else printing.show_quarantined
        for each in quarantine_table.quarantined(connection, load_id, limit):
            show(each)
        total = quarantine_table.count_quarantined(connection, load_id)
    if as_json:
        return
    if not total:
        click.echo("Nothing is quarantined.")
    if limit and total > limit:
        click.echo(f"... and {total - limit:,} more")


@click.command(options_metavar="--load N...")
@click.option(
    "--load",
    "load_ids",
    type=int,
    multiple=True,
    required=True,
    metavar="N...",
    help="Which loads.",
)
@click.argument("more_load_ids", nargs=-1, type=int, metavar="")
@click.pass_context
def unland(
    context: click.Context, load_ids: tuple[int, ...], more_load_ids: tuple[int, ...]
) -> None:
    """Unload wrongly landed files, completely: all of the loads named, or none.

    `--load 3 4` and `--load 3 --load 4` are the same. The next `dbt build` brings every mart to
    what it would have been without them.
    """
    database, limits = context.obj.database, Limits.from_environment()
    with _what_has_landed(context) as connection:
        if connection is None:
            return
    with open_warehouse(database, limits) as warehouse:
        unloaded = Ledger(warehouse.connection).unload(warehouse, [*load_ids, *more_load_ids])
    for each in unloaded:
        click.echo(
            f"unloaded   {show_path(each.path)}: load {each.load_id},"
            f" {plural(each.calls, 'call')}. Move the file away before you land its folder"
            " again; then run dbt build."
        )


def stop_without_calls(results: list[Landed]) -> None:
    """Raise `NothingUsable` if no file of this run brought a call."""
    new = [each for each in results if each.status == "landed"]
    if any(each.counts.calls for each in new):
        return
    refused = sum(each.status == "refused" for each in results)
    if new:
        lines = sum(each.counts.lines for each in new)
        what = f"{plural(lines, 'line')} of {plural(len(new), 'new file')}, no call"
        advice = "See why: daybook quarantine." if lines else "The new files are empty."
    else:
        what, advice = "no new file came", "Check that the logs are still written to this path."
    if refused:
        what += f", {plural(refused, 'file was', 'files were')} refused"
        advice = "The reason of each stands above." if not new else advice
    raise NothingUsable(f"Nothing usable came: {what}. {advice}")


@contextmanager
def _what_has_landed(
    context: click.Context, *, silent: bool = False
) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """The warehouse to read; None, and a message that says what to do, before the first landing."""
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
    """`--database FILE` for a command in a message, where it is not the default."""
    name = str(context.obj.database)
    return "" if name == "warehouse.duckdb" else f" --database {shlex.quote(name)}"
