"""Where the time of a `dbt build` goes: a million simulated calls, tests included.

    python benchmarks/building.py [--companies N] [--days N]

Prints dbt's own start-up beside the engine's time, and the slowest nodes. Times are of this
machine and this run; what holds elsewhere are the shares.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

PROJECT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
SLOWEST = 12


def timed(command: list[str], **environment: str) -> float:
    """Seconds of wall-clock time that a command takes; it must succeed."""
    started = time.perf_counter()
    subprocess.run(command, cwd=PROJECT, check=True, env={**os.environ, **environment})
    return time.perf_counter() - started


def main(companies: int = 2500, days: int = 180) -> None:
    """Simulate, land and build in a temporary folder, and print the table."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="daybook-bench-") as folder:
        logs, target = Path(folder, "logs"), Path(folder, "target")
        database = str(Path(folder, "warehouse.duckdb"))
        world = ["--companies", str(companies), "--days", str(days)]
        timed([f"{BIN}/daybook", "simulate", "--out", str(logs), *world])
        landing = timed([f"{BIN}/daybook", "land", str(logs)], DAYBOOK_DATABASE=database)
        dbt = [f"{BIN}/dbt", "--quiet"]
        options = ["--target-path", str(target)]
        parsing = timed([*dbt, "parse", "--no-partial-parse", *options], DAYBOOK_DATABASE=database)
        building = timed([*dbt, "build", *options], DAYBOOK_DATABASE=database)
        nodes = json.loads(Path(target, "run_results.json").read_text())
        nothing_new = timed([*dbt, "build", *options], DAYBOOK_DATABASE=database)
        with duckdb.connect(database, read_only=True) as connection:
            calls, facts = connection.execute(
                "select (select count(*) from raw.calls), (select count(*) from marts.fct_events)"
            ).fetchone()

    seconds = {node["unique_id"]: node["execution_time"] for node in nodes["results"]}
    table = Table(title=f"dbt build of {calls:,} calls ({facts:,} events)", title_justify="left")
    table.add_column("what")
    table.add_column("seconds", justify="right")
    table.add_column("share", justify="right")

    def row(what: str, taken: float, style: str | None = None) -> None:
        table.add_row(what, f"{taken:.2f}", f"{taken / building:.0%}", style=style)

    row("daybook land, beside it", landing, "dim")
    row("dbt build, from scratch", building, "bold")
    row("dbt build again, nothing new", nothing_new)
    row("dbt's start-up: imports and a full parse (in other runs cached)", parsing)
    row(f"all {len(seconds)} nodes, added up over the threads", sum(seconds.values()))
    for kind in ("seed", "model", "test", "unit_test"):
        row(f"  {kind}s", sum(s for node, s in seconds.items() if node.startswith(f"{kind}.")))
    for node in sorted(seconds, key=seconds.get, reverse=True)[:SLOWEST]:
        row(f"  {node.split('.')[2]}", seconds[node], "dim")
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--companies", type=int, default=2500)
    parser.add_argument("--days", type=int, default=180)
    main(**vars(parser.parse_args()))
