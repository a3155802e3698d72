"""The files in published/: their content, when they change, and what they must not hold."""

import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from harness import REPO, Daybook, _inside, set_var
from lines import call

from loaders.errors import CannotPublish
from loaders.night import privacy
from loaders.published import PublishedNights

SMALL = ["activation", "activity", "calendar", "dim_companies", "dim_users", "fct_activity_days"]


def published(daybook: Daybook, sql: str) -> list[tuple]:
    """A query's rows, from the published database."""
    path = (daybook.folder / "published" / "daybook.duckdb").resolve()
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def months(daybook: Daybook) -> dict[str, int]:
    """The inode of each month's file."""
    return {
        path.stem: path.stat().st_ino
        for path in (daybook.folder / "published" / "fct_events").iterdir()
    }


def a_copy_of(world: Daybook, folder: Path) -> Daybook:
    """Another checkout with the same seeds, vars, database and published nights."""
    daybook = Daybook(folder)
    daybook.database.write_bytes(world.database.read_bytes())
    nights = world.folder / "published.nights"
    if nights.is_dir():
        shutil.copytree(nights, daybook.folder / nights.name)
        shutil.copy2(world.folder / "published", daybook.folder, follow_symlinks=False)
    return daybook


@pytest.fixture
def world(usual_world, tmp_path) -> Daybook:
    """The usual world, built and not published yet."""
    return a_copy_of(usual_world.daybook, tmp_path / "daybook")


def at(day: str | date, hour: int = 10) -> dict:
    """The times of a call that an archive kept on its own day."""
    return {"timestamp": f"{day}T{hour:02}:00:00Z", "receivedAt": f"{day}T{hour:02}:00:01Z"}


@pytest.fixture(scope="session")
def small_world(tmp_path_factory) -> Daybook:
    """Ana and Ben of Acme and Eva of Bolt use the product daily for five weeks of May and June."""
    daybook = Daybook(tmp_path_factory.mktemp("small") / "daybook")
    calls = []
    people = [("ana", "acme"), ("ben", "acme"), ("eva", "bolt")]
    for number in range(35):
        day = date(2024, 5, 6) + timedelta(number)  # a Monday
        for user, company in people:
            who = {"userId": user, "context": {"groupId": company}}
            if number == 0:
                at_once = {"type": "identify", "traits": {"role": "founder"}}
                calls.append(call(messageId=f"i{user}", **who, **at_once, **at(day, 8)))
                calls.append(call(messageId=f"s{user}", event="signed_up", **who, **at(day, 9)))
            calls.append(call(messageId=f"{user}{number}", **who, **at(day)))
    daybook.write(calls)
    daybook.land()
    daybook.build()
    return daybook


@pytest.fixture(scope="session")
def small_published(small_world, tmp_path_factory) -> Daybook:
    """The small world with one published night, for tests to copy."""
    daybook = a_copy_of(small_world, tmp_path_factory.mktemp("published") / "daybook")
    daybook.run("publish")
    return daybook


@pytest.fixture
def small(small_published, tmp_path) -> Daybook:
    """A checkout of the small world with one published night."""
    return a_copy_of(small_published, tmp_path / "daybook")


def another_night(daybook: Daybook, *calls: dict, **options) -> dict:
    """Land, build and publish; return the published summary."""
    if calls:
        daybook.run("land", daybook.write(calls, f"night-{time.monotonic_ns()}.jsonl"))
    daybook.build(**options)
    return json.loads(daybook.run("publish", "--json").stdout)


# -- the content


def test_readers_get_every_mart_as_a_table_and_as_parquet_of_one_night(world):
    world.run("publish")
    folder = world.folder / "published"
    marts = {
        row["table_name"]
        for row in world.rows(
            "select table_name from information_schema.tables where table_schema = 'marts'"
        )
    }
    assert set(SMALL) < marts

    tables = published(world, "select schema_name, table_name, comment from duckdb_tables()")
    assert {name for schema, name, _ in tables if schema == "marts"} == marts
    assert {comment for _, _, comment in tables} == {"night 1"}
    assert published(world, "select count(*) from duckdb_views() where not internal") == [(0,)]

    for mart in marts - {"fct_events"}:
        frame = pl.read_parquet(folder / f"{mart}.parquet")
        assert pl.read_parquet_metadata(folder / f"{mart}.parquet")["night"] == "1"
        ((rows,),) = published(world, f"select count(*) from marts.{mart}")
        assert frame.height == rows
        (ours,) = world.rows(f"select count(*) as n from marts.{mart}")
        assert rows == ours["n"] or mart == "fct_traits"  # names and addresses are left out
    events = pl.read_parquet(folder / "fct_events" / "*.parquet")
    assert events.height == world.rows("select count(*) as n from marts.fct_events")[0]["n"]
    assert events.schema["properties"] == pl.String
    assert events.group_by(pl.col("event_day").dt.strftime("%Y-%m")).len().height == len(
        months(world)
    )
    assert list(folder.rglob("*.csv")) == []


def test_numbers_in_the_published_marts_equal_those_of_the_warehouse(world):
    world.run("publish")
    for mart in ("activity", "retention", "activation", "feature_adoption", "fct_memberships"):
        path = world.folder / "published" / f"{mart}.parquet"
        ours = world.query(f"select * from marts.{mart} order by all")
        assert duckdb.sql(f"from '{path}' order by all").fetchall() == ours.rows()


def test_metrics_hold_every_cell_that_has_a_value(world):
    world.run("publish")
    metrics = pl.read_parquet(world.folder / "published" / "metrics.parquet")
    assert metrics.columns == [
        "report_kind",
        "report",
        "entity",
        "period",
        "period_start",
        "dimension",
        "value_name",
        "value",
        "is_complete",
    ]
    assert metrics["value"].null_count() == 0

    values = {
        "activity": "active new retained resurrected dormant events quick_ratio",
        "retention": "cohort_size retained retention_rate rate_low rate_high",
        "retention_overall": "cohorts cohort_size retained retention_rate rate_low rate_high",
        "activation": "entities reached reach_rate median_hours",
        "feature_adoption": "active adopters adoption_rate uses rank",
    }
    for kind, names in values.items():
        mart = pl.read_parquet(world.folder / "published" / f"{kind}.parquet").select(names.split())
        ours = metrics.filter(pl.col("report_kind") == kind)
        for name in names.split():
            cells = ours.filter(pl.col("value_name") == name)["value"]
            expected = mart[name].drop_nulls().cast(pl.Float64)
            assert cells.sort().to_list() == expected.sort().to_list()
    key = [name for name in metrics.columns if name not in ("value", "is_complete")]
    assert metrics.select(key).is_duplicated().sum() == 0


def test_the_published_files_open_in_duckdb_1_2(world, duckdb_1_2):
    world.run("publish")
    count = "select count(*) from marts.fct_events"
    script = (
        "import duckdb; assert duckdb.__version__ == '1.2.2';"
        " connection = duckdb.connect('published/daybook.duckdb', read_only=True);"
        f" print(connection.execute({count!r}).fetchone()[0]);"
        " print(connection.execute('select count(*) from nights.nights').fetchone()[0]);"
        " print(duckdb.sql(\"select count(*) from 'published/fct_events/*.parquet'\")"
        ".fetchone()[0])"
    )
    ran = subprocess.run(
        [duckdb_1_2, "-c", script], cwd=world.folder, capture_output=True, text=True, check=False
    )
    ((events,),) = published(world, count)
    assert ran.stdout.split() == [str(events), "1", str(events)], ran.stderr


@pytest.fixture(scope="session")
def duckdb_1_2() -> Path:
    """The Python of a virtual environment with DuckDB 1.2, made once."""
    folder = REPO / ".venv-duckdb-1.2"
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        got = subprocess.run(
            [*pip, "--only-binary", ":all:", "duckdb==1.2.2"], capture_output=True, check=False
        )
        if got.returncode:
            pytest.skip("the wheel of DuckDB 1.2.2 cannot be had here (no network?)")
        (folder / ".ready").touch()
    return python


# -- changes from night to night


def test_a_warehouse_with_a_build_due_is_not_published(small):
    small.run("land", small.write([call(messageId="new", **at("2024-06-10"))], "new.jsonl"))
    said = small.run("publish", exit_code=1).output
    assert "dbt build is due: 1 file (1 call) landed since the last one" in said
    assert "Run dbt build, then daybook publish." in said
    assert published(small, "select max(number) from nights.nights") == [(1,)]

    small.build()
    small.run("publish")
    assert published(small, "select max(number) from nights.nights") == [(2,)]

    small.build("-s", "calendar", command="run")
    assert "dbt run has changed tables" in small.run("publish", exit_code=1).output


def test_before_the_first_build_publish_says_what_to_do(daybook):
    assert "Land some logs first" in daybook.run("publish", exit_code=1).output
    daybook.write([call()])
    daybook.land()
    assert "has never been built" in daybook.run("publish", exit_code=1).output
    assert not (daybook.folder / "published").exists()


def test_the_last_nights_are_kept_and_a_rollback_shows_the_one_before(small):
    for _ in range(3):
        small.run("publish")
    kept = small.folder / "published.nights"
    assert sorted(path.name for path in kept.iterdir()) == ["2", "3", "4"]

    said = small.run("publish", "--rollback").output
    assert said == "published shows night 3 again, not 4.\n"
    assert published(small, "select max(number) from nights.nights") == [(3,)]

    # The rolled-back night is not in the history, and its number is not used again.
    small.run("publish", "--keep", "2")
    assert sorted(path.name for path in kept.iterdir()) == ["3", "5"]
    assert published(small, "select number from nights.nights order by 1") == [
        (1,),
        (2,),
        (3,),
        (5,),
    ]

    small.run("publish", "--keep", "1")
    said = small.run("publish", "--rollback", exit_code=1).output
    assert "Night 6 is the oldest one that is kept" in said


def test_a_rollback_can_be_read_by_machines(small):
    small.run("publish")
    said = json.loads(small.run("publish", "--rollback", "--json").stdout)
    assert said == {"status": "rolled back", "night": 1, "instead_of": 2}


def test_an_unusable_amount_of_memory_is_named(small, monkeypatch):
    monkeypatch.setenv("DAYBOOK_BUILD_MEMORY", "lots")
    said = small.run("publish", exit_code=1).output
    assert "DAYBOOK_BUILD_MEMORY is 'lots', which DuckDB cannot use" in said


def test_a_reader_keeps_the_night_that_it_has_open(small):
    path = small.folder / "published" / "daybook.duckdb"
    with duckdb.connect(str(path), read_only=True) as reader:
        for _ in range(4):
            small.run("publish", "--keep", "1")
        assert reader.execute("select max(number) from nights.nights").fetchall() == [(1,)]
        assert reader.execute("select count(*) from marts.fct_events").fetchall() == [(108,)]


def test_only_the_months_in_which_something_changed_are_written_again(small):
    before = months(small)
    assert sorted(before) == ["2024-05", "2024-06"]
    late = call(messageId="late", userId="ana", **at("2024-05-20", 15))
    summary = another_night(small, late)
    assert summary["published"]["months_written"] == 1
    after = months(small)
    assert after["2024-06"] == before["2024-06"]
    assert after["2024-05"] != before["2024-05"]
    assert published(small, "select count(*) from marts.fct_events") == [(109,)]
    # Ben turns out to be Ana: his events of both months change.
    alias = {"type": "alias", "event": ..., "previousId": "ben", "userId": "ana"}
    another_night(small, call(messageId="alias", **alias, **at("2024-06-09", 15)))
    assert not set(months(small).values()) & set(after.values())
    assert published(small, "select count(*) from marts.fct_events where user_id = 'ben'") == [(0,)]

    again = months(small)
    another_night(small)
    assert months(small) == again


def test_a_damaged_month_is_written_again(small):
    folder = small.folder / "published" / "fct_events"
    may = pl.read_parquet(folder / "2024-05.parquet")
    may.head(3).write_parquet(folder / "2024-05.parquet")
    small.run("publish")
    again = pl.read_parquet(small.folder / "published" / "fct_events" / "2024-05.parquet")
    assert again.sort("event_id").equals(may.sort("event_id"))


def test_a_night_does_not_start_from_a_changed_copy(small):
    with duckdb.connect(str(small.folder / "published" / "daybook.duckdb")) as reader:
        reader.execute("update marts.fct_events set user_id = 'mallory'")
    small.run("publish")
    assert published(small, "select count(*) from marts.fct_events where user_id = 'mallory'") == [
        (0,)
    ]


def test_a_night_does_not_start_from_one_that_a_restored_backup_lost(small):
    backup = small.database.read_bytes()
    another_night(small, call(messageId="wrong", userId="ana", **at("2024-06-09", 15)))
    small.database.write_bytes(backup)
    shutil.rmtree(small.logs)
    # The new build and load have the numbers, and the load also the day, of the lost ones.
    another_night(small, call(messageId="right", userId="ana", **at("2024-06-09", 15)))
    found = "select event_id from marts.fct_events where event_id in ('wrong', 'right')"
    assert published(small, found) == [("right",)]


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        (".marks.json", "missing"),
        (".marks.json", "of another kind"),
        ("daybook.duckdb", "missing"),
        ("daybook.duckdb", "cut"),
        ("metrics.parquet", "cut"),
    ],
)
def test_a_damaged_night_is_named_with_advice(small, file, damage):
    small.run("publish")
    path = small.folder / "published" / file
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(
            path.read_bytes()[: path.stat().st_size // 2] if damage == "cut" else b"[]"
        )
    said = small.run("publish", exit_code=1).output
    assert f"{file} is missing or damaged" in said
    assert "Run: daybook publish --rollback" in said
    small.run("publish", "--rollback")
    small.run("publish")
    assert published(small, "select count(*), min(number) from nights.nights") == [(2, 1)]


def test_a_link_to_nowhere_in_place_of_the_nights_is_named(tmp_path):
    (tmp_path / "published.nights").symlink_to("gone")
    with pytest.raises(CannotPublish, match="is a file, or a link to nowhere"):
        PublishedNights(tmp_path).begin()


def test_another_warehouse_is_not_published_over_this_one(small, small_world):
    other = small.folder / "other.duckdb"
    other.write_bytes(small_world.database.read_bytes())
    said = small.run("--database", "other.duckdb", "publish", exit_code=1).output
    assert "published holds the nights of warehouse.duckdb, and this is other.duckdb" in said


def test_a_users_own_folder_is_not_replaced(small_world, tmp_path):
    daybook = a_copy_of(small_world, tmp_path / "daybook")
    (daybook.folder / "published").mkdir()
    assert "Move it away" in daybook.run("publish", exit_code=1).output


def test_publish_is_refused_while_another_process_holds_the_warehouse_or_the_lock(
    small, monkeypatch
):
    monkeypatch.setenv("DAYBOOK_LOCK_SECONDS", "0.1")
    hold_database = (
        f"import duckdb, sys; connection = duckdb.connect({str(small.database)!r});"
        " print('held', flush=True); sys.stdin.read()"
    )
    hold_lock = (
        "from pathlib import Path; import sys; from loaders.night.lock import night_lock\n"
        f"with night_lock(Path({str(small.database)!r})): print('held', flush=True);"
        " sys.stdin.read()"
    )
    for script, told in (
        (hold_database, "is open in another process"),
        (hold_lock, "Another night holds"),
    ):
        holder = subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert holder.stdout.readline() == b"held\n"
        said = small.run("publish", exit_code=3).output
        assert told in said
        assert f"pid {holder.pid}" in said.lower()
        if told == "Another night holds":
            assert told in small.run("nightly", small.logs, exit_code=3).output
        holder.kill()  # the lock dies with its process
        holder.wait()
        small.run("publish")


# -- personal data


PEOPLE = ["ana.silva@example.com", "Ana Silva", "Ben Okafor", "mail.example.org", "987654"]
NOTES = [
    "Hi,\nben@mail.example.org",
    'a \\"quoted\\" \\\ttext\u0001ben@mail.example.org',
    "https://x.test/?to=a%2540mail.example.org",
    json.dumps({"e": "ben\u0040mail.example.org"}).replace("@", "\\u0040"),
    "ben&#64;mail.example.org",
]


@pytest.fixture(scope="session")
def people(tmp_path_factory) -> Daybook:
    """Logs with addresses and names in traits, properties, ids, and context."""
    daybook = Daybook(tmp_path_factory.mktemp("people") / "daybook")
    daybook.seed(
        "tracking_plan_properties",
        [
            *daybook.seed_rows("tracking_plan_properties"),
            {
                "event": "report_loaded",
                "property": "shared_with",
                "type": "string",
                "is_pii": "true",
            },
            {"event": "report_loaded", "property": "note", "type": "string"},
            {"event": "page", "property": "name", "type": "string", "is_pii": "true"},
        ],
    )
    daybook.seed(
        "tracking_plan_traits",
        [
            *daybook.seed_rows("tracking_plan_traits"),
            {"entity": "company", "trait": "tier", "type": "string", "is_pii": "true"},
            {"entity": "company", "trait": "size", "type": "number", "is_pii": "true"},
        ],
    )
    set_var(daybook, "company_plan_trait", "tier")
    set_var(daybook, "company_mau_trait", "size")
    report = daybook.seed_rows("activity_reports")[0]
    daybook.seed("activity_reports", [report | {"report": "activity of ben@mail.example.org"}])
    daybook.seed(
        "context_columns",
        [
            {"column": "page_url", "path": "page.url", "type": "string"},
            {"column": "first_name", "path": "traits.name", "type": "string", "is_pii": "true"},
            # Names that the queries of a publication might use themselves.
            *(
                {"column": name, "path": f"x.{name}", "type": "string"}
                for name in ("shown", "hashed")
            ),
        ],
    )
    ana = {
        "userId": "ana.silva@example.com",
        "anonymousId": "Ana Silva",
        "context": {
            "groupId": "acme",
            "page": {"url": "https://app.example.com/?who=ana.silva%40example.com"},
            "traits": {"name": "Ana Silva", "email": "ana.silva@example.com"},
        },
    }
    traits = {"name": "Ana Silva", "email": "ana.silva@example.com", "role": "founder"}
    properties = {
        "report_type": "Retention",
        "shared_with": "Ben Okafor",
        "note": "for ben@mail.example.org and others",
        "unplanned": "Ben Okafor",
    }
    daybook.write(
        [
            call(
                type="identify", messageId="i", event=..., traits=traits, **ana, **at("2024-05-01"),
            ),
            call(messageId="m", properties=properties, **ana, **at("2024-05-01")),
            call(messageId="ben@mail.example.org/1", **ana, **at("2024-05-02")),
            call(messageId="u", event="mailed ben@mail.example.org", **ana, **at("2024-05-02")),
            *(
                call(messageId=f"n{number}", properties={"note": note}, **ana, **at("2024-05-02"))
                for number, note in enumerate(NOTES)
            ),
            call(
                type="group", messageId="g", event=..., userId="gus", groupId="acme",
                traits={"tier": "Ben Okafor", "size": 987654}, **at("2024-05-02"),
            ),
            call(type="page", messageId="q", event=..., name="Profile of Ben Okafor", **ana),
            call(messageId="w", properties={"note": "a", " note": "b"}, **ana, **at("2024-05-03")),
            call(messageId="n", userId=..., anonymousId="Ana Silva", **at("2024-05-03")),
            call(
                type="identify", messageId="b", event=..., userId="Ben Okafor",
                traits={"name": "Ben Okafor", "phone": "ben@mail.example.org"}, **at("2024-05-03"),
            ),
            call(
                type="page", messageId="p", event=..., name="ana.silva@example.com",
                properties={"title": "Ana Silva"}, **ana, **at("2024-05-03"),
            ),
        ]
    )  # fmt: skip
    daybook.land()
    daybook.build()
    return daybook


def copy_with_seeds(people: Daybook, folder: Path) -> Daybook:
    daybook = a_copy_of(people, folder)
    shutil.copytree(people.folder / "seeds", daybook.folder / "seeds", dirs_exist_ok=True)
    return daybook


def texts_of(daybook: Daybook) -> dict[str, str]:
    """All text in any column of a published file, and the files' bytes."""
    found = {}
    folder = daybook.folder / "published"
    for path in folder.rglob("*"):
        if path.is_file():
            found[path.name] = path.read_bytes().decode("latin-1")
    for path in folder.rglob("*.parquet"):
        found[f"rows of {path.name}"] = repr(pl.read_parquet(path).rows())
    for schema, table in published(daybook, "select schema_name, table_name from duckdb_tables()"):
        found[f"{schema}.{table}"] = repr(published(daybook, f"from {schema}.{table}"))
    return found


@pytest.mark.parametrize("mode", ["omit", "hash"])
def test_no_name_and_no_address_is_in_any_published_file(people, tmp_path, mode, monkeypatch):
    daybook = copy_with_seeds(people, tmp_path / "daybook")
    if mode == "hash":
        publish_hashed(daybook, monkeypatch)
    else:
        daybook.run("publish")
    assert_nobody_is_named(daybook)
    assert any("founder" in text for text in texts_of(daybook).values())


def assert_nobody_is_named(daybook: Daybook) -> None:
    for name, text in texts_of(daybook).items():
        for person in PEOPLE:
            assert person.lower() not in text.lower(), name
            assert person.replace("@", "%40").lower() not in text.lower(), name


def test_a_report_in_the_published_folder_is_drawn_from_the_published_copy(people, tmp_path):
    daybook = copy_with_seeds(people, tmp_path / "daybook")
    daybook.run("publish")
    page = daybook.folder / "published" / "report.html"
    page.unlink()
    assert daybook.run("report").stdout == "The report is in published/report.html\n"
    assert page.is_file()
    assert_nobody_is_named(daybook)
    named = daybook.run("report", "--database", daybook.database)
    assert named.stdout == "The report is in report.html\n"
    assert_nobody_is_named(daybook)


def test_a_new_rule_for_addresses_holds_for_events_of_earlier_nights(people, tmp_path, monkeypatch):
    daybook = copy_with_seeds(people, tmp_path / "daybook")
    with monkeypatch.context() as earlier:
        earlier.setattr(privacy, "_ADDRESS", "^no text$")
        daybook.run("publish")
    assert any("mail.example.org" in text for text in texts_of(daybook).values())
    daybook.run("publish")
    assert_nobody_is_named(daybook)


def test_the_path_of_a_refused_file_is_not_published(small):
    (small.logs / "of ben@mail.example.org.gz").write_bytes(b"\x1f\x8b\x08\x00cut")
    small.write([call(messageId="new", **at("2024-06-10"))], "new.jsonl")
    night = small.run("nightly", small.logs, exit_code=4)
    assert "of ben@mail.example.org.gz was refused" in night.output
    document = json.loads((small.folder / "published" / "night.json").read_text())
    assert document["wrong"][0].startswith("a file was refused: ")
    assert_nobody_is_named(small)


def test_values_of_a_trait_that_is_marked_later_are_in_no_published_file(small):
    report = {"report": "r", "entity": "user", "cohort_rule": "first", "period": "week",
              "return_window": "exact", "breakdown": "role"}  # fmt: skip
    small.seed("retention_reports", [report])
    named = {"type": "identify", "event": ..., "userId": "ben", "traits": {"role": "Ben Okafor"}}
    another_night(small, call(messageId="named", **named, **at("2024-05-07")))
    assert any("Ben Okafor" in text for text in texts_of(small).values())
    traits = small.seed_rows("tracking_plan_traits")
    for row in traits:
        row["is_pii"] = "true" if row["trait"] == "role" else row["is_pii"]
    small.seed("tracking_plan_traits", traits)
    another_night(small)
    assert_nobody_is_named(small)


def publish_hashed(daybook: Daybook, monkeypatch, key: str = "a key of the tests") -> None:
    path = daybook.folder / "dbt_project.yml"
    path.write_text(path.read_text().replace("pii: omit", "pii: hash"))
    monkeypatch.setenv("DAYBOOK_PII_KEY", key)
    daybook.run("publish")


def test_hashed_ids_still_join_over_all_tables(people, tmp_path):
    daybook = copy_with_seeds(people, tmp_path / "daybook")
    daybook.run("publish")
    ((ours,),) = [
        (row["n"],)
        for row in daybook.rows(
            "select count(*) as n from marts.fct_events inner join marts.dim_users using (user_id)"
        )
    ]
    assert ours > 3
    assert published(
        daybook, "select count(*) from marts.fct_events join marts.dim_users using (user_id)"
    ) == [(ours,)]
    assert published(
        daybook,
        "select count(distinct u.user_id) from marts.dim_users u"
        " join marts.fct_memberships using (user_id)"
        " join marts.fct_activity_days using (user_id)"
        " join marts.fct_traits t on t.entity_id = u.user_id",
    ) == [(1,)]
    columns = [row[0] for row in published(daybook, "describe marts.fct_events")]
    assert "page_url" in columns
    assert "first_name" not in columns


def test_published_properties_hold_planned_keys_only(people, tmp_path):
    daybook = copy_with_seeds(people, tmp_path / "daybook")
    daybook.run("publish")
    found = published(daybook, "select properties from marts.fct_events where event_id = 'm'")
    assert [json.loads(text) for (text,) in found] == [
        {"report_type": "Retention", "note": "for [address] and others"}
    ]
    # Two keys that are equal after trimming: there is no rule which value counts.
    assert published(daybook, "select properties from marts.fct_events where event_id = 'w'") == [
        ("{}",)
    ]
    assert published(daybook, "select properties from marts.fct_events where event_id = 'n'") == [
        (None,)
    ]
    traits = published(daybook, "select distinct trait from marts.fct_traits")
    assert traits == [("role",)]  # name and email are marked, phone is not planned


def test_the_hash_of_personal_data_is_a_keyed_hmac(people, tmp_path, monkeypatch):
    def hashed(text: str, key: str) -> str:
        return "h_" + hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:20]

    daybook = copy_with_seeds(people, tmp_path / "daybook")
    long_key = "k" * 100
    for key in ("a key of the tests", long_key):
        publish_hashed(daybook, monkeypatch, key)
        address = hashed("ana.silva@example.com", key)
        assert published(
            daybook, f"select name, email from marts.dim_users where user_id = '{address}'"
        ) == [(hashed("Ana Silva", key), address)]
        ((properties,),) = published(
            daybook, "select properties from marts.fct_events where event_id = 'm'"
        )
        assert json.loads(properties)["shared_with"] == hashed("Ben Okafor", key)
        assert (f'"{address}"',) in published(daybook, "select value from marts.fct_traits")

    monkeypatch.delenv("DAYBOOK_PII_KEY")
    said = daybook.run("publish", exit_code=1).output
    assert "vars: pii is hash, and DAYBOOK_PII_KEY is not set" in said
    said = daybook.run("nightly", daybook.logs, exit_code=1).output
    assert "The night stopped at the step land" in said

    monkeypatch.setenv("DAYBOOK_PII_KEY", "fifteen letters")
    said = daybook.run("publish", exit_code=1).output
    assert "DAYBOOK_PII_KEY has 15 characters" in said


def test_a_breakdown_by_personal_data_is_not_published(people, tmp_path, monkeypatch):
    daybook = copy_with_seeds(people, tmp_path / "daybook")
    report = {"report": "by name", "entity": "user", "cohort_rule": "first", "period": "week",
              "return_window": "exact", "breakdown": "name"}  # fmt: skip
    daybook.seed("retention_reports", [report, report | {"report": "role", "breakdown": "role"}])
    daybook.build()
    daybook.run("publish")
    values = "select distinct report, breakdown_value from marts.retention order by all"
    assert published(daybook, values) == [
        ("by name", "(all)"), ("role", "(all)"), ("role", "founder")
    ]  # fmt: skip
    publish_hashed(daybook, monkeypatch)
    shown = {value for report, value in published(daybook, values) if report == "by name"}
    assert len(shown) == 2
    assert all(value.startswith("h_") for value in shown - {"(all)"})


@pytest.mark.parametrize("umask", [0o022, 0o027])
def test_published_files_follow_the_umask_and_the_warehouse_is_its_owners(
    small_world, tmp_path, umask
):
    before = os.umask(umask)
    try:
        daybook = a_copy_of(small_world, tmp_path / "daybook")
        daybook.database.chmod(0o644)
        daybook.run("land", daybook.write([call(messageId="x", **at("2024-06-10"))], "x.jsonl"))
        assert daybook.database.stat().st_mode & 0o777 == 0o600
        daybook.database.chmod(0o644)
        daybook.build()
        assert daybook.database.stat().st_mode & 0o777 == 0o600
        daybook.run("publish")
    finally:
        os.umask(before)
    for path in (daybook.folder / "published").rglob("*"):
        full = 0o777 if path.is_dir() else 0o666
        assert path.stat().st_mode & 0o777 == full & ~umask, path


# -- changes since last night


def restated(daybook: Daybook) -> list[tuple]:
    return published(
        daybook,
        "select report_kind, report, period, period_start, value_name, before, after, reasons"
        " from nights.restatements where night = (select max(number) from nights.nights)",
    )


def reasons(daybook: Daybook) -> set[str]:
    return {reason for *_, each in restated(daybook) for reason in json.loads(each)}


def test_a_night_without_changes_restates_nothing(small):
    for number in range(2):  # two more days, a new user among them
        day = date(2024, 6, 10) + timedelta(number)
        who = {"context": {"groupId": "acme"}, **at(day)}
        calls = [call(messageId=f"d{number}{user}", userId=user, **who) for user in ("ana", "fay")]
        summary = another_night(small, *calls)
        assert restated(small) == []
        assert summary["changed"]["restated_cells"] == 0
    small.build("--full-refresh")
    small.run("publish")
    assert restated(small) == []


def test_a_restated_day_names_its_late_event(small):
    late = call(messageId="late", userId="ana", **at("2024-05-20", 15))
    summary = another_night(small, late)
    cells = restated(small)
    day = ("activity", "active users", "day", date(2024, 5, 20), "events", 3.0, 4.0)
    assert (*day, '{"late events":1}') in cells
    assert all(start <= date(2024, 5, 20) <= date(2024, 6, 30) for _, _, _, start, *_ in cells)
    assert reasons(small) == {"late events"}
    assert summary["changed"]["largest"][0]["reasons"] == {"late events": 1}
    # The cells of earlier days are unchanged, and are still so the next night.
    assert date(2024, 5, 19) not in {cell[3] for cell in cells if cell[2] == "day"}
    another_night(small)
    assert restated(small) == []


ALIAS = {"type": "alias", "event": ..., "previousId": "ben", "userId": "ana"}
GROUP = {"type": "group", "event": ..., "groupId": "cog", "userId": "gus"}


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([call(messageId="a", **ALIAS, **at("2024-06-09", 15))], {"users merged"}),
        (
            [
                call(
                    type="identify", messageId="r", event=..., userId="ben",
                    traits={"role": "pm"}, **at("2024-06-08", 15),
                )
            ],
            {"trait changed"},
        ),
        (
            [
                call(
                    type="identify", messageId="c", event=..., userId="ben",
                    traits={"createdAt": "2023-01-01"}, **at("2024-06-08", 15),
                ),
                call(messageId="s", event="signed_up", userId="eva", **at("2024-05-06", 7)),
            ],
            {"late events", "trait changed"},  # it is not planned, so it is not published
        ),
    ],
    ids=["alias", "trait", "trait of the sign-up"],
)  # fmt: skip
def test_a_restatement_names_the_call_that_changed_earlier_events(small, calls, expected):
    if "role" in calls[0].get("traits", {}):
        report = {"report": "r", "entity": "user", "cohort_rule": "first", "period": "week",
                  "return_window": "exact", "breakdown": "role"}  # fmt: skip
        small.seed("retention_reports", [report])
        another_night(small)
        assert restated(small) != []  # the reports that are gone
    another_night(small, *calls)
    assert restated(small) != []
    assert reasons(small) == expected
    changed = {json.loads(each).get("trait changed") for *_, each in restated(small)}
    assert changed <= {None, 1}  # one user, and not the one of the late event


def test_a_company_learned_late_is_a_change_of_company(small):
    another_night(
        small,
        *(call(messageId=f"g{n}", userId="gus", **at(f"2024-05-{n}", 8)) for n in (20, 21, 22)),
    )
    group = call(messageId="group", **GROUP, traits={}, **at("2024-06-09", 15))
    another_night(small, group)
    assert "company changed" in reasons(small)
    assert {json.loads(each).get("company changed") for *_, each in restated(small)} >= {1, 3}


def test_a_users_latest_company_does_not_restate_reports_of_companies(small):
    days = [f"2024-05-{day}" for day in (20, 21, 22)]
    acme = GROUP | {"groupId": "acme", "userId": "ana"}
    another_night(
        small,
        call(messageId="acme", **acme, traits={"plan": "growth"}, **at("2024-05-06", 12)),
        *(call(messageId=day, userId="gus", **at(day, 8)) for day in days),
    )
    group = call(messageId="group", **GROUP, traits={"plan": "growth"}, **at("2024-06-05", 15))
    another_night(small, group)
    changed = """
        select max((reasons::json ->> '$."company changed"')::int)
        from nights.restatements where entity = 'company' and report = 'active paying companies'
    """
    assert published(small, changed) == [(3,)]  # the three events of gus


def test_a_restatement_names_a_changed_internal_account(small):
    rule = {"match_on": "user_id", "value": "eva", "reason": "ours"}
    small.seed("internal_accounts", [rule])
    another_night(small)
    assert reasons(small) == {"internal account changed"}


def test_a_restatement_names_changed_reports_and_plans(small):
    rows = small.seed_rows("activity_reports")
    rows[0]["event"] = "signed_up"
    small.seed("activity_reports", rows)
    another_night(small)
    assert reasons(small) == {"report changed"}
    assert {report for _, report, *_ in restated(small)} == {rows[0]["report"]}

    events = small.seed_rows("tracking_plan_events")
    for row in events:
        row["counts_as_active"] = "false" if row["event"] == "report_loaded" else ""
    small.seed("tracking_plan_events", events)
    another_night(small)
    assert reasons(small) == {"plan changed"}


def test_a_new_user_whose_id_is_its_address_leaves_the_reasons_and_months_as_they_are(small):
    new = {"userId": "new@firm.example", "context": {"groupId": "acme"}}
    identify = {"type": "identify", "event": ..., "traits": {"email": "new@firm.example"}}
    before = months(small)
    another_night(
        small,
        call(messageId="n", **identify, **new, **at("2024-06-10")),
        call(messageId="a", **(ALIAS | {"previousId": "p"}), **at("2024-06-10")),
    )
    assert months(small)["2024-05"] == before["2024-05"]
    identify["traits"]["email"] = "newer@firm.example"
    another_night(
        small,
        call(messageId="o", **identify, userId="newer@firm.example", **at("2024-06-10")),
        call(messageId="m", **ALIAS, **at("2024-06-09", 15)),
    )
    assert reasons(small) == {"users merged"}


def test_another_key_for_the_hashes_restates_nothing(people, tmp_path, monkeypatch):
    daybook = copy_with_seeds(people, tmp_path / "daybook")
    report = {"report": "by name", "entity": "user", "cohort_rule": "first", "period": "day",
              "return_window": "exact", "breakdown": "name"}  # fmt: skip
    daybook.seed("retention_reports", [report])
    daybook.build()
    publish_hashed(daybook, monkeypatch)
    publish_hashed(daybook, monkeypatch, "another key of the tests")
    assert published(daybook, "select max(number) from nights.nights") == [(2,)]
    assert restated(daybook) == []


def test_a_copy_with_other_content_is_a_late_event(small):
    copy = call(messageId="ana9", userId="ana", event="groups_opened", **at("2024-05-15"))
    another_night(small, copy | {"receivedAt": "2024-05-15T10:00:00Z"})
    assert restated(small) != []
    assert reasons(small) == {"late events"}


def test_a_changed_var_is_a_reason_in_the_night_that_is_built_with_it(small):
    set_var(small, "as_of", "2024-05-31")
    small.run("publish")
    assert restated(small) == []
    another_night(small)
    assert restated(small) != []
    assert all("plan changed" in json.loads(each) for *_, each in restated(small))


def test_later_events_are_no_reason_for_a_cell_that_is_gone(small):
    events = small.seed_rows("tracking_plan_events")
    for row in events:
        row["feature"] = row["feature"] and f"{row['feature']} again"
    small.seed("tracking_plan_events", events)
    another_night(small, call(messageId="late", userId="ana", **at("2024-06-05", 15)))
    gone = {
        (start, each)
        for kind, _, period, start, *_, after, each in restated(small)
        if (kind, period, after) == ("feature_adoption", "month", None)
    }
    assert gone == {(date(2024, 5, 1), '{"plan changed":1}')}


def test_a_users_latest_company_is_no_reason_for_reports_without_companies(small):
    reports = small.seed_rows("activity_reports")
    small.seed(
        "activity_reports",
        [
            reports[0] | {"report": report, "entity": "user", "filter_by": by, "filter_values": of}
            for report, by, of in (
                ("founders", "role", "founder"),
                ("growing", "company.plan", "growth"),
            )
        ],
    )
    plan = call(
        type="group", messageId="p", event=..., userId="ana", groupId="acme",
        traits={"plan": "growth"}, **at("2024-05-06", 7),
    )  # fmt: skip
    another_night(small, plan)
    moved = call(
        messageId="moved", userId="eva", context={"groupId": "acme"}, **at("2024-06-08", 15)
    )
    late = call(messageId="late", userId="ana", context={"groupId": "acme"}, **at("2024-05-20", 15))
    another_night(small, moved, late)
    found = {
        report: {
            reason
            for _, r, *_, each in restated(small)
            if r == report
            for reason in json.loads(each)
        }
        for report in ("founders", "growing")
    }
    assert found["founders"] == {"late events"}
    assert "company changed" in found["growing"]


def test_a_restatement_names_an_unloaded_load(small):
    (load,) = small.rows("select max(load_id) as load_id from raw.loads")
    another_night(small, call(messageId="late", userId="ana", **at("2024-05-20", 15)))
    small.run("unland", "--load", load["load_id"] + 1)
    another_night(small)
    assert restated(small) != []
    assert reasons(small) == {"load taken out"}


# -- readers


def test_questions_are_answered_from_the_published_copy_while_a_night_runs(small, monkeypatch):
    monkeypatch.setenv("DAYBOOK_LOCK_SECONDS", "0.1")
    with duckdb.connect(str(small.database)):
        holder = subprocess.run(
            [sys.executable, "-m", "loaders", "ask", "7"],
            cwd=small.folder,
            env=os.environ | {"PYTHONPATH": str(REPO)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert holder.returncode == 0, holder.stderr
        assert "As of 2024-06-08" in holder.stdout
        assert "From the published copy, night 1." in holder.stderr
    named = small.run("--database", small.database, "ask", "7")
    assert "From the published copy" not in named.output


def test_all_seven_published_answers_equal_those_of_the_warehouse(world):
    before = world.run("ask", "--json").stdout
    world.run("publish")
    assert world.run("ask", "--json").stdout == before


def test_a_question_about_personal_data_points_to_the_warehouse(people, tmp_path):
    daybook = copy_with_seeds(people, tmp_path / "daybook")
    daybook.run("publish")
    said = " ".join(daybook.run("ask", "which_email_domains").output.split())
    assert 'The published copy holds no personal data, and the user trait "email" is' in said
    with _inside(daybook.folder):
        named = daybook.run("--database", "warehouse.duckdb", "ask", "which_email_domains")
    assert "holds no personal data" not in named.output
