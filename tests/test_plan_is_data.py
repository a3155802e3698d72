"""To adopt Daybook, edit CSV files and vars: no other file contains the name of an event."""

import ast
import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pytest
import yaml
from harness import JUNE, REPO, Daybook

# Files that must not contain a product's names. (Analyses may.)
SQL = ("models/**/*.sql", "macros/**/*.sql", "tests/sql/**/*.sql", "loaders/*.sql")
YAML = ("models/**/*.yml", "seeds/**/*.yml", "tests/sql/**/*.yml", "dbt_project.yml")
PYTHON = ("loaders/**/*.py",)
THE_IMAGINARY_PRODUCT = REPO / "loaders" / "simulate"

NAMES_IN = {
    "tracking_plan_events": ("event", "feature", "former_names"),
    "tracking_plan_properties": ("property", "allowed_values"),
    "tracking_plan_traits": ("trait", "allowed_values", "former_names"),
    "plans": ("plan",),
    "internal_accounts": ("value",),
    "activity_reports": ("report",),
    "stickiness_reports": ("report",),
    "retention_reports": ("report",),
    "activation_milestones": ("milestone",),
    "funnels": ("funnel",),
}
# Words that the contract itself fixes, as a column, a kind or the default of a var.
FIXED_BY_THE_CONTRACT = {
    "name",  # a field of a call
    "email",  # email_trait
    "plan",  # company_plan_trait, and a column of dim_companies
    "mau",  # company_mau_trait
    "source",  # a column of raw.loads and fct_events
    "events",  # a column of activity and fct_activity_days
    "free",  # a value of segment
    "segment",  # a column of feature_adoption; `Segment` is a name
}


@dataclass(frozen=True)
class Finding:
    """A name of the plan in a place where names of the plan are not allowed."""

    line: int
    name: str

    def at(self, path: Path) -> str:
        return f"{path.relative_to(REPO)}:{self.line}: {self.name!r} belongs in seeds/ only"


def names(*columns: str) -> set[str]:
    """The names in the seeds that come with Daybook, in lower case; of some columns, or of all."""
    found = set()
    for path in (JUNE / "seeds").rglob("*.csv"):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                for column in NAMES_IN.get(path.stem, ()):
                    if not columns or column in columns:
                        found |= {name.strip().lower() for name in row[column].split(";")}
    return found - {""}


NAMES = names()
COULD_BE_COLUMNS = names("event", "property", "trait", "former_names")
# A name like report_loaded is not English and must not occur at all. `role` is English, so it
# counts only if it stands alone: in quotes, as a column, as a cell.
UNMISTAKABLE = re.compile(
    r"(?<!\w)(" + "|".join(sorted(name for name in NAMES if "_" in name)) + r")(?!\w)",
    re.IGNORECASE,
)
QUOTED = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"")


def mentioned(text: str) -> Iterator[Finding]:
    for number, line in enumerate(text.splitlines(), start=1):
        for match in UNMISTAKABLE.finditer(line):
            yield Finding(number, match[1].lower())


def alone(text: str, line: int) -> Iterator[Finding]:
    """A text that is a name, a list of them, or has one in quotes."""
    parts = [text, *re.split(r"[;,]", text)]
    parts += [one or other for one, other in QUOTED.findall(text)]
    for part in {part.strip(" []{}$.'\"") for part in parts} - FIXED_BY_THE_CONTRACT:
        if part.lower() in NAMES:
            yield Finding(line, part.lower())


def in_sql(text: str) -> set[Finding]:
    found = set(mentioned(text))
    code = re.sub(r"\{#.*?#\}|/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL)
    for number, line in enumerate(code.splitlines(), start=1):
        line = re.sub(r"--.*", "", line)
        for quoted in QUOTED.finditer(line):
            found.update(alone(quoted[0], number))
        for word in re.findall(r"\w+", QUOTED.sub(" ", line)):
            if word.lower() in COULD_BE_COLUMNS - FIXED_BY_THE_CONTRACT:
                found.add(Finding(number, word.lower()))
    return found


def in_yaml(text: str) -> set[Finding]:
    root = yaml.compose(text)
    beyond_vars = text.splitlines()
    for key, value in root.value:
        if key.value == "vars":  # another company sets these
            first, after = key.start_mark.line, value.end_mark.line + bool(value.flow_style)
            beyond_vars[first:after] = [""] * (after - first)
    found = set(mentioned("\n".join(beyond_vars)))

    def walk(node: yaml.Node, key: str = "") -> None:
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                if name.value not in ("vars", "description"):
                    walk(name)
                    walk(value, name.value)
        elif isinstance(node, yaml.SequenceNode):
            for value in node.value:
                walk(value, key)
        elif "\n" in node.value:
            line = node.start_mark.line + 1
            found.update(Finding(line + each.line, each.name) for each in in_sql(node.value))
        else:
            found.update(alone(node.value, node.start_mark.line + 1))

    walk(root)
    return found


def in_python(text: str) -> set[Finding]:
    found, tree = set(mentioned(text)), ast.parse(text)
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            for number, line in enumerate(node.value.splitlines()):
                found.update(alone(line, node.lineno + number))
    return found


def files(patterns: tuple[str, ...]) -> list[Path]:
    found = {path for pattern in patterns for path in REPO.glob(pattern)}
    return sorted(path for path in found if THE_IMAGINARY_PRODUCT not in path.parents)


READERS = {SQL: in_sql, YAML: in_yaml, PYTHON: in_python}


@pytest.mark.parametrize("patterns", READERS, ids=["sql", "yaml", "python"])
def test_names_of_the_default_plan_occur_in_the_seeds_only(patterns):
    found = [
        finding.at(path)
        for path in files(patterns)
        for finding in sorted(READERS[patterns](path.read_text()), key=lambda each: each.line)
    ]
    assert files(patterns)
    assert not found, "\n" + "\n".join(found)


# The search itself: names it must find, and text it must ignore

CELL_OF_SQL = """
rows:
  - trait: role
  - format: sql
    rows: |
      select
      'b2c' as kind
"""


@pytest.mark.parametrize(
    ("read", "text", "name"),
    [
        (in_sql, "select * from events where event = 'report_loaded'", "report_loaded"),
        (in_sql, "-- report_loaded is the main event", "report_loaded"),
        (in_sql, "{# like invited_a_temmate #}", "invited_a_temmate"),
        (in_sql, "select users.role from users", "role"),
        (in_sql, "where plan in ('gold', 'growth')", "growth"),
        (in_sql, "where plan = 'Growth'", "growth"),
        (in_sql, "where kind = 'B2B'", "b2b"),
        (in_sql, "{% if feature == 'reports' %}", "reports"),
        (in_sql, "where data_from = 'Segment'", "segment"),
        (in_sql, "select json_extract_string(traits, '$.\"industry\"')", "industry"),
        (in_yaml, "models: [{name: dim_users, columns: [{name: industry}]}]", "industry"),
        (in_yaml, "rows: [{entity: user, trait: role}]", "role"),
        (in_yaml, "rows: [{user_id: ana, role: maker}]", "role"),
        (in_yaml, "rows: [{filter_values: basic;scale}]", "scale"),
        (in_yaml, "rows: [{traits: '{\"employees\": 3}'}]", "employees"),
        (in_yaml, CELL_OF_SQL, "b2c"),
        (in_yaml, "columns: [{description: Of slack_connected and others.}]", "slack_connected"),
        (in_yaml, "vars: {signup_event: joined}\nrows: [{event: signed_up}]", "signed_up"),
        (in_yaml, "rows: [{report: users by role}]", "users by role"),
        (in_python, "PLANS = 'free;growth'", "growth"),
        (in_python, "sql = f\"select {x} from t where plan = 'scale'\"", "scale"),
        (in_python, "# report_loaded", "report_loaded"),
        (in_python, "def f(x):\n    return x['industry']", "industry"),
    ],
)
def test_a_name_of_the_plan_is_found(read, text, name):
    assert name in {finding.name for finding in read(text)}


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (in_sql, "-- The role of growth: reports, filters, contacts of Segment's customers."),
        (in_sql, "select reports.report, segment, events, name, plan, source from reports"),
        (in_sql, "where segment = 'free' -- or 'growth'"),
        (in_sql, "select report_loaded_twice, xplan_upgraded from t"),
        (in_yaml, "columns: [{name: segment, description: Growth of audiences by role.}]"),
        (in_yaml, "vars: {signup_event: signed_up}\nmodels: {daybook: {intermediate: {}}}"),
        (in_yaml, "rows: [{feature: maps, segment: free, events: 3, plan: gold}]"),
        (in_python, '"""Reports, and their role in growth."""'),
        (in_python, "role = match.groups()\nprint('the role of Segment')"),
        (in_python, "fields = ['name', 'source', 'email', 'plan']"),
    ],
)
def test_ordinary_english_and_words_of_the_contract_are_not_found(read, text):
    assert read(text) == set()


def test_a_finding_names_its_file_and_line():
    assert in_yaml(CELL_OF_SQL) == {Finding(3, "role"), Finding(7, "b2c")}
    assert in_sql("select\n\n    'growth'") == {Finding(3, "growth")}
    assert in_python('x = 1\ny = """\nwhere plan = \'growth\'\n"""') == {Finding(3, "growth")}
    where = Finding(3, "growth").at(REPO / "models" / "sources.yml")
    assert where == "models/sources.yml:3: 'growth' belongs in seeds/ only"


# Another product: a kitchen, adopted by CSV files and the vars block alone

THE_KITCHENS_SEEDS = {
    "tracking_plan_events": [
        {"event": "account_opened"},
        {"event": "recipe_cooked", "feature": "cooking", "former_names": "recipe_coked"},
        {"event": "list_shared", "feature": "sharing", "counts_as_active": False},
    ],
    "tracking_plan_properties": [
        {"event": "recipe_cooked", "property": "servings", "type": "number"},
    ],
    "tracking_plan_traits": [
        {"entity": "user", "trait": "memberSince", "type": "datetime"},
        {"entity": "user", "trait": "diet", "type": "string", "allowed_values": "vegan;any"},
        {"entity": "user", "trait": "mailAddress", "type": "string", "is_pii": True},
        {"entity": "company", "trait": "tier", "type": "string"},
        {"entity": "company", "trait": "stoves", "type": "number"},
    ],
    "plans": [
        {"plan": "taster", "is_paying": False, "mau_limit": 1},
        {"plan": "chef", "is_paying": True},
    ],
    "internal_accounts": [{"match_on": "email_domain", "value": "kitchen.example"}],
    "activity_reports": [
        {"report": "eaters", "entity": "user"},
        {"report": "vegans", "entity": "user", "filter_by": "diet", "filter_values": "Vegan"},
    ],
    "retention_reports": [
        {
            "report": "eaters by diet",
            "entity": "user",
            "cohort_event": "account_opened",
            "return_event": "recipe_cooked",
            "cohort_rule": "first",
            "period": "week",
            "return_window": "exact",
            "breakdown": "diet",
            "breakdown_at": "latest",
        }
    ],
    "activation_milestones": [
        {
            "entity": "user",
            "milestone": "first meal",
            "position": 1,
            "event": "recipe_cooked",
            "within_days": 7,
        }
    ],
}
THE_KITCHENS_VARS = {
    "week_start": "sunday",
    "signup_event": "account_opened",
    "created_at_trait": "memberSince",
    "email_trait": "mailAddress",
    "company_plan_trait": "tier",
    "company_mau_trait": "",  # there is none: so Daybook counts
    "unplanned_counts_as_active": "false",
}


def identify(user: str, **traits) -> dict:
    return {"type": "identify", "userId": user, "traits": traits, "timestamp": "2024-06-03T08:00Z"}


def group(company: str, **traits) -> dict:
    at = "2024-06-03T08:00Z"
    return {"type": "group", "userId": "ana", "groupId": company, "traits": traits, "timestamp": at}


def track(user: str, company: str, event: str, at: str) -> dict:
    call = {"type": "track", "userId": user, "event": event, "timestamp": at}
    return call | {"context": {"groupId": company}}


# Weeks begin on Sunday, 2 and 9 June. The last event is of the 16th, so now is Saturday the 15th.
THE_KITCHENS_STORY = [
    identify("ana", diet="vegan", mailAddress="ana@acme.example"),
    identify("ben", diet=" Vegan ", mailAddress="ben@acme.example"),
    identify("eva", diet="any"),
    identify("cat", memberSince="2024-05-01T00:00:00Z"),
    identify("sam", diet="vegan", mailAddress="sam@kitchen.example"),  # one of our own
    group("acme", tier="taster"),
    group("bolt", tier=" Chef ", stoves=3),
    track("ana", "acme", "account_opened", "2024-06-03T10:00Z"),
    track("ben", "acme", "account_opened", "2024-06-04T10:00Z"),
    track("eva", "bolt", "account_opened", "2024-06-05T10:00Z"),
    track("sam", "acme", "account_opened", "2024-06-03T10:00Z"),
    track("eva", "bolt", "recipe_cooked", "2024-06-05T12:00Z"),
    track("ana", "acme", "recipe_coked", "2024-06-11T10:00Z"),  # as it was spelled
    track("eva", "bolt", "recipe_cooked", "2024-06-15T10:00Z"),
    track("sam", "acme", "recipe_cooked", "2024-06-11T10:00Z"),
    track("ben", "acme", "list_shared", "2024-06-12T10:00Z"),  # counts as no activity
    track("ben", "acme", "lid_lifted", "2024-06-12T10:00Z"),  # nor does an unplanned event
    track("ana", "acme", "recipe_cooked", "2024-06-16T10:00Z"),  # after now
]


@pytest.fixture(scope="module")
def the_kitchen(tmp_path_factory) -> Daybook:
    daybook = Daybook(tmp_path_factory.mktemp("kitchen") / "daybook")
    for path in (daybook.folder / "seeds").rglob("*.csv"):
        daybook.seed(path.stem, THE_KITCHENS_SEEDS.get(path.stem, []))
    set_vars(daybook.folder / "dbt_project.yml", THE_KITCHENS_VARS)
    daybook.write(THE_KITCHENS_STORY)
    daybook.land()
    daybook.build()
    return daybook


def set_vars(project: Path, values: dict[str, str]) -> None:
    text = project.read_text()
    for name, value in values.items():
        text, found = re.subn(rf"(?m)^  {name}: [^ \n]+", f"  {name}: {value}", text)
        assert found == 1, name
    project.unlink()  # the link to everybody's
    project.write_text(text)


def cells(daybook: Daybook, sql: str) -> list[tuple]:
    return [tuple(row.values()) for row in daybook.rows(sql)]


def test_another_product_has_its_own_columns(the_kitchen):
    users = "select user_id, diet, signed_up_at from marts.dim_users order by user_id"
    assert cells(the_kitchen, users) == [
        ("ana", "vegan", datetime(2024, 6, 3, 10)),
        ("ben", " Vegan ", datetime(2024, 6, 4, 10)),
        ("cat", None, datetime(2024, 5, 1)),
        ("eva", "any", datetime(2024, 6, 5, 10)),
        ("sam", "vegan", datetime(2024, 6, 3, 10)),
    ]
    columns = the_kitchen.table("marts.dim_users").columns
    assert columns[-2:] == ["diet", "mail_address"]
    assert cells(the_kitchen, "select user_id from marts.dim_users where is_internal") == [("sam",)]
    # Without a trait for them, monthly active users are counted: Ana and Ben.
    companies = """
        select
            company_id, trim(tier), is_paying, monthly_active_users, mau_limit, is_over_mau_limit,
            stoves
        from marts.dim_companies
        order by company_id
    """
    assert cells(the_kitchen, companies) == [
        ("acme", "taster", False, 2, 1, True, None),
        ("bolt", "Chef", True, 1, None, False, 3.0),
    ]


def test_another_product_has_its_own_events(the_kitchen):
    counted = cells(
        the_kitchen,
        """
        select event, is_planned, count(*) from marts.fct_events
        group by all
        order by event
        """,
    )
    assert counted == [
        ("account_opened", True, 4),
        ("lid_lifted", False, 1),
        ("list_shared", True, 1),
        ("recipe_cooked", True, 5),
    ]


def test_another_product_has_its_own_reports(the_kitchen):
    weeks = """
        select report, period_start, active, new, retained, dormant, is_complete
        from marts.activity
        where clock = 'week'
        order by report, period_start
    """
    assert cells(the_kitchen, weeks) == [
        ("eaters", date(2024, 6, 2), 3, 3, 0, 0, True),
        ("eaters", date(2024, 6, 9), 2, 0, 2, 1, True),  # Ana and Eva came back, Ben did not
        ("vegans", date(2024, 6, 2), 2, 2, 0, 0, True),
        ("vegans", date(2024, 6, 9), 1, 0, 1, 1, True),
    ]
    retention = """
        select breakdown_value, period_number, cohort_size, retained, round(retention_rate, 3)
        from marts.retention
        where report = 'eaters by diet' and cohort_start = date '2024-06-02'
        order by trim(lower(breakdown_value)), period_number
    """
    found = cells(the_kitchen, retention)
    assert [row for row in found if row[0] in ("(all)", "any")] == [
        ("(all)", 0, 3, 3, 1.0),
        ("(all)", 1, 3, 2, 0.667),
        ("any", 0, 1, 1, 1.0),
        ("any", 1, 1, 1, 1.0),
    ]
    vegans = [row for row in found if row[0].strip().lower() == "vegan" and row[1] == 1]
    assert (sum(row[2] for row in vegans), sum(row[3] for row in vegans)) == (2, 1)


def test_another_product_has_its_own_milestones_and_features(the_kitchen):
    # Eva cooked after two hours. Ana after eight days, which is too late.
    milestones = """
        select milestone, entities, reached, round(reach_rate, 3), median_hours, is_complete
        from marts.activation
        where cohort_week = date '2024-06-02'
        order by milestone
    """
    assert cells(the_kitchen, milestones) == [
        ("activated", 3, 1, 0.333, 2.0, True),
        ("first meal", 3, 1, 0.333, 2.0, True),
    ]
    features = """
        select segment, feature, active, adopters
        from marts.feature_adoption
        where entity = 'user' and period = 'week' and period_start = date '2024-06-09'
        order by segment, rank
    """
    assert cells(the_kitchen, features) == [
        ("all", "cooking", 2, 2),  # Ana and Eva
        ("all", "sharing", 2, 0),  # Ben shared, and was not active
        ("free", "cooking", 1, 1),  # Ana
        ("free", "sharing", 1, 0),
        ("paying", "cooking", 1, 1),  # Eva
        ("paying", "sharing", 1, 0),
    ]


NO_ANSWER = "this question has no answer here. Name your own"
WHAT_THE_KITCHEN_IS_TOLD = {
    "q1": 'The tracking plan has no user trait "role"; no retention report is called "users by'
    f' role": {NO_ANSWER} in',
    "q2": 'The tracking plan has no event "signed_up"; the tracking plan has no user trait'
    f' "signup_source": {NO_ANSWER} in',
    "q3": f'The tracking plan has no user trait "business_type": {NO_ANSWER} trait in',
    "q5": 'The tracking plan has no company trait "tracks_groups"; no retention report is called'
    ' "companies by tracks_groups at entry"; no retention report is called "companies by'
    f' tracks_groups latest": {NO_ANSWER} in',
    "q6": f'The tracking plan has no event "report_loaded": {NO_ANSWER} event in',
}


def test_questions_of_another_product_name_what_its_plan_lacks(the_kitchen):
    asked = json.loads(the_kitchen.run("ask", "--json").output)["questions"]
    problems = {each["name"]: each["problem"] for each in asked if each["problem"]}
    assert problems == {
        each["name"]: f"{WHAT_THE_KITCHEN_IS_TOLD[each['name'][:2]]} analyses/{each['name']}.sql."
        for each in asked
        if each["name"][:2] in WHAT_THE_KITCHEN_IS_TOLD
    }
    assert not any(each["rows"] or each["answer"] for each in asked if each["problem"])
    answers = {each["name"][:2]: each["answer"] for each in asked if not each["problem"]}
    assert answers == {
        "q4": "0 of 2 companies are over 1,000 monthly active users; 1 are over the limit of their"
        " own plan.",
        "q7": "The logs cannot tell: no month is complete yet.",
    }


def test_a_question_run_by_hand_states_no_number_that_the_plan_cannot_have(the_kitchen):
    found = {
        path.stem[:2]: the_kitchen.rows(path.read_text())
        for path in (the_kitchen.folder / "analyses").glob("*.sql")
    }
    told = {name: rows[0].pop("answer") for name, rows in found.items()}
    assert {name: told[name] for name in WHAT_THE_KITCHEN_IS_TOLD} == {
        "q1": 'No weekly retention report of users is called "users by role" and broken down by'
        " role at entry.",
        "q2": 'The tracking plan has no event "signed_up", or no user trait "signup_source".',
        "q3": 'The tracking plan has no user trait "business_type".',
        "q5": 'No weekly retention reports of companies are called "companies by tracks_groups at'
        ' entry" and "companies by tracks_groups latest" and broken down by tracks_groups, at entry'
        " and latest.",
        "q6": 'The tracking plan has no event "report_loaded".',
    }
    for name in WHAT_THE_KITCHEN_IS_TOLD:
        assert [set(row.values()) for row in found[name]] == [{None}]
