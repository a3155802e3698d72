"""Erasure: what `daybook forget` removes and from where, what it proves, and what stays gone."""

import json

import duckdb
import pytest
from harness import Daybook
from lines import call

ANA, OLD, PHONE, MAIL = "ana-4711", "visitor-0815", "a1b2c3d4-phone", "ana.doe@acme.example"


def at(day: int, hour: int = 10) -> dict:
    return {
        "timestamp": f"2024-05-{day:02}T{hour:02}:00:00Z",
        "receivedAt": f"2024-05-{day:02}T{hour:02}:00:01Z",
    }


def anas_calls() -> list[dict]:
    """Ana signs up, is known by two ids and a telephone, and works for Acme."""
    me = {"userId": ANA, "context": {"groupId": "acme-0001"}}
    traits = {"email": MAIL, "role": "founder"}
    return [
        call(messageId="a1", type="identify", event=..., traits=traits, **me, **at(1)),
        call(messageId="a2", userId=OLD, **at(1, 11)),
        call(messageId="a3", type="alias", event=..., previousId=OLD, userId=ANA, **at(1, 12)),
        call(messageId="a4", anonymousId=PHONE, **me, **at(2)),
        call(messageId="a5", userId=..., anonymousId=PHONE, **at(3)),
        call(messageId="a6", anonymousId="kiosk", **me, **at(3, 11)),
        call(messageId="a7", type="group", event=..., groupId="acme-0001", userId=ANA, **at(4)),
    ]


def bens_calls() -> list[dict]:
    """Ben, a colleague of hers, uses the kiosk too."""
    me = {"userId": "ben", "context": {"groupId": "acme-0001"}}
    return [
        call(messageId="b1", type="identify", event=..., traits={"role": "pm"}, **me, **at(1)),
        *(call(messageId=f"b2{day}", anonymousId="kiosk", **me, **at(day)) for day in range(1, 9)),
        call(messageId="b3", userId=..., anonymousId="kiosk", **at(5, 11)),
    ]


def left_in_files(daybook: Daybook, *texts: str) -> dict[str, str]:
    """The files below the folder, but for logs, in which a text stands: its bytes or its value."""
    found = {}
    for path in daybook.folder.rglob("*"):
        if not path.is_file() or path.is_relative_to(daybook.logs) or path.is_symlink():
            continue
        if path.suffix in (".csv", ".sql", ".yml") or "target" in path.parts:
            continue
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += str(duckdb.sql(f"from '{path}'").fetchall()).encode()
        if content[8:12] == b"DUCK":
            with duckdb.connect(str(path), read_only=True) as connection:
                tables = connection.execute(
                    "select schema_name, table_name from duckdb_tables()"
                ).fetchall()
                for schema, table in tables:
                    rows = connection.execute(f'from "{schema}"."{table}"').fetchall()
                    content += str(rows).encode()
        for text in texts:
            if text.lower().encode() in content.lower():
                found[str(path.relative_to(daybook.folder))] = text
    return found


def messages(daybook: Daybook) -> set[str]:
    return {row["message_id"] for row in daybook.rows("select message_id from raw.calls")}


def certificate(daybook: Daybook, *arguments) -> dict:
    return json.loads(daybook.run("forget", *arguments, "--yes", "--json").stdout)


def accounted(daybook: Daybook) -> str:
    """The line of `daybook status` that adds the lines up."""
    shown = daybook.run("status").stdout.splitlines()
    assert "Every line is accounted for." in shown
    (lines,) = [line for line in shown if line.startswith("lines")]
    return lines.split(maxsplit=1)[1]


# --- Who a person is, and which calls are hers


@pytest.mark.parametrize("named", [ANA, OLD])
def test_a_person_is_erased_with_all_its_ids_and_its_own_devices(daybook, named):
    daybook.write(anas_calls(), "ana.jsonl")
    daybook.write(bens_calls(), "ben.jsonl")
    daybook.land()
    said = certificate(daybook, "--user", named)
    assert said["forgotten"]["users"] == [ANA, OLD]
    assert said["forgotten"]["devices"] == [PHONE]
    assert said["forgotten"]["emails"] == [MAIL]
    assert said["left"]["shared_devices"] == ["kiosk"]
    assert messages(daybook) == {each["messageId"] for each in bens_calls()}
    assert left_in_files(daybook, ANA, OLD, PHONE, MAIL) == {}
    assert accounted(daybook) == "17 = 10 landed + 0 quarantined + 0 blank + 7 forgotten"


def test_landing_again_brings_nobody_back(daybook):
    daybook.write(anas_calls(), "ana.jsonl")
    daybook.write(bens_calls(), "ben.jsonl")
    daybook.land()
    certificate(daybook, "--user", ANA)
    assert "unchanged" in daybook.land().stdout

    mixed = [line for pair in zip(anas_calls(), bens_calls(), strict=False) for line in pair]
    daybook.write(mixed, "mixed.jsonl")
    body = {"batch": [bens_calls()[0], anas_calls()[0]], "sentAt": "2024-05-09T10:00:00Z"}
    broken = json.dumps(call(userId=ANA, event=""))
    daybook.write([body, broken, "{" + broken, '{"type": "wink"}', ""], "others.jsonl")
    shown = daybook.land(daybook.logs / "mixed.jsonl", daybook.logs / "others.jsonl").stdout
    assert "14 lines, 7 calls, 7 forgotten (load" in shown
    assert "5 lines, 1 call, 1 quarantined, 1 blank, 3 forgotten" in shown
    assert left_in_files(daybook, ANA, OLD, PHONE, MAIL) == {}
    assert accounted(daybook) == "36 = 17 landed + 1 quarantined + 1 blank + 17 forgotten"
    assert messages(daybook) == {each["messageId"] for each in bens_calls()}
