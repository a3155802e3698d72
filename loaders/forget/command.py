"""The command `daybook forget`."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TextIO

import click

from loaders import accounts
from loaders.display import plural, show_path
from loaders.errors import CannotForget, NightStopped, NoDatabase
from loaders.forget.certificate import Certificate
from loaders.forget.mentions import Mentions
from loaders.forget.people import find_people
from loaders.forget.plan import Plan, read_plan
from loaders.forget.rewriting import (
    Rewritten,
    close_file,
    place_beside,
    take_the_place_of,
    write_without,
)
from loaders.forget.search import Found, is_mentioned, search_file, search_folder, search_warehouse
from loaders.forgotten import Forgotten
from loaders.landing.ledger import now
from loaders.limits import Limits
from loaders.night.build import build
from loaders.night.command import project_here
from loaders.night.lock import night_lock
from loaders.night.publication import Publication
from loaders.night.steps import Steps
from loaders.project import PROJECT_FILE, Project
from loaders.published import PublishedNights, marks_of
from loaders.warehouse import Warehouse, files_under, open_warehouse

_REPORT = Path("report.html")
_NOTHING = "Nothing was forgotten"


@click.command(options_metavar="[--user ID...] [--file LIST] [--company ID...] [OPTIONS]")
@click.option("--user", "users", multiple=True, metavar="ID...", help="Any user id of a person.")
@click.option(
    "--file",
    "list_file",
    type=click.File(encoding="utf-8-sig"),
    metavar="LIST",
    help="A file with a user id on each line; - is stdin.",
)
@click.option("--company", "companies", multiple=True, metavar="ID...", help="A company's id.")
@click.argument("more", nargs=-1, metavar="")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--json", "as_json", is_flag=True, help="For machines: JSON on stdout.")
@click.pass_context
def forget(
    context: click.Context,
    users: tuple[str, ...],
    list_file: TextIO | None,
    companies: tuple[str, ...],
    more: tuple[str, ...],
    yes: bool,
    as_json: bool,
) -> None:
    """Erase people, with proof: from the warehouse, the quarantine and everything published.

    All ids of a person are erased, with the devices that nobody else used. Keyed hashes of them are
    kept, so that no file brings them back. With --company, every call that names the company is
    erased. Prints a certificate. It cannot be undone.

    If nights are published, the tables are built and published again; otherwise the next dbt build
    makes them. If a run was stopped, run the same command again: it has changed nothing, or all.
    """
    users, companies = _named(users, companies, more, list_file)
    database = context.obj.database
    if not database.exists():
        raise NoDatabase(f"There is no database at {database}: nobody is known there.")
    limits, umask = Limits.from_environment(), _umask()
    with _explained(), night_lock(database), open_warehouse(database, limits) as warehouse:
        certificate = _Erasure(warehouse, read_plan(), yes, umask).run(users, companies)
    click.echo(json.dumps(certificate.document(), indent=2) if as_json else certificate.text())


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except NightStopped as stopped:
        problem = stopped.problem.rstrip(".")
        if _NOTHING not in problem:
            problem += f". {_NOTHING}: it stopped at the step {stopped.step}"
        error = CannotForget(f"{problem}. The same command may be run again.")
        error.exit_code = stopped.exit_code
        raise error from stopped


def _named(
    users: tuple[str, ...],
    companies: tuple[str, ...],
    more: tuple[str, ...],
    list_file: TextIO | None,
) -> tuple[list[str], list[str]]:
    if more and bool(users) == bool(companies):
        raise click.UsageError("Name each id with its option: --user ID or --company ID.")
    listed = _lines(list_file) if list_file else []
    named_users = [*users, *(more if users else ()), *listed]
    named_companies = [*companies, *(more if companies else ())]
    found = [one.strip() for one in named_users if one.strip()]
    found_companies = [one.strip() for one in named_companies if one.strip()]
    if not found and not found_companies:
        raise click.UsageError("Name somebody: --user ID, --file LIST or --company ID.")
    return found, found_companies


def _lines(list_file: TextIO) -> list[str]:
    try:
        return list(list_file)
    except UnicodeDecodeError as error:
        raise click.UsageError(
            f"{list_file.name} is not UTF-8. Save it as UTF-8, with a user id on each line."
        ) from error


@dataclass
class _Erasure:
    """One run. Existing files are unchanged until the last two steps; each is one rename."""

    warehouse: Warehouse
    plan: Plan
    is_confirmed: bool
    umask: int  # of published files
    at: datetime = field(default_factory=now)
    nights: PublishedNights = field(default_factory=PublishedNights)
    steps: Steps = field(init=False)

    def run(self, users: list[str], companies: list[str]) -> Certificate:
        warehouse, connection = self.warehouse, self.warehouse.connection
        forgotten = Forgotten(connection)
        people = find_people(
            connection, users, companies, self.plan, forgotten, partial(is_mentioned, connection)
        )
        mentions = Mentions.of(people)
        self._check_seeds(mentions)
        is_published = self._is_published()
        project = project_here() if is_published else None
        self.steps = Steps(
            ("search", "rewrite", *(("build", "publish", "report") if project else ()), "check")
        )
        with self.steps.step("search"):
            before, old_nights = self._search_before(mentions)
        since = [forgotten.since(kind, one) for kind, one in people.ids()]
        if all(since) and before.is_clean:
            due = accounts.build_due(connection)
            return Certificate(
                mentions, max(since), Rewritten(), before, before, is_build_due=bool(due)
            )
        self._confirm(mentions, before)
        connection.execute("checkpoint")
        with place_beside(warehouse.path) as path:
            with self.steps.step("rewrite"):
                rewritten = write_without(
                    warehouse, mentions, forgotten, before.tables, self.plan, self.at, path
                )
            publication = self._publish(project, path) if project else None
            with self.steps.step("check"):
                after = search_file(path, show_path(str(warehouse.path)), mentions)
                if publication:
                    after.add(search_folder(publication.folder, "published", mentions))
                _check_clean(after)
                close_file(warehouse.path, path)
            if publication:
                with files_under(self.umask):
                    publication.show()
            removed = self._remove_leftovers(mentions)
            take_the_place_of(warehouse.path, path)
        return Certificate(
            mentions,
            self.at,
            rewritten,
            before,
            after,
            night=publication and publication.number,
            removed_nights=old_nights,
            removed_files=removed,
            is_build_due=not publication,
        )

    def _check_seeds(self, mentions: Mentions) -> None:
        people = mentions.people
        named = [
            *(("user_id", one) for one in people.users),
            *(("company_id", one) for one in people.companies),
            *(("email_domain", one.lower()) for one in people.companies),
        ]
        for rule in sorted(named):
            if place := self.plan.named.get(rule):
                raise CannotForget(
                    f"{place} names {rule[1]}. Nothing was forgotten: take the row out, so that no"
                    " build brings the id back, then run the same command again."
                )

    def _is_published(self) -> bool:
        """Whether the working folder has published nights of this warehouse."""
        for folder in {self.warehouse.path.absolute().parent, self.warehouse.path.resolve().parent}:
            if not folder.samefile(Path()) and self._is_published_in(folder):
                raise CannotForget(
                    f"{self.warehouse.path} is published in {folder.resolve() / 'published'}."
                    f" {_NOTHING}; run the command in that folder."
                )
        return self._is_published_in(Path())

    def _is_published_in(self, folder: Path) -> bool:
        nights = PublishedNights(folder)
        newest = nights.current() if nights.link.is_symlink() else nights.newest()
        database = marks_of(newest).get("database")
        return bool(database) and (folder / database).resolve() == self.warehouse.path.resolve()

    def _search_before(self, mentions: Mentions) -> tuple[Found, list[str]]:
        before = search_warehouse(self.warehouse.path, self.warehouse.connection, mentions)
        old = self.nights.folders() if self._is_published_in(Path()) else []
        for folder in old:
            if folder.name.isdigit():  # other folders are left by stopped runs, and may be damaged
                before.add(search_folder(folder, str(folder), mentions))
        return before, [str(folder) for folder in old]

    def _confirm(self, mentions: Mentions, before: Found) -> None:
        if self.is_confirmed:
            return
        if not sys.stdin.isatty():
            raise CannotForget(
                "There is no terminal to ask on. Nothing was forgotten; add --yes to erase without"
                " a question."
            )
        people = mentions.people
        ids = ", ".join(one for _, one in people.ids())
        rows = sum(before.tables.values())
        click.confirm(
            f"Erase {ids} ({plural(rows, 'row')} in {plural(len(before.tables), 'table')})?"
            " It cannot be undone",
            abort=True,
            err=True,
        )

    def _publish(self, project: Project, path: Path) -> Publication:
        """Build the new file and write a night from it. Readers do not see it yet."""
        with self.steps.step("build") as told:
            built = build(path, self.steps.say, _progress(told))
        publication = Publication(
            path,
            project,
            self.nights,
            keep=1,
            built=built,
            took=self.steps.took,
            known_as=self.warehouse.path,
        )
        with self.steps.step("publish") as told, files_under(self.umask):
            publication.write(told)
        with self.steps.step("report"), files_under(self.umask):
            from loaders.report.page import write_report  # altair: only when it is needed

            write_report(publication.copy_of_database, None, publication.report)
        publication.document["report"] = "report.html"
        return publication

    def _remove_leftovers(self, mentions: Mentions) -> list[str]:
        """Remove what stopped runs left, an old report, and dbt's files that mention the people."""
        removed = []
        if not self.nights.newest():
            for unfinished in self.nights.folders():
                shutil.rmtree(unfinished)
        for database in (self.warehouse.path.absolute(), self.warehouse.path.resolve()):
            shutil.rmtree(database.with_name(database.name + ".tmp"), ignore_errors=True)
        for path in [_REPORT, *_files_of_dbt()]:
            if path.is_file() and (path == _REPORT or _mentions_them(path, mentions)):
                path.unlink()
                removed.append(str(path))
        return removed


def _files_of_dbt() -> list[Path]:
    """Return the files that dbt wrote in the working folder, and will write again."""
    if not Path(PROJECT_FILE).is_file():
        return []
    return sorted([*Path("target").rglob("*"), *Path("logs").glob("dbt.log*")])


def _mentions_them(path: Path, mentions: Mentions) -> bool:
    return bool(mentions.count_in_file(path)) and mentions.are_in_text(path.read_bytes())


def _progress(told: Callable[[str], None]) -> Callable[[int, int], None]:
    return lambda number, total: told(f"{number} of {total}")


def _check_clean(after: Found) -> None:
    if after.is_clean:
        return
    where = [f"{rows:,} rows of {table}" for table, rows in after.tables.items()]
    where += [f"{places:,} places of {file}" for file, places in after.files.items()]
    raise CannotForget(
        f"Something of theirs would be left: {', '.join(where)}. Nothing was forgotten. A seed or a"
        " model of your own may hold it; remove it there."
    )
