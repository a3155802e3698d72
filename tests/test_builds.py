"""Builds that dbt refuses in one line because they would be wrong; and tables that it drops."""

import subprocess
import sys

import duckdb
import orjson
import pytest
from harness import Daybook
from lines import call


def sign_up(user: str, day: str) -> dict:
    at = f"{day}T10:00:00Z"
    return call(event="signed_up", messageId=user, userId=user, timestamp=at)


def change(daybook: Daybook, *statements: str) -> None:
    """Change the database by hand."""
    with duckdb.connect(str(daybook.database)) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def built(daybook) -> Daybook:
    """Ana signed up on the first of May, Ben on the second, the day that is not complete."""
    daybook.write([sign_up("ana", "2024-05-01"), sign_up("ben", "2024-05-02")])
    daybook.land()
    daybook.build()
    return daybook


def refused(daybook: Daybook, *arguments: str, **options) -> str:
    """The one line that dbt prints; no node may have run."""
    build = daybook.build(*arguments, fails=True, **options)
    assert build.ran == []
    (line,) = build.failures
    assert "\n" not in line
    assert [said for said in build.printed if said.strip() and line not in said] == []
    return line


def test_before_the_first_build_other_dbt_commands_say_to_run_dbt_build(daybook):
    line = "warehouse.duckdb has not been built yet; run: dbt build"
    assert refused(daybook, "--select", "marts") == line
    assert refused(daybook, command="run") == line
    assert refused(daybook, command="test") == line

    daybook.build("--select", "+stg_plans")
    line = "staging.stg_calls of warehouse.duckdb has not been built yet; run: dbt build"
    assert refused(daybook, "--select", "stg_events") == line


def test_a_database_that_cannot_be_opened_is_explained(daybook, monkeypatch):
    hold = (
        f"import duckdb, sys; connection = duckdb.connect({str(daybook.database)!r});"
        " print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        holder.stdout.readline()
        line = refused(daybook)
        holder.stdin.close()
    assert line.endswith(
        f"warehouse.duckdb is open in another process (pid {holder.pid}). Close it there, then run"
        " the same command again."
    )

    monkeypatch.setenv("DAYBOOK_BUILD_MEMORY", "plenty")
    line = refused(daybook)
    assert line.startswith("DAYBOOK_BUILD_MEMORY is 'plenty', which DuckDB cannot use: ")
    assert line.endswith("Write a size like 5GB or 800MB.")
    monkeypatch.delenv("DAYBOOK_BUILD_MEMORY")

    daybook.database.write_text("no database at all")
    assert "warehouse.duckdb is not a DuckDB database. Name another" in refused(daybook)


def test_a_renamed_project_is_told_to_restore_its_name(daybook):
    project = daybook.folder / "dbt_project.yml"
    text = project.read_text()
    project.unlink()
    project.write_text(text.replace("name: daybook", "name: acme", 1))
    assert refused(daybook) == (
        "dbt_project.yml: name is acme, so none of the settings of daybook apply. Write name:"
        " daybook again, or make a project of your own with: daybook init DIR"
    )


def test_raw_tables_that_the_ledger_does_not_account_for_stop_the_build(daybook):
    daybook.write([sign_up("ana", "2024-05-01"), sign_up("ben", "2024-05-02")])
    daybook.land()
    change(daybook, "delete from raw.calls where user_id = 'ana'")
    assert refused(daybook) == (
        "warehouse.duckdb: raw.loads accounts for 2 calls, and raw.calls holds 1: something other"
        " than daybook changed them. See which loads with: daybook status"
    )


def test_a_partial_build_names_tables_built_with_other_vars_or_seeds(built):
    said = "Built with other vars or seeds than today's: "
    assert said not in built.build("--select", "calendar").output

    lisbon = {"timezone": "Europe/Lisbon"}
    build = built.build("--select", "calendar", vars=lisbon)
    (line,) = [line for line in build.printed if said in line]
    # calendar is named, too: it is made from int_as_of, which was built in UTC.
    assert line.startswith(f"{said}activation, activity, calendar, dim_companies, dim_users, ")
    assert line.endswith(" tables below them. To bring them up to date, run: dbt build")
    built.build(vars=lisbon)
    assert said not in built.build("--select", "calendar", vars=lisbon).output

    built.seed("plans", [{"plan": "gold", "is_paying": True}])
    build = built.build("--select", "plans", "stg_plans", vars=lisbon)
    assert f"{said}dim_companies, feature_adoption, int_feature_counts. To" in build.output


def test_tables_of_another_version_are_rebuilt_and_a_companys_own_are_left_alone(built):
    users = built.rows("from marts.dim_users order by user_id")
    change(built, "create table marts.our_own as select 1 as one")
    # As an earlier version left them: no memory, and tables of another form.
    change(built, "drop schema meta cascade")
    change(built, "create table raw.builds as select 7 as build, 2 as latest_load")
    change(built, "create or replace table marts.dim_users as select 1 as user_id")
    change(built, "create or replace table staging.stg_calls as select 'x' as message_id")

    was = "warehouse.duckdb was built by another version of Daybook"
    assert refused(built, "--select", "marts") == f"{was}; run: dbt build"
    assert refused(built, command="run") == f"{was}; run: dbt build"
    assert built.rows("select user_id from marts.dim_users") == [{"user_id": 1}]

    build = built.build()
    assert build.printed.count(f"{was}: all of its tables are built anew.") == 1
    assert built.rows("from marts.dim_users order by user_id") == users
    assert built.rows("from marts.our_own") == [{"one": 1}]
    assert was not in built.build().output


def test_tables_built_from_other_loads_are_rebuilt(built):
    daybook = built
    change(daybook, "drop schema raw cascade")
    daybook.write([sign_up("cleo", "2024-04-30")], "before.jsonl")
    daybook.land()

    # A new load has the number of one that was dropped.
    due = "the raw tables hold other loads than at the last one"
    assert due in daybook.run("status").output
    was = "warehouse.duckdb was built from other loads than raw.loads has now"
    assert refused(daybook, "--select", "marts") == f"{was}; run: dbt build"
    assert f"{was}: all of its tables are built anew." in daybook.build().printed
    users = daybook.rows("select user_id from marts.dim_users order by all")
    assert [row["user_id"] for row in users] == ["ana", "cleo"]

    change(
        daybook,
        "delete from raw.calls where user_id = 'ana'",
        "update raw.loads set landed = 1, lines = 1, calls = 1 where calls = 2",
    )
    daybook.build()
    users = daybook.rows("select user_id from marts.dim_users order by all")
    assert [row["user_id"] for row in users] == ["cleo"]
    assert "up to date" in daybook.run("status").output


@pytest.mark.parametrize(
    "part", [("--exclude", "stg_aliases"), ("--resource-type", "test"), ("--exclude", "plans")]
)
def test_a_build_that_leaves_out_a_table_of_daybook_counts_as_partial(built, part):
    built.write([sign_up("cleo", "2024-04-30")], "late.jsonl")
    built.land()
    built.build(*part)
    assert "dbt build  due: 1 file (1 call) landed since the last one" in built.run("status").output


def test_a_comparison_of_the_tables_leaves_no_trace(built):
    memory = (
        "from meta.builds",
        "from meta.model_runs order by model",
        "from meta.tables order by name",
    )
    before = [built.rows(sql) for sql in memory]
    built.build(
        *("--select", "config.materialized:keyed"), command="run", vars={"compare_only": True}
    )
    assert [built.rows(sql) for sql in memory] == before
    assert "dbt build  up to date" in built.run("status").output


def test_a_comparison_needs_up_to_date_tables_and_runs_keyed_models_only(built):
    compare = {"command": "run", "vars": {"compare_only": True}}
    assert "only keyed models can be run" in refused(built, **compare)
    keyed = ("--select", "config.materialized:keyed")
    elsewhere = compare | {"vars": compare["vars"] | {"timezone": "Asia/Tokyo"}}
    said = refused(built, *keyed, **elsewhere)
    assert said.startswith("Built with other vars or seeds than today's: ")
    built.write([call(messageId="new")], "new.jsonl")
    built.land()
    said = refused(built, *keyed, **compare)
    assert said.startswith("There is nothing to compare: ")
    assert said.endswith("Run: dbt build")


def test_a_build_without_rows_is_refused(built):
    line = "--empty would take all rows out of the tables; run dbt without it"
    assert refused(built, "--empty") == line
    assert refused(built, "--empty", command="run") == line


def test_two_kinds_of_call_with_one_key_fail_the_audit(built):
    audit = ("--select", "every_key_stands_for_one_kind_of_call")
    built.build(*audit, command="test", vars={"audit": True})
    change(built, "update staging.stg_calls set call_day_key = 1")
    (failure,) = built.build(*audit, command="test", vars={"audit": True}, fails=True).failures
    assert "every_key_stands_for_one_kind_of_call" in failure


def test_an_as_of_after_the_logs_is_reported_and_a_far_one_stops_the_build(built):
    def said(as_of: str) -> list[str]:
        return [line for line in built.build(vars={"as_of": as_of}).printed if "as_of" in line]

    assert said("2024-05-02") == []
    (line,) = said("2024-05-04")
    assert line == (
        "as_of is 2024-05-04, and the last call is of 2024-05-02: the days between count as days on"
        " which nobody was active"
    )

    (line,) = said("2020-08-01")
    assert line == (
        "as_of is 2020-08-01, and the first call is of 2024-05-01: no report and no dim has a row."
        " Correct the var as_of"
    )

    (failure,) = built.build(vars={"as_of": "2125-05-02"}, fails=True).failures
    assert (
        "dbt_project.yml, vars: as_of is 2125-05-02, more than 10 years after the last call"
        " (2024-05-02); write a day near it, or null"
    ) in failure


def test_status_says_whether_a_build_is_due(daybook):
    def said() -> str:
        (line,) = [
            line
            for line in daybook.run("status").output.splitlines()
            if line.startswith("dbt build")
        ]
        return line.removeprefix("dbt build").strip()

    daybook.write([sign_up("ana", "2024-05-01")], "one.jsonl")
    daybook.land()
    assert said() == "due: this database has never been built"
    daybook.build()
    daybook.build(command="test")
    assert said() == "up to date"
    status = orjson.loads(daybook.run("status", "--json").output)
    assert (status["build_due"], status["build_due_reason"]) == (False, None)
    daybook.build("--select", "calendar")
    assert said() == "due: the last one failed, or built some of the tables only"

    daybook.write([sign_up("ben", "2024-05-02"), sign_up("eva", "2024-05-02")], "two.jsonl")
    daybook.land()
    assert said() == "due: 1 file (2 calls) landed since the last one"
    daybook.run("unland", "--load", "1")
    both = "1 file (2 calls) landed since the last one, 1 load unloaded since the last one"
    assert said() == f"due: {both}"
    status = orjson.loads(daybook.run("status", "--json").output)
    assert (status["build_due"], status["build_due_reason"]) == (True, both)


def test_a_misspelt_var_of_daybook_is_named(daybook):
    project = daybook.folder / "dbt_project.yml"
    text = project.read_text()
    project.unlink()
    own_var = "  our_own_threshold: 3\n"
    project.write_text(text.replace("  timezone:", f"{own_var}  time_zone:", 1))
    assert refused(daybook) == (
        "dbt_project.yml, vars: time_zone is no var of Daybook; write timezone, or give a var of"
        " your own another name."
    )


def test_status_lists_names_that_only_the_plan_or_only_the_logs_have(daybook):
    daybook.seed("tracking_plan_events", [{"event": "signed_up"}, {"event": "Signed In"}])
    planned = [("user", "email"), ("user", "role"), ("company", "plan")]
    daybook.seed(
        "tracking_plan_traits",
        [{"entity": entity, "trait": trait, "type": "string"} for entity, trait in planned],
    )
    for seed in ("tracking_plan_properties", "activation_milestones", "retention_reports"):
        daybook.seed(seed)
    daybook.write(
        [
            sign_up("ana", "2024-05-01"),
            call(event="signed in", messageId="in", userId="ana"),
            call(type="identify", event=..., messageId="id", userId="ana", traits={"Role": "pm"}),
        ]
    )
    daybook.land()
    assert "no log" not in daybook.run("status").stdout
    daybook.build()
    printed = daybook.run("status").stdout.splitlines()
    assert "planned events in no log: Signed In" in printed
    assert "events in no plan: signed in" in printed
    assert "traits in no plan: user Role" in printed
    assert "planned traits in no log: company plan, user email, user role" in printed
    names = orjson.loads(daybook.run("status", "--json").stdout)["plan_and_logs"]
    assert names["planned_traits_in_no_log"] == ["company plan", "user email", "user role"]


def test_answers_of_an_earlier_build_say_that_a_build_is_due(built):
    assert "due" not in built.run("ask", "4").stderr
    built.write([sign_up("eva", "2024-05-03")], "later.jsonl")
    built.land()
    assert built.run("ask", "4").stderr == (
        "These answers are of the last build. dbt build is due: 1 file (1 call) landed since the"
        " last one.\n"
    )
