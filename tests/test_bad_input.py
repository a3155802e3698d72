"""Damaged and hostile files: each is refused whole, with a reason that a person can act on.

Sound files in the same folder still land.
"""

import gzip
import json
import os
import random
import socket
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from io import BytesIO
from pathlib import Path

import duckdb
import pytest
import zstandard
from harness import REPO, Daybook

from loaders.landing.discover import discover
from loaders.landing.lander import Lander
from loaders.landing.ledger import NO_CALL
from loaders.limits import Limits
from loaders.warehouse import open_warehouse


def call(number: int = 1) -> bytes:
    return (
        b'{"type":"track","messageId":"m%d","userId":"ana","event":"e","timestamp":"2024-05-01"}\n'
        % (number)
    )


CALLS = b"".join(call(number) for number in range(3000))
# Compresses badly, so that there are many blocks to cut at.
NOISE = random.Random(5).randbytes(300_000).hex().encode()
LONG_CALLS = b"".join(
    call(number)[:-2] + b',"name":"' + NOISE[number * 100 : number * 100 + 100] + b'"}\n'
    for number in range(6000)
)


def gz(data: bytes) -> bytes:
    """gzip without the time, so that the bytes are the same in every process."""
    return gzip.compress(data, mtime=0)


def tar(data: bytes, mode: str = "w") -> bytes:
    """A tar archive with a log in it."""
    out = BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        member = tarfile.TarInfo("logs/log.jsonl")
        member.size = len(data)
        archive.addfile(member, BytesIO(data))
    return out.getvalue()


def zipped(*names: str) -> bytes:
    """A zip archive with a log under each of these names."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), CALLS)
    return out.getvalue()


def zstd(data: bytes, **options) -> bytes:
    return zstandard.ZstdCompressor(**options).compress(data)


def in_blocks(data: bytes) -> list[bytes]:
    """A zstd frame as its header and first block, its other blocks, and its end."""
    packer = zstandard.ZstdCompressor().compressobj()
    blocks = []
    for start in range(0, len(data), 20_000):
        block = packer.compress(data[start : start + 20_000])
        blocks.append(block + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
    return [*blocks, packer.flush()]


def with_byte(data: bytes, position: int) -> bytes:
    """The same with one bit turned."""
    position %= len(data)
    return data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :]


def land(daybook: Daybook, content: bytes, name: str = "bad.log", wanted_exit: int = 4):
    """Land `content` beside a sound file on either side."""
    daybook.write(call(1_000_001), "a sound file.jsonl")
    daybook.write(call(1_000_002), "z sound file.jsonl")
    (daybook.logs / name).write_bytes(content)
    result = daybook.land(exit_code=wanted_exit)
    assert "Traceback" not in result.output
    return result


def refused(daybook: Daybook, result, name: str = "bad.log") -> str:
    """The reason why the only file was refused; it must leave no row, and print one line."""
    [load] = daybook.rows("from raw.loads where status = 'refused'")
    assert load["path"].endswith(name)
    sound = daybook.rows("select * from raw.loads where status = 'landed'")
    assert len(sound) == 2
    calls = daybook.rows("select * from raw.calls order by message_id")
    assert [row["message_id"] for row in calls] == ["m1000001", "m1000002"]
    assert daybook.rows("from raw.quarantine") == []
    assert result.stderr.count("\n") == 1
    assert name in result.stderr
    assert load["reason"] in result.stderr
    daybook.run("status", exit_code=0)
    return load["reason"]


GZ, GZ_LONG = gz(CALLS), gz(LONG_CALLS)
ZST = zstd(CALLS, write_checksum=True)
BLOCKS = in_blocks(LONG_CALLS)
DAMAGED = {
    # gzip
    "a wrong checksum": (with_byte(GZ, -8), "gzip"),
    "a wrong length": (with_byte(GZ, -4), "gzip"),
    "a bit turned in the middle": (with_byte(GZ_LONG, len(GZ_LONG) // 2), "gzip"),
    "a gzip without its last byte": (GZ[:-1], "cut off"),
    "a gzip without its checksum": (GZ[:-8], "cut off"),
    "half a gzip": (GZ_LONG[: len(GZ_LONG) // 2], "cut off"),
    "a gzip's header": (GZ[:10], "cut off"),
    "half a gzip's header": (GZ[:5], "cut off"),
    "a gzip's first two bytes": (GZ[:2], "cut off"),
    "a second member cut": (GZ + GZ[:-5], "cut off"),
    "a second member's first two bytes": (GZ + GZ[:2], "cut off"),
    "a second member with a wrong checksum": (GZ + with_byte(GZ, -8), "gzip"),
    "garbage after a gzip": (GZ + b"garbage", "garbage"),
    "one byte after a gzip": (GZ + b"\x1f", "garbage"),
    "a line after a gzip": (GZ + call(), "garbage"),
    "a zstd after a gzip": (GZ + ZST, "garbage"),
    "an unknown method": (GZ[:2] + b"\x07" + GZ[3:], "gzip"),
    # zstd
    "a zstd cut at a block": (b"".join(BLOCKS[:-3]), "cut off"),
    "a zstd without its end": (b"".join(BLOCKS[:-1]), "cut off"),
    "a zstd's first block": (BLOCKS[0], "cut off"),
    "half a zstd": (ZST[: len(ZST) // 2], "cut off"),
    "a zstd without its checksum": (ZST[:-4], "cut off"),
    "a zstd's first four bytes": (ZST[:4], "cut off"),
    "a wrong zstd checksum": (with_byte(ZST, -1), "zstd"),
    "a bit turned in a zstd": (with_byte(zstd(LONG_CALLS, write_checksum=True), 90_000), "zstd"),
    "a second frame cut": (ZST + ZST[:-5], "cut off"),
    "garbage after a zstd": (ZST + b"garbage", "garbage"),
    "a line after a zstd": (ZST + call(), "garbage"),
    "a gzip after a zstd": (ZST + GZ, "garbage"),
    # other encodings
    "UTF-16": (CALLS.decode().encode("utf-16"), "UTF-16"),
    "UTF-16, big end first": (b"\xfe\xff" + CALLS.decode().encode("utf-16-be"), "UTF-16"),
    "UTF-16 without a mark": (CALLS.decode().encode("utf-16-le"), "UTF-16"),
    "UTF-16-BE without a mark": (CALLS.decode().encode("utf-16-be"), "UTF-16"),
    "UTF-32": (CALLS.decode().encode("utf-32"), "UTF-32"),
    "UTF-32 without a mark": (CALLS.decode().encode("utf-32-le"), "UTF-32"),
    "UTF-16 in a gzip": (gz(CALLS.decode().encode("utf-16")), "UTF-16"),
    # files that are no logs
    "a gzip in a gzip": (gz(GZ), "twice"),
    "a zstd in a gzip": (gz(ZST), "twice"),
    "tar": (tar(CALLS), "a tar archive"),
    "tar with a long header": (tar(CALLS, "w:"), "a tar archive"),
    "tar in a gzip": (tar(CALLS, "w:gz"), "a tar archive"),
    "tar in a zstd": (zstd(tar(CALLS)), "a tar archive"),
    "tar in a bzip2": (tar(CALLS, "w:bz2"), "bzip2"),
    "tar in an xz": (tar(CALLS, "w:xz"), "xz"),
    "zip of a log": (zipped("log.jsonl"), "a zip archive"),
    "zip of nothing": (zipped(), "a zip archive"),
    "zip in a gzip": (gz(zipped("log.jsonl")), "a zip archive"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(40), "7z"),
    "RAR": (b"Rar!\x1a\x07\x01" + bytes(40), "RAR"),
    "snappy": (b"\xff\x06\x00\x00sNaPpY" + bytes(40), "snappy"),
    "compress": (b"\x1f\x9d\x90" + bytes(40), "compress"),
    "ORC": (b"ORC" + bytes(40), "ORC"),
    "Arrow": (b"ARROW1" + bytes(40), "Arrow"),
    "SQLite": (b"SQLite format 3\x00" + bytes(40), "SQLite"),
    "PDF": (b"%PDF-1.7\n", "PDF"),
    "bzip2": (b"BZh91AY&SY" + bytes(40), "bzip2"),
    "xz": (b"\xfd7zXZ\x00" + bytes(40), "xz"),
    "lz4": (b"\x04\x22\x4d\x18" + bytes(40), "lz4"),
    "zip": (b"PK\x03\x04" + bytes(40), "zip"),
    "Parquet": (b"PAR1" + bytes(40), "Parquet"),
    "Avro": (b"Obj\x01" + bytes(40), "Avro"),
}


@pytest.fixture(scope="module")
def all_damaged(tmp_path_factory) -> tuple[Daybook, dict[str, str]]:
    """Every damaged file in one folder, with two sound ones; and the outcome of each."""
    daybook = Daybook(tmp_path_factory.mktemp("damaged") / "daybook")
    daybook.write(call(1_000_001), "a sound file")  # its name sorts between the others
    daybook.write(call(1_000_002), "h sound file")
    for damage, (content, _) in DAMAGED.items():
        (daybook.logs / damage).write_bytes(content)
    told = daybook.land(exit_code=4).stderr.splitlines()
    return daybook, {line.split("logs_in/")[1].split(": ")[0]: line for line in told}


def test_sound_files_beside_damaged_ones_are_landed(all_damaged):
    daybook, told = all_damaged
    calls = daybook.rows("select * from raw.calls order by message_id")
    assert [row["message_id"] for row in calls] == ["m1000001", "m1000002"]
    assert daybook.rows("from raw.quarantine") == []
    assert told.keys() == DAMAGED.keys()
    daybook.run("status", exit_code=0)


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_refused_whole_with_its_reason(all_damaged, damage):
    daybook, told = all_damaged
    path = str(daybook.logs / damage)
    [load] = [row for row in daybook.rows("from raw.loads") if row["path"] == path]
    assert load["status"] == "refused"
    assert DAMAGED[damage][1] in load["reason"]
    assert load["reason"] in told[damage]


@pytest.mark.parametrize("kind", ["tar", "tar in a gzip", "zip of a log"])
def test_an_archive_is_refused_with_advice(all_damaged, kind):
    """The reason names the kind of the archive, and not a doubtful encoding."""
    _, told = all_damaged
    archive = "zip" if "zip of" in kind else "tar"
    assert f"logs_in/{kind}: a {archive} archive" in told[kind]
    assert "unpack it" in told[kind]
    assert "UTF-16" not in told[kind]


def test_a_log_with_the_magic_bytes_of_a_tar_in_its_text_is_no_archive(daybook):
    line = call()[:-2] + b',"name":"'
    line += b"x" * (257 - len(line)) + b'ustar"}\n'
    assert line[257:262] == b"ustar"
    daybook.write(line)
    daybook.land()
    assert len(daybook.rows("from raw.calls")) == 1


# --- Files that are no logs


NO_LOGS = {
    "README.md": b'# Logs\n\nThey lie in `logs/`, as {"type": "track"} and so on.\n',
    "users.csv": b"userId,type\nana,track\n",
    "page.html": b"<!doctype html>\n<html></html>\n",
    "a pretty-printed call": json.dumps(json.loads(call()), indent=2).encode(),
    "a pretty-printed array": json.dumps([json.loads(call())] * 2, indent=2).encode(),
    "package.json": b'{\n  "name": "x",\n  "type": "module"\n}\n',
    "numbers": b"1\n2\n3\n",
    "other JSON": b'{"level": "info", "msg": "started"}\n{"level": "info"}\n',
    "one letter": b"x",
    "blank lines and a word": b"\n\n  \nword\n\n",
    "a NUL": b"\x00",
}


@pytest.mark.parametrize("limits", [{}, {"DAYBOOK_CHUNK_BYTES": "1"}])
@pytest.mark.parametrize("careful", [False, True])
def test_a_file_without_a_single_call_is_refused_whole(daybook, monkeypatch, limits, careful):
    """Many such files, and two logs, whether in one transaction or in pieces."""
    for name, value in limits.items():
        monkeypatch.setenv(name, value)
    for name, content in NO_LOGS.items():
        daybook.write(content, name)
    daybook.write(call(1_000_001), "a sound file.jsonl")
    daybook.write(call(1_000_002), "z sound file.jsonl")
    with open_warehouse(daybook.database, Limits.from_environment()) as warehouse:
        lander = Lander(warehouse, Limits.from_environment(), careful=careful)
        results = list(lander.land(discover([str(daybook.logs)])))
    told = {Path(each.file.path).name: each.because for each in results if each.because}
    assert told == dict.fromkeys(NO_LOGS, NO_CALL)
    assert [Path(each.file.path).name for each in results] == sorted(
        [*NO_LOGS, "a sound file.jsonl", "z sound file.jsonl"]
    )
    assert len(daybook.rows("from raw.calls")) == 2
    assert daybook.rows("from raw.quarantine") == []
    refused = daybook.rows("from raw.loads where status = 'refused'")
    assert {row["reason"] for row in refused} == {NO_CALL}
    assert {row["lines"] for row in refused} == {None}
    daybook.run("status")


def test_json_of_many_lines_is_refused_with_a_command_that_makes_lines_of_it(daybook):
    calls = [{"type": "track", "userId": "ana", "event": "e", "timestamp": "2024-05-01"}]
    path = daybook.write(json.dumps(calls, indent=2).encode())
    assert "jq -c . FILE" in daybook.land(path, exit_code=4).stderr


def test_a_file_that_is_no_log_is_refused_again_until_it_is_one(daybook):
    path = daybook.write(NO_LOGS["README.md"], "README.md")
    for _ in range(2):
        result = daybook.land(exit_code=4)
        assert result.stderr == f"refused    logs_in/README.md: {NO_CALL}\n"
        assert len(daybook.rows("from raw.loads")) == 1
    path.write_bytes(call())
    daybook.land()
    assert [row["status"] for row in daybook.rows("from raw.loads")] == ["landed"]


def test_two_copies_of_a_file_that_is_no_log_are_both_refused_each_time(daybook, monkeypatch):
    for chunk in ("100000", "1"):
        monkeypatch.setenv("DAYBOOK_CHUNK_BYTES", chunk)
        for name in ("1.md", "2.md", "day/3.md"):
            daybook.write(NO_LOGS["README.md"], name)
        for _ in range(2):
            assert len(daybook.land(exit_code=4).stderr.splitlines()) == 3
            assert {row["status"] for row in daybook.rows("from raw.loads")} == {"refused"}
            assert daybook.rows("from raw.copies") == []
        daybook.forget()


@pytest.mark.parametrize(
    "line",
    [
        call()[:-3],
        b'{"type":"track"}',
        b'{"batch":[{}]}',
        b'{"batch":[]}',
        b" [" + call()[:-1],
        b"[]",
        b'{ "userId" : "ana", }',
        b'{"event":"$identify","distinct_id":"ana"}',
    ],
)
@pytest.mark.parametrize("chunk", ["100000", "1"])
def test_a_file_with_one_broken_call_is_a_log(daybook, monkeypatch, line, chunk):
    """Its broken and its other lines are quarantined."""
    monkeypatch.setenv("DAYBOOK_CHUNK_BYTES", chunk)
    daybook.write(b"oops\n" + line + b"\noops\n")
    daybook.land()
    [load] = daybook.rows("from raw.loads")
    assert (load["status"], load["quarantined"], load["calls"]) == ("landed", 3, 0)


def test_a_database_is_not_a_log(daybook):
    with duckdb.connect(str(daybook.folder / "other")) as connection:
        connection.execute("create table a as select 1")
    content = (daybook.folder / "other").read_bytes()
    assert "DuckDB" in refused(daybook, land(daybook, content))


def test_a_damaged_file_of_many_chunks_is_refused_whole(daybook, monkeypatch):
    """Most of the file has been stored when the damage is found: all of it is rolled back."""
    monkeypatch.setenv("DAYBOOK_CHUNK_BYTES", "50000")
    for damage in ("a wrong checksum", "a bit turned in the middle", "a zstd cut at a block"):
        daybook.forget()
        content, told = DAMAGED[damage]
        assert told in refused(daybook, land(daybook, content))


# --- Bombs


def test_a_bomb_by_its_ratio_is_refused(daybook, monkeypatch):
    monkeypatch.setenv("DAYBOOK_MAX_RATIO", "50")
    monkeypatch.setenv("DAYBOOK_RATIO_FROM_BYTES", "1000000")
    bomb = gz(call(7) * 40_000)
    reason = refused(daybook, land(daybook, bomb))
    assert "50 times" in reason
    assert "DAYBOOK_MAX_RATIO" in reason

    monkeypatch.setenv("DAYBOOK_MAX_RATIO", "100000")
    daybook.land()
    assert len(daybook.rows("from raw.calls")) == 40_002


@pytest.mark.parametrize("pack", [gzip.compress, zstd, bytes])
def test_a_bomb_by_its_size_is_refused(daybook, monkeypatch, pack):
    monkeypatch.setenv("DAYBOOK_MAX_UNPACKED_BYTES", "200000")
    reason = refused(daybook, land(daybook, pack(CALLS)))
    assert "DAYBOOK_MAX_UNPACKED_BYTES" in reason


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_a_bomb_is_refused_before_it_fills_the_memory(daybook, pack):
    """A few kilobytes that unfold into a thousand times as much, and would go on."""
    bomb = pack((b" " * (1 << 20) + b"\n") * 100)
    assert len(bomb) < 110_000
    started = time.monotonic()
    assert "times its size" in refused(daybook, land(daybook, bomb))
    assert time.monotonic() - started < 20


def test_a_line_that_is_too_long_refuses_its_file(daybook, monkeypatch):
    monkeypatch.setenv("DAYBOOK_MAX_LINE_BYTES", "100000")
    reason = refused(daybook, land(daybook, CALLS + b'"' + b"x" * 5_000_000))
    assert "DAYBOOK_MAX_LINE_BYTES" in reason


@pytest.mark.parametrize("size", [9, 10, 11])
def test_the_line_limit_also_holds_in_a_small_file(daybook, monkeypatch, size):
    monkeypatch.setenv("DAYBOOK_MAX_LINE_BYTES", str(len(call()) - 1 + size))
    lines = b"".join((call(), b"\n", call()[:-1] + b" " * 10 + b"\n", call(2)))
    (daybook.logs / "log.jsonl").write_bytes(lines)
    said = daybook.land(exit_code=0 if size >= 10 else 4).stderr
    assert ("DAYBOOK_MAX_LINE_BYTES" in said) == (size < 10)
    assert ("a line is longer than 94 bytes" in said) == (size < 10)


@pytest.mark.parametrize("limit", ["many", "nan", "inf", "-1", "1e30"])
@pytest.mark.parametrize("variable", ["DAYBOOK_MAX_RATIO", "DAYBOOK_MEMORY"])
def test_an_error_names_a_limit_that_is_no_number(daybook, monkeypatch, variable, limit):
    monkeypatch.setenv(variable, limit)
    daybook.write(call())
    result = daybook.land(exit_code=1)
    told = f"daybook: {variable} must be a number from 0 to 1e+18, not '{limit}'.\n"
    assert result.stderr == told


def test_a_body_with_many_problems_is_stored_once(daybook):
    item = {"type": "track", "event": "e", "userId": "ana", "properties": {"x": "y" * 200}}
    body = json.dumps({"batch": [item] * 100}).encode() + b"\n"
    daybook.write(body * 200)
    daybook.land()
    [found] = daybook.rows(
        "select count(*) as problems, count(line) as kept, sum(octet_length(line)) as bytes"
        " from raw.quarantine"
    )
    assert found == {"problems": 20_000, "kept": 200, "bytes": 200 * (len(body) - 1)}


def test_a_problem_of_a_large_body_is_shown_with_the_beginning_of_that_body(daybook):
    """The second problem of a large body is kept without its text, and shows no other line's."""
    item = {"type": "track", "event": "e", "properties": {"x": "y" * 200_000}}
    no_event = {"type": "track", "userId": "ana", "timestamp": "2024-05-01"}
    body = {"batch": [item, 5, no_event]}
    other = no_event | {"userId": "ben"}
    daybook.write([body, other])
    shown = daybook.land().stdout.splitlines()
    [place] = [shown[row + 1] for row, line in enumerate(shown) if "no_event" in line]
    assert ':1 call 3  {"batch": [{"type": "track", "event": "e"' in place

    shown = daybook.run("quarantine").stdout.splitlines()
    assert [line.split("  ")[2:] for line in shown] == [
        ["no_user_id", json.dumps(body)[:200]],
        ["not_a_json_object", json.dumps(body)[:200]],
        ["no_event", json.dumps(body)[:200]],
        ["no_event", json.dumps(other)],
    ]
    [kept] = daybook.rows("select call_number from raw.quarantine where octet_length(line) > 1000")
    assert kept == {"call_number": 1}


def test_a_giant_line_is_shown_without_being_read_whole(daybook):
    daybook.write(b"x" * 250_000_000 + b"\n" + call())
    assert "not_a_json_object" in daybook.land().stdout


def test_a_file_of_many_small_gzip_members_is_one_log(daybook):
    """Also where a member, or its two first bytes, lies across two of the bites it is read in."""
    members = [gzip.compress(call(number), 1) for number in range(1_000, 4_000)]
    members.insert(1_500, gzip.compress(LONG_CALLS))
    daybook.write(b"".join(members))
    daybook.land()
    [found] = daybook.rows("select count(*) as calls from raw.calls")
    assert found == {"calls": 9_000}


# --- Files that are not regular files


def test_a_folder_with_the_name_of_a_log_is_walked(daybook):
    daybook.write(call(), "day.jsonl/a.jsonl")
    daybook.write(call(2), "day.jsonl/deep/er/b.jsonl.gz")
    daybook.land(daybook.logs / "day.jsonl")
    assert len(daybook.rows("from raw.calls")) == 2


@pytest.fixture(params=["a pipe", "a socket"])
def no_file(request, daybook, monkeypatch):
    """A pipe or a socket in the logs' folder: it has a name, but no content."""
    path = daybook.logs / "bad.log"
    if request.param == "a pipe":
        os.mkfifo(path)
        yield path
    else:
        with socket.socket(socket.AF_UNIX) as server:
            monkeypatch.chdir(daybook.logs)  # the names of sockets are short
            server.bind(path.name)
            yield path


def test_a_pipe_or_a_socket_that_was_named_is_refused(daybook, no_file):
    first = daybook.write(call(1_000_001), "a sound file.jsonl")
    last = daybook.write(call(1_000_002), "z sound file.jsonl")
    result = daybook.land(first, no_file, last, exit_code=4)
    assert "not a regular file" in refused(daybook, result)


@pytest.mark.usefixtures("no_file")
def test_a_pipe_or_a_socket_in_a_folder_is_skipped(daybook):
    daybook.write(call())
    daybook.land(exit_code=0)
    assert [row["status"] for row in daybook.rows("from raw.loads")] == ["landed"]


def test_the_null_device_is_refused(daybook):
    assert "not a regular file" in daybook.land("/dev/null", exit_code=4).stderr


# --- Links


def test_a_link_that_leaves_the_folder_is_refused(daybook, tmp_path):
    secret = tmp_path / "elsewhere.jsonl"
    secret.write_bytes(call(9))
    daybook.write(call(1_000_001), "a sound file.jsonl")
    daybook.write(call(1_000_002), "z sound file.jsonl")
    (daybook.logs / "bad.log").symlink_to(secret)
    assert "link" in refused(daybook, daybook.land(exit_code=4))


def test_a_folder_that_is_a_link_is_not_walked(daybook, tmp_path):
    """Neither a link that leaves the given folder nor one that leads in a circle is followed."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.jsonl").write_bytes(call(9))
    daybook.write(call())
    (daybook.logs / "out").symlink_to(tmp_path / "elsewhere")
    (daybook.logs / "circle").symlink_to(daybook.logs)
    assert "out: a link that leads out of the folder" in daybook.land(exit_code=4).stderr
    assert [row["message_id"] for row in daybook.rows("from raw.calls")] == ["m1"]


def test_a_link_within_the_folder_is_another_name(daybook):
    path = daybook.write(call())
    (daybook.logs / "link.jsonl").symlink_to(path)
    daybook.land()
    assert len(daybook.rows("from raw.calls")) == 1


def test_a_link_that_was_named_is_followed(daybook, tmp_path):
    path = daybook.write(call())
    (tmp_path / "link").symlink_to(path)
    daybook.land(tmp_path / "link")
    assert len(daybook.rows("from raw.calls")) == 1


def test_a_link_to_nothing_is_refused(daybook):
    daybook.write(call(1_000_001), "a sound file.jsonl")
    daybook.write(call(1_000_002), "z sound file.jsonl")
    (daybook.logs / "bad.log").symlink_to("nowhere")
    reason = refused(daybook, daybook.land(exit_code=4))
    assert "cannot be read" in reason or "link" in reason


# --- Files that change or cannot be read


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_refused_and_the_others_land(daybook):
    for number in range(1_000_001, 1_000_003):
        daybook.write(call(number), f"{number}.jsonl")
    path = daybook.write(call(5), "bad.log")
    path.chmod(0)
    assert "cannot be read" in refused(daybook, daybook.land(exit_code=4))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_folder_is_refused_and_not_skipped(daybook):
    for number in range(1_000_001, 1_000_003):
        daybook.write(call(number), f"{number}.jsonl")
    daybook.write(call(5), "bad/a.jsonl")
    (daybook.logs / "bad").chmod(0)
    try:
        assert "cannot be read" in refused(daybook, daybook.land(exit_code=4), "bad")
    finally:
        (daybook.logs / "bad").chmod(0o700)


@pytest.mark.parametrize("instead", [None, os.mkfifo, os.mkdir])
def test_only_the_file_that_is_gone_when_it_is_read_is_refused(daybook, instead):
    """The folder was listed, and then somebody put nothing, a pipe or a folder in its place."""
    paths = [daybook.write(call(number), f"{number}.jsonl") for number in range(5)]
    files = discover([str(daybook.logs)])
    paths[2].unlink()
    if instead:
        instead(paths[2])
    with open_warehouse(daybook.database, Limits()) as warehouse:
        results = list(Lander(warehouse, Limits()).land(files))
    assert [each.status for each in results] == ["landed"] * 2 + ["refused"] + ["landed"] * 2
    assert len(daybook.rows("from raw.calls")) == 4


def test_a_file_that_grows_while_it_is_read_is_postponed(daybook):
    path = daybook.write(CALLS * 60, "growing.jsonl")
    daybook.write(call(1_000_001), "a.jsonl")
    stop = threading.Event()

    def grow() -> None:
        with path.open("ab") as file:
            while not stop.is_set():
                file.write(call(9))
                file.flush()
                time.sleep(0.002)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        result = daybook.land(exit_code=None)
    finally:
        stop.set()
        writer.join()
    assert result.exit_code in (0, 4)
    assert "growing.jsonl" in result.output
    assert "being written" in result.output
    assert [row["message_id"] for row in daybook.rows("from raw.calls")] == ["m1000001"]
    daybook.run("status")

    daybook.land()
    lines = path.read_bytes().count(b"\n")
    assert len(daybook.rows("from raw.calls")) == lines + 1
    assert lines > 180_000


# --- Unusual, but sound files


@pytest.mark.parametrize("content", [b"", b"\n\n  \n\t\r\n", b"\xef\xbb\xbf", gz(b"")])
def test_a_file_of_no_lines_or_blank_lines_lands_without_calls(daybook, content):
    land(daybook, content, wanted_exit=0)
    [load] = daybook.rows("from raw.loads where path like '%bad.log'")
    assert (load["status"], load["calls"], load["quarantined"]) == ("landed", 0, 0)
    assert load["lines"] == load["blank"]


def test_a_log_with_the_magic_bytes_of_duckdb_in_its_text_is_no_database(daybook):
    daybook.write(b'{"env":"DUCK","type":"?"}\n')
    daybook.land()


def test_a_log_of_broken_calls_only_lands_without_calls(daybook):
    lines = [b"broken", b"null", b"[]", b"{}", b"\xff\xfa", b'{"type":"track"}']
    result = land(daybook, b"\n".join(lines), wanted_exit=0)
    [load] = daybook.rows("from raw.loads where path like '%bad.log'")
    assert (load["status"], load["lines"], load["quarantined"]) == ("landed", 6, 6)
    assert "daybook" in result.stdout
    assert "quarantine" in result.stdout  # the command that shows them
    kept = daybook.rows("select line from raw.quarantine order by line_number")
    assert [row["line"] for row in kept] == lines


@pytest.mark.parametrize("seed", range(4))
def test_random_bytes_are_refused_or_quarantined_and_never_lost(daybook, seed):
    content = random.Random(seed).randbytes(20_000)
    result = land(daybook, content, wanted_exit=None)
    [load] = daybook.rows("from raw.loads where path like '%bad.log'")
    if result.exit_code == 0:
        assert load["lines"] == content.count(b"\n") + (not content.endswith(b"\n"))
        assert load["calls"] == 0
    else:
        assert result.exit_code == 4
        assert load["status"] == "refused"
    daybook.run("status")


NAMES = [
    "a file.jsonl",
    "it's.jsonl",
    'a "quote".jsonl',
    "a\nline.jsonl",
    "tab\there.jsonl",
    "\x1b[31mred.jsonl",
    "ünï💥.jsonl",
    "[brackets]*?.jsonl",
    "{braces}.jsonl",
    "-rf",
    "--help",
    "$HOME; rm -rf.jsonl",
    "100%s.jsonl",
    "back\\slash.jsonl",
    "a,b.jsonl",
    "sp ace/ and dir/x.jsonl",
    "\u00e9.jsonl",
    "e\u0301.jsonl",  # the same, composed otherwise
    "x" * 200,
]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda data: data[:-9] + b"broken\n"])
def test_files_may_have_any_name(daybook, pack):
    for number, name in enumerate(NAMES):
        path = daybook.logs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pack(call(number)))
    result = daybook.land(exit_code=0)
    assert "\x1b" not in result.output
    assert len(daybook.rows("from raw.loads")) == len(NAMES)
    assert "\x1b" not in daybook.run("quarantine").output
    before = daybook.rows("from raw.loads order by load_id")
    daybook.land()
    assert daybook.rows("from raw.loads order by load_id") == before


def test_a_refused_file_of_any_name_is_one_line(daybook):
    for number, name in enumerate(NAMES):
        path = daybook.logs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(GZ[: -1 - number])
    result = daybook.land(exit_code=4)
    assert len(result.stderr.splitlines()) == len(NAMES)
    assert "\x1b" not in result.stderr
    daybook.run("status")


def test_a_file_whose_name_is_not_utf_8_is_refused(daybook):
    """Its path could not be kept in the ledger."""
    daybook.write(call(1_000_001), "a sound file.jsonl")
    daybook.write(call(1_000_002), "z sound file.jsonl")
    (daybook.logs / os.fsdecode(b"not \xff text.jsonl")).write_bytes(call())
    result = daybook.land(exit_code=4)
    assert "rename" in refused(daybook, result, r"not \xff text.jsonl")


def test_a_name_with_brackets_is_a_name_first_and_a_pattern_second(daybook):
    path = daybook.write(call(), "[1].jsonl")
    daybook.write(call(2), "1.jsonl")
    daybook.land(path)
    assert [row["message_id"] for row in daybook.rows("from raw.calls")] == ["m1"]


# --- Wrong paths, wrong databases: one line, exit code 1, nothing landed


def one_line(result) -> str:
    assert result.stderr.startswith("daybook: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output
    assert "DAYBOOK_DEBUG" not in result.stderr  # only printed for unforeseen errors
    return result.stderr


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("nowhere.jsonl", "does not exist"),
        ("no/such/folder", "does not exist"),
        ("*.nothing", "matches no file"),
        ("logs_in/**/*.nothing", "matches no file"),
        ("empty", "no log files"),
        ("a\nb", "does not exist"),
        ("", "does not exist"),
    ],
)
def test_an_error_names_a_path_that_matches_nothing(daybook, path, told):
    (daybook.folder / "empty").mkdir()
    sound = daybook.write(call())
    assert told in one_line(daybook.land(sound, path, exit_code=1))
    assert not daybook.database.exists()


def _as_a_folder(path: Path) -> None:
    path.mkdir()


def _as_text(path: Path) -> None:
    path.write_text("This is not a database. " * 1000)


def _as_a_short_text(path: Path) -> None:
    path.write_text("x")


def _as_a_cut_database(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table a as select range as i from range(1000000)")
    path.write_bytes(path.read_bytes()[:20_000])


def _as_a_database_with_a_broken_header(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table a as select range as i from range(1000000)")
    broken = path.read_bytes()
    path.write_bytes(broken[:4096] + bytes(100) + broken[4196:])


def _as_a_sqlite_database(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\x00" + bytes(4080))


@pytest.mark.parametrize(
    "made",
    [
        _as_a_folder,
        _as_text,
        _as_a_short_text,
        _as_a_cut_database,
        _as_a_database_with_a_broken_header,
        _as_a_sqlite_database,
    ],
)
@pytest.mark.parametrize("command", ["land", "status", "quarantine"])
def test_a_file_that_is_no_database_is_named_and_left_unchanged(daybook, made, command):
    path = daybook.folder / "odd.duckdb"
    made(path)
    before = path.read_bytes() if path.is_file() else None
    arguments = [daybook.write(call())] if command == "land" else []
    told = one_line(daybook.run(command, *arguments, "--database", path, exit_code=1))
    assert "odd.duckdb" in told
    if made in (_as_a_cut_database, _as_a_database_with_a_broken_header):
        assert "The file is damaged: restore a copy, or delete it and land the logs again." in told
    if made in (_as_text, _as_a_short_text, _as_a_sqlite_database):
        assert "is not a DuckDB database" in told
    assert before is None or path.read_bytes() == before


def test_a_database_that_turns_out_to_be_damaged_is_named(daybook):
    daybook.land(daybook.write(b"".join(call(number) for number in range(30_000))))
    with daybook.database.open("r+b") as file:
        file.seek(300_000)  # in a block of rows, which opening the database does not read
        file.write(bytes(5_000))
    told = one_line(daybook.run("status", exit_code=1))
    assert "could not be read or written" in told
    assert "The file is damaged: restore a copy, or delete it and land the logs again." in told


def test_a_database_is_a_file_whatever_its_name(daybook):
    path = daybook.write(call())
    told = one_line(daybook.run("land", path, "--database", ":memory:", exit_code=1))
    assert "lost" in told
    daybook.run("land", path, "--database", "md:calls")
    assert (daybook.folder / "md:calls").is_file()


def test_lines_are_not_exported_over_the_database(daybook):
    daybook.write(b"broken\n" + call())
    daybook.land()
    told = daybook.run("quarantine", "--export", daybook.database, exit_code=2).stderr
    assert "replace the database" in told
    assert len(daybook.rows("from raw.quarantine")) == 1


def test_a_database_in_a_folder_that_is_missing_is_named(daybook):
    path = daybook.folder / "missing" / "a.duckdb"
    told = one_line(daybook.run("land", daybook.write(call()), "--database", path, exit_code=1))
    assert str(path.parent) in told
    assert not path.parent.exists()


def test_tables_of_another_program_are_left_unchanged(daybook):
    """A DuckDB file with other tables becomes a warehouse beside them."""
    with duckdb.connect(str(daybook.database)) as connection:
        connection.execute("create table theirs as select 42 as answer")
    assert "daybook land" in daybook.run("status").output
    daybook.write(call())
    daybook.land()
    assert daybook.rows("select answer from theirs") == [{"answer": 42}]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_an_error_names_a_read_only_folder(daybook):
    folder = daybook.folder / "closed"
    folder.mkdir()
    folder.chmod(0o500)
    daybook.write(call())
    one_line(daybook.run("land", daybook.logs, "--database", folder / "a.duckdb", exit_code=1))


def test_a_real_process_prints_the_same_error(daybook):
    """The output that a person sees on a terminal, without the test runner in between."""
    (daybook.logs / "bad.gz").write_bytes(GZ[:-1])
    daybook.write(call())
    finished = subprocess.run(
        [sys.executable, "-m", "loaders", "land", "logs_in", "--database", "w.duckdb"],
        cwd=daybook.folder,
        env=os.environ | {"PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 4
    assert finished.stderr.splitlines() == ["refused    logs_in/bad.gz: the gzip stream is cut off"]


def test_a_pipe_that_closes_early_is_no_traceback(daybook):
    daybook.write([json.dumps({"type": "?", "n": number}) for number in range(5000)])
    daybook.land()
    command = f"{sys.executable} -m loaders --database {daybook.database} quarantine | head -n 1"
    finished = subprocess.run(
        command,
        shell=True,
        cwd=daybook.folder,
        env=os.environ | {"PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.stdout.count("\n") == 1
    assert finished.stderr == ""
