"""Promises of the README that depend on several parts together."""

import gzip
import json
import random
import re
from itertools import islice
from pathlib import Path

import duckdb
from harness import Daybook
from lines import call
from test_faults import marts

# Columns about the origin of a row may differ with the way it arrived.
PROVENANCE = "load_id, line_number, call_number"


def without_provenance(daybook: Daybook) -> dict[str, list]:
    tables = marts(daybook)
    tables["fct_events"] = sorted(
        map(repr, daybook.rows(f"select * exclude ({PROVENANCE}) from marts.fct_events"))
    )
    return tables


def test_the_models_pass_their_own_unit_tests(daybook):
    build = daybook.build(vars={"unit_tests": True})
    assert "unit_test" in {node.split(".")[0] for node in build.ran}


def test_a_night_tests_its_new_rows_and_an_audit_all_of_history(usual_world, tmp_path):
    def repeat_a_call_of(load: str) -> None:
        with duckdb.connect(str(daybook.database)) as connection:
            connection.execute(f"""
                insert into staging.stg_calls
                from staging.stg_calls
                where load_id = (select {load}(load_id) from raw.loads)
                limit 1
            """)

    daybook = Daybook(tmp_path / "audited")
    daybook.database.write_bytes(usual_world.daybook.database.read_bytes())
    repeat_a_call_of("min")
    daybook.build()
    audit = daybook.build(command="test", vars={"audit": True}, fails=True)
    assert "unique_together_stg_calls_message_id" in audit.output

    daybook.write([call(messageId="of tonight")])
    daybook.land()
    daybook.build(command="run")  # tests nothing, so all of it stays new
    daybook.build(command="test")
    repeat_a_call_of("max")
    tonight = daybook.build(command="test", fails=True)
    assert "unique_together_stg_calls_message_id" in tonight.output


def test_a_night_leaves_two_fifths_of_the_memory_to_the_system(usual_world, tmp_path):
    """A build from scratch may use all of it. Each run starts with the limit in profiles.yml."""

    def limit(daybook: Daybook, *options: str) -> int | None:
        target = tmp_path / "target"
        daybook.build("-s", "plans", "--target-path", str(target), *options)
        hook, *_ = json.loads((target / "run_results.json").read_text())["results"]
        found = re.search(r"set memory_limit = '(\d+)B'", hook["compiled_code"])
        return found and int(found.group(1))

    assert limit(Daybook(tmp_path / "first")) is None
    daybook = Daybook(tmp_path / "night")
    daybook.database.write_bytes(usual_world.daybook.database.read_bytes())
    tonight = limit(daybook)
    assert 2.9e9 < tonight < 3.1e9
    assert limit(daybook) == tonight
    assert limit(daybook, "--full-refresh") is None


def test_building_again_changes_nothing(usual_world, tmp_path):
    daybook = Daybook(tmp_path / "again")
    daybook.database.write_bytes(usual_world.daybook.database.read_bytes())
    daybook.build()
    assert without_provenance(daybook) == without_provenance(usual_world.daybook)


def test_a_night_costs_what_the_night_brought(usual_world, tmp_path):
    """After one late call, only the rows of its days, its user and its company are written."""
    daybook = Daybook(tmp_path / "night")
    daybook.database.write_bytes(usual_world.daybook.database.read_bytes())

    def written_tonight() -> dict[str, list[dict]]:
        models = daybook.rows("select model from meta.model_runs")
        latest = "(select max(build) from meta.builds)"
        return {
            row["model"].split(".")[1]: daybook.rows(
                f"from {row['model']}__changes where run = {latest}"
            )
            for row in models
        }

    daybook.build()
    assert set(map(len, written_tonight().values())) == {0}  # nothing landed

    (ana,) = daybook.rows(
        """
        select user_id, company_id, event_day
        from marts.fct_events
        where not is_internal and company_source = 'event' and user_id is not null
        order by event_day, event_id limit 1
        """
    )
    (latest,) = daybook.rows("select max(received_at)::varchar || 'Z' as at from marts.fct_events")
    late = f"{ana['event_day']}T00:00:00Z"  # before all of her calls
    context = {"groupId": ana["company_id"]}
    who = {"userId": ana["user_id"], "context": context, "receivedAt": latest["at"]}
    daybook.write([call(messageId="late", event="groups_opened", timestamp=late, **who)])
    daybook.land()
    daybook.build()
    written = written_tonight()

    def days(name: str, column: str = "event_day") -> set:
        return {row[column] for row in written[name]} - {None}

    assert days("int_call_days") == {ana["event_day"]}
    assert days("int_attributed_days") == {ana["event_day"]}
    assert days("int_selector_days") == {ana["event_day"]}
    assert len(days("int_feature_periods", "period_start")) == 2  # a week and a month
    assert {row["user_id"] for row in written["int_presence_months"]} == {ana["user_id"]}
    for settled in (
        "int_alias_resolution",
        "int_anonymous_id_map",
        "int_trait_history",
        "stg_trait_calls",
    ):
        assert written[settled] == []


def test_however_the_logs_arrive_the_story_is_the_same(tmp_path):
    """The same calls in one file, and shuffled over several nights, some of them twice."""
    whole, scattered = Daybook(tmp_path / "whole"), Daybook(tmp_path / "scattered")
    whole.run("simulate", "--out", whole.folder / "sim", "--companies", 15, "--days", 40)
    lines = [
        line
        for path in sorted((whole.folder / "sim").rglob("*.gz"))
        for line in gzip.decompress(path.read_bytes()).splitlines()
    ]
    whole.write(lines)
    whole.land()
    whole.build()

    chance = random.Random(7)
    lines += chance.sample(lines, len(lines) // 10)
    chance.shuffle(lines)
    for night in range(3):
        for number in range(3):
            part = lines[3 * night + number :: 9]
            scattered.write(part, f"{night}/{number}.jsonl" + (".gz" if number % 2 else ""))
        scattered.land()
        scattered.build()
    told, expected = without_provenance(scattered), without_provenance(whole)
    assert told.keys() == expected.keys()
    for table, rows in expected.items():
        assert told[table] == rows, table


def test_nothing_that_has_not_happened_is_printed_as_a_number(world):
    """No cell for a period that has not begun; in progress, no share and no value that may fall."""
    (now,) = world.daybook.rows("select as_of from marts.calendar")
    as_of = now["as_of"]

    def rows(sql: str) -> list[dict]:
        return world.daybook.rows(sql)

    assert rows("from marts.retention where not is_complete")
    assert not rows(
        f"""
        from marts.retention where not is_complete and retention_rate is not null
        union all by name
        from marts.retention
        where case period
            when 'week' then cohort_start + to_weeks(period_number::int)
            when 'month' then cohort_start + to_months(period_number::int)
            else cohort_start + to_days(period_number::int)
        end > date '{as_of}'
        """
    )
    assert rows("from marts.activity where not is_complete")
    assert not rows(
        f"""
        from marts.activity
        where period_start > date '{as_of}'
            or (not is_complete and (dormant is not null or quick_ratio is not null))
        """
    )
    for table in ("activation where reach_rate", "feature_adoption where adoption_rate"):
        assert rows(f"from marts.{table.split()[0]} where not is_complete")
        assert not rows(f"from marts.{table} is not null and not is_complete")
    # Events after the last complete day are in the facts, and in no dimension or report.
    assert rows(f"from marts.fct_events where event_day > date '{as_of}'")
    assert not rows(f"from marts.dim_users where last_active_at > date '{as_of}' + 1")


def test_every_number_can_be_traced(usual_world):
    """From a report's number to its events, and from an event to its file, line and call."""
    daybook = usual_world.daybook
    (week,) = daybook.rows(
        """
        from marts.activity
        where report = 'active users' and clock = 'week' and is_complete
        order by period_start desc limit 1
        """
    )
    events = daybook.rows(
        f"""
        select events.*, path
        from marts.fct_events as events
        inner join raw.loads using (load_id)
        where event_day between '{week["period_start"]}' and '{week["period_end"]}'
            and user_id is not null and not is_internal and is_planned
            and event not in ('page', 'screen')
        order by event_id
        """
    )
    counted = daybook.rows(
        f"""
        select distinct user_id
        from marts.fct_activity_days
        where event_day between '{week["period_start"]}' and '{week["period_end"]}'
            and user_id is not null and event not in ('page', 'screen')
        """
    )
    assert len(counted) == week["active"]
    assert {row["user_id"] for row in events} <= {row["user_id"] for row in counted}
    for event in islice(events, 0, None, max(1, len(events) // 50)):
        line = gzip.decompress(Path(event["path"]).read_bytes()).splitlines()[
            event["line_number"] - 1
        ]
        call = json.loads(line)
        call = call["batch"][event["call_number"] - 1] if "batch" in call else call
        assert call["messageId"] == event["event_id"]
