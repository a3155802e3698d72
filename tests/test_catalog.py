"""`make docs`: every table and column has a description that says more than its name."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from harness import JUNE, REPO, Daybook

# Their other columns come from the plan, so these tables have no contract.
TABLES_WITH_COLUMNS_OF_A_SEED = {"dim_users", "dim_companies", "fct_events"}
SQL_TYPES = {
    "string": "VARCHAR",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "datetime": "TIMESTAMP",
    "array": "JSON",
    "object": "JSON",
}
# Words that say nothing about a column.
EMPTY_WORDS = set(
    """
    a an and any as at by each for from has have id in is it its new of on or row rows that the
    their this to was were which whether with column field name named value values date day number
    text time bigint boolean double integer json string timestamp varchar false null true
    """.split()  # noqa: SIM905 a list of seventy strings is harder to read
)


@dataclass(frozen=True)
class Table:
    """A model or a source table: as described in YAML, and as it is in the database."""

    name: str
    schema: str
    description: str
    contract: bool
    described: dict[str, dict[str, Any]]  # column: description, data_type
    there: dict[str, str]  # column: type, in order


@dataclass(frozen=True)
class Catalog:
    tables: dict[str, Table]
    manifest: dict[str, Any]
    page: str

    def marts(self) -> Iterator[Table]:
        return (table for table in self.tables.values() if table.schema == "marts")


# In the direction of the data: a model reads its own folder and those before it.
FOLDERS = (
    "staging/plan",
    "staging/calls",
    "intermediate/days",
    "intermediate/identity",
    "intermediate/attribution",
    "intermediate/entities",
    "intermediate/reports",
    "marts",
)


@pytest.fixture(scope="module")
def catalog(usual_world) -> Catalog:
    before = usual_world.daybook.rows("from meta.builds")
    target = usual_world.daybook.build("--static", command="docs generate").target
    # Making the docs must not change the database.
    assert usual_world.daybook.rows("from meta.builds") == before

    manifest = json.loads((target / "manifest.json").read_text())
    found = json.loads((target / "catalog.json").read_text())
    there = found["nodes"] | found["sources"]
    tables = {
        node["name"]: Table(
            node["name"],
            node["schema"],
            node["description"],
            node.get("contract", {}).get("enforced", False),
            node["columns"],
            {name: column["type"] for name, column in there[unique_id]["columns"].items()},
        )
        for unique_id, node in (manifest["nodes"] | manifest["sources"]).items()
        if node["resource_type"] in ("model", "source")
    }
    return Catalog(tables, manifest, (target / "static_index.html").read_text())


def columns_of_the_seed(table: Table) -> dict[str, str]:
    """The columns that June's plan adds to a table, with their types, read from the CSV alone."""
    plan = JUNE / "seeds" / "tracking_plan"
    if table.name == "fct_events":
        rows = csv.DictReader((plan / "context_columns.csv").read_text().splitlines())
        return {row["column"]: SQL_TYPES[row["type"]] for row in rows}
    entity = {"dim_users": "user", "dim_companies": "company"}[table.name]
    rows = csv.DictReader((plan / "tracking_plan_traits.csv").read_text().splitlines())
    found = {}
    for row in rows:
        column = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", row["trait"]).lower()
        if row["entity"] == entity and column not in table.described:
            found[column] = SQL_TYPES[row["type"]]
    return found


def only_repeats_its_name(name: str, description: str) -> bool:
    """Whether a description has only words of the name and words that say nothing."""
    return not words(description) - words(name.replace("_", " ")) - EMPTY_WORDS


def words(text: str) -> set[str]:
    """The words of a text, without the plural's s."""
    found = re.findall(r"[a-z0-9]+", text.lower().replace("'s", ""))
    return {word if word in EMPTY_WORDS else word.removesuffix("s") for word in found}


# -- descriptions


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("company_id", "Id of the company."),
        ("company_id", "The company's id, as text."),
        ("cohort_start", "cohort start"),
        ("events", "Number of events."),
        ("first_day", "The first day."),
        ("is_planned", "Whether it is planned (boolean)."),
        ("line", ""),
    ],
)
def test_a_description_that_only_repeats_the_name_is_found(name, description):
    assert only_repeats_its_name(name, description)


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("events", "How often it happened, 1 or more."),
        ("first_day", "Earliest day of any call."),
        ("company_id", "Company that the call names. Null where it names none."),
    ],
)
def test_a_description_that_says_more_than_the_name_is_left_alone(name, description):
    assert not only_repeats_its_name(name, description)


def test_every_description_says_more_than_the_name(catalog):
    silent = [
        f"{table.name}{'.' if column else ''}{column}: {description!r}"
        for table in catalog.tables.values()
        for column, description in [
            ("", table.description),
            *((name, column["description"]) for name, column in table.described.items()),
        ]
        if only_repeats_its_name(column or table.name, description)
    ]
    assert not silent, "\n".join(silent)


def test_every_column_is_described_and_every_described_column_exists(catalog):
    wrong = []
    for table in catalog.tables.values():
        of_the_seed = {}
        if table.name in TABLES_WITH_COLUMNS_OF_A_SEED:
            of_the_seed = columns_of_the_seed(table)
            assert of_the_seed, table.name
        there = [name for name in table.there if name not in of_the_seed]
        described = list(table.described)
        wrong += [
            f"{table.name}.{name} is not described" for name in there if name not in described
        ]
        wrong += [f"{table.name}.{name} does not exist" for name in described if name not in there]
        if sorted(there) == sorted(described) and there != described:
            wrong.append(f"{table.name}: columns are {there}, described as {described}")
    assert not wrong, "\n".join(wrong)


def test_every_shared_description_is_used(catalog):
    used = {
        block
        for table in catalog.tables.values()
        for column in table.described.values()
        for block in column["doc_blocks"]
    }
    ours = {name for name in catalog.manifest["docs"] if name.startswith("doc.daybook.")}
    assert ours - used == {"doc.daybook.__overview__"}


# -- contracts


def test_every_mart_has_a_contract_unless_a_seed_gives_it_columns(catalog):
    contracts = {table.name for table in catalog.marts() if table.contract}
    assert contracts == {table.name for table in catalog.marts()} - TABLES_WITH_COLUMNS_OF_A_SEED


def test_a_contract_names_the_types_that_the_table_has(catalog):
    for table in catalog.tables.values():
        if table.contract:
            said = {name: column["data_type"].upper() for name, column in table.described.items()}
            assert said == table.there, table.name


@pytest.mark.parametrize("name", sorted(TABLES_WITH_COLUMNS_OF_A_SEED))
def test_columns_of_the_plan_have_the_planned_types_and_the_plans_order(catalog, name):
    table = catalog.tables[name]
    expected = columns_of_the_seed(table)
    found = {column: type_ for column, type_ in table.there.items() if column in expected}
    assert list(found.items()) == list(expected.items())
    after = list(table.there)[: list(table.there).index(next(iter(expected)))]
    assert after == list(table.described)[: len(after)]


def test_a_table_that_breaks_its_contract_stops_the_build(daybook: Daybook):
    models = daybook.folder / "models"
    models.unlink()
    for path in (REPO / "models").rglob("*.*"):
        copy = models / path.relative_to(REPO / "models")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text().replace("as last_30_days_from", "as last_month_from"))
    build = daybook.build("--select", "+calendar", "--exclude", "resource_type:test", fails=True)
    (failure,) = build.failures
    assert failure.startswith("model.daybook.calendar: ")
    assert "contract" in failure


# -- which model reads which table


def marts_named_in(*patterns: str) -> set[str]:
    names = {path.stem for path in (REPO / "models" / "marts").rglob("*.sql")}
    found = {
        name
        for pattern in patterns
        for path in REPO.glob(pattern)
        for name in re.findall(r"\bmarts\.(\w+)", path.read_text())
    }
    return found & names


@pytest.mark.parametrize(
    ("exposure", "patterns"),
    [
        ("questions", ["analyses/*.sql"]),
        ("report", ["loaders/report/**/*.py", "loaders/asking/command.py"]),
    ],
)
def test_an_exposure_depends_on_the_tables_that_it_reads(catalog, exposure, patterns):
    found = catalog.manifest["exposures"][f"exposure.daybook.{exposure}"]
    said = {name.rpartition(".")[2] for name in found["depends_on"]["nodes"]}
    assert said == marts_named_in(*patterns)
    assert not only_repeats_its_name(exposure, found["description"])


def test_report_notebook_and_questions_are_exposures(catalog):
    assert {each["name"] for each in catalog.manifest["exposures"].values()} == {
        "report",
        "notebook",
        "questions",
    }


# -- the page


def test_the_docs_are_one_page_that_needs_no_server(catalog):
    assert "median time from sign-up to the milestone, in hours" in catalog.page.lower()
    assert "# Daybook" in catalog.page
    loaded = re.findall(
        r"<(?:script|link|img)\b[^>]*\b(?:src|href)=[\"']?(https?:[^\"' >]+)", catalog.page
    )
    assert loaded == []


def test_make_docs_writes_below_target_which_git_ignores():
    makefile = (REPO / "Makefile").read_text()
    recipe = re.search(r"^docs: setup\n((?:\t.*\n)+)", makefile, re.MULTILINE)[1]
    assert "dbt docs generate --static" in recipe
    assert "target/static_index.html" in recipe
    assert "target/" in (REPO / ".gitignore").read_text().splitlines()


def test_data_flows_one_way_through_the_folders(catalog):
    place = {
        name: next(
            number
            for number, folder in enumerate(FOLDERS)
            if node["original_file_path"].startswith(f"models/{folder}/")
        )
        for name, node in catalog.manifest["nodes"].items()
        if node["resource_type"] == "model"
    }
    back = [
        f"{model} reads {parent}"
        for model in place
        for parent in catalog.manifest["nodes"][model]["depends_on"]["nodes"]
        if place.get(parent, -1) > place[model]
    ]
    assert back == []
