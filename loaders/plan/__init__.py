"""The tracking plan and the reports as a company writes them: seeds and vars, and their checks.

Nothing here touches the database: `problems` reads the CSV files themselves, before dbt loads them.
"""

from loaders.plan.checks import check_seeds
from loaders.plan.problems import Problem
from loaders.plan.reading import Seed, read_seed
from loaders.plan.shape import SEEDS, Column, seed_columns
from loaders.plan.variables import check_vars

__all__ = ["SEEDS", "Column", "Problem", "Seed", "problems", "read_seed", "seed_columns"]


def problems(seeds: dict[str, Seed], variables: dict[str, object] | None = None) -> list[Problem]:
    """Return everything that is wrong with the seeds and the vars, by file and row.

    `variables` are the resolved vars; None leaves them unchecked.
    """
    found = check_seeds(seeds)
    if variables is not None:
        found += check_vars(variables, seeds)
    return sorted(set(found))
