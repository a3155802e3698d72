"""What dbt itself would stumble over before it runs the first hook.

dbt makes the plugin after it has read dbt_project.yml and before it reads any other file. All the
rest is checked by `loaders.builds`, which dbt calls before a run.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

import yaml
from dbt.flags import get_flags
from dbt.plugins.manager import dbtPlugin

from loaders.dbt_plugin import Stopped
from loaders.package import dbt_package
from loaders.plan import SEEDS, problems, read_seed

_PACKAGE = "daybook"


class Plugin(dbtPlugin):
    """Does nothing in projects that have nothing to do with Daybook."""

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
        paths = [
            path
            for each in project.get("seed-paths", ["seeds"])
            for path in sorted((folder / each).rglob("*.csv"))
            if path.stem in SEEDS
        ]
        missing = sorted(SEEDS.keys() - {path.stem for path in paths})
        if missing and project_name != _PACKAGE and _PACKAGE in (project.get("seeds") or {}):
            raise Stopped(
                f"seeds/ has no {', '.join(f'{name}.csv' for name in missing)}, which this version"
                " of Daybook reads. To add what is missing, run: daybook init ."
            )
        if found := "\n".join(_misspelt_vars(project)):
            raise Stopped(found)
        if not all(map(_is_utf8, paths)):
            seeds = {
                path.stem: read_seed(path.stem, path, str(path.relative_to(folder)))
                for path in paths
            }
            raise Stopped("\n".join(map(str, problems(seeds))))


def _misspelt_vars(project: dict) -> Iterator[str]:
    """A line for each var that is none of Daybook's, but nearly, while that one is not set.

    Vars of other names are the company's own, for its own models.
    """
    given = project.get("vars") or {}
    given |= given.get(project.get("name")) or {}
    known = yaml.safe_load((dbt_package() / "dbt_project.yml").read_text("utf-8"))["vars"]
    for name in given:
        near = get_close_matches(str(name), known.keys() - given.keys(), n=1, cutoff=0.75)
        if name not in known and near:
            yield (
                f"dbt_project.yml, vars: {name} is no var of Daybook; write {near[0]}, or give a"
                " var of your own another name."
            )


def _is_utf8(path: Path) -> bool:
    try:
        path.read_bytes().decode()
    except UnicodeDecodeError:
        return False
    return True
