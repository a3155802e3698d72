"""The command: checks the folder, writes the files that are missing, says what to do next."""

import errno
import os
import shlex
from pathlib import Path

import click

from loaders.errors import CannotInit
from loaders.init.files import is_empty_file, missing_files
from loaders.init.project import PROJECT_FILE, existing_project, new_project
from loaders.package import dbt_package

# Marks a new project until all of its files are written, so that a later run writes the same ones.
_UNFINISHED = ".daybook-init"


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
    only what is missing, or empty, is added: run it after an upgrade. No other file is overwritten.
    """
    try:
        earlier = existing_project(folder)
        project = earlier or new_project(folder)
        unfinished = folder / _UNFINISHED
        is_new = earlier is None or unfinished.exists()
        if is_new:
            folder.mkdir(parents=True, exist_ok=True)
            unfinished.touch()
        files = missing_files(project, is_new=is_new, plan_is_empty=from_logs)
        for path, text in files.items():
            _write_whole(folder / path, text)
        unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise CannotInit(
            f"{error.filename or folder}: {error.strerror or error}. Correct that and run the same"
            " command again: it goes on where it stopped. Or name another folder."
        ) from error
    if not is_new:
        _say_what_was_added(folder, list(files))
    else:
        _say_what_is_next(folder, project.name, from_logs)


def _write_whole(place: Path, text: str) -> None:
    """Write a complete file or none; only an empty file is replaced."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(place) and not is_empty_file(place):
        raise FileExistsError(errno.EEXIST, "something else stands there", str(place))
    part = place.with_name(f".{place.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(place)
    except OSError as error:
        error.filename = str(place)
        raise
    finally:
        part.unlink(missing_ok=True)


def _say_what_was_added(folder: Path, added: list[Path]) -> None:
    packages = folder / "packages.yml"
    names_daybook = str(dbt_package()) in _text(packages)
    for path in added:
        click.echo(f"added  {folder / path}")
    if not added:
        click.echo(f"{folder} has every file that Daybook needs; nothing was added.")
    if not names_daybook:
        click.echo(
            f"{packages} does not name {dbt_package()}, where Daybook is installed now. Write that"
            " there, or delete the file and run the same command again."
        )
    elif added:
        click.echo("Next: dbt deps, then dbt build.")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CannotInit(
            f"{path} is not UTF-8. Save it as UTF-8, or delete it and run the same command again."
        ) from error
    except OSError as error:
        raise CannotInit(
            f"{path} cannot be read ({error.strerror}). Move it away, and run the same command"
            " again."
        ) from error


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
