"""How fast logs land, beside the engine's bare read of the same bytes, dlt and polars.

    python benchmarks/landing.py [--megabytes 1000] [--rounds 3] [--ten-gigabytes]

Everything is measured in one run; a ratio is the median of the rounds' ratios to the bare read of
the same round. Times are of this machine and this run.
"""

import argparse
import gzip
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from loaders.fields import SENT

BIN = Path(sys.executable).parent
PEERS = Path(__file__).resolve().parent.parent / ".venv-peers" / "bin" / "python"
MB = 1 << 20
SMALL_FILES, LINES_IN_EACH = 20_000, 50

BARE = """
import duckdb, sys
connection = duckdb.connect(sys.argv[2])
connection.execute("set memory_limit = '1GB'")
connection.execute(f"create table calls as select * from read_json('{sys.argv[1]}',"
    " format = 'newline_delimited', columns = {COLUMNS})")
connection.execute("checkpoint")
""".replace(
    "{COLUMNS}", "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in SENT.items()) + "}"
)

POLARS = """
import polars, sys
polars.scan_ndjson(sys.argv[1], infer_schema_length=None).sink_ipc(sys.argv[2])
"""

DLT = """
import sys, dlt
from dlt.sources.filesystem import filesystem, read_jsonl
folder, name = sys.argv[1].rsplit("/", 1)
calls = filesystem(bucket_url=f"file://{folder}", file_glob=name) | read_jsonl(chunksize=10000)
calls.max_table_nesting = 0
pipeline = dlt.pipeline("bench", destination=dlt.destinations.duckdb(sys.argv[2]),
    dataset_name="raw", pipelines_dir=sys.argv[2] + ".pipelines")
pipeline.run(calls.with_name("calls"), loader_file_format="parquet")
"""


class Bench:
    """A folder to work in, and what was measured there: seconds, by what and round."""

    def __init__(self, folder: Path, console: Console):
        self.folder = folder
        self.console = console
        self.seconds: dict[str, list[float]] = {}
        self.memory: dict[str, float] = {}  # peak, in MB

    def time(self, what: str, command: list, *, allowed: tuple[int, ...] = (0,)) -> None:
        """Run a command in a fresh process, into a fresh database."""
        for path in self.folder.glob("out*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        with self.console.status(what):
            started = time.perf_counter()
            process = subprocess.Popen(
                [str(part) for part in command],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=self.folder,
            )
            error = process.stderr.read().decode()
            _, status, used = os.wait4(process.pid, 0)
            taken = time.perf_counter() - started
        if os.waitstatus_to_exitcode(status) not in allowed:
            self.console.print(f"[red]{what} failed:[/red] {error.strip().splitlines()[-1]}")
            return
        self.seconds.setdefault(what, []).append(taken)
        self.memory[what] = max(self.memory.get(what, 0), used.ru_maxrss / 1024)

    def land(self, what: str, path: Path) -> None:
        """Time `daybook land`."""
        self.time(what, [BIN / "daybook", "--database", "out.duckdb", "land", path])

    def bare(self, what: str, path: Path) -> None:
        """Time `create table as select * from read_json`, with the columns stated."""
        self.time(what, [sys.executable, "-c", BARE, path, "out.duckdb"])

    def ratio(self, what: str, to: str) -> float:
        """The median over the rounds."""
        pairs = zip(self.seconds[what], self.seconds[to], strict=False)
        return statistics.median(taken / bare for taken, bare in pairs)


def simulated(folder: Path) -> list[bytes]:
    """Lines of a simulated world, without the broken ones."""
    out = folder / "sim"
    subprocess.run(
        [BIN / "daybook", "simulate", "--out", out, "--companies", "400", "--days", "90"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    lines = [
        line
        for path in sorted(out.rglob("*.gz"))
        for line in gzip.decompress(path.read_bytes()).splitlines(keepends=True)
        if b'"messageId"' in line and b'"u_broken"' not in line and line.endswith(b"}\n")
    ]
    shutil.rmtree(out)
    return lines


def many(lines: list[bytes], size: int) -> Iterator[bytes]:
    """About `size` bytes of those lines, again and again, under new message ids."""
    written, lap = 0, 0
    while written < size:
        mark = b'"messageId":"%x-' % lap
        for start in range(0, len(lines), 1000):
            block = b"".join(lines[start : start + 1000]).replace(b'"messageId":"', mark)
            yield block
            written += len(block)
            if written >= size:
                return
        lap += 1


def one_large_file(bench: Bench, lines: list[bytes], megabytes: int, rounds: int) -> int:
    """Plain, gzipped, and with one bad line in a thousand. Returns the number of lines."""
    plain, packed, spoilt = (bench.folder / name for name in ("plain.jsonl", "packed.gz", "spoilt"))
    count = 0
    with plain.open("wb") as out:
        for block in many(lines, megabytes * MB):
            count += out.write(block) and block.count(b"\n")
    with plain.open("rb") as source, gzip.open(packed, "wb", compresslevel=1) as out:
        shutil.copyfileobj(source, out, MB)
    chance = random.Random(1)
    with plain.open("rb") as source, spoilt.open("wb") as out:
        for line in source:
            out.write(line[:-9] + b"\n" if chance.random() < 0.001 else line)
    for _ in range(rounds):
        bench.bare("bare read_json, plain", plain)
        bench.land("daybook land, plain", plain)
        bench.bare("bare read_json, gzip", packed)
        bench.land("daybook land, gzip", packed)
        bench.land("daybook land, 1 line in 1,000 bad", spoilt)
        bench.time(
            "polars scan_ndjson to Arrow IPC", [sys.executable, "-c", POLARS, plain, "out.arrow"]
        )
    if PEERS.exists():
        bench.time("dlt, filesystem to DuckDB", [PEERS, "-c", DLT, plain, "out.duckdb"])
    for path in (plain, packed, spoilt):
        path.unlink()
    return count


def many_small_files(bench: Bench, lines: list[bytes], rounds: int) -> None:
    """20,000 gzip files of 50 lines, beside the same lines in one file, and a second run."""
    together, folder = bench.folder / "together.jsonl", bench.folder / "small"
    stream = (line for block in many(lines, 1 << 40) for line in block.splitlines(keepends=True))
    with together.open("wb") as all_of_it:
        for number in range(SMALL_FILES):
            content = b"".join(next(stream) for _ in range(LINES_IN_EACH))
            all_of_it.write(content)
            path = folder / str(number // 500) / f"{number}.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(content, 1))
    for _ in range(rounds):
        bench.land("daybook land, the same lines in one file", together)
        bench.land(f"daybook land, {SMALL_FILES:,} files of {LINES_IN_EACH} lines", folder)
        (bench.folder / "out.duckdb").rename(bench.folder / "kept.duckdb")
        bench.time(
            "daybook land again, nothing new",
            [BIN / "daybook", "--database", "kept.duckdb", "land", folder],
        )
        (bench.folder / "kept.duckdb").unlink()
    shutil.rmtree(folder)


def ten_gigabytes(bench: Bench, lines: list[bytes]) -> None:
    """Generated on the fly; what counts is the memory."""
    path = bench.folder / "ten.jsonl"
    with path.open("wb") as out:
        for block in many(lines, 10 * 1024 * MB):
            out.write(block)
    bench.land("daybook land, 10 GB", path)
    path.unlink()


def main(megabytes: int, rounds: int, large: bool) -> None:
    """Measure, and print one table."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="daybook-bench-") as name:
        bench = Bench(Path(name), console)
        lines = simulated(bench.folder)
        count = one_large_file(bench, lines, megabytes, rounds)
        many_small_files(bench, lines, rounds)
        if large:
            ten_gigabytes(bench, lines)

    table = Table(
        title=f"{megabytes:,} MB, {count:,} lines; medians of {rounds} rounds", title_justify="left"
    )
    for column in ("what", "seconds", "lines/s", "ratio", "to", "peak MB"):
        table.add_column(column, justify="left" if column in ("what", "to") else "right")
    plain, packed = "bare read_json, plain", "bare read_json, gzip"
    together = "daybook land, the same lines in one file"
    against: dict[str, tuple[str, str]] = {
        "daybook land, plain": (plain, "bare, plain"),
        "daybook land, gzip": (packed, "bare, gzip"),
        "daybook land, 1 line in 1,000 bad": (plain, "bare, plain"),
        "polars scan_ndjson to Arrow IPC": (plain, "bare, plain"),
        "dlt, filesystem to DuckDB": (plain, "bare, plain"),
        f"daybook land, {SMALL_FILES:,} files of {LINES_IN_EACH} lines": (together, "one file"),
    }
    lines_of: Callable[[str], int] = lambda what: (  # noqa: E731
        SMALL_FILES * LINES_IN_EACH if " files" in what or "same lines" in what else count
    )
    for what, taken in bench.seconds.items():
        median = statistics.median(taken)
        to, said = against.get(what, (None, ""))
        speed = (
            f"{lines_of(what) / median:,.0f}" if "again" not in what and "10 GB" not in what else ""
        )
        ratio = f"{bench.ratio(what, to):.2f}" if to else ""
        table.add_row(what, f"{median:.1f}", speed, ratio, said, f"{bench.memory[what]:,.0f}")
    console.print(table)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ten-gigabytes", action="store_true", dest="large")
    main(**vars(parser.parse_args()))
