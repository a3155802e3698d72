"""What dbt itself would stumble over before it runs the first hook.

dbt makes the plugin after it has read dbt_project.yml and before it reads any other file. All the
rest is checked by `loaders.builds`, which dbt calls before a run.
"""

from pathlib import Path

import yaml
from dbt.flags import get_flags
from dbt.plugins.manager import dbtPlugin

from loaders.dbt_plugin import Stopped
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
        if not all(map(_is_utf8, paths)):
            seeds = {
                path.stem: read_seed(path.stem, path, str(path.relative_to(folder)))
                for path in paths
            }
            raise Stopped("\n".join(map(str, problems(seeds))))


def _is_utf8(path: Path) -> bool:
    try:
        path.read_bytes().decode()
    except UnicodeDecodeError:
        return False
    return True
