"""The commands `daybook nightly` and `daybook publish`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from loaders.display import plural
from loaders.errors import SOME_FILES_REFUSED, BadProject, NightStopped
from loaders.landing.ledger import now
from loaders.night import summary
from loaders.night.build import build
from loaders.night.landed import land
from loaders.night.lock import night_lock
from loaders.night.privacy import mode_and_key
from loaders.night.publication import Publication
from loaders.night.steps import Steps
from loaders.project import PROJECT_FILE, Project, find_project
from loaders.published import PublishedNights

KEEP = click.option(
    "--keep",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    metavar="N",
    help="How many published nights to keep, this one included.",
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="For machines: JSON on stdout.")
NOTIFY = click.option(
    "--notify", metavar="URL", help="Post the summary, or what went wrong, as JSON to a webhook."
)


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@KEEP
@NOTIFY
@AS_JSON
@click.pass_context
def nightly(
    context: click.Context, paths: tuple[str, ...], keep: int, notify: str | None, as_json: bool
) -> None:
    """Land, build, publish, report: a whole night, for a schedule.

    PATH is what daybook land takes. Readers see the new night in published/ once every test has
    passed; until then they keep the last one. The log is on stderr, the summary on stdout. To
    continue a stopped night, run the same command again.

    Exit codes: 0 done; 1 stopped, the step is named; 3 another night is running, or another process
    has the database open; 4 done, but some files were refused; 5 nothing usable came.
    """
    database, nights, started_at = context.obj.database, PublishedNights(), now()
    steps = Steps(("land", "build", "publish", "report"))
    with _told(as_json, notify), night_lock(database):
        with steps.step("land"):
            project = project_here()
            nights.current()
            came = land(paths, database, nights)
            steps.say(came.said)
        with steps.step("build") as told:
            built = build(database, steps.say, lambda number, total: told(f"{number} of {total}"))
            steps.say(f"{plural(built.models, 'table')}, {plural(built.tests, 'test')} passed")
        publication = Publication(
            database,
            project,
            nights,
            keep,
            started_at=started_at,
            built=built,
            took=steps.took,
            problems=came.problems,
        )
        _publish(publication, steps)
    _tell(publication.document, as_json, notify)
    if came.refused:
        context.exit(SOME_FILES_REFUSED)


@click.command()
@KEEP
@click.option("--rollback", is_flag=True, help="Show readers the night before the current one.")
@NOTIFY
@AS_JSON
@click.pass_context
def publish(
    context: click.Context, keep: int, rollback: bool, notify: str | None, as_json: bool
) -> None:
    """Show readers what the last `dbt build` made, if all that has landed is built and tested.

    Readers get published/: daybook.duckdb, a Parquet file per mart (fct_events by month), and
    metrics.parquet. All of it is replaced in one step. It holds no raw logs and no personal data.
    """
    database, nights = context.obj.database, PublishedNights()
    steps = Steps(("publish", "report"))
    with _told(as_json, notify), night_lock(database):
        if rollback:
            former, shown = nights.roll_back()
            document = {"status": "rolled back", "night": shown, "instead_of": former}
            said = f"{nights.link} shows night {shown} again, not {former}."
            click.echo(summary.as_json(document) if as_json else said)
            _notify(notify, document)
            return
        publication = Publication(database, project_here(), nights, keep, took=steps.took)
        _publish(publication, steps)
    _tell(publication.document, as_json, notify)


def _publish(publication: Publication, steps: Steps) -> None:
    """Write the night and its report, then show both at once."""
    with steps.step("publish") as told:
        publication.write(told)
    with steps.step("report"):
        from loaders.report.page import write_report  # altair: only when it is needed

        write_report(publication.copy_of_database, None, publication.report)
    publication.document["report"] = "report.html"
    with steps.stopping("publish"):
        publication.show()
    steps.say(f"night {publication.number} is published")


def project_here() -> Project:
    """Return the dbt project of the working folder. Raises `BadProject` where there is none."""
    if not Path(PROJECT_FILE).is_file():
        raise BadProject(
            f"There is no {PROJECT_FILE} in this folder. Run the command in the folder of your dbt"
            " project; daybook init DIR makes one."
        )
    project = find_project(Path())
    mode_and_key(project.vars)  # fail now, not after an hour of building
    return project


@contextmanager
def _told(as_json: bool, notify: str | None) -> Iterator[None]:
    """Report a stopped night to machines, too."""
    try:
        yield
    except NightStopped as stopped:
        document = {
            "night": None,
            "status": "stopped",
            "step": stopped.step,
            "problem": stopped.problem,
            "exit_code": stopped.exit_code,
        }
        if as_json:
            click.echo(summary.as_json(document))
        _notify(notify, document)
        raise


def _tell(document: dict[str, Any], as_json: bool, notify: str | None) -> None:
    click.echo(summary.as_json(document) if as_json else summary.text(document))
    _notify(notify, document)


def _notify(url: str | None, document: dict[str, Any]) -> None:
    if url and (problem := summary.post(url, document)):
        click.echo(f"daybook: {problem}", err=True)
