"""The seeds of a company's project: Daybook's own as they are, or without the example's rows."""

import csv
import io
from pathlib import Path

from loaders.package import dbt_package

# Right for every company: placeholder ids, public domains, columns that every library sends.
_UNIVERSAL = ("placeholder_ids", "public_email_domains", "context_columns")
# A report that names no entry of the plan is useful to every company.
_NAMES_OF_THE_PLAN = ("event", "cohort_event", "return_event", "property", "filter_by", "breakdown")


def seed_files() -> dict[Path, Path]:
    """Map each seed's place in a project to the file that comes with Daybook."""
    package = dbt_package()
    return {path.relative_to(package): path for path in sorted((package / "seeds").rglob("*.csv"))}


def empty_seed(path: Path) -> str:
    """Return a seed without the rows of the example, as CSV."""
    if path.stem in _UNIVERSAL:
        return path.read_text(encoding="utf-8")
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        columns = rows.fieldnames or []
        kept = [row for row in rows if "report" in columns and not _names_the_plan(row)]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(kept)
    return text.getvalue()


def _names_the_plan(row: dict[str, str]) -> bool:
    return any((row.get(column) or "").strip() for column in _NAMES_OF_THE_PLAN)
