"""The imaginary product: the same for the same arguments, and consistent with its truth.json."""

import gzip
import hashlib
import json
from collections import Counter
from pathlib import Path

import duckdb
import orjson
import polars as pl
import pytest
from click.testing import CliRunner
from harness import Daybook

from loaders.simulate import simulate
from loaders.simulate.calls import CALLS
from loaders.simulate.chance import Chance
from loaders.simulate.story import simulated_calls

SMALL = {"companies": 12, "days": 40, "seed": 7, "world": "usual"}
WORLDS = ("usual", "opposite")


def simulated(out: Path, **changes) -> dict:
    """Run the command; return truth.json."""
    arguments = [f"--{key}={value}" for key, value in (SMALL | changes).items()]
    result = CliRunner().invoke(simulate, ["--out", str(out), *arguments])
    assert result.exit_code == 0, result.output
    return orjson.loads((out / "truth.json").read_bytes())


def files(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def lines(out: Path) -> list[bytes]:
    return [
        line
        for path in sorted(out.rglob("*.gz"))
        for line in gzip.decompress(path.read_bytes()).removesuffix(b"\n").split(b"\n")
    ]


def is_a_call(line: bytes) -> bool:
    """The loader's rules for a plain line, written again for the kinds of lines that occur here."""
    try:
        call = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    needs = {"track": "event", "group": "groupId", "alias": "previousId"}
    return (
        isinstance(call, dict)
        and call.get("type") in ("identify", "group", "track", "page", "screen", "alias")
        and bool(call.get("userId") or call.get("anonymousId"))
        and bool(call.get(needs.get(call["type"], "type")))
        and str(call.get("timestamp", "")).startswith("20")
    )


# The same world again


def test_the_same_arguments_write_the_same_bytes(tmp_path):
    simulated(tmp_path / "once")
    simulated(tmp_path / "again")
    assert files(tmp_path / "once") == files(tmp_path / "again")


@pytest.mark.parametrize(
    "change", [{"seed": 8}, {"companies": 13}, {"days": 41}, {"world": "opposite"}]
)
def test_other_arguments_write_other_logs(tmp_path, change):
    simulated(tmp_path / "once")
    simulated(tmp_path / "other", **change)
    assert sorted(lines(tmp_path / "once")) != sorted(lines(tmp_path / "other"))


def splitmix(point: int) -> int:
    """Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (2014), figure 16."""
    wrap = 2**64 - 1
    point = (point ^ (point >> 30)) * 0xBF58476D1CE4E5B9 & wrap
    point = (point ^ (point >> 27)) * 0x94D049BB133111EB & wrap
    return point ^ (point >> 31)


def test_chance_is_plain_arithmetic_and_independent_of_the_polars_version():
    frame = pl.DataFrame({"person": [0, 1, 2**40], "day": [0, 20_000, 5]})
    drawn = frame.select(
        bits=Chance(1).bits("test", "person", "day"),
        below=Chance(1).below(100, "test", "person", "day"),
        share=Chance(1).share("test", "person", "day"),
    )
    start = int.from_bytes(hashlib.blake2b(b"1/test", digest_size=8).digest(), "big")
    for (person, day), row in zip(frame.iter_rows(), drawn.to_dicts(), strict=True):
        bits = splitmix((start + person * 0x9E3779B97F4A7C15 + day * 0xC2B2AE3D27D4EB4F) % 2**64)
        assert row == {
            "bits": bits,
            "below": (bits >> 32) * 100 >> 32,
            "share": (bits >> 11) / 2**53,
        }


def test_slices_do_not_change_the_story(tmp_path, monkeypatch):
    simulated(tmp_path / "long slices")
    monkeypatch.setattr("loaders.simulate.story.LONGEST_SLICE", 3)
    simulated(tmp_path / "short slices")
    assert files(tmp_path / "long slices") == files(tmp_path / "short slices")


# The layout


def test_files_are_laid_out_like_segments_archive_by_receive_day(tmp_path):
    simulated(tmp_path)
    paths = sorted((tmp_path / "segment-logs").rglob("*.gz"))
    assert {path.parent.parent.name for path in paths} == {"server", "web"}
    for path in paths:
        day = int(path.parent.name)
        assert day % 86_400_000 == 0
        for line in gzip.decompress(path.read_bytes()).splitlines():
            if is_a_call(line):
                assert orjson.loads(line)["receivedAt"][:10] == path.name[:10]


def test_the_archive_has_corrected_the_time_of_each_call(tmp_path):
    simulated(tmp_path)
    calls = pl.DataFrame(
        [orjson.loads(line) for line in lines(tmp_path) if is_a_call(line)],
        schema=dict.fromkeys(("timestamp", "originalTimestamp", "sentAt", "receivedAt"), pl.String),
    ).select(pl.all().str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", time_unit="ms"))
    queued = pl.col("sentAt") - pl.col("originalTimestamp")
    assert calls.filter(pl.col("timestamp") != pl.col("receivedAt") - queued).is_empty()
    assert calls.filter(pl.col("originalTimestamp") > pl.col("timestamp")).height > 0  # clocks
    late = pl.col("receivedAt") - pl.col("timestamp") > pl.duration(days=2)
    assert calls.filter(late).height > 0


# The truth, against an independent count of what was written


@pytest.mark.parametrize("world", WORLDS)
def test_the_counts_are_those_of_the_lines(tmp_path, world):
    truth = simulated(tmp_path, world=world)["counts"]
    written = lines(tmp_path)
    calls = [orjson.loads(line) for line in written if is_a_call(line)]
    once = {call["messageId"]: call for call in calls}
    kinds = Counter(call["type"] for call in once.values())
    former = {call["previousId"]: call["userId"] for call in calls if call["type"] == "alias"}
    user_ids = {call["userId"] for call in calls if "userId" in call}

    assert truth["files"] == len(list(tmp_path.rglob("*.gz")))
    assert truth["lines"] == len(written)
    assert truth["blank_lines"] == written.count(b"") > 0
    assert truth["broken_lines"] == len(written) - len(calls) - written.count(b"") > 5
    assert truth["calls"] == truth["landed_lines"] == len(calls)
    assert truth["unique_calls"] == len(once)
    assert truth["duplicates"] == len(calls) - len(once) > 0
    assert truth["events"] == kinds["track"] + kinds["page"]
    assert truth["users"] == len({former.get(user_id, user_id) for user_id in user_ids})
    assert truth["companies"] == 12 == len({call["groupId"] for call in calls if "groupId" in call})


def test_a_copy_arrives_later_with_the_same_content(tmp_path):
    simulated(tmp_path)
    deliveries = {}
    for line in lines(tmp_path):
        if is_a_call(line):
            call = orjson.loads(line)
            sent = call.pop("sentAt"), call.pop("receivedAt")
            deliveries.setdefault(call["messageId"], []).append((sent[1], json.dumps(call)))
    copies = [found for found in deliveries.values() if len(found) > 1]
    assert copies
    for found in copies:
        assert len({content for _, content in found}) == 1
        assert len({received for received, _ in found}) == len(found)


def test_every_kind_of_trouble_occurs(tmp_path):
    truth = simulated(tmp_path, companies=150, days=60)
    counts, names = truth["counts"], truth["events_by_name_as_sent"]
    for trouble in (
        "duplicates",
        "broken_lines",
        "blank_lines",
        "internal_users",
        "events_under_a_former_name",
        "unplanned_events",
        "users_with_two_devices",
        "users_on_a_shared_device",
        "users_in_two_companies",
        "users_with_a_former_id",
    ):
        assert counts[trouble] > 0, trouble
    assert names["invited_a_temmate"] > 0
    assert names["invited_a_teammate"] > 0
    calls = [orjson.loads(line) for line in lines(tmp_path) if is_a_call(line)]
    assert any("userId" not in call and call["type"] == "page" for call in calls)
    assert any("userId" not in call and call["type"] == "track" for call in calls)
    assert any("groupId" not in c["context"] and c["type"] == "track" for c in calls)


def test_the_last_day_is_cut_and_the_day_before_is_the_last_complete_day(tmp_path):
    truth = simulated(tmp_path)
    days = Counter(
        orjson.loads(line)["timestamp"][:10] for line in lines(tmp_path) if is_a_call(line)
    )
    assert max(days) == truth["days"]["latest_event_day"] == "2025-07-03"
    assert truth["days"]["as_of"] == "2025-07-02"
    assert days["2025-07-03"] < days["2025-07-02"]
    assert min(days) >= truth["days"]["first_day"] == "2025-05-24"


@pytest.mark.parametrize(("companies", "days"), [(1, 1), (2, 3), (3, 35)])
def test_a_world_may_be_tiny(tmp_path, companies, days):
    truth = simulated(tmp_path, companies=companies, days=days)["counts"]
    calls = [orjson.loads(line) for line in lines(tmp_path) if is_a_call(line)]
    assert truth["companies"] == companies
    assert truth["calls"] == len(calls)


# Planted answers can be recovered, and are reversed in the opposite world


def rates(by_week: dict) -> float:
    """The first four weeks since sign-up, pooled."""
    weeks = [by_week[str(number)] for number in (1, 2, 3, 4)]
    return sum(w["retained"] for w in weeks) / sum(w["cohort_size"] for w in weeks)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_opposite_world_has_the_opposite_answer_to_all_seven_questions(tmp_path, seed):
    told = {
        world: simulated(tmp_path / world, companies=300, days=120, seed=seed, world=world)
        for world in WORLDS
    }
    usual, opposite = (told[world]["questions"] for world in WORLDS)

    def by_role(answers):
        roles = answers["q1_retention_by_role"]
        return rates(roles["product manager"]) - rates(roles["founder"])

    assert by_role(usual) > 0.2
    assert by_role(opposite) < -0.2

    def sources(answers):
        counts = answers["q2_sign_ups_by_source"]
        by_themselves = {source: n for source, n in counts.items() if source != "invited"}
        return max(counts, key=counts.get), max(by_themselves, key=by_themselves.get)

    assert sources(usual) == ("invited", "word of mouth")
    assert sources(opposite) == ("social media", "social media")

    def b2b_leads(answers):
        kinds = answers["q3_paying_by_business_type"]
        return kinds["B2B"]["paying_companies"] - kinds["B2C"]["paying_companies"]

    assert b2b_leads(usual) > 20
    assert b2b_leads(opposite) < -20

    assert usual["q4_over_limits"]["over_1000"] > 50
    assert usual["q4_over_limits"]["over_the_limit_of_their_plan"] > 20
    assert opposite["q4_over_limits"]["over_1000"] == 0
    assert opposite["q4_over_limits"]["over_the_limit_of_their_plan"] == 0

    for clock in ("entry", "latest"):

        def by_tracking(answers, clock=clock):
            values = answers["q5_retention_by_tracks_groups"][clock]
            return rates(values["true"]) - rates(values["false"])

        assert by_tracking(usual) > 0.15
        assert by_tracking(opposite) < -0.15

    assert usual["q6_few_reports_loaded"]["with_fewer_than_20"] > 5
    assert opposite["q6_few_reports_loaded"]["with_fewer_than_20"] == 0

    def favourites(answers):
        for entity in ("company", "user"):
            for segment in ("paying", "free"):
                features = answers["q7_popular_features"]["features"][entity][segment]
                yield max(
                    features, key=lambda name: (features[name]["adopters"], features[name]["uses"])
                )

    assert list(favourites(usual)) == ["reports", "contacts"] * 2
    assert list(favourites(opposite)) == ["audiences", "events"] * 2


# For benchmarks: the calls without the files


def test_simulated_calls_are_also_available_as_frames_shaped_like_raw_calls(tmp_path):
    simulated(tmp_path)
    frames = list(simulated_calls(**SMALL))
    assert [frame["load_id"].unique().to_list() for frame in frames] == [[1], [2]]
    calls = pl.concat(frames)
    assert calls.schema == CALLS

    connection = duckdb.connect()
    connection.execute((Path(__file__).parent.parent / "loaders" / "schema.sql").read_text())
    columns = connection.execute("select * from raw.calls").description
    assert [column[0] for column in columns] == CALLS.names()

    written = [orjson.loads(line) for line in lines(tmp_path) if is_a_call(line)]
    assert sorted((call["messageId"], call["receivedAt"]) for call in written) == sorted(
        calls.select("message_id", "received_at").iter_rows()
    )
    one = calls.filter(pl.col("type") == "group").row(0, named=True)
    again = next(call for call in written if call["messageId"] == one["message_id"])
    assert orjson.loads(one["traits"]) == again["traits"]
    assert orjson.loads(one["context"]) == again["context"]


# Bad arguments


@pytest.mark.parametrize(
    "arguments",
    [
        ["--companies", "0"],
        ["--companies", "-3"],
        ["--companies", "many"],
        ["--days", "0"],
        ["--days", "-1"],
        ["--seed", "-1"],
        ["--world", "upside down"],
    ],
)
def test_a_wrong_argument_is_wrong_usage_and_writes_nothing(tmp_path, arguments):
    result = CliRunner().invoke(simulate, ["--out", str(tmp_path / "out"), *arguments])
    assert result.exit_code == 2
    assert arguments[0] in result.output
    assert not (tmp_path / "out").exists()


def test_the_folder_must_be_named():
    result = CliRunner().invoke(simulate, [])
    assert result.exit_code == 2
    assert "--out" in result.output


def test_a_file_is_not_a_folder(tmp_path):
    (tmp_path / "out").write_text("mine")
    result = CliRunner().invoke(simulate, ["--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "is a file" in result.output
    assert (tmp_path / "out").read_text() == "mine"


def test_a_folder_with_other_files_is_left_unchanged(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    result = CliRunner().invoke(simulate, ["--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "thesis.txt" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_earlier_simulation_is_replaced_and_files_beside_it_stay(tmp_path):
    simulated(tmp_path / "sample", seed=1)
    (tmp_path / "sample" / "warehouse.duckdb").write_text("stays")
    simulated(tmp_path / "sample", seed=2)
    (tmp_path / "sample" / "warehouse.duckdb").unlink()
    simulated(tmp_path / "new", seed=2)
    assert files(tmp_path / "sample") == files(tmp_path / "new")


def test_files_of_an_interrupted_run_are_removed(tmp_path):
    (tmp_path / "sample" / "segment-logs.unfinished" / "web").mkdir(parents=True)
    simulated(tmp_path / "sample")
    assert sorted(path.name for path in (tmp_path / "sample").iterdir()) == [
        "segment-logs",
        "truth.json",
    ]


def test_a_folder_that_cannot_be_made_is_named_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "sample"
    result = CliRunner().invoke(simulate, ["--out", str(out)])
    assert result.exit_code == 1
    assert len(result.output.splitlines()) == 1
    assert str(out) in result.output


# Landed and built: the marts find exactly what was drawn


def counted(daybook: Daybook, sql: str) -> int:
    [row] = daybook.rows(sql)
    return next(iter(row.values()))


def test_the_ledger_counts_what_was_written(world):
    daybook, truth = world.daybook, world.truth
    [ledger] = daybook.rows("""
        select
            count(*) as files,
            cast(sum(lines) as bigint) as lines,
            cast(sum(landed) as bigint) as landed_lines,
            cast(sum(quarantined) as bigint) as broken_lines,
            cast(sum(blank) as bigint) as blank_lines,
            cast(sum(calls) as bigint) as calls
        from raw.loads
    """)
    assert ledger == {name: truth["counts"][name] for name in ledger}
    sources = daybook.rows("select distinct source from raw.loads order by 1")
    assert [row["source"] for row in sources] == ["server", "web"]


def test_the_core_counts_what_was_drawn(world):
    daybook, truth = world.daybook, world.truth
    found = {
        "calls": "select count(*) from raw.calls",
        "unique_calls": "select count(distinct message_id) from raw.calls",
        "broken_lines": "select count(*) from raw.quarantine",
        "events": "select count(*) from marts.fct_events",
        "pages": "select count(*) from marts.fct_events where event = 'page'",
        "users": "select count(*) from marts.dim_users",
        "internal_users": "select count(*) from marts.dim_users where is_internal",
        "companies": "select count(*) from marts.dim_companies",
        "events_under_a_former_name": """
            select count(*) from marts.fct_events where event_as_sent = 'invited_a_temmate'
        """,
        "unplanned_events": """
            select count(*) from marts.fct_events
            where not is_planned and event not in ('page', 'screen')
        """,
    }
    counts = {name: counted(daybook, sql) for name, sql in found.items()}
    assert counts == {name: truth["counts"][name] for name in found}
    latest = counted(daybook, "select max(event_day) from marts.fct_events")
    assert str(latest) == truth["days"]["latest_event_day"]


def retention_in(daybook: Daybook, report: str) -> dict:
    told = {}
    for row in daybook.rows(f"""
        select * from marts.retention_overall
        where report = '{report}' and period_number > 0 and breakdown_value <> '(all)'
    """):
        told.setdefault(row["breakdown_value"], {})[str(row["period_number"])] = {
            "cohort_size": row["cohort_size"],
            "retained": row["retained"],
        }
    return told


def as_far_as(told: dict, weeks: int) -> dict:
    return {
        value: {week: cell for week, cell in cells.items() if int(week) <= weeks}
        for value, cells in told.items()
    }


def test_retention_by_role_is_recovered(world):
    daybook, truth = world.daybook, world.truth
    drawn = truth["questions"]["q1_retention_by_role"]
    assert retention_in(daybook, "users by role") == as_far_as(drawn, 11)


def test_retention_by_group_tracking_is_recovered_on_both_clocks(world):
    daybook, truth = world.daybook, world.truth
    drawn = truth["questions"]["q5_retention_by_tracks_groups"]
    entry = retention_in(daybook, "companies by tracks_groups at entry")
    latest = retention_in(daybook, "companies by tracks_groups latest")
    assert entry == as_far_as(drawn["entry"], 11)
    assert latest == as_far_as(drawn["latest"], 11)


def test_sources_of_sign_ups_are_recovered(world):
    daybook, truth = world.daybook, world.truth
    rows = daybook.rows("""
        select
            case
                when json_extract_string(events.properties, '$.source') = 'invited' then 'invited'
                else coalesce(users.signup_source, '(none)')
            end as source,
            count(distinct events.user_id) as users
        from marts.fct_events as events
        inner join marts.dim_users as users on events.user_id = users.user_id
        where events.event = 'signed_up'
        group by 1
    """)
    drawn = truth["questions"]["q2_sign_ups_by_source"]
    assert {row["source"]: row["users"] for row in rows} == drawn


def test_paying_companies_by_business_type_are_recovered(world):
    daybook, truth = world.daybook, world.truth
    rows = daybook.rows("""
        with given as (
            select
                memberships.company_id,
                arg_min(json_extract_string(traits.value, '$'), traits.valid_from) as kind
            from marts.fct_memberships as memberships
            inner join marts.fct_traits as traits
                on
                    traits.entity = 'user'
                    and traits.entity_id = memberships.user_id
                    and traits.trait = 'business_type'
            group by 1
        )

        select
            coalesce(given.kind, '(none)') as kind,
            count(*) as paying_companies,
            cast(sum(companies.members) as bigint) as members
        from marts.dim_companies as companies
        left join given on companies.company_id = given.company_id
        where companies.is_paying
        group by 1
    """)
    drawn = truth["questions"]["q3_paying_by_business_type"]
    assert {row["kind"]: row["paying_companies"] for row in rows} == {
        kind: cell["paying_companies"] for kind, cell in drawn.items()
    }
    assert {row["kind"]: row["members"] for row in rows} == {
        kind: cell["members"] for kind, cell in drawn.items()
    }


def test_companies_over_their_limits_are_recovered(world):
    daybook, truth = world.daybook, world.truth
    drawn = truth["questions"]["q4_over_limits"]
    over = "select count(*) from marts.dim_companies where"
    assert counted(daybook, f"{over} monthly_active_users > 1000") == drawn["over_1000"]
    assert counted(daybook, f"{over} is_over_mau_limit") == drawn["over_the_limit_of_their_plan"]
    plans = daybook.rows("select plan, count(*) as companies from marts.dim_companies group by 1")
    assert {row["plan"]: row["companies"] for row in plans} == drawn["companies_by_plan"]


def test_paying_companies_with_few_reports_are_recovered(world):
    daybook, truth = world.daybook, world.truth
    rows = daybook.rows("""
        select companies.company_id
        from marts.dim_companies as companies
        left join marts.fct_activity_days as days
            on
                companies.company_id = days.company_id
                and days.event = 'report_loaded'
                and days.event_day between date '2025-07-02' - 29 and date '2025-07-02'
        where companies.is_paying
        group by 1
        having coalesce(sum(days.events), 0) < 20
        order by 1
    """)
    drawn = truth["questions"]["q6_few_reports_loaded"]
    assert [row["company_id"] for row in rows] == drawn["company_ids"]
    paying = "select count(*) from marts.dim_companies where is_paying"
    assert counted(daybook, paying) == drawn["paying_companies"]


def test_popular_features_are_recovered(world):
    daybook, truth = world.daybook, world.truth
    drawn = truth["questions"]["q7_popular_features"]
    rows = daybook.rows(f"""
        select * from marts.feature_adoption
        where
            period = 'month'
            and period_start = date '{drawn["month"]}'
            and segment in ('paying', 'free')
    """)
    assert len(rows) == 2 * 2 * 9
    for row in rows:
        features = drawn["features"][row["entity"]][row["segment"]]
        cell = features.get(row["feature"], {"adopters": 0, "uses": 0})
        where = row["entity"], row["segment"], row["feature"]
        assert {"adopters": row["adopters"], "uses": row["uses"]} == cell, where
        assert row["active"] == drawn["active"][row["entity"]][row["segment"]], where
