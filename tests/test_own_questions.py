"""`daybook ask` with a company's own files: any SELECT is a question, a bad file is one line."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import yaml
from harness import REPO, Daybook

A_MONTH = [
    {
        "type": "track",
        "event": event,
        "userId": user,
        "context": {"groupId": company},
        "timestamp": f"2025-05-{day:02}T10:00:00Z",
    }
    for day, user, company, event in [
        (5, "ana", "acme", "signed_up"),
        (6, "ben", "bolt", "signed_up"),
        (7, "ana", "acme", "report_created"),
        (8, "ana", "acme", "report_created"),
    ]
]
AS_OF = "2025-05-07"  # the day before the last event


class OwnQuestions:
    """A built warehouse, and a folder of questions that starts empty."""

    def __init__(self, daybook: Daybook):
        self.daybook = daybook
        self.folder = daybook.folder / "analyses"

    def write(self, name: str, sql: str | bytes) -> Path:
        path = self.folder / f"{name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sql if isinstance(sql, bytes) else sql.encode())
        return path

    def vars(self, **values) -> None:
        project = self.daybook.folder / "dbt_project.yml"
        project.unlink()
        project.write_text(yaml.safe_dump({"name": "acme", "vars": values}))

    def ask(self, *arguments: object, exit_code: int = 0):
        return self.daybook.run("ask", *arguments, exit_code=exit_code)

    def printed(self, *arguments: object, exit_code: int = 0) -> list[str]:
        """The printed lines after the first one, which names the day."""
        first, blank, *lines = self.ask(*arguments, exit_code=exit_code).stdout.splitlines()
        assert (first, blank) == (f"As of {AS_OF}, the last complete day of the logs.", "")
        return lines

    def documents(self, *arguments: object, exit_code: int = 0) -> dict[str, dict]:
        """The questions that `--json` prints, by name."""
        printed = json.loads(self.ask("--json", *arguments, exit_code=exit_code).stdout)
        assert printed["as_of"] == AS_OF
        return {each["name"]: each for each in printed["questions"]}


@pytest.fixture(scope="module")
def a_built_warehouse(tmp_path_factory) -> Daybook:
    daybook = Daybook(tmp_path_factory.mktemp("own") / "daybook")
    daybook.write(A_MONTH)
    daybook.land()
    daybook.build("--exclude-resource-type", "test")
    # The company has tables of its own beside those of dbt.
    with duckdb.connect(str(daybook.database)) as connection:
        connection.execute("create schema aside; create schema apart")
        connection.execute("create table aside.calendar as select 1 as n")
        connection.execute("create table aside.twice as select 2 as n")
        connection.execute("create table apart.twice as select 3 as n")
        connection.execute('create table aside."one ""quoted""" as select 4 as n')
    return daybook


@pytest.fixture
def own(a_built_warehouse) -> OwnQuestions:
    folder = a_built_warehouse.folder / "analyses"
    folder.unlink() if folder.is_symlink() else shutil.rmtree(folder)
    folder.mkdir()
    questions = OwnQuestions(a_built_warehouse)
    questions.vars()
    return questions


# Any SELECT is a question


def test_a_plain_select_is_a_question_and_its_rows_are_the_answer(own):
    own.write("events", "-- Which events came?\nselect event, events from marts.fct_activity_days\n"
              "where event_day < date '2025-05-07' order by 1, user_id")  # fmt: skip
    assert own.printed() == [
        "Which events came?",
        "  event      events",
        "  signed_up       1",
        "  signed_up       1",
    ]


@pytest.mark.parametrize(
    ("begins", "question"),
    [
        ("-- How many?\n-- One row.\n", "How many?"),
        ("\n\n--How many?\n", "How many?"),
        ("/* How many? */ ", "How many?"),
        ("/*\n * How many?\n */\n", "How many?"),
        ("{# How many? #}\n", "How many?"),
        ("--\n-- needs: event signed_up\n-- How many?\n", "How many?"),
        ("\ufeff-- How many?\r\n", "How many?"),
        ("", "users by week"),
        ("-- needs: event signed_up\n", "users by week"),
    ],
)
def test_the_question_is_the_first_comment_line_or_else_the_file_name_in_words(
    own, begins, question
):
    own.write("q7_users-by_week", f"{begins}select 1 as n -- not this one")
    assert own.printed() == [question, "  n", "  1"]


def test_a_comment_inside_of_the_query_is_not_the_question(own):
    own.write("users", "select\n    -- each once\n    1 as n")
    assert own.printed()[0] == "users"


@pytest.mark.parametrize(
    ("select", "printed"),
    [
        ("select 'All.' as answer, 1 as n", ["  All.", "", "  n", "  1"]),
        ("select 1 as n, 'All.' as Answer, 2 as m", ["  All.", "", "  n  m", "  1  2"]),
        ("select 'All.' as answer", ["  All."]),
        ("select 42 as answer", ["  42"]),
        ("select null as answer, 1 as n", ["  n", "  1"]),
        ("select 'None.' as answer, n from (select 1) left join (select 2 as n) on false",
         ["  None."]),
        ("select 1 as n where false", ["  No rows."]),
        ("select 'All.' as answer where false", ["  No rows."]),
        ("values (1)", ["  col0", "     1"]),
        ("from range(2) as numbers(n);\n-- the end", ["  n", "  0", "  1"]),
        ("with a as (select 1 as n) select n, n from a", ["  n  n", "  1  1"]),
    ],
)  # fmt: skip
def test_a_column_called_answer_is_the_sentence_and_may_be_missing(own, select, printed):
    own.write("x", select)
    assert own.printed() == ["x", *printed]


def test_only_the_first_rows_are_printed_and_the_others_are_counted(own):
    path = own.write("numbers", "select 'Many.' as answer, n from range(25000) as numbers(n)")
    lines = own.printed()
    assert lines[:5] == ["numbers", "  Many.", "", "   n", "   0"]
    assert lines[-2:] == ["  11", f"  ... and 24,988 more: analyses/{path.name}"]
    assert len(own.documents()["numbers"]["rows"]) == 25_000


# ref, source and var


def test_ref_source_and_var_work_as_in_dbt(own):
    own.vars(event="signed_up", acme={"limit": 3}, daybook={"limit": 2, "email_trait": "mail"})
    own.write(
        "x",
        """
        {{ config(tags=['weekly']) }}
        select
            (select count(*) from {{ ref('dim_users') }}) as users,
            (select count(*) from {{ ref('daybook', 'stg_plans') }}) as plans,
            (select count(*) from {{ source('raw', 'calls') }}) as calls,
            {{ var('limit') }} as own_package_first,
            '{{ var('email_trait') }}' as of_daybook,
            '{{ var('created_at_trait') }}' as default_of_daybook,
            {{ var('limit', 9) }} as set,
            {{ var('nowhere', 5) }} as given,
            {{ var('nowhere', default=6) }} as named,
            {% for event in ['signed_up', 'report_created'] %}
            count(*) filter (event = '{{ event }}') as {{ event }},
            {% endfor %}
            count(*) filter (event = '{{ var("event") }}') as of_var
        from {{ ref('fct_events') }}
        """,
    )
    [row] = own.documents()["x"]["rows"]
    assert row == [2, 3, 4, 3, "mail", "createdAt", 3, 5, 6, 2, 2, 2]


def test_ref_prefers_marts_to_other_schemas(own):
    own.write("x", "select as_of from {{ ref('calendar') }}")
    own.write("y", """select n from {{ ref('one "quoted"') }}""")
    assert [each["rows"] for each in own.documents().values()] == [[[AS_OF]], [[4]]]


def test_a_var_may_hold_what_a_need_names(own):
    own.vars(wanted="report_created")
    own.write("x", "-- needs: event {{ var('wanted') }}\nselect 1 as n")
    assert own.documents()["x"]["problem"] is None


# A file that cannot be answered

BAD_FILES = {
    "empty": ("", ": it holds no query. Write a SELECT, or remove the file."),
    "only_words": ("-- Why?\n", ": it holds no query. Write a SELECT, or remove the file."),
    "two": ("select 1; select 2", ": it holds 2 statements; a question is one SELECT."),
    "drops": (
        "drop table marts.calendar",
        ": it holds a statement of type DROP; a question is one SELECT.",
    ),
    "copies": (
        "copy marts.calendar to 'calendar.csv'",
        ": it holds a statement of type COPY; a question is one SELECT.",
    ),
    "syntax": ("-- Why?\nselct 1", ', line 2: syntax error at or near "selct".'),
    "table": (
        "-- Why?\n\nselect *\nfrom marts.dim_usrs",
        ', line 4: Table with name dim_usrs does not exist. Did you mean "dim_users"? Correct the'
        " name, or build the model: dbt build.",
    ),
    "schema": (
        "select * from mart.dim_users",
        ', line 1: Table with name "mart.dim_users" does not exist because schema "mart" does not'
        " exist. Correct the name, or build the model: dbt build.",
    ),
    "column": (
        "-- Why?\nwith a as (select 1)\nselect rol\nfrom marts.dim_users",
        ', line 3: Referenced column "rol" not found in FROM clause. There are: "role".',
    ),
    "column_of": (
        "select c.as_off\nfrom marts.calendar as c",
        ', line 1: Table "c" does not have a column named "as_off". There are: "as_of",'
        ' "as_of_ends_at".',
    ),
    "value": ("select 'a'::int", ", line 1: Could not convert string 'a' to INT32."),
    "parameter": (
        "select ?",
        ": Values were not provided for the following parameters: 1.",
    ),
    "jinja": (
        "select 1,\n{{ ref('dim_users' }}",
        ", line 2: broken Jinja: unexpected '}', expected ')'.",
    ),
    "division": ("select 1,\n{{ 1 / 0 }}", ", line 2: broken Jinja: division by zero."),
    "macro": (
        "select\n{{ dbt.now() }}",
        ", line 2: 'dbt' is undefined; a question knows ref(), source(), var() and config().",
    ),
    "name": (
        "select {{ nothing }} 1",
        ", line 1: 'nothing' is undefined; a question knows ref(), source(), var() and config().",
    ),
    "ref": (
        "select *\nfrom {{ ref('dim_usrs') }}",
        ", line 2: no table is called 'dim_usrs'. Did you mean 'dim_users'? Correct the name, or"
        " build the model: dbt build.",
    ),
    "ref_of_nothing": (
        "select * from {{ ref() }}",
        ", line 1: ref() takes the name of a table: {{ ref('dim_users') }}.",
    ),
    "ref_of_two": (
        "select * from {{ ref('twice') }}",
        ", line 1: several schemas have a table 'twice': apart, aside. Write the schema before it,"
        " without ref().",
    ),
    "source": (
        "select * from {{ source('raw', 'cals') }}",
        ", line 1: there is no table raw.cals. Correct the name.",
    ),
    "source_of_one": (
        "select * from {{ source('calls') }}",
        ", line 1: source() takes two names: {{ source('raw', 'calls') }}.",
    ),
    "var": (
        "select {{ var('nowhere') }}",
        ", line 1: there is no var 'nowhere'. Set it under vars in dbt_project.yml, or give a"
        " default: var('nowhere', ...).",
    ),
    "var_of_nothing": (
        "select {{ var() }}",
        ", line 1: var() takes a name and a default: {{ var('email_trait', 'email') }}.",
    ),
    "need": (
        "-- needs: evnt x\nselect 1",
        ': "needs: evnt x" is not understood. What can be needed: event, user trait, company'
        " trait, activity report, measure report, retention report, stickiness report, funnel,"
        " var.",
    ),
    "need_of_nothing": (
        "-- needs: user trait \nselect 1",
        ': "needs: user trait" names nothing.',
    ),
    "latin": (b"-- Why?\n-- caf\xe9\nselect 1", ": line 2 is not UTF-8; save it as UTF-8."),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_one_clear_line_and_the_others_are_answered(own, name):
    sql, problem = BAD_FILES[name]
    own.write("a_good_one", "select 1 as n")
    own.write(name, sql)
    own.write("z_another", "select 2 as n")
    result = own.ask(exit_code=1)
    lines = result.stdout.splitlines()[2:]
    question = name.replace("_", " ") if "-- Why?" not in str(sql) or name == "latin" else "Why?"
    assert lines == [
        *("a good one", "  n", "  1", ""),
        *(question, f"  analyses/{name}.sql{problem}", ""),
        *("z another", "  n", "  2"),
    ]
    assert result.stderr == (
        f"daybook: 1 of 3 questions could not be answered; what is wrong stands with it: {name}\n"
    )
    assert not (own.daybook.folder / "calendar.csv").exists()


def test_a_file_that_cannot_be_opened_is_one_clear_line(own):
    (own.folder / "gone.sql").symlink_to("nowhere.sql")
    own.write("here", "select 1 as n")
    assert own.printed(exit_code=1) == [
        *("gone", "  analyses/gone.sql: it cannot be read: No such file or directory.", ""),
        *("here", "  n", "  1"),
    ]


def test_several_bad_files_are_counted_and_named_on_one_line(own):
    for name in BAD_FILES:
        own.write(name, BAD_FILES[name][0])
    result = own.ask(exit_code=1)
    count = len(BAD_FILES)
    assert result.stderr == (
        f"daybook: {count} of {count} questions could not be answered; what is wrong stands with"
        f" it: {', '.join(sorted(BAD_FILES))}\n"
    )


def test_a_question_cannot_write_to_the_database(own):
    before = own.daybook.rows("select count(*) as n from raw.calls")
    own.write("x", "delete from raw.calls returning *")
    own.ask(exit_code=1)
    assert own.daybook.rows("select count(*) as n from raw.calls") == before


# Names that the plan lacks


@pytest.mark.parametrize(
    ("needs", "problem"),
    [
        (
            ["event report_opened"],
            'The tracking plan has no event "report_opened": this question has no answer here. Name'
            " your own event in analyses/x.sql.",
        ),
        (
            ["event signed_up", "user trait  tracks_groups "],  # a trait of companies
            'The tracking plan has no user trait "tracks_groups": this question has no answer here.'
            " Name your own trait in analyses/x.sql.",
        ),
        (
            ["company trait role"],  # a trait of users
            'The tracking plan has no company trait "role": this question has no answer here. Name'
            " your own trait in analyses/x.sql.",
        ),
        (
            ["retention report users by mood"],
            'No retention report is called "users by mood": this question has no answer here. Name'
            " your own report in analyses/x.sql.",
        ),
        (
            ["activity report users by week"],  # a retention report
            'No activity report is called "users by week": this question has no answer here. Name'
            " your own report in analyses/x.sql.",
        ),
        (
            ["user trait mood", "retention report users by mood"],
            'The tracking plan has no user trait "mood"; no retention report is called "users by'
            ' mood": this question has no answer here. Name your own in analyses/x.sql.',
        ),
        (
            ["var plan_trait", "company trait {{ var('plan_trait') }}"],
            'The var "plan_trait" is empty in dbt_project.yml: this question has no answer here.'
            " Set it in dbt_project.yml, then run: dbt build.",
        ),
        (
            ["var nowhere"],
            'The var "nowhere" is empty in dbt_project.yml: this question has no answer here. Set'
            " it in dbt_project.yml, then run: dbt build.",
        ),
    ],
)
def test_a_question_whose_need_is_not_planned_names_it_and_prints_no_number(own, needs, problem):
    own.vars(plan_trait=" ")
    comments = "".join(f"-- needs: {need}\n" for need in needs)
    own.write("x", f"-- How many?\n{comments}select 'All 7.' as answer, 7 as n")
    assert own.printed() == ["How many?", f"  {problem}"]
    assert own.documents()["x"] == {
        "name": "x",
        "question": "How many?",
        "answer": None,
        "columns": [],
        "rows": [],
        "problem": problem,
    }


def test_a_question_whose_needs_are_planned_is_answered(own):
    needs = (
        *("event signed_up", "Event  report_created ", "user trait role"),
        *("company trait tracks_groups", "retention report users by role"),
        *("activity report active users", "var email_trait"),
    )
    own.write("x", "".join(f"-- needs: {need}\n" for need in needs) + "select 7 as n")
    assert own.printed() == ["x", "  n", "  7"]


# For machines


def test_json_output_is_one_document_with_json_values(own):
    own.write(
        "x",
        """
        -- What is there?
        select
            'One row.' as answer,
            date '2025-05-07' as day,
            timestamp '2025-05-07 10:30:00' as at,
            1.50::decimal(10, 2) as money,
            0.25::double as share,
            'nan'::double as nan,
            '-inf'::double as infinite,
            170141183460469231731687303715884105727::hugeint as huge,
            [1.5, null] as list,
            {'day': date '2025-05-07'} as struct,
            true as yes,
            null as nothing,
            'Zoë \\' as text,
            interval 90 minutes as wait,
            '\\xFF'::blob as bytes
        """,
    )
    result = own.ask("--json")
    assert "Zoë" in result.stdout
    assert json.loads(result.stdout) == {
        "as_of": AS_OF,
        "questions": [
            {
                "name": "x",
                "question": "What is there?",
                "answer": "One row.",
                "columns": [
                    *("day", "at", "money", "share", "nan", "infinite", "huge", "list", "struct"),
                    *("yes", "nothing", "text", "wait", "bytes"),
                ],
                "rows": [
                    [
                        *("2025-05-07", "2025-05-07T10:30:00", 1.5, 0.25, None, None),
                        170141183460469231731687303715884105727,
                        *([1.5, None], {"day": "2025-05-07"}, True, None, "Zoë \\"),
                        *("1:30:00", "\\xff"),
                    ]
                ],
                "problem": None,
            }
        ],
    }


def test_json_output_holds_the_problem_of_a_bad_file_and_has_exit_code_1(own):
    own.write("bad", "selct 1")
    own.write("good", "select 1 as n")
    found = own.documents(exit_code=1)
    assert found["bad"]["problem"] == ('analyses/bad.sql, line 1: syntax error at or near "selct".')
    assert (found["good"]["problem"], found["good"]["rows"]) == (None, [[1]])


# Which folder, and which question


def test_questions_in_folders_are_asked_by_name_number_or_word_only(own):
    own.write("q1_top", "select 1 as n")
    own.write("people/q12_inner", "-- How many cats?\nselect 12 as n")
    own.write("people/far/other", "select 3 as n")
    assert list(own.documents()) == ["q1_top"]
    for wanted in ("q12_inner", "people/q12_inner", "analyses/people/q12_inner.sql", "12", "CATS"):
        assert list(own.documents(wanted)) == ["people/q12_inner"]
    assert list(own.documents("other")) == ["people/far/other"]
    assert own.ask("--list").stdout.splitlines() == [
        *("q1_top", "    top"),
        *("people/q12_inner", "    How many cats?"),
        *("people/far/other", "    other"),
    ]
    known = "  q1_top\n  people/q12_inner\n  people/far/other\n"
    result = own.ask("dogs", exit_code=2)
    assert result.stderr.endswith(f"Error: no question is called 'dogs'. There are:\n{known}")


def test_numbered_questions_come_in_the_order_of_their_numbers_and_before_the_others(own):
    for name in ("q10_c", "q9_b", "2_a", "a", ".hidden"):
        own.write(name, "select 1 as n")
    assert list(own.documents()) == ["2_a", "q9_b", "q10_c", "a"]


def test_a_folder_without_questions_at_the_top_is_reported(own):
    own.write("people/inner", "select 1 as n")
    result = own.ask(exit_code=1)
    assert (result.stdout, result.stderr) == (
        "",
        "daybook: There is no question at the top of analyses. Write a SELECT into a .sql file"
        " there, or name one of: daybook ask --list\n",
    )


def test_another_folder_may_be_named_as_dbt_names_it(own):
    project = own.daybook.folder / "dbt_project.yml"
    project.write_text("name: acme\nanalysis-paths: [questions]\n")
    (own.daybook.folder / "questions").mkdir(exist_ok=True)
    (own.daybook.folder / "questions" / "x.sql").write_text("select 1 as n")
    own.write("y", "select 1 as n")
    assert list(own.documents()) == ["x"]


def test_a_project_without_questions_asks_those_of_daybook(own, tmp_path):
    """With advice that no upgrade overwrites."""
    [question] = own.documents("opened").values()
    assert question["question"].startswith("Which paying companies opened fewer than 20 reports")
    assert question["problem"] is None

    without_the_event = tmp_path / "other.duckdb"
    shutil.copy(own.daybook.database, without_the_event)
    with duckdb.connect(str(without_the_event)) as connection:
        connection.execute("delete from seeds.tracking_plan_events where event = 'report_loaded'")
    [question] = own.documents("--database", without_the_event, "opened").values()
    assert question["problem"] == (
        'The tracking plan has no event "report_loaded": this question has no answer here. Copy'
        f" {REPO}/analyses/{question['name']}.sql into your analyses/. Name your own event there."
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("vars: {a: [}", "dbt_project.yml, line 1: expected the node content, but found '}'."),
        ("- a", "dbt_project.yml holds no settings."),
        ("vars: 5", "dbt_project.yml: vars must be a block of names and values."),
    ],
)
def test_a_broken_project_file_is_one_line(own, text, problem):
    (own.daybook.folder / "dbt_project.yml").write_text(text)
    result = own.ask(exit_code=1)
    assert (result.stdout, result.stderr) == (
        "",
        f"daybook: {problem} Correct it, then ask again.\n",
    )


# Printed text


def run(own: OwnQuestions, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "loaders", "ask", *arguments],
        cwd=own.daybook.folder,
        env=os.environ | {"DAYBOOK_DATABASE": str(own.daybook.database)} | environment,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode()


def test_cells_are_written_as_people_read_them(own):
    own.write(
        "x",
        """
        select 12345 as n, 1234.56::double as hours, 0.25::double as win_rate,
            1.2::double as exchange_rate, -0.031::double as difference, null as none, true as ok
        union all
        select null, 0.000123, null, 0.9, 0.5, null, false
        """,
    )
    assert own.printed() == [
        "x",
        "                       win  exchange",
        "       n     hours    rate      rate  difference  none  ok",
        "  12,345   1,234.6  25.0 %       1.2        -3.1     -  yes",
        "       -  0.000123       -       0.9       +50.0     -  no",
    ]


def test_a_table_that_does_not_fit_is_printed_row_by_row(own):
    """Thirty columns fit no terminal, and customers' text must not contain terminal commands."""
    columns = ", ".join(f"{number} as column_number_{number}" for number in range(30))
    own.write("wide", f"select '[bold]a\x1b[31m\nb[/]' as name, {columns} from range(5)")
    lines = own.printed()
    block = [
        "  name: [bold]a\\x1b[31m\\nb[/]",
        *(f"  column number {number}: {number}" for number in range(30)),
    ]
    assert lines == [
        *("wide", *block, "", *block, "", *block),
        "  ... and 2 more: analyses/wide.sql",
    ]


@pytest.mark.parametrize("columns", ["20", "40", "80", "200"])
def test_no_line_is_wider_than_the_terminal_and_no_word_is_lost(own, columns):
    sentence = "Of the companies " + "very " * 40 + "few came back."
    name = "Aktiengesellschaft für Großes " * 3
    own.write(
        "x",
        f"-- Who?\nselect '{sentence}' as answer, '{name}' as company_name, 123456789 as events",
    )
    printed = run(own, COLUMNS=columns)
    assert max(map(len, printed.splitlines())) <= int(columns)
    words = re.sub(r"\s+", "", printed)
    assert re.sub(r"\s+", "", sentence) in words
    assert "123,456,789" in printed
    for word in name.split():
        assert word in printed or int(columns) == 20


def test_answers_survive_a_pipe_that_is_not_utf_8_and_one_that_is_closed(own):
    own.write("x", "-- Wo? Zürich\nselect 'Zoë 日本' as answer")
    assert "Z\\xfcrich" in run(own, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert "Zoë 日本" in run(own, PYTHONIOENCODING="utf-8")
    own.write("y", "select n from range(12) as numbers(n)")
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m loaders ask | true"],
        cwd=own.daybook.folder,
        env=os.environ | {"DAYBOOK_DATABASE": str(own.daybook.database)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_number_picks_a_question_by_its_place_if_no_question_is_numbered(own):
    own.write("apples", "-- Apples?\nselect 1 as n")
    own.write("pears", "-- Pears?\nselect 2 as n")
    assert own.printed("2")[0] == "Pears?"
    own.write("q2_plums", "-- Plums?\nselect 3 as n")
    assert own.printed("2")[0] == "Plums?"
    own.ask("1", exit_code=2)
