"""docs/ and the code name the same things, and every link in docs/ has a target."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from harness import JUNE, REPO, Daybook

from loaders.landing.quarantine import REASONS

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
VARS_OF_THE_TESTS = {"audit", "compare_only", "unit_tests"}
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
    """Every single word in backticks."""
    return set(re.findall(r"`(\w+)`", document))


def anchors(document: str) -> list[str]:
    """The anchors that GitHub gives to the headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", document), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def seed_paths() -> dict[str, Path]:
    return {path.stem: path for path in (JUNE / "seeds").rglob("*.csv")}


def columns_of_seed(name: str) -> set[str]:
    with seed_paths()[name].open(newline="", encoding="utf-8") as file:
        return set(next(csv.reader(file))) | OPTIONAL_COLUMNS.get(name, set())


def sql_results(column: str) -> set[str]:
    """The possible texts of a `case ... end as column` in the models."""
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
    assert f"`{seed_paths()[name].relative_to(JUNE).as_posix()}`" in section
    (example,) = re.findall(r"```csv\n(.*?)```", section, re.DOTALL)
    header, *lines = csv.reader(example.splitlines())
    assert lines
    assert set(header) <= columns_of_seed(name)
    assert columns_of_seed(name) - set(header) <= OPTIONAL_COLUMNS.get(name, set())
    assert {len(line) for line in lines} == {len(header)}


def test_every_var_has_a_row_with_its_default_and_every_row_a_var():
    variables = yaml.safe_load((JUNE / "vars.yml").read_text())
    written = {
        name: "none" if value is None else f"`{str(value).lower()}`"
        for name, value in variables.items()
        if name not in VARS_OF_THE_TESTS
    }
    documented = {name: cells[3].lower() for name, cells in rows(sections(SEEDS)["Vars"]).items()}
    assert documented == written


# -- definitions.md


def a_call(user: str | None, event: str, at: str, **fields: str) -> dict:
    return {"type": "track", "userId": user, "event": event, "timestamp": at, **fields}


THE_EXAMPLES = [
    # docs/definitions.md#lifecycle: the weeks of 5 and 12 May
    a_call("ana", "report_loaded", "2025-05-05"),
    a_call("ben", "report_loaded", "2025-05-06"),
    a_call("ana", "report_loaded", "2025-05-12"),
    a_call("eva", "report_loaded", "2025-05-13"),
    # docs/definitions.md#exact-and-on-or-after: the weeks from 5 May on
    *(a_call(user, "groups_opened", "2025-05-07") for user in ("ana", "ben", "eva")),
    a_call("ana", "contacts_opened", "2025-05-12"),
    a_call("ben", "contacts_opened", "2025-06-01"),
    # docs/definitions.md#devices
    a_call("ana", "events_opened", "2025-05-01", anonymousId="laptop"),
    a_call("ben", "events_opened", "2025-05-10", anonymousId="laptop"),
    *(
        a_call(None, "audiences_opened", f"2025-{day}", anonymousId="laptop")
        for day in ("04-30", "05-05", "05-10", "05-11")
    ),
    # docs/definitions.md#event-time
    {
        "batch": [a_call("ana", "slow clock", "2025-06-02T09:00:00Z", messageId="slow")],
        "sentAt": "2025-06-02T09:05:00Z",
        "receivedAt": "2025-06-02T10:05:00Z",
    },
    # docs/definitions.md#activation: sign-up on Friday 2 May
    *(a_call(user, "signed_up", "2025-05-02T10:00:00Z") for user in ("in time", "late")),
    a_call("in time", "data_connected", "2025-05-05T10:00:00Z"),
    a_call("late", "data_connected", "2025-05-05T10:01:00Z"),
]


@pytest.fixture(scope="module")
def the_examples(tmp_path_factory) -> Daybook:
    """The examples of definitions.md, built. The plan has no traits."""
    daybook = Daybook(tmp_path_factory.mktemp("docs") / "daybook")
    daybook.seed("tracking_plan_traits")
    daybook.seed("context_columns")
    daybook.seed(
        "activity_reports", [{"report": "example", "entity": "user", "event": "report_loaded"}]
    )
    of_both = {
        "entity": "user",
        "cohort_event": "groups_opened",
        "return_event": "contacts_opened",
        "cohort_rule": "first",
        "period": "week",
        "periods": 4,
    }
    windows = ("exact", "on_or_after")
    daybook.seed(
        "retention_reports",
        [{"report": window, "return_window": window, **of_both} for window in windows],
    )
    milestone = {"entity": "user", "milestone": "connected", "position": 1}
    daybook.seed(
        "activation_milestones", [milestone | {"event": "data_connected", "within_days": 3}]
    )
    daybook.write(THE_EXAMPLES)
    daybook.land()
    no_traits = dict.fromkeys(
        ("created_at_trait", "email_trait", "company_plan_trait", "company_mau_trait"), ""
    )
    daybook.build(
        *("--exclude-resource-types", "test", "unit_test"),
        vars=no_traits | {"as_of": "2025-06-03"},
    )
    return daybook


@pytest.fixture(scope="module")
def columns_of_marts(the_examples) -> dict[str, set[str]]:
    """The columns of each mart as it is built, without those that the company's plan adds."""
    found: dict[str, set[str]] = {}
    for row in the_examples.rows(
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts'"
    ):
        found.setdefault(row["table_name"], set()).add(row["column_name"])
    return found


def sections_of_marts() -> dict[str, str]:
    """For each mart, the text of the sections that the table at the top links to."""
    opening = DEFINITIONS.partition("\n## ")[0]
    by_anchor = {anchors(f"# {title}")[0]: text for title, text in sections(DEFINITIONS).items()}
    found = {}
    for marts, links in re.findall(r"^\| (`.+`) \| (.+) \|$", opening, re.MULTILINE):
        text = "".join(by_anchor[anchor] for anchor in re.findall(r"\(#([\w-]+)\)", links))
        found.update(dict.fromkeys(names_in(marts), text))
    return found


def test_every_column_of_a_mart_is_defined_in_the_section_that_the_top_table_links_to(
    columns_of_marts,
):
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


def only_row(daybook: Daybook, sql: str) -> tuple:
    (row,) = daybook.rows(sql)
    return tuple(row.values())


def test_the_example_of_the_lifecycle_holds(the_examples):
    assert only_row(
        the_examples,
        """
        select active, new, retained, resurrected, dormant from marts.activity
        where clock = 'week' and period_start = '2025-05-12'
        """,
    ) == (2, 1, 1, 0, 1)


@pytest.mark.parametrize(
    ("window", "retained"), [("exact", [3, 1, 0, 1]), ("on_or_after", [3, 2, 1, 1])]
)
def test_the_example_of_exact_and_on_or_after_holds(the_examples, window, retained):
    rows_of_window = the_examples.rows(f"""
        select cohort_size, retained from marts.retention
        where report = '{window}' and cohort_start = '2025-05-05'
        order by period_number
    """)
    assert [row["cohort_size"] for row in rows_of_window] == [3] * 4
    assert [row["retained"] for row in rows_of_window] == retained
    told = " | ".join(f"{count} of 3" for count in retained)
    assert f"| `{window}` | {told} |" in DEFINITIONS


def test_the_example_of_devices_holds(the_examples):
    owners = the_examples.rows("""
        select strftime(event_day, '%d %b') as day, user_id from marts.fct_events
        where event = 'audiences_opened' order by event_day
    """)
    assert [tuple(row.values()) for row in owners] == [
        ("30 Apr", "ana"),
        ("05 May", "ana"),
        ("10 May", "ben"),
        ("11 May", "ben"),
    ]


def test_the_example_of_event_time_holds(the_examples):
    assert only_row(
        the_examples,
        """
        select strftime(event_at, '%H:%M'), time_quality from marts.fct_events
        where event_id = 'slow'
        """,
    ) == ("10:00", "corrected")


def test_the_example_of_activation_holds(the_examples):
    assert only_row(
        the_examples,
        """
        select entities, reached, reach_rate, median_hours from marts.activation
        where milestone = 'connected' and cohort_week = '2025-04-28'
        """,
    ) == (2, 1, 0.5, 72)


# -- sources.md


def test_every_reason_of_the_quarantine_is_explained():
    assert set(rows(sections(SOURCES)["What is quarantined"])) == set(REASONS)


# -- all documents


def citations() -> Iterator[tuple[str, str, str]]:
    """Each citation of a heading of docs/: the citing file, the document, the anchor."""
    for folder in ("tests", "models", "macros", "seeds", "loaders", "analyses"):
        for path in sorted((REPO / folder).rglob("*")):
            if path.suffix not in (".py", ".sql", ".yml", ".md"):
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
def test_every_link_has_a_target(path):
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", path.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        document = (path.parent / target) if target else path
        assert document.exists(), target
        if anchor:
            assert anchor in anchors(document.read_text()), f"{target}#{anchor}"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_file_of_the_repo_that_a_doc_names_exists(path):
    for name in re.findall(
        r"`((?:seeds|loaders|macros|tests|models|docs)/[\w/.]*)`", path.read_text()
    ):
        assert (REPO / name).exists(), name


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_no_two_headings_share_an_anchor(path):
    found = anchors(path.read_text())
    assert len(found) == len(set(found))
