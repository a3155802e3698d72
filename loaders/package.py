"""Finds Daybook's own dbt project: the package that a company's project builds on."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def dbt_package() -> Path:
    """Return the folder of Daybook's dbt_project.yml, models, macros, seeds and analyses.

    A wheel has them beside this module (pyproject.toml says so), a checkout one folder up.
    """
    installed = _HERE / "dbt_package"
    return installed if installed.is_dir() else _HERE.parent
