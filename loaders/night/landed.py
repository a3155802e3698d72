"""The first step of a night: lands files, and checks whether any call is new."""

from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from loaders import accounts
from loaders.display import plural, show_path
from loaders.errors import NothingToLand, NothingUsable
from loaders.landing.command import stop_without_calls
from loaders.landing.discover import discover
from loaders.landing.lander import Landed, Lander
from loaders.landing.printing import progress_bar
from loaders.limits import Limits
from loaders.published import PublishedNights, marks_of
from loaders.warehouse import open_warehouse


@dataclass(frozen=True)
class Came:
    """The result of landing: a line for the log, and the files that did not land.

    `problems` has the path of each, and what is wrong with it.
    """

    said: str
    problems: list[tuple[str, str]] = field(default_factory=list)
    refused: int = 0


def land(paths: tuple[str, ...], database: Path, nights: PublishedNights) -> Came:
    """Land files. Raises `NothingUsable` if no call came and nothing is left to publish.

    A stopped night may have landed its files already. The next run then finds no new files, but
    still has those to build and publish.
    """
    limits = Limits.from_environment()
    results: list[Landed] = []
    nothing: NothingUsable | None = None
    try:
        files = discover(paths, limits, besides=database)
    except NothingToLand as error:
        if not error.at_any_path:
            raise
        files, nothing = None, NothingUsable(f"No new file came. {error}")
    with open_warehouse(database, limits) as warehouse:
        if files is not None:
            with progress_bar(files.bytes) as progress:
                results = list(Lander(warehouse, limits).land(files, progress))
            try:
                stop_without_calls(results)
            except NothingUsable as error:
                nothing = error
        if nothing and not _is_left_to_publish(warehouse.connection, nights):
            raise nothing
    return _came(results)


def _is_left_to_publish(connection: duckdb.DuckDBPyConnection, nights: PublishedNights) -> bool:
    (calls,) = connection.execute("select coalesce(sum(calls), 0) from raw.loads").fetchone()
    if not calls:
        return False
    if accounts.build_due(connection):
        return True
    (invocation,) = connection.execute(
        "select max_by(invocation, build) from meta.builds where ended_well"
    ).fetchone()
    # A night that was rolled back is not published again until something new lands.
    return marks_of(nights.newest()).get("invocation") != invocation


def _came(results: list[Landed]) -> Came:
    landed = [each for each in results if each.status == "landed"]
    problems = [
        (show_path(each.file.path), f"was {_OUT[each.status]}: {each.because}")
        for each in results
        if each.status in _OUT
    ]
    calls = sum(each.counts.calls for each in landed)
    said = f"{plural(len(landed), 'new file')}, {plural(calls, 'call')}"
    if unchanged := sum(each.status == "unchanged" for each in results):
        said += f", {plural(unchanged, 'file')} landed before"
    refused = sum(each.status == "refused" for each in results)
    return Came(said, problems, refused)


_OUT = {"refused": "refused", "growing": "postponed"}
