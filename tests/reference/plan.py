"""Contract 4: seeds and vars, read."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property
from typing import Any

from reference.calls import Placeholders
from reference.periods import Calendar

SeedRows = Iterable[Mapping[str, Any]]
DEFAULTS = {
    "timezone": "UTC",
    "week_start": "monday",
    "as_of": None,
    "earliest_day": "2000-01-01",
    "signup_event": "signed_up",
    "created_at_trait": "createdAt",
    "email_trait": "email",
    "company_plan_trait": "plan",
    "company_mau_trait": "mau",
    "unplanned_counts_as_active": True,
    "companies_by_email_domain": False,
}


class Plan:
    """What a company says of itself: its seeds and its vars."""

    def __init__(self, seeds: Mapping[str, SeedRows], variables: Mapping[str, Any]):
        self.seeds = {name: [known(row) for row in rows] for name, rows in seeds.items()}
        self.variables = {**DEFAULTS, **variables}
        self.calendar = Calendar(self.variables["timezone"], self.variables["week_start"])
        self.earliest_day = as_date(self.variables["earliest_day"])

    def seed(self, name: str) -> list[dict[str, Any]]:
        return self.seeds.get(name, [])

    @cached_property
    def events(self) -> dict[str, dict[str, Any]]:
        """Planned events under their own and their former names."""
        return {
            name: {"event": row["event"], "is_active": flag(row.get("counts_as_active"), True)}
            for row in self.seed("tracking_plan_events")
            for name in [row["event"], *several(row.get("former_names"))]
        }

    @cached_property
    def trait_names(self) -> dict[tuple[str, str], str]:
        """(entity, former name) -> the name of the trait today."""
        return {
            (row["entity"], former): row["trait"]
            for row in self.seed("tracking_plan_traits")
            for former in several(row.get("former_names"))
        }

    @cached_property
    def trait_types(self) -> dict[tuple[str, str], str]:
        """(entity, trait) -> its planned type."""
        return {
            (row["entity"], row["trait"]): row["type"] for row in self.seed("tracking_plan_traits")
        }

    @cached_property
    def placeholders(self) -> Placeholders:
        """Ids that mean nobody; a blank kind is all of them."""
        return frozenset(
            (kind, row["value"].lower())
            for row in self.seed("placeholder_ids")
            for kind in ("user", "anonymous", "company")
            if row.get("id", kind) == kind
        )

    @cached_property
    def public_email_domains(self) -> set[str]:
        return {row["domain"].lower().lstrip("@") for row in self.seed("public_email_domains")}

    def internal(self, match_on: str) -> set[str]:
        """The values of the internal accounts that are matched on this."""
        rows = self.seed("internal_accounts")
        return {row["value"] for row in rows if row["match_on"] == match_on}

    def billing(self, plan: str | None) -> tuple[bool, int | None]:
        """Whether a billing plan is a paying one, and its limit of users."""
        for row in self.seed("plans"):
            if plan and row["plan"].lower() == plan.strip().lower():
                limit = row.get("mau_limit")
                return flag(row.get("is_paying"), False), None if limit is None else int(limit)
        return False, None


def known(row: Mapping[str, Any]) -> dict[str, Any]:
    """A seed's row, trimmed and without its blanks."""
    cells = {
        column: value.strip() if isinstance(value, str) else value for column, value in row.items()
    }
    return {column: value for column, value in cells.items() if value not in (None, "")}


def several(values: str | None) -> list[str]:
    return [value.strip() for value in (values or "").split(";") if value.strip()]


def flag(value: Any, blank: bool) -> bool:
    return blank if value is None else str(value).casefold() == "true"


def as_date(value: Any) -> date | None:
    return value if isinstance(value, date | None) else date.fromisoformat(str(value))
