"""Tables that were changed by hand: one line names them and says what to do next."""

import duckdb
import pytest
from harness import Daybook
from lines import call

NEXT = (
    "Restore a copy of the database, or land the logs into a new one"
    " (--database, DAYBOOK_DATABASE)."
)
CHANGES = {
    "drop table raw.calls": "raw.calls is not as the loader made it: it is missing",
    "drop table raw.quarantine": "raw.quarantine is not as the loader made it: it is missing",
    "drop table raw.loads": "raw.loads is not as the loader made it: it is missing",
    "drop sequence raw.load_ids": (
        "raw.load_ids is not as the loader made it: the sequence is missing"
    ),
    "alter table raw.calls drop column channel": (
        "raw.calls is not as the loader made it: it has no column channel"
    ),
    "alter table raw.calls add column team varchar": (
        "raw.calls is not as the loader made it: it has a column team of somebody else"
    ),
    "alter table raw.loads alter column calls type varchar": (
        "raw.loads is not as the loader made it: its column calls is of type VARCHAR, not BIGINT"
    ),
    "alter table raw.calls drop column received_at;"
    "alter table raw.calls drop column sent_at;"
    "alter table raw.calls add column received_at varchar;"
    "alter table raw.calls add column sent_at varchar": (
        "raw.calls is not as the loader made it: its columns stand in another order"
    ),
}


def change(daybook: Daybook, statements: str) -> None:
    with duckdb.connect(str(daybook.database)) as connection:
        connection.execute(statements)


@pytest.fixture
def landed(daybook) -> Daybook:
    daybook.write([call(event="signed_up"), "broken"])
    daybook.land()
    return daybook


@pytest.mark.parametrize("statements", CHANGES)
def test_a_raw_table_that_was_changed_by_hand_stops_every_command_in_one_line(landed, statements):
    change(landed, statements)
    before = landed.database.read_bytes()
    landed.write([call(event="signed_up", messageId="another")], "another.jsonl")
    for command in ("status", "quarantine", "land", "unland", "ask"):
        arguments = {"land": [landed.logs], "unland": ["--load", 1]}.get(command, [])
        said = landed.run(command, *arguments, exit_code=1).stderr
        assert said == f"daybook: {landed.database}: {CHANGES[statements]}. {NEXT}\n"
    assert landed.database.read_bytes() == before


def test_a_raw_table_that_was_changed_by_hand_stops_a_build_in_one_line(landed):
    change(landed, "alter table raw.calls drop column channel")
    build = landed.build(fails=True)
    assert build.ran == []
    (line,) = build.failures
    assert line.endswith(
        f"raw.calls is not as the loader made it: it has no column channel. {NEXT}"
    )


def test_raw_tables_that_an_older_version_did_not_have_are_added(landed):
    change(landed, "alter table raw.loads drop column forgotten")
    for table in ("copies", "taken_out", "forgotten_calls", "forgotten_ids"):
        change(landed, f"drop table raw.{table}")
    landed.write([call(event="signed_up", messageId="another")], "another.jsonl")
    landed.run("status")
    landed.land()
    landed.run("unland", "--load", 1)
    assert len(landed.rows("from raw.taken_out")) == 1


def test_a_quarantined_line_without_a_load_is_shown(landed):
    change(landed, "insert into raw.quarantine values (77, 1, null, 'no_event', 'text'::blob)")
    shown = landed.run("quarantine").stdout.splitlines()
    assert shown[1] == "(not in raw.loads):1  (load 77)  no_event  text"
    change(landed, "update raw.quarantine set line = null where load_id = 77")
    shown = landed.run("quarantine").stdout.splitlines()
    assert shown[1] == "(not in raw.loads):1  (load 77)  no_event  (the line is gone)"
    landed.run("quarantine", "--export", landed.folder / "fix-me.jsonl")
    assert (landed.folder / "fix-me.jsonl").read_text() == "broken\n"


def test_changed_memory_of_builds_is_dropped_and_everything_is_rebuilt(landed):
    landed.build()
    change(landed, "alter table meta.builds drop column version")
    assert (
        "dbt build  due: meta.builds is of another version of Daybook, or was changed by hand"
        in landed.run("status").stdout
    )
    landed.run("ask")
    build = landed.build()
    assert "was built by another version of Daybook: all of its tables are built anew." in (
        build.output
    )
    assert "dbt build  up to date" in landed.run("status").stdout


def test_status_works_if_tables_of_a_build_are_gone(landed):
    landed.build()
    change(landed, "drop schema staging cascade")
    assert landed.run("status").stdout.endswith("Every line is accounted for.\n")


def test_a_question_reads_no_variable_of_the_program(landed):
    landed.build()
    (landed.folder / "analyses").unlink()
    (landed.folder / "analyses").mkdir()
    (landed.folder / "analyses" / "who.sql").write_text("select * from question")
    said = landed.run("ask", exit_code=1).stdout
    assert "Table with name question does not exist" in said
