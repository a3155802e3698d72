"""Logs in a bucket: the real S3 API, served on loopback by moto."""

import gzip
import json

import boto3
import pytest
from harness import Daybook
from moto.server import ThreadedMotoServer

SECRET = "a-secret-that-nobody-may-read"


@pytest.fixture(scope="module")
def server():
    """An S3 server on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(server, monkeypatch, tmp_path, request):
    """An empty bucket, with its credentials in the standard places."""
    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "ana",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "DAYBOOK_RETRY_SECONDS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    name = request.node.name.replace("_", "-").lower()[:60].strip("-")
    bucket = boto3.resource("s3", region_name="us-east-1", endpoint_url=server).Bucket(name)
    bucket.create()
    return bucket


def call(number: int, **fields) -> dict:
    return {
        "type": "track",
        "messageId": f"m{number}",
        "userId": "ana",
        "event": "opened",
        "receivedAt": "2024-05-01T10:00:00Z",
    } | fields


def lines(*calls: dict | str) -> bytes:
    return b"".join(
        (each if isinstance(each, str) else json.dumps(each)).encode() + b"\n" for each in calls
    )


# Segment's layout: a source, a day in milliseconds, gzip files.
ARCHIVE = {
    "segment-logs/source1/1714521600000/a.gz": gzip.compress(lines(call(1), call(2), "oops")),
    "segment-logs/source1/1714608000000/b.gz": gzip.compress(lines(call(3))),
    "segment-logs/source2/1714521600000/c.gz": gzip.compress(lines(call(4), call(5))),
}


def put(bucket, objects: dict[str, bytes]) -> None:
    for key, content in objects.items():
        bucket.put_object(Key=key, Body=content)


def contents(daybook: Daybook) -> list[tuple]:
    return daybook.query(
        """
        select message_id, line_number, source
        from raw.calls inner join raw.loads using (load_id)
        order by all
        """
    ).rows()


def test_an_archive_in_a_bucket_lands_as_it_does_from_a_folder(bucket, daybook, tmp_path):
    put(bucket, ARCHIVE | {"segment-logs/source1/": b"", "other/d.jsonl": lines(call(9))})
    daybook.land(f"s3://{bucket.name}/segment-logs")

    local = Daybook(tmp_path / "local")
    for key, content in ARCHIVE.items():
        (local.logs / key).parent.mkdir(parents=True, exist_ok=True)
        (local.logs / key).write_bytes(content)
    local.land()

    assert len(contents(daybook)) == 5
    assert contents(daybook) == contents(local)
    paths = {row["path"] for row in daybook.rows("from raw.loads")}
    assert paths == {f"s3://{bucket.name}/{key}" for key in ARCHIVE}


def test_a_second_run_reads_nothing_that_has_landed(bucket, daybook):
    put(bucket, ARCHIVE)
    daybook.land(f"s3://{bucket.name}")
    put(bucket, {"segment-logs/source1/1714694400000/e.gz": gzip.compress(lines(call(6)))})
    told = json.loads(daybook.run("land", "--json", f"s3://{bucket.name}").stdout)
    assert told["total"]["unchanged"] == 3
    assert told["total"]["landed"] == 1
    assert len(contents(daybook)) == 6


def test_an_object_with_changed_content_lands_again(bucket, daybook):
    put(bucket, {"day.jsonl": lines(call(1))})
    daybook.land(f"s3://{bucket.name}/day.jsonl")
    put(bucket, {"day.jsonl": lines(call(1), call(2))})
    daybook.land(f"s3://{bucket.name}/day.jsonl")
    assert [row[:2] for row in contents(daybook)] == [("m1", 1), ("m1", 1), ("m2", 2)]


def test_an_object_larger_than_a_piece_lands_whole(bucket, daybook):
    many = [call(n, properties={"padding": "x" * 900}) for n in range(20_000)]
    put(bucket, {"large.jsonl": lines(*many)})
    daybook.land(f"s3://{bucket.name}/large.jsonl")
    assert len(contents(daybook)) == 20_000


def test_a_pattern_names_some_objects(bucket, daybook):
    put(bucket, ARCHIVE)
    daybook.land(f"s3://{bucket.name}/segment-logs/*/1714521600000/*.gz")
    assert [row[0] for row in contents(daybook)] == ["m1", "m2", "m4", "m5"]


def test_a_damaged_object_is_refused_and_the_rest_lands(bucket, daybook):
    damaged = ARCHIVE["segment-logs/source1/1714521600000/a.gz"][:-4]
    put(bucket, ARCHIVE | {"segment-logs/source1/1714521600000/a.gz": damaged})
    result = daybook.land(f"s3://{bucket.name}", exit_code=4)
    assert "cut off" in result.output
    assert [row[0] for row in contents(daybook)] == ["m3", "m4", "m5"]


def test_a_missing_bucket_or_path_is_one_line(bucket, daybook):
    for url in ("s3://no-such-bucket-here/logs", f"s3://{bucket.name}/nothing"):
        result = daybook.land(url, exit_code=1)
        assert url.split("/")[2] in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert SECRET not in result.output


def test_an_unreachable_storage_is_one_line_without_the_credentials(bucket, daybook, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://ana:{SECRET}@127.0.0.1:9")
    result = daybook.land(f"s3://{bucket.name}/logs", exit_code=1)
    assert "cannot be reached" in result.stderr
    assert SECRET not in result.output


def test_an_error_without_credentials_says_where_they_are_looked_for(bucket, daybook, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    result = daybook.land(f"s3://{bucket.name}/logs", exit_code=1)
    assert "AWS_ACCESS_KEY_ID" in result.stderr


def test_an_error_without_the_extra_says_what_to_install(bucket, daybook, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "obstore.store", None)
    result = daybook.land(f"s3://{bucket.name}/logs", exit_code=1)
    assert "pip install '.[s3]'" in result.stderr


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/x/segment-logs/abc/1714521600000/f.gz", "abc"),
        ("s3://bucket/prefix/segment-logs/abc/1714521600000/f.gz", "abc"),
        ("/x/rudder-logs/2Ab/05-01-2024/1714557600.2Ab.0b7e.json.gz", "2Ab"),
        ("/x/a/2Ab/05-01-2024/17.2Ab.6e3f7ab2-0000-4000-8000-abcdefabcdef.json.gz", "2Ab"),
        ("/x/logs/2024-05-01.jsonl", None),
    ],
)
def test_the_source_is_read_from_an_archives_path_in_a_bucket(path, source):
    from loaders.landing.discover import source_of

    assert source_of(path) == source
