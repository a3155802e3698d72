"""The command: checks the folder, writes the files that are missing, says what to do next."""

import shlex
from pathlib import Path

import click

from loaders.errors import CannotInit
from loaders.init.files import missing_files
from loaders.init.project import PROJECT_FILE, existing_project, new_project
from loaders.package import dbt_package


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--from-logs",
    is_flag=True,
    help="Begin with an empty plan instead of the example.",
)
def init(folder: Path, from_logs: bool) -> None:
    """Write a company's own dbt project, with Daybook as its package.

    DIR is new or empty. It gets seeds/ (as an example, the plan that June published for its own
    product), dbt_project.yml, profiles.yml, packages.yml, one example question in analyses/, and a
    README.md that says what to edit, in which order. In a project that `daybook init` made before,
    only what is missing is added: run it after an upgrade. No file is ever overwritten.
    """
    try:
        earlier = existing_project(folder)
        project = earlier or new_project(folder)
        files = missing_files(project, is_new=earlier is None, plan_is_empty=from_logs)
        for path, text in files.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("x", encoding="utf-8") as file:  # never over what is there
                file.write(text)
    except OSError as error:
        raise CannotInit(
            f"{error.filename or folder}: {error.strerror or error}. Name another folder, or mend"
            " that and run the same command again: it goes on where it stopped."
        ) from error
    if earlier:
        _say_what_was_added(folder, list(files))
    else:
        _say_what_is_next(folder, project.name, from_logs)


def _say_what_was_added(folder: Path, added: list[Path]) -> None:
    for path in added:
        click.echo(f"added  {folder / path}")
    if not added:
        click.echo(f"{folder} has every file that Daybook needs; nothing was added.")
    packages = folder / "packages.yml"
    if str(dbt_package()) not in packages.read_text(encoding="utf-8"):
        click.echo(
            f"{packages} does not name {dbt_package()}, where Daybook is installed now. Write that"
            " there, or delete the file and run the same command again."
        )
    elif added:
        click.echo("Next: dbt deps, then dbt build.")


def _say_what_is_next(folder: Path, name: str, plan_is_empty: bool) -> None:
    plan = "an empty plan" if plan_is_empty else "June's plan as the example"
    click.echo(f"{folder / PROJECT_FILE}: the dbt project {name}, with {plan} in seeds/.")
    click.echo("Next:")
    if folder.resolve() != Path.cwd():
        click.echo(f"  cd {shlex.quote(str(folder))}")
    click.echo("  dbt deps            # links Daybook; no internet is needed")
    click.echo("  daybook land LOGS   # files, folders or globs")
    click.echo("  dbt build")
    click.echo("  daybook ask")
    click.echo("README.md in there says what to edit, in which order, and how a night runs.")
