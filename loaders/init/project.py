"""Checks the folder of a company's project, and finds the project's name."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import yaml

from loaders.errors import CannotInit

PROJECT_FILE = "dbt_project.yml"
PACKAGE = "daybook"  # the name of Daybook's own dbt project
_TAKEN = {PACKAGE, "dbt", "dbt_duckdb"}


@dataclass(frozen=True)
class Project:
    """A company's project; `profile` is its profile in profiles.yml."""

    folder: Path
    name: str
    profile: str


def new_project(folder: Path) -> Project:
    """Return the project to be made in a folder that is missing or empty.

    Hidden files (.git, .venv) may be there. Raises `CannotInit` for anything else.
    """
    if folder.exists() and not folder.is_dir():
        raise CannotInit(f"{folder} is a file. Name a folder that is new or empty.")
    found = sorted(path.name for path in folder.glob("[!.]*")) if folder.exists() else []
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise CannotInit(
            f"{folder} is not empty ({found[0]}{more}) and holds no dbt project that daybook init"
            " made. Name a folder that is new or empty."
        )
    name = project_name(folder)
    return Project(folder, name, name)


def existing_project(folder: Path) -> Project | None:
    """Return the project that `daybook init` made here; None without a dbt_project.yml.

    Raises `CannotInit` for any other dbt project.
    """
    path = folder / PROJECT_FILE
    if not path.is_file():
        return None
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise CannotInit(f"{path}{line} is not valid YAML. Correct it first.") from error
    settings = settings if isinstance(settings, dict) else {}
    name, seeds = settings.get("name"), settings.get("seeds")
    if name == PACKAGE:
        raise CannotInit(
            f"{folder} is Daybook itself. Name another folder for your own project, outside of it."
        )
    if not isinstance(seeds, dict) or PACKAGE not in seeds or not isinstance(name, str):
        raise CannotInit(
            f"{path} is of a dbt project that daybook init did not make. Name a folder that is new"
            " or empty."
        )
    return Project(folder, name, str(settings.get("profile") or name))


def project_name(folder: Path) -> str:
    """Derive a valid dbt name from the folder's: lower case, digits and underscores."""
    plain = unicodedata.normalize("NFKD", folder.resolve().name).encode("ascii", "ignore").decode()
    name = re.sub("[^a-z0-9]+", "_", plain.lower()).strip("_") or "company"
    if name[0].isdigit():
        name = f"company_{name}"
    return f"{name}_company" if name in _TAKEN else name
