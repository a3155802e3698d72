"""Checks for problems that would stop dbt before it runs the first hook.

dbt creates the plugin after it has read dbt_project.yml and before it reads any other file. The
other checks are in `loaders.builds`, which dbt calls before a run.
"""

import os
import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

import yaml
from dbt.flags import get_flags
from dbt.parser.read_files import generate_dbt_ignore_spec
from dbt.plugins.manager import dbtPlugin
from dbt_common.clients.jinja import get_environment
from jinja2 import TemplateSyntaxError

from loaders.dbt_plugin import Stopped
from loaders.package import dbt_package
from loaders.plan import SEEDS, Problem, problems, read_seed
from loaders.plan.variables import FILE, VARS

_PACKAGE = "daybook"
# The folders of a project that dbt reads, and the files that it reads there.
_FOLDERS = {
    "seed-paths": ("seeds", {".csv"}),
    "model-paths": ("models", {".sql", ".py"}),
    "analysis-paths": ("analyses", {".sql"}),
    "macro-paths": ("macros", {".sql"}),
    "snapshot-paths": ("snapshots", {".sql"}),
    "test-paths": ("tests", {".sql"}),
}
_BESIDE_THEM = {".yml", ".yaml", ".md"}
# Vars that dbt reads while it parses.
_SWITCHES = ("audit", "compare_only", "unit_tests", "pii")


class Plugin(dbtPlugin):
    """Runs the checks; does nothing in projects that do not use Daybook."""

    def __init__(self, project_name: str):
        self.project_name = project_name
        folder = Path(get_flags().PROJECT_DIR)
        if project_name != _PACKAGE and (folder / "models/marts/core/dim_users.sql").is_file():
            raise Stopped(
                f"dbt_project.yml: name is {project_name}, so none of the settings of {_PACKAGE}"
                f" apply. Write name: {_PACKAGE} again, or make a project of your own with:"
                " daybook init DIR"
            )
        project = yaml.safe_load((folder / "dbt_project.yml").read_text("utf-8")) or {}
        is_daybooks = project_name == _PACKAGE or _PACKAGE in (project.get("seeds") or {})
        files = _files(folder, project)
        seeds = [path for path in files if path.suffix.lower() == ".csv"]
        _stop_for(_names_in_another_case(folder, seeds))
        missing = sorted(SEEDS.keys() - {path.stem for path in seeds})
        if missing and is_daybooks:
            restore = (
                "To restore what is missing: git checkout -- seeds"
                if project_name == _PACKAGE
                else "To add what is missing, run: daybook init ."
            )
            raise Stopped(
                f"seeds/ has no {', '.join(f'{name}.csv' for name in missing)}, which this version"
                f" of Daybook reads. {restore}"
            )
        _stop_for(_wrong_vars(project))
        _stop_for(_unreadable(folder, files))
        _stop_for(_broken_questions(folder, project, files))


def _stop_for(found: Iterator[object]) -> None:
    """Raise `Stopped` with all problems, a line each, if there are any."""
    if lines := "\n".join(map(str, found)):
        raise Stopped(lines)


def _files(folder: Path, project: dict) -> list[Path]:
    """Every file of the project that dbt reads, found as dbt finds them.

    A folder with the name of a seed is included, because it takes the place of the seed.
    """
    ignored = generate_dbt_ignore_spec(str(folder))
    found = {}
    for setting, (usual, suffixes) in _FOLDERS.items():
        for each in project.get(setting) or [usual]:
            for parent, folders, names in os.walk(folder / str(each)):
                seeds = [name for name in folders if name.removesuffix(".csv") in SEEDS]
                for name in [*names, *(seeds if setting == "seed-paths" else [])]:
                    path = Path(parent, name)
                    is_read = path.suffix.lower() in suffixes | _BESIDE_THEM
                    if is_read and not (ignored and ignored.match_file(_shown(path, folder))):
                        found[path] = True
    return sorted(found)


def _shown(path: Path, folder: Path) -> str:
    return os.path.relpath(path, folder)


def _names_in_another_case(folder: Path, seeds: list[Path]) -> Iterator[Problem]:
    """A problem for each seed whose name differs from another seed's only in case."""
    first = {name: f"{name}.csv" for name in SEEDS}
    for path in seeds:
        name = first.setdefault(path.stem.lower(), path.name)
        if name != path.name:
            what = f"in the database its name is also that of {name}: case makes no difference"
            yield Problem(_shown(path, folder), 0, what, f"rename it, to {name} if it is that seed")


def _wrong_vars(project: dict) -> Iterator[Problem]:
    """A problem for each var that dbt misreads before Daybook's checks see it.

    Vars whose names are not close to one of Daybook's are the company's own, for its own models.
    """
    given = dict(project.get("vars") or {})
    given |= given.get(_PACKAGE) or {}
    given |= given.get(project.get("name")) or {}
    given |= get_flags().VARS or {}
    known = yaml.safe_load((dbt_package() / "dbt_project.yml").read_text("utf-8"))["vars"]
    for name, value in given.items():
        near = get_close_matches(str(name), known.keys() - given.keys(), n=1, cutoff=0.75)
        if name not in known and near:
            what = f"{name} is no var of Daybook"
            yield Problem(FILE, 0, what, f"write {near[0]}, or give a var of your own another name")
        elif name in known and isinstance(value, str) and re.search(r"\{[{%#]", value):
            what = f"{name} holds Jinja, which dbt would run and daybook ask would not"
            yield Problem(FILE, 0, what, "write the value itself")
        elif name in _SWITCHES and not VARS[name].is_fine(value):
            yield Problem(FILE, 0, f"{name} is {value!r}", f"write {VARS[name].fix}")


def _unreadable(folder: Path, files: list[Path]) -> Iterator[Problem]:
    """A problem for each file on which dbt would end with a traceback; then those of the seeds."""
    seeds = {
        path.stem: path for path in files if path.suffix.lower() == ".csv" and path.stem in SEEDS
    }
    found = {path: _why_unreadable(path, _shown(path, folder)) for path in files}
    yield from (
        problem for path, problem in found.items() if problem and path not in seeds.values()
    )
    if any(found[path] for path in seeds.values()):
        yield from problems(
            {name: read_seed(name, path, _shown(path, folder)) for name, path in seeds.items()}
        )


def _why_unreadable(path: Path, shown: str) -> Problem | None:
    try:
        content = path.read_bytes() if path.is_file() or not path.exists() else None
    except OSError as error:
        what = "it is a link to nothing" if path.is_symlink() else f"{error.strerror}"
        return Problem(shown, 0, what, "restore the file, or move it away")
    if content is None:
        return Problem(shown, 0, "it is no file", "put the file in its place, or move it away")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        what = f"the file is not UTF-8 (byte 0x{content[error.start]:02x})"
        return Problem(shown, row, what, "save it as UTF-8")
    return None


def _broken_questions(folder: Path, project: dict, files: list[Path]) -> Iterator[Problem]:
    """A problem for each question with broken Jinja: dbt reads them, and would build nothing."""
    jinja = get_environment()
    places = [folder / each for each in project.get("analysis-paths") or ["analyses"]]
    for path in files:
        if path.suffix.lower() == ".sql" and any(map(path.is_relative_to, places)):
            try:
                jinja.parse(path.read_text("utf-8"))
            except TemplateSyntaxError as error:
                fix = "correct it, or move the file out of its folder: dbt reads every file there"
                where = _shown(path, folder)
                yield Problem(where, error.lineno, f"broken Jinja ({error.message})", fix)
