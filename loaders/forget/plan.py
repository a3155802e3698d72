"""Reads the parts of a company's plan that erasure needs: placeholder ids, and e-mail traits."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from loaders.engine_errors import first_line
from loaders.errors import CannotForget
from loaders.plan import Seed, read_seed
from loaders.plan.reading import Row
from loaders.project import DAYBOOK, find_project


@dataclass(frozen=True)
class Plan:
    """`placeholders` has pairs of kind and value in lower case; `begins` is UTC."""

    placeholders: frozenset[tuple[str, str]]
    email_traits: frozenset[str]
    begins: datetime  # of the earliest day
    named: dict[tuple[str, str], str]  # internal accounts: rule and value -> its place in the seed

    def is_placeholder(self, kind: str, one: str) -> bool:
        """Whether an id of this kind identifies nobody."""
        return (kind, one.lower()) in self.placeholders


def read_plan(folder: Path = Path()) -> Plan:
    """Read the seeds and vars of the project in `folder`; Daybook's own where it has none."""
    variables = find_project(folder).vars
    nobody = {
        (kind, row["value"].lower())
        for row in _seed(folder, "placeholder_ids").rows
        for kind in ([row["id"].lower()] if row["id"] else ["user", "anonymous", "company"])
    }
    email_trait = str(variables.get("email_trait") or "")
    traits = {email_trait}
    for row in _seed(folder, "tracking_plan_traits").rows:
        if row["entity"] == "user" and row["trait"] == email_trait:
            traits |= {name.strip() for name in row["former_names"].split(";")}
    accounts = _seed(folder, "internal_accounts")
    return Plan(
        frozenset(nobody),
        frozenset(traits - {""}),
        _begins(variables),
        {
            (row["match_on"], _value(row)): f"{accounts.file}, row {row.line}"
            for row in accounts.rows
        },
    )


def _value(row: Row) -> str:
    return row["value"].lower() if row["match_on"] == "email_domain" else row["value"]


def _begins(variables: dict) -> datetime:
    """Return the start of the earliest day, computed with DuckDB's time zones like the models."""
    day, zone = (str(variables[name]) for name in ("earliest_day", "timezone"))
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        try:
            (begins,) = connection.execute(
                "select timezone($zone, $day::date::timestamp)::timestamp",
                {"zone": zone, "day": day},
            ).fetchone()
        except duckdb.Error as error:
            raise CannotForget(
                f"dbt_project.yml: the var timezone ({zone}) or earliest_day ({day}) cannot be"
                f" read: {first_line(error)}. Nothing was forgotten; correct it, then run the same"
                " command again."
            ) from error
    return begins


def _seed(folder: Path, name: str) -> Seed:
    for root in (folder / "seeds", DAYBOOK / "seeds"):
        for path in sorted(root.rglob(f"{name}.csv")):
            return read_seed(name, path)
    return Seed(name, name)
