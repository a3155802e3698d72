"""docs/ and the code name the same things, and every link in docs/ leads somewhere."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from harness import REPO, Daybook

from loaders.quarantine import REASONS

DOCS = sorted((REPO / "docs").glob("*.md"))
DEFINITIONS, SEEDS, SOURCES = (
    (REPO / "docs" / f"{name}.md").read_text() for name in ("definitions", "seeds", "sources")
)
# Columns that a seed may lack.
OPTIONAL_COLUMNS = {
    "tracking_plan_events": {"sets_company_trait"},
    "activity_reports": {"filter_at"},
}
# Set by `make`, not by a company.
VARS_OF_THE_TESTS = {"audit", "unit_tests"}
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def sections(document: str) -> dict[str, str]:
    """The text below each heading of the second level."""
    _, *parts = re.split(r"^## (.+)\n", document, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def rows(section: str) -> dict[str, list[str]]:
    """The rows of a section's tables whose first cell is a name, by that name."""
    found = {}
    lines = section.splitlines()
    for line, next_line in zip(lines, [*lines[1:], ""], strict=True):
        is_header = next_line.startswith("|---")
        if (match := re.match(r"\| `([^`]+)` \|", line)) and not is_header:
            assert match[1] not in found, f"{match[1]} has two rows"
            found[match[1]] = [cell.strip() for cell in line.strip("|").split(" | ")]
    return found


def names_in(document: str) -> set[str]:
    """Everything that stands in backticks as one word."""
    return set(re.findall(r"`(\w+)`", document))


def anchors(document: str) -> list[str]:
    """The anchors that GitHub gives to the headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", document), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def seed_paths() -> dict[str, Path]:
    return {path.stem: path for path in (REPO / "seeds").rglob("*.csv")}


def columns_of_seed(name: str) -> set[str]:
    with seed_paths()[name].open(newline="", encoding="utf-8") as file:
        return set(next(csv.reader(file))) | OPTIONAL_COLUMNS.get(name, set())


def sql_results(column: str) -> set[str]:
    """The texts that a `case ... end as column` in the models can come to."""
    found = set()
    for path in (REPO / "models").rglob("*.sql"):
        sql = path.read_text()
        for match in re.finditer(rf"\bend as {column}\b", sql):
            case = sql[: match.start()].rpartition("case")[2]
            found.update(re.findall(r"\b(?:then|else)\s+'(\w+)'", case))
    return found


# -- seeds.md


def test_every_seed_has_a_section_and_every_section_a_seed():
    documented = {title for title in sections(SEEDS) if re.fullmatch(r"[a-z_]+", title)}
    assert documented == set(seed_paths())


@pytest.mark.parametrize("name", sorted(seed_paths()))
def test_every_column_of_a_seed_has_a_row_and_every_row_a_column(name):
    assert set(rows(sections(SEEDS)[name])) == columns_of_seed(name)


@pytest.mark.parametrize("name", sorted(seed_paths()))
def test_a_seed_is_documented_under_its_path_with_a_row_that_fits(name):
    section = sections(SEEDS)[name]
    assert f"`{seed_paths()[name].relative_to(REPO).as_posix()}`" in section
    (example,) = re.findall(r"```csv\n(.*?)```", section, re.DOTALL)
    header, *lines = csv.reader(example.splitlines())
    assert lines
    assert set(header) <= columns_of_seed(name)
    assert columns_of_seed(name) - set(header) <= OPTIONAL_COLUMNS.get(name, set())
    assert {len(line) for line in lines} == {len(header)}


def test_every_var_has_a_row_with_its_default_and_every_row_a_var():
    project = yaml.safe_load((REPO / "dbt_project.yml").read_text())
    written = {
        name: "none" if value is None else f"`{str(value).lower()}`"
        for name, value in project["vars"].items()
        if name not in VARS_OF_THE_TESTS
    }
    documented = {name: cells[3].lower() for name, cells in rows(sections(SEEDS)["Vars"]).items()}
    assert documented == written


# -- definitions.md


@pytest.fixture(scope="module")
def columns_of_marts(tmp_path_factory) -> dict[str, set[str]]:
    """The columns of each mart as it is built, without those that the company's plan adds."""
    daybook = Daybook(tmp_path_factory.mktemp("docs") / "daybook")
    daybook.seed("tracking_plan_traits")
    daybook.seed("context_columns")
    daybook.seed(
        "activity_reports", [{"report": "active users", "entity": "user"}]
    )  # none that filters by a trait
    daybook.seed("retention_reports")
    daybook.write(
        [{"type": "track", "event": "opened", "userId": "ana", "timestamp": "2025-03-31"}]
    )
    daybook.land()
    no_traits = dict.fromkeys(
        ("created_at_trait", "email_trait", "company_plan_trait", "company_mau_trait"), ""
    )
    daybook.build("--exclude-resource-types", "test", "unit_test", vars=no_traits)
    found: dict[str, set[str]] = {}
    for row in daybook.rows(
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts'"
    ):
        found.setdefault(row["table_name"], set()).add(row["column_name"])
    return found


def sections_of_marts() -> dict[str, str]:
    """For each mart the text under the headings that the table at the top sends to."""
    opening = DEFINITIONS.partition("\n## ")[0]
    by_anchor = {anchors(f"# {title}")[0]: text for title, text in sections(DEFINITIONS).items()}
    found = {}
    for marts, links in re.findall(r"^\| (`.+`) \| (.+) \|$", opening, re.MULTILINE):
        text = "".join(by_anchor[anchor] for anchor in re.findall(r"\(#([\w-]+)\)", links))
        found.update(dict.fromkeys(names_in(marts), text))
    return found


def test_every_column_of_a_mart_is_defined_where_the_table_at_the_top_sends_to(columns_of_marts):
    assert set(columns_of_marts) == {path.stem for path in (REPO / "models/marts").rglob("*.sql")}
    defined = sections_of_marts()
    assert set(defined) == set(columns_of_marts)
    undefined = {
        f"{table}.{column}"
        for table, columns in columns_of_marts.items()
        for column in columns - names_in(defined[table])
    }
    assert not undefined, ", ".join(sorted(undefined))


def test_every_company_source_is_explained():
    found = sql_results("company_source")
    assert "membership" in found, "the rule is written otherwise: read it in another way here"
    assert found <= set(rows(sections(DEFINITIONS)["Companies"]))


def test_every_time_quality_has_a_row_and_every_row_a_time_quality():
    section = sections(DEFINITIONS)["Event time"]
    assert set(rows(section)) == sql_results("time_rule") | sql_results("time_quality")


# -- sources.md


def test_every_reason_of_the_quarantine_is_explained():
    assert set(rows(sections(SOURCES)["What is quarantined"])) == set(REASONS)


# -- all of them


def citations() -> Iterator[tuple[str, str, str]]:
    """Each citation of a heading of docs/: the citing file, the document, the anchor."""
    for folder in ("tests", "models", "macros", "seeds", "loaders", "analyses"):
        for path in sorted((REPO / folder).rglob("*")):
            if path.suffix not in (".py", ".sql", ".yml", ".md") or path == Path(__file__):
                continue
            for document, anchor in re.findall(r"docs/(\w+)\.md#([\w-]+)", path.read_text()):
                yield path.relative_to(REPO).as_posix(), document, anchor


def test_every_heading_that_is_cited_exists():
    headings = {path.stem: anchors(path.read_text()) for path in DOCS}
    missing = [
        f"{place} cites docs/{document}.md#{anchor}"
        for place, document, anchor in citations()
        if anchor not in headings.get(document, [])
    ]
    assert not missing, missing


@pytest.mark.parametrize("path", [*DOCS, REPO / "README.md"], ids=lambda path: path.name)
def test_every_link_leads_somewhere(path):
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", path.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        document = (path.parent / target) if target else path
        assert document.exists(), target
        if anchor:
            assert anchor in anchors(document.read_text()), f"{target}#{anchor}"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_file_of_the_repo_that_a_doc_names_exists(path):
    for name in re.findall(r"`((?:seeds|loaders|tests|models|docs)/[\w/.]*)`", path.read_text()):
        assert (REPO / name).exists(), name


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_a_heading_has_an_anchor_of_its_own(path):
    found = anchors(path.read_text())
    assert len(found) == len(set(found))
