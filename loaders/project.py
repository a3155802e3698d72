"""The dbt project of a folder: its vars, and where its questions are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from loaders.errors import BadProject
from loaders.package import dbt_package

# Daybook's own dbt project: the folder that holds dbt_project.yml and analyses/.
DAYBOOK = dbt_package()
PROJECT_FILE = "dbt_project.yml"


@dataclass(frozen=True)
class Project:
    """The dbt project whose questions are asked."""

    analyses: Path
    vars: dict[str, Any]


def find_project(folder: Path, daybook: Path = DAYBOOK) -> Project:
    """The dbt project in `folder`; Daybook's own if the folder has none.

    The vars of `folder`'s project override the defaults of Daybook's own.
    """
    own, defaults = _settings(folder), _settings(daybook)
    analyses = _analyses(folder, own) or daybook / "analyses"
    return Project(analyses, _vars(defaults) | _vars(own))


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / PROJECT_FILE
    if not path.is_file():
        return {}
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise BadProject(
            f"{PROJECT_FILE} cannot be read: {problem}. Correct it, then ask again."
        ) from None
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        what = getattr(problem, "problem", None) or "it is not YAML"
        raise BadProject(f"{PROJECT_FILE}{line}: {what}. Correct it, then ask again.") from None
    if not isinstance(settings, dict):
        raise BadProject(f"{PROJECT_FILE} holds no settings. Correct it, then ask again.")
    return settings


def _analyses(folder: Path, settings: dict[str, Any]) -> Path | None:
    if not settings:
        return None
    paths = settings.get("analysis-paths") or ["analyses"]
    for path in [paths] if isinstance(paths, str) else paths:
        if any((folder / str(path)).rglob("*.sql")):
            return folder / str(path)
    return None


def _vars(settings: dict[str, Any]) -> dict[str, Any]:
    """All vars; those under a package's name apply to that package, and override the others."""
    everything = settings.get("vars") or {}
    if not isinstance(everything, dict):
        raise BadProject(
            f"{PROJECT_FILE}: vars must be a block of names and values. Correct it, then ask again."
        )
    packages = [
        name
        for name in ("daybook", str(settings.get("name")))
        if isinstance(everything.get(name), dict)
    ]
    values = {name: value for name, value in everything.items() if name not in packages}
    for name in packages:
        values |= everything[name]
    return values
