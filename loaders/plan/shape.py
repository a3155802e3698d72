"""The shape of every seed: its columns, their values, and what a blank cell means.

`docs/seeds.md` is tested against this.
"""

from dataclasses import dataclass

BOOLEANS = ("true", "false")
ENTITIES = ("user", "company")
PERIODS = ("day", "week", "month")
TYPES = ("string", "number", "boolean", "datetime", "array", "object")

# Columns of the marts that also get columns for planned traits and context columns.
_FIXED_COLUMNS = {
    "user": (
        "user_id company_id first_seen_at signed_up_at activated_at last_active_at is_internal"
    ),
    "company": (
        "company_id first_seen_at signed_up_at activated_at last_active_at members"
        " monthly_active_users plan is_paying mau_limit is_over_mau_limit is_internal"
    ),
    "fct_events": (
        "event_id event event_as_sent event_at event_day received_at user_id anonymous_id"
        " company_id company_source properties library source is_planned is_internal time_quality"
        " load_id line_number call_number name side"
    ),
}
FIXED_COLUMNS = {table: columns.split() for table, columns in _FIXED_COLUMNS.items()}


@dataclass(frozen=True)
class Column:
    """A column of a seed.

    `kind` is one of text, name, choice, boolean, whole number, number, date, event, trait,
    company trait.
    """

    name: str
    kind: str
    meaning: str
    example: str
    blank: str | None = None  # what a blank cell means; None: it may not be blank
    values: tuple[str, ...] = ()  # of a choice, compared without case
    at_least: int | None = None
    at_most: int = 1_000_000_000  # fits into an integer of DuckDB, with room for additions
    unit: str = ""  # of a number
    optional: bool = False  # whether the file may lack the column


@dataclass(frozen=True)
class Shape:
    """A seed: the meaning of a row, its columns, and the columns that no two rows may share."""

    row: str
    columns: tuple[Column, ...]
    keys: tuple[tuple[str, ...], ...] = ()
    key_ignores_case: bool = False


def _choice(name: str, values: tuple[str, ...], meaning: str, example: str, blank=None) -> Column:
    return Column(name, "choice", meaning, example, blank, values)


def _boolean(name: str, meaning: str, blank: str | None = "false") -> Column:
    return Column(name, "boolean", meaning, "true", blank, BOOLEANS)


_ENTITY = _choice("entity", ENTITIES, "whether the row is about users or companies", "user")
_ALLOWED = Column(
    "allowed_values", "text", "the values it may have, `;` between them", "north;south", "any"
)
_PII = _boolean("is_pii", "whether it is personal data")
_REQUIRED = _boolean("required", "whether every call must have it")
_TYPE = _choice("type", TYPES, "the type of its values", "string")
_FORMER_NAMES = Column(
    "former_names", "text", "older spellings, `;` between them, counted as this one", "", "none"
)
_REPORT = Column("report", "name", "the report's name", "people who ordered")
_FILTER = (
    Column(
        "filter_by",
        "trait",
        "the trait that narrows the report: bare, or `company.<trait>` of a user's company",
        "region",
        "everybody counts",
    ),
    Column(
        "filter_values",
        "text",
        "the values of that trait that count, `;` between them",
        "north;south",
        "everybody counts",
    ),
)
_DATES = (
    Column("starts_on", "date", "the first day of the report", "2025-01-01", "no limit"),
    Column("ends_on", "date", "the last day of the report", "2025-12-31", "no limit"),
)
_MINIMUM = Column(
    "minimum_events", "whole number", "how many events it takes", "2", "1", at_least=1
)

SEEDS = {
    "tracking_plan_events": Shape(
        "planned event",
        (
            Column("event", "name", "the event's name today", "order_placed"),
            Column("description", "text", "what happened, in a sentence", "", "none"),
            Column("feature", "text", "the feature that it uses", "orders", "none"),
            _boolean("counts_as_active", "whether it counts as activity", "true"),
            _choice(
                "expected_side", ("server", "client"), "where it is sent from", "server", "either"
            ),
            _FORMER_NAMES,
            Column(
                "sets_company_trait",
                "company trait",
                "the company trait that a group call should set along with it",
                "region",
                "none",
                optional=True,
            ),
        ),
    ),
    "tracking_plan_properties": Shape(
        "planned event and property",
        (
            Column("event", "event", "a planned event, by its name today", "order_placed"),
            Column("property", "name", "the property's name", "currency"),
            _TYPE,
            _REQUIRED,
            _ALLOWED,
            _PII,
        ),
        (("event", "property"),),
    ),
    "tracking_plan_traits": Shape(
        "entity and planned trait",
        (
            _ENTITY,
            Column("trait", "name", "the trait's name today", "region"),
            _TYPE,
            _REQUIRED,
            _ALLOWED,
            _PII,
            _FORMER_NAMES,
        ),
    ),
    "context_columns": Shape(
        "column of fct_events that is taken from `context`",
        (
            Column("column", "name", "the column's name", "campaign_source"),
            Column("path", "name", "keys of `context`, dots between them", "campaign.source"),
            _TYPE,
            _PII,
        ),
        (("column",),),
        key_ignores_case=True,
    ),
    "placeholder_ids": Shape(
        "id that identifies nobody",
        (
            _choice(
                "id",
                ("user", "anonymous", "company"),
                "which kind of id",
                "anonymous",
                "every kind",
            ),
            Column("value", "name", "the id, compared without case", "undefined"),
            Column("reason", "text", "why it identifies nobody", "", "none"),
        ),
        (("id", "value"),),
        key_ignores_case=True,
    ),
    "public_email_domains": Shape(
        "e-mail domain shared by people of many companies",
        (Column("domain", "name", "the domain; an `@` before it does not matter", "mail.example"),),
        (("domain",),),
        key_ignores_case=True,
    ),
    "plans": Shape(
        "billing plan",
        (
            Column("plan", "name", "the plan's name, compared without case", "basic"),
            _boolean("is_paying", "whether companies pay for it", None),
            Column(
                "mau_limit",
                "whole number",
                "how many monthly active users it includes",
                "10000",
                "no limit",
                at_least=0,
            ),
        ),
        (("plan",),),
        key_ignores_case=True,
    ),
    "internal_accounts": Shape(
        "rule for accounts of the company itself",
        (
            _choice(
                "match_on", ("user_id", "email_domain", "company_id"), "what is compared", "user_id"
            ),
            Column(
                "value", "name", "the id or the domain; an `@` before it does not matter", "u_1"
            ),
            Column("reason", "text", "why it is internal", "our own people", "none"),
        ),
    ),
    "activity_reports": Shape(
        "activity report",
        (
            _REPORT,
            _ENTITY,
            Column(
                "event",
                "event",
                "the event that counts",
                "order_placed",
                "any that counts as active",
            ),
            *_FILTER,
            *_DATES,
            Column(
                "filter_at",
                "choice",
                "which value of the trait the filter compares",
                "latest",
                "latest",
                ("latest",),
                optional=True,
            ),
        ),
        (("report",),),
    ),
    "retention_reports": Shape(
        "retention report",
        (
            _REPORT,
            _ENTITY,
            Column(
                "cohort_event",
                "event",
                "the event that puts an entity into a cohort",
                "signed_in",
                "any that counts as active",
            ),
            Column(
                "return_event",
                "event",
                "the event that counts as a return",
                "order_placed",
                "any that counts as active",
            ),
            _choice(
                "cohort_rule",
                ("first", "every"),
                "the first period with a cohort event, or every one",
                "first",
            ),
            _choice("period", PERIODS, "the length of a period", "week"),
            _choice(
                "return_window",
                ("exact", "on_or_after"),
                "back in that period, or in it or a later one",
                "exact",
            ),
            _MINIMUM,
            Column(
                "periods",
                "whole number",
                "how many periods, number 0 included",
                "12",
                "all that have begun",
                at_least=1,
            ),
            *_FILTER,
            Column(
                "breakdown",
                "trait",
                "the trait to break down by: bare, or `company.<trait>` of a user's company",
                "region",
                "none",
            ),
            _choice(
                "breakdown_at",
                ("latest", "entry"),
                "the trait's latest value, or the one at the cohort event",
                "entry",
                "latest",
            ),
            *_DATES,
        ),
        (("report",),),
    ),
    "activation_milestones": Shape(
        "entity and milestone",
        (
            _ENTITY,
            Column("milestone", "name", "the milestone's name", "first order"),
            Column("position", "whole number", "its place among the entity's milestones", "1"),
            Column("event", "event", "the event that reaches it", "order_placed"),
            _MINIMUM,
            Column(
                "within_days",
                "number",
                "days since sign-up within which it must be reached",
                "14",
                at_least=0,
                at_most=36_500,  # a hundred years: a time that far ahead still is a timestamp
                unit="days",
            ),
        ),
        (("entity", "milestone"), ("entity", "position")),
    ),
}


def seed_columns() -> dict[str, list[Column]]:
    """Every seed's columns, in the order in which Daybook writes them."""
    return {name: list(shape.columns) for name, shape in SEEDS.items()}
