"""Checks the cells and rows of each seed, and the references between seeds."""

import re
from collections.abc import Callable, Iterator
from datetime import date

from loaders.plan.problems import Problem
from loaders.plan.reading import Row, Seed
from loaders.plan.shape import ENTITIES, FIXED_COLUMNS, SEEDS, Column

# Calls that `fct_events` knows under these names, planned or not.
SPOKEN_FOR = ("page", "screen")
_IN_THE_PLAN = "add it to tracking_plan_events.csv, or write the name as it stands there"
_A_TRAIT = (
    "add it to tracking_plan_traits.csv, or write a trait as it stands there"
    " (for the company of a user: company.<trait>)"
)


def check_seeds(seeds: dict[str, Seed]) -> list[Problem]:
    """Return every problem of the files, of their cells, and between them."""
    for seed in seeds.values():
        for column in SEEDS[seed.name].columns:
            if seed.header and column.name in seed.header:
                for row in seed.rows:
                    _check_cell(seed, row, column, seeds)
        _check_keys(seed)
        if check := _CHECKS.get(seed.name):
            check(seed)
    return [problem for seed in seeds.values() for problem in seed.problems]


# -- names of the plan


def event_names(seeds: dict[str, Seed]) -> dict[str, str] | None:
    """Map every planned name, also former ones, to the name today; None for an unreadable seed."""
    seed = seeds.get("tracking_plan_events")
    return _names(seed.rows, "event") if seed and seed.header else None


def trait_names(seeds: dict[str, Seed], entity: str) -> dict[str, str] | None:
    """The same for the planned traits of an entity."""
    seed = seeds.get("tracking_plan_traits")
    if not seed or not seed.header:
        return None
    return _names([row for row in seed.rows if row["entity"].lower() == entity], "trait")


def _names(rows: list[Row], column: str) -> dict[str, str]:
    names = {row[column]: row[column] for row in rows if row[column]}
    for row in rows:
        for former in split(row["former_names"]):
            names.setdefault(former, row[column])
    return names


def split(cell: str) -> list[str]:
    """Split a cell with semicolons into its trimmed parts, without the blank ones."""
    return [part.strip() for part in cell.split(";") if part.strip()]


def snake_case(trait: str) -> str:
    """Return the column name of a trait, as the macro `snake_case` makes it."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", trait)
    letters = "".join(letter if letter.isalnum() else "_" for letter in parted)
    return re.sub("_+", "_", letters).lower().strip("_")


# -- one cell


def _check_cell(seed: Seed, row: Row, column: Column, seeds: dict[str, Seed]) -> None:
    cell = row[column.name]
    readable = _READABLE.get(column.kind)
    if not cell:
        if column.blank is None:
            fix = "fill it in, or delete the row" if readable is None else _write(column)
            seed.report(row.line, f"{column.name} is blank", fix)
    elif column.name == "filter_at" and cell.lower() == "period_end":
        what = f'filter_at is "{cell}", which is not counted in this version'
        seed.report(row.line, what, _write(column))
    elif readable and not readable(column, cell):
        seed.report(row.line, f'{column.name} is "{cell}"', _write(column))
    elif column.kind in _NUMBERS and float(cell) > column.at_most:
        fix = f"write at most {column.at_most:,}" + _or_blank(column)
        seed.report(row.line, f'{column.name} is "{cell}"', fix)
    elif column.kind == "event":
        _check_name(
            seed, row, column, event_names(seeds), "an event of the tracking plan", _IN_THE_PLAN
        )
    elif column.kind == "company trait":
        fix = "add it to tracking_plan_traits.csv, or write a company trait as it stands there"
        _check_name(seed, row, column, trait_names(seeds, "company"), "a trait of a company", fix)
    elif column.kind == "trait" and row["entity"].lower() in ENTITIES:
        entity = row["entity"].lower()
        names = trait_names(seeds, entity)
        if names is not None and entity == "user":
            of_companies = trait_names(seeds, "company") or {}
            names = {
                f"company.{old}": f"company.{new}" for old, new in of_companies.items()
            } | names
        _check_name(seed, row, column, names, f"a trait of a {entity}", _A_TRAIT)


def _check_name(
    seed: Seed, row: Row, column: Column, names: dict[str, str] | None, what: str, fix: str
) -> None:
    cell = row[column.name]
    if names is None or names.get(cell) == cell or (column.kind == "event" and cell in SPOKEN_FOR):
        return
    if cell in names:
        fix = f'write "{names[cell]}", its name today'
    seed.report(row.line, f'{column.name} "{cell}" is not {what}', fix)


def is_iso_date(text: str) -> bool:
    """Whether a text is a date like 2025-03-31."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return False
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _is_number(column: Column, cell: str) -> bool:
    pattern = r"[+-]?\d+(\.0*)?" if column.kind == "whole number" else r"[+-]?(\d+\.?\d*|\.\d+)"
    if not re.fullmatch(pattern, cell, re.ASCII) or len(cell) > 18:
        return False
    return column.at_least is None or float(cell) >= column.at_least


_NUMBERS = ("whole number", "number")
_READABLE: dict[str, Callable[[Column, str], bool]] = {
    "choice": lambda column, cell: cell.lower() in column.values,
    "boolean": lambda column, cell: cell.lower() in column.values,
    "date": lambda _, cell: is_iso_date(cell),
    "whole number": _is_number,
    "number": _is_number,
}


def _write(column: Column) -> str:
    if column.values:
        what = f"one of: {', '.join(column.values)}"
        what = what if len(column.values) > 1 else column.values[0]
    elif column.kind == "date":
        what = "a date like 2025-03-31"
    elif column.unit:
        what = f"a number of {column.unit}"
    else:
        what = "a whole number" if column.kind == "whole number" else "a number"
        what += f" from {column.at_least}" if column.at_least is not None else ""
    return f"write {what}{_or_blank(column)}"


def _or_blank(column: Column) -> str:
    return ", or leave it blank" if column.blank is not None else ""


# -- rows of one seed


def _check_keys(seed: Seed) -> None:
    shape = SEEDS[seed.name]
    columns = {column.name: column for column in shape.columns}
    for key in shape.keys:
        first: dict[tuple, int] = {}
        for row in seed.rows:
            if any(not row[name] and columns[name].blank is None for name in key):
                continue
            values = tuple(_comparable(columns[name], row[name]) for name in key)
            if shape.key_ignores_case:
                values = tuple(str(value).lower() for value in values)
            line = first.setdefault(values, row.line)
            if line != row.line:
                shown = " / ".join(row[name] or "(blank)" for name in key)
                seed.report(
                    row.line,
                    f'{" and ".join(key)} "{shown}" stands in row {line} already',
                    "keep one of the two rows",
                )


def _comparable(column: Column, cell: str) -> str | float:
    if column.kind == "whole number" and _is_number(column, cell):
        return float(cell)
    if column.name == "domain":
        return cell.lstrip("@")
    return cell.lower() if column.values else cell


def _check_events(seed: Seed) -> None:
    claims = (
        (row, name)
        for row in seed.rows
        for name in [*filter(None, [row["event"]]), *split(row["former_names"])]
    )
    _check_claims(
        seed,
        ((row, name, f'the name "{name}"') for row, name in claims),
        "let one event have it, as its event or among its former_names",
    )


def _check_traits(seed: Seed) -> None:
    claims = (
        (row, (entity, name), f'the {entity} trait "{name}"')
        for row in seed.rows
        for entity in [row["entity"].lower()]
        for name in [*filter(None, [row["trait"]]), *split(row["former_names"])]
    )
    _check_claims(seed, claims, "let one trait have it, as its trait or among its former_names")

    first: dict[tuple[str, str], Row] = {}
    for row in seed.rows:
        entity, trait, column = row["entity"].lower(), row["trait"], snake_case(row["trait"])
        if trait and not column:
            what = "the trait has no letter or digit to name a column by"
            seed.report(row.line, what, "give it another name, or delete the row")
            continue
        if column in FIXED_COLUMNS.get(entity, ()) and (entity, column) != ("company", "plan"):
            column = f"trait_{column}"
        other = first.setdefault((entity, column), row)
        if trait and other["trait"] != trait:
            seed.report(
                row.line,
                f'the {entity} trait "{trait}" would be the column {column}, as the one in row'
                f" {other.line}",
                "give one of them another name, or list the older one as a former name",
            )


def _check_claims(seed: Seed, claims: Iterator[tuple[Row, object, str]], fix: str) -> None:
    first: dict[object, int] = {}
    for row, name, shown in claims:
        if name in first:
            seed.report(row.line, f"{shown} stands in row {first[name]} already", fix)
        first.setdefault(name, row.line)


def _check_report(seed: Seed) -> None:
    for row in seed.rows:
        if bool(row["filter_by"]) != bool(row["filter_values"]):
            what = "only one of filter_by and filter_values is filled in"
            seed.report(row.line, what, "fill in both, or neither")
        starts_on, ends_on = row["starts_on"], row["ends_on"]
        if is_iso_date(starts_on) and is_iso_date(ends_on) and ends_on < starts_on:
            what = "ends_on is before starts_on"
            seed.report(row.line, what, "swap them, or leave one blank")


def _check_milestones(seed: Seed) -> None:
    for row in seed.rows:
        if row["milestone"] == "activated":
            what = "the milestone activated is made by Daybook: it means all of the others"
            seed.report(row.line, what, "give this one another name")


def _check_context_columns(seed: Seed) -> None:
    for row in seed.rows:
        column = row["column"]
        if column and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", column):
            what = f'column "{column}" is no name of a column'
            seed.report(row.line, what, "write letters, digits and _, and begin with a letter")
        elif column.lower() in FIXED_COLUMNS["fct_events"]:
            what = f'column "{column}" is a column of fct_events already'
            seed.report(row.line, what, f"give it another name, like context_{column.lower()}")
        keys = [key.strip() for key in row["path"].split(".")]
        if row["path"] and not all(keys):
            what = f'path "{row["path"]}" has an empty key'
            seed.report(
                row.line, what, "write keys with one dot between them, like campaign.source"
            )
        if "*" in keys:  # the engine reads it as all keys, even if it is quoted
            what = f'path "{row["path"]}" has the key *, which cannot be read'
            seed.report(row.line, what, "name one key, or delete the row")


def _check_domains(seed: Seed) -> None:
    for row in seed.rows:
        if seed.name == "internal_accounts":
            column = "value" if row["match_on"].lower() == "email_domain" else None
        else:
            column = "domain"
        domain = row[column].lstrip("@").strip() if column else None
        if column and row[column] and (not domain or "@" in domain):
            what = f'{column} "{row[column]}" is not a domain'
            fix = f"write {domain.rpartition('@')[2]}" if domain else "write one like mail.example"
            seed.report(row.line, what, fix)


_CHECKS = {
    "tracking_plan_events": _check_events,
    "tracking_plan_traits": _check_traits,
    "context_columns": _check_context_columns,
    "public_email_domains": _check_domains,
    "internal_accounts": _check_domains,
    "activity_reports": _check_report,
    "retention_reports": _check_report,
    "activation_milestones": _check_milestones,
}
