"""A seed or var that contradicts the plan stops the build before it begins, in a line with its place."""

from datetime import datetime
from pathlib import Path

import duckdb
import pytest
import yaml
from harness import JUNE, REPO, SEED_COLUMNS, Daybook
from lines import call

from loaders.plan import problems, read_seed, seed_columns
from loaders.plan.checks import snake_case
from loaders.plan.shape import FIXED_COLUMNS

PLAN = [
    {"event": "opened", "former_names": "opned"},
    {"event": "paid", "former_names": "bought;opned"},
    {"event": "paid", "counts_as_active": "perhaps"},
    {"event": None, "expected_side": "both"},
]
TRAITS = [
    {"entity": "user", "trait": "jobTitle", "type": "string"},
    {"entity": "user", "trait": "job title", "type": "text"},
    {"entity": "team", "trait": "size", "type": "number", "required": "often"},
    {"entity": "company", "trait": "city", "type": "string", "former_names": "town"},
    {"entity": "company", "trait": "place", "type": "string", "former_names": "town"},
]
PROPERTIES = [
    {"event": "opned", "property": "door", "type": "string"},
    {"event": "opened", "property": "door", "type": "wood"},
    {"event": "opened", "property": "door", "type": "string"},
]
PLANS = [
    {"plan": "Basic", "is_paying": True, "mau_limit": "plenty"},
    {"plan": "basic ", "is_paying": None},
]
INTERNAL = [{"match_on": "ip", "value": "10.0.0.1"}, {"match_on": "user_id"}]
ACTIVITY = [
    {"report": "a", "entity": "user", "event": "closed"},
    {"report": "a", "entity": "firm", "filter_by": "city"},
    {"report": "b", "entity": "user", "filter_by": "company.city", "filter_values": "Oslo"},
    {"report": "c", "entity": "user", "starts_on": "2025-02-30", "ends_on": "soon"},
    {"report": "d", "entity": "user", "starts_on": "2025-03-01", "ends_on": "2025-02-01"},
    {"report": "e", "entity": "company", "event": "page"},
]
RETENTION = [
    {"report": "r", "entity": "company", "breakdown": "jobTitle", "cohort_rule": "last"},
    {"report": "s", "entity": "user", "period": "year", "minimum_events": 0, "periods": "all"},
]
MILESTONES = [
    {"entity": "user", "milestone": "activated", "position": 1, "event": "paid", "within_days": 7},
    {"entity": "user", "milestone": "paid", "position": 1, "event": None, "within_days": None},
]

MESSAGES = """
tracking_plan/tracking_plan_events.csv, row 3: the name "opned" stands in row 2 already; let one event have it
tracking_plan/tracking_plan_events.csv, row 4: the name "paid" stands in row 3 already; let one event have it
tracking_plan/tracking_plan_events.csv, row 4: counts_as_active is "perhaps"; write one of: true, false, or leave it blank
tracking_plan/tracking_plan_events.csv, row 5: event is blank; fill it in
tracking_plan/tracking_plan_events.csv, row 5: expected_side is "both"; write one of: server, client
tracking_plan/tracking_plan_traits.csv, row 3: type is "text"; write one of: string, number
tracking_plan/tracking_plan_traits.csv, row 3: the user trait "job title" would be the column job_title, as the one in row 2
tracking_plan/tracking_plan_traits.csv, row 4: entity is "team"; write one of: user, company
tracking_plan/tracking_plan_traits.csv, row 4: required is "often"
tracking_plan/tracking_plan_traits.csv, row 6: the company trait "town" stands in row 5 already
tracking_plan/tracking_plan_properties.csv, row 2: event "opned" is not an event of the tracking plan; write "opened", its name today
tracking_plan/tracking_plan_properties.csv, row 3: type is "wood"
tracking_plan/tracking_plan_properties.csv, row 4: event and property "opened / door" stands in row 3 already; keep one
business/plans.csv, row 2: mau_limit is "plenty"; write a whole number
business/plans.csv, row 3: plan "basic" stands in row 2 already
business/plans.csv, row 3: is_paying is blank; write one of: true, false.
business/internal_accounts.csv, row 2: match_on is "ip"; write one of: user_id, email_domain, company_id
business/internal_accounts.csv, row 3: value is blank
reports/activity_reports.csv, row 2: event "closed" is not an event of the tracking plan; add it to tracking_plan_events.csv
reports/activity_reports.csv, row 3: report "a" stands in row 2 already
reports/activity_reports.csv, row 3: entity is "firm"; write one of: user, company
reports/activity_reports.csv, row 3: only one of filter_by and filter_values is filled in
reports/activity_reports.csv, row 5: starts_on is "2025-02-30"; write a date like 2025-03-31, or leave it blank
reports/activity_reports.csv, row 5: ends_on is "soon"
reports/activity_reports.csv, row 6: ends_on is before starts_on
reports/retention_reports.csv, row 2: breakdown "jobTitle" is not a trait of a company
reports/retention_reports.csv, row 2: cohort_rule is "last"; write one of: first, every.
reports/retention_reports.csv, row 2: period is blank; write one of: day, week, month.
reports/retention_reports.csv, row 3: period is "year"
reports/retention_reports.csv, row 3: minimum_events is "0"; write a whole number from 1
reports/retention_reports.csv, row 3: periods is "all"
reports/activation_milestones.csv, row 2: the milestone activated is made by Daybook
reports/activation_milestones.csv, row 3: entity and position "user / 1" stands in row 2 already
reports/activation_milestones.csv, row 3: event is blank
reports/activation_milestones.csv, row 3: within_days is blank; write a number of days.
""".strip().splitlines()


def test_every_problem_of_the_seeds_is_named_with_its_file_its_row_and_the_fix(daybook):
    daybook.seed("tracking_plan_events", PLAN)
    daybook.seed("tracking_plan_traits", TRAITS)
    daybook.seed("tracking_plan_properties", PROPERTIES)
    daybook.seed("plans", PLANS)
    daybook.seed("internal_accounts", INTERNAL)
    daybook.seed("activity_reports", ACTIVITY)
    daybook.seed("retention_reports", RETENTION)
    daybook.seed("activation_milestones", MILESTONES)

    build = daybook.build(fails=True)

    missing = [message for message in MESSAGES if f"seeds/{message}" not in build.output]
    assert not missing, build.output
    fine_rows = ["activity_reports.csv, row 4", "activity_reports.csv, row 7", "plans.csv, row 1"]
    assert not [row for row in fine_rows if row in build.output]

    assert build.ran == []


# -- the file itself


@pytest.fixture
def plan(tmp_path) -> Path:
    """A folder with Daybook's seeds, in which a test can make errors."""
    return Daybook(tmp_path / "daybook").folder / "seeds"


def found(plan: Path, variables: dict | None = None) -> list[str]:
    """Every problem of the seeds in a folder, found without dbt."""
    seeds = {
        path.stem: read_seed(path.stem, path, path.name) for path in sorted(plan.rglob("*.csv"))
    }
    return [str(problem) for problem in problems(seeds, variables)]


FILES = {
    "semicolons": (
        b"plan;is_paying;mau_limit\nfree;false;1\n",
        [", row 1: its columns are separated by semicolons, not by commas; save it as"],
    ),
    "tabs": (
        b"plan\tis_paying\tmau_limit\nfree\tfalse\t1\n",
        [", row 1: its columns are separated by tabs, not by commas"],
    ),
    "Windows-1252": (
        b"plan,is_paying,mau_limit\r\nfree,false,\r\ncaf\xe9,true,\r\n",
        [", row 3: the file is not UTF-8 (byte 0xe9); save it as"],
    ),
    "a column renamed, one missing, one twice, one without a name": (
        b"plan,Is_Paying,plan,\nfree,false,,\n",
        [
            ", row 1: a column has no name; delete it.",
            ', row 1: the column "Is_Paying" is not known here; rename it to "is_paying".',
            ', row 1: the column "is_paying" is missing; add it.',
            ', row 1: the column "mau_limit" is missing; add it.',
            ', row 1: the column "plan" is there 2 times; delete all but one.',
        ],
    ),
    "a column of the company's own": (
        b"plan,is_paying,mau_limit,colour\nfree,false,,red\n",
        [', row 1: the column "colour" is not known here; delete it.'],
    ),
    "no header": (
        b"free,false,1000\n",
        [", row 1: it has none of the columns of this seed; write plan,is_paying,mau_limit."],
    ),
    "nothing": (b"", [": the file is empty; begin it with the line plan,is_paying,mau_limit."]),
    # An editor shows the row after the quoted cell and the blank line as the fifth.
    "a comma without quotes, after a line break within quotes and a blank line": (
        b'plan,is_paying,mau_limit\r\n"big\r\none",true,\r\n\r\nfree,false,1,000\r\nx,no\r\n',
        [
            ", row 5: there are 4 cells, and 3 columns; put a text that holds a comma in quotes",
            ", row 6: there are 2 cells, and 3 columns; write a comma for each blank cell too.",
        ],
    ),
    "a quote that is never closed": (
        b'plan,is_paying,mau_limit\nfree,false,\n"pro,true,\nmax,true,\n',
        [', row 3: a quote is opened and never closed; close it with a second ".'],
    ),
    "text behind a quoted cell, in the last row": (
        b'plan,is_paying,mau_limit\nfree,false,\n"pro"fessional,true,\n',
        [', row 3: text follows a closing quote; write "" for a quote inside a quoted cell.'],
    ),
    "a cell that is larger than a CSV's may be": (
        b"plan,is_paying,mau_limit\nfree,false,\n" + b"x" * 200_000 + b",true,\n",
        [", row 3: it is not CSV (field larger than field limit (131072)); save it as"],
    ),
    "CRLF and LF": (
        b"plan,is_paying,mau_limit\r\nfree,false,\r\npro,true,\nmax,true,\n",
        [
            ", row 3: the line ends with LF, the ones before it with CRLF; save the file with one kind"
        ],
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_seed_is_named_with_its_row_and_the_fix(plan, name):
    content, messages = FILES[name]
    (plan / "business" / "plans.csv").write_bytes(content)

    said = found(plan)

    assert len(said) == len(messages), said
    for line, message in zip(said, messages, strict=True):
        assert line.startswith(f"plans.csv{message}"), line


def test_a_byte_order_mark_columns_in_any_order_and_blanks_around_cells_are_fine(plan):
    (plan / "business" / "plans.csv").write_bytes(
        "\ufeffmau_limit,plan,is_paying\r\n 1000 ,\u00a0free\u2003, FALSE\r\n,scale,true".encode()
    )
    assert found(plan) == []


def test_a_row_with_all_columns_under_a_header_without_one_says_which(plan):
    reports = plan / "reports" / "activity_reports.csv"
    reports.write_text(
        "report,entity,event,filter_by,filter_values,starts_on,ends_on\n"
        "paying,company,,plan,growth;scale,2025-01-01,,latest\n"
    )
    (said,) = found(plan)
    assert said == (
        "activity_reports.csv, row 2: there are 8 cells, and the header lacks filter_at; write the"
        " header with it: report,entity,event,filter_by,filter_values,starts_on,ends_on,filter_at."
    )


def test_two_columns_are_optional(plan):
    events = plan / "tracking_plan" / "tracking_plan_events.csv"
    events.write_text(
        "event,description,feature,counts_as_active,expected_side,former_names,sets_company_trait\n"
        "signed_up,,,,,,\nupgraded,,,,,,plan\nmoved,,,,,,planet\n"
    )
    (plan / "tracking_plan" / "tracking_plan_properties.csv").write_text(
        "event,property,type,required,allowed_values,is_pii\n"
    )
    (plan / "reports" / "activation_milestones.csv").write_text(
        "entity,milestone,position,event,minimum_events,within_days\n"
    )
    (plan / "reports" / "activity_reports.csv").write_text(
        "report,entity,event,filter_by,filter_values,starts_on,ends_on,filter_at\n"
        "a,user,,role,founder,,,latest\nb,user,,role,founder,,,\nc,user,,role,founder,,,period_end\n"
    )
    assert found(plan) == [
        'activity_reports.csv, row 4: filter_at is "period_end", which is not counted in this'
        " version; write latest, or leave it blank.",
        'tracking_plan_events.csv, row 4: sets_company_trait "planet" is not a trait of a company;'
        " add it to tracking_plan_traits.csv, or write a company trait as it stands there.",
    ]


def test_context_columns_placeholder_ids_and_domains_are_checked(plan):
    (plan / "tracking_plan" / "context_columns.csv").write_text(
        "column,path,type,is_pii\npage_path,page.path,string,\nPage_Path,page..path,text,\n"
        "user_id,,string,\n2nd,page.url,string,\n"
    )
    (plan / "tracking_plan" / "placeholder_ids.csv").write_text(
        "id,value,reason\n,nobody,\nuser,nobody,\n, NoBody ,\ndevice,x,\nuser,,\n"
    )
    (plan / "business" / "public_email_domains.csv").write_text(
        'domain\n@mail.example\nMail.example\nana@mail.example\n" "\n'
    )
    (plan / "business" / "internal_accounts.csv").write_text(
        "match_on,value,reason\nemail_domain,@lab.example,\nemail_domain,ana@lab.example,\n"
        "user_id,ana@lab.example,\n"
    )
    assert found(plan) == [
        'context_columns.csv, row 3: column "Page_Path" stands in row 2 already; keep one of the'
        " two rows.",
        'context_columns.csv, row 3: path "page..path" has an empty key; write keys with one dot'
        " between them, like campaign.source.",
        'context_columns.csv, row 3: type is "text"; write one of: string, number, boolean,'
        " datetime, array, object.",
        'context_columns.csv, row 4: column "user_id" is a column of fct_events already; give it'
        " another name, like context_user_id.",
        "context_columns.csv, row 4: path is blank; fill it in, or delete the row.",
        'context_columns.csv, row 5: column "2nd" is no name of a column; write letters, digits'
        " and _, and begin with a letter.",
        'internal_accounts.csv, row 3: value "ana@lab.example" is not a domain; write lab.example.',
        'placeholder_ids.csv, row 4: id and value "(blank) / NoBody" stands in row 2 already; keep'
        " one of the two rows.",
        'placeholder_ids.csv, row 5: id is "device"; write one of: user, anonymous, company, or'
        " leave it blank.",
        "placeholder_ids.csv, row 6: value is blank; fill it in, or delete the row.",
        'public_email_domains.csv, row 3: domain "Mail.example" stands in row 2 already; keep one'
        " of the two rows.",
        'public_email_domains.csv, row 4: domain "ana@mail.example" is not a domain; write'
        " mail.example.",
        "public_email_domains.csv, row 5: domain is blank; fill it in, or delete the row.",
    ]


def test_a_number_that_the_engine_could_not_hold_is_named(plan):
    (plan / "reports" / "activation_milestones.csv").write_text(
        "entity,milestone,position,event,minimum_events,within_days\n"
        "user,one,3000000000,signed_up,3000000000,1e9\n"
        "user,two,2,signed_up,1000000000,36500\n"
        "user,three,3,signed_up,,36500.5\n"
    )
    (plan / "business" / "plans.csv").write_text(
        "plan,is_paying,mau_limit\nfree,false,9999999999\n"
    )
    assert found(plan) == [
        'activation_milestones.csv, row 2: minimum_events is "3000000000"; write at most'
        " 1,000,000,000, or leave it blank.",
        'activation_milestones.csv, row 2: position is "3000000000"; write at most 1,000,000,000.',
        'activation_milestones.csv, row 2: within_days is "1e9"; write a number of days.',
        'activation_milestones.csv, row 4: within_days is "36500.5"; write at most 36,500.',
        'plans.csv, row 2: mau_limit is "9999999999"; write at most 1,000,000,000, or leave it'
        " blank.",
    ]


def test_a_key_of_the_context_may_be_any_text_but_an_asterisk(daybook):
    keys = ["o'clock", 'say "no"', "back\\slash", '\\"both\\"', "0", "#-1", "[0]", "$", "/a", "**"]
    context = {key: f"the value of {key}" for key in keys} | {"deep": {"0": "nested"}}
    rows = [
        {"column": f"column_{number}", "path": path, "type": "string"}
        for number, path in enumerate([*keys, "deep.0"])
    ]
    daybook.write([call(event="signed_up", context=context)])
    daybook.land()
    daybook.seed("context_columns", rows)
    daybook.build("--select", "+stg_calls")
    expected = [f"the value of {key}" for key in keys] + ["nested"]
    assert daybook.rows("select context_values from staging.stg_calls") == [
        {"context_values": expected}
    ]

    daybook.seed(
        "context_columns", [*rows, {"column": "every", "path": "deep.*", "type": "string"}]
    )
    (failure,) = daybook.build(fails=True).failures
    assert failure == (
        'seeds/tracking_plan/context_columns.csv, row 13: path "deep.*" has the key *, which'
        " cannot be read; name one key, or delete the row."
    )


# -- vars

FINE = {
    "timezone": "Europe/Lisbon",
    "week_start": "sunday",
    "as_of": None,
    "earliest_day": "2000-01-01",
    "signup_event": "signed_up",
    "created_at_trait": "createdAt",  # unplanned, as the default may be
    "email_trait": "email",
    "company_plan_trait": "plan",
    "company_mau_trait": "mau",
    "unplanned_counts_as_active": "true",  # a text, as --vars may have it
    "companies_by_email_domain": False,
    "session_minutes": 30,
    "pii": "omit",
}
NAMED_VARS = {
    "timezone": [["Europe/Lisbon"], "Mars/Olympus", None],
    "week_start": ["friday", "Monday", 1],
    "as_of": [
        "yesterday",
        "2025-02-30",
        20250331,
        "2025-W01-1",
        "2025-03-31 10:00:00",
        datetime(2025, 3, 31, 10),
    ],
    "earliest_day": ["never", None, 2000],
    "signup_event": ["account_opened", ["signed_up"], "invited_a_temmate", 7],
    "created_at_trait": ["bornOn", 7],
    "email_trait": ["e-mail", "plan", True],
    "company_plan_trait": ["role", "tier"],
    "company_mau_trait": ["role", "users"],
    "unplanned_counts_as_active": ["no", 1, None, "True"],
    "companies_by_email_domain": ["yes", 0],
    "session_minutes": [0, -5, "30", True, 1e30, float("nan")],
    "pii": ["hidden", None],
}


def test_a_var_of_the_wrong_type_or_with_a_name_that_is_not_planned_is_named(plan):
    assert found(plan, FINE) == []
    none = dict.fromkeys([name for name in FINE if "trait" in name or "event" in name], "")
    assert found(plan, FINE | none | {"as_of": ""}) == []

    for name, values in NAMED_VARS.items():
        for value in values:
            (line,) = found(plan, FINE | {name: value})
            assert line.startswith(f"dbt_project.yml, vars: {name} "), line

    found(plan, FINE | {"timezone": "Europe/Lisbon"})
    # The connection that all users of the module share is free.
    assert duckdb.sql("select 1").fetchall() == [(1,)]
    (line,) = found(plan, FINE | {"timezone": "Europe/Lissabon"})
    assert line.endswith(
        ' is "Europe/Lissabon"; write Europe/Lisbon, or the name of one time zone, like UTC or'
        " Europe/Lisbon."
    )
    (line,) = found(plan, FINE | {"signup_event": "invited_a_temmate"})
    assert line.endswith('; write "invited_a_teammate", its name today.')


def test_defaults_of_vars_are_checked_like_written_values(plan):
    (plan / "tracking_plan" / "tracking_plan_traits.csv").write_text(
        "entity,trait,type,required,allowed_values,is_pii,former_names\n"
    )
    (plan / "reports" / "activity_reports.csv").unlink()
    (plan / "reports" / "retention_reports.csv").unlink()
    named = [line.split()[2] for line in found(plan, FINE)]
    assert named == ["company_plan_trait", "email_trait"]  # and not mau, and not createdAt


# -- with dbt


def test_problems_of_vars_and_seeds_are_reported_together_and_nothing_is_built(daybook):
    daybook.seed("plans", [{"plan": "free", "is_paying": "perhaps"}])
    build = daybook.build(vars={"timezone": ["Europe/Lisbon"], "week_start": "friday"}, fails=True)
    assert build.failures[0].splitlines() == [
        "dbt_project.yml, vars: timezone is ['Europe/Lisbon']; write the name of one time zone,"
        " like UTC or Europe/Lisbon.",
        'dbt_project.yml, vars: week_start is "friday"; write monday or sunday.',
        'seeds/business/plans.csv, row 2: is_paying is "perhaps"; write one of: true, false.',
    ]
    assert build.ran == []


def test_a_seed_that_dbt_cannot_read_is_named(daybook):
    daybook.seed_path("plans").write_bytes("plan,is_paying,mau_limit\nété,true,\n".encode("cp1252"))
    daybook.seed("internal_accounts", [{"match_on": "ip", "value": "10.0.0.1"}])
    build = daybook.build(fails=True)
    assert build.failures[0].splitlines() == [
        'seeds/business/internal_accounts.csv, row 2: match_on is "ip"; write one of: user_id,'
        " email_domain, company_id.",
        "seeds/business/plans.csv, row 2: the file is not UTF-8 (byte 0xe9); save it as"
        ' "CSV UTF-8 (comma delimited)".',
    ]


def test_seeds_are_loaded_by_name_and_not_by_position(daybook):
    path = daybook.seed_path("tracking_plan_events")
    before = daybook.seed_rows("tracking_plan_events")
    daybook.build("--select", "tracking_plan_events")

    names = list(before[0])[::-1]
    lines = [names, *([row[name] for name in names] for row in before)]
    path.write_text("".join(",".join(line) + "\n" for line in lines))
    daybook.build("--select", "tracking_plan_events")

    columns = ", ".join(before[0])
    loaded = daybook.rows(f"select {columns} from seeds.tracking_plan_events")
    assert [{name: cell or "" for name, cell in row.items()} for row in loaded] == before


# -- the shape


def test_the_seeds_shape_matches_the_columns_that_the_tests_write():
    shape = {
        name: [column.name for column in columns if not column.optional]
        for name, columns in seed_columns().items()
    }
    assert shape == {name: SEED_COLUMNS[name].split() for name in shape}
    assert {path.stem for path in (JUNE / "seeds").rglob("*.csv")} == set(shape)
    described = yaml.safe_load((REPO / "seeds" / "seeds.yml").read_text())["seeds"]
    assert {seed["name"]: [*seed["config"]["column_types"]] for seed in described} == {
        name: [column.name for column in columns] for name, columns in seed_columns().items()
    }
    for columns in seed_columns().values():
        for column in columns:
            assert column.meaning
            assert (column.kind in ("choice", "boolean")) == bool(column.values)


def test_every_column_outside_the_plan_is_listed_as_fixed(daybook):
    daybook.build()
    traits = [(row["entity"], row["trait"]) for row in daybook.seed_rows("tracking_plan_traits")]
    context = [("fct_events", row["column"]) for row in daybook.seed_rows("context_columns")]
    for name, table in (("user", "dim_users"), ("company", "dim_companies"), ("fct_events",) * 2):
        planned = {snake_case(column) for entity, column in traits + context if entity == name}
        columns = daybook.table(f"marts.{table}").columns
        assert {*columns} - planned <= {*FIXED_COLUMNS[name]}


def test_an_apostrophe_in_a_cell_is_not_a_quote(daybook):
    rows = daybook.seed_rows("tracking_plan_events")
    odd = [
        {"event": "tos_shown", "description": "'80s style terms shown", "feature": "terms"},
        {"event": "tos_accepted", "description": "Accepted by the users'", "feature": "terms"},
    ]
    daybook.seed("tracking_plan_events", [*rows, *odd])
    daybook.build("--select", "tracking_plan_events")
    loaded = daybook.rows(
        "select event, description, feature from seeds.tracking_plan_events where feature = 'terms'"
    )
    assert loaded == odd
