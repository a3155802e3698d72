"""The output of the commands that land: plain lines, and a progress bar on a terminal only."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import click
import orjson
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from loaders.accounts import Disagreement, Summary
from loaders.display import plural, safe, show_path
from loaders.landing.lander import Landed
from loaders.landing.lander import Progress as Callbacks
from loaders.landing.ledger import Counts
from loaders.landing.quarantine import REASONS, Quarantined

_SHOWN_NAMES = 8  # in a line of `daybook status`
# With more files than this, a summary is more useful than their names.
FEW_FILES = 20

_EXAMPLE = 60  # letters

_SAID = {"unchanged": "unchanged", "refused": "refused", "growing": "postponed"}


@contextmanager
def progress_bar(total_bytes: int | None) -> Iterator[Callbacks]:
    """A bar with bytes, calls per second and time left; nothing at all in a pipe.

    There is no total while a bucket is still being listed. Then the bar only shows that it runs.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Callbacks()
        return
    bar = Progress(
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    started, calls = time.monotonic(), 0
    task = bar.add_task("", total=total_bytes, speed="")

    def called(more: int) -> None:
        nonlocal calls
        calls += more
        bar.update(task, speed=f"{calls / (time.monotonic() - started):,.0f} calls/s")

    with bar:
        yield Callbacks(read=lambda size: bar.advance(task, size), called=called)


def show_file(landed: Landed) -> None:
    """Print one line per file; a refused file goes to stderr with its reason."""
    path = show_path(landed.file.path)
    if landed.status == "refused":
        click.echo(f"refused    {path}: {landed.because}", err=True)
    elif landed.status == "growing":
        click.echo(f"postponed  {path}: {landed.because}", err=True)
    elif landed.status == "unchanged":
        click.echo(f"unchanged  {path} (landed before, as load {landed.load_id})")
    else:
        click.echo(f"landed     {path}: {_counts(landed.counts)} (load {landed.load_id})")


def show_total(results: list[Landed], examples: dict[str, Quarantined], database: str) -> None:
    """The totals, the reasons of the quarantined lines with an example each, and where to look."""
    by_status, counts, reasons = _sum(results)
    others = [
        f"{by_status[status]:,} {said}" for status, said in _SAID.items() if by_status[status]
    ]
    files = plural(by_status["landed"], "file")
    click.echo(", ".join([f"{files} landed: {_counts(counts)}{_loads(results)}", *others]))
    if not reasons:
        return
    click.echo("Quarantined:")
    for reason, number in reasons.most_common():
        click.echo(f"  {number:>9,}  {reason}: {REASONS[reason]}")
        if example := examples.get(reason):
            where = f"{show_path(example.path)}:{example.line_number}"
            where += f" call {example.call_number}" if example.call_number else ""
            click.echo(f"             {where}  {_begins(example)[:_EXAMPLE]}")
    loads = [each.load_id for each in results if each.counts.quarantined]
    option = f" --load {loads[0]}" if len(loads) == 1 else ""
    click.echo(f"See them with: daybook{database} quarantine{option}")


def _loads(results: list[Landed]) -> str:
    """The numbers of the loads, which `daybook unland` asks for."""
    loads = [each.load_id for each in results if each.status == "landed"]
    if not loads:
        return ""
    return f" (load {loads[0]})" if len(loads) == 1 else f" (loads {min(loads)} to {max(loads)})"


def print_landed(results: list[Landed]) -> None:
    """One JSON document: `total`, and `files` with the outcome of each."""
    by_status, counts, reasons = _sum(results)
    _print_json(
        {
            "total": {**by_status, **_as_json(counts), "reasons": reasons},
            "files": [
                {
                    "path": each.file.path,
                    "status": each.status,
                    "load_id": each.load_id,
                    **_as_json(each.counts),
                    "reasons": each.reasons,
                    "because": each.because,
                }
                for each in results
            ],
        }
    )


def print_status(
    summary: Summary,
    wrong: list[Disagreement],
    build_due: str | None,
    names: dict[str, list[str]],
    database: str,
) -> None:
    """One JSON document: the summary, the loads that disagree, and the next build."""
    _print_json(
        {
            "database": database,
            **vars(summary),
            "accounted_for": not wrong,
            "disagreements": [vars(each) for each in wrong],
            "build_due": build_due is not None,
            "build_due_reason": build_due,
            "plan_and_logs": {what.replace(" ", "_"): found for what, found in names.items()},
        }
    )


def print_quarantined(each: Quarantined) -> None:
    """Print one line of JSON; bytes that are not UTF-8 are escaped."""
    beginning = each.beginning and each.beginning.decode("utf-8", "backslashreplace")
    click.echo(orjson.dumps({**vars(each), "beginning": beginning}))


def show_names(names: dict[str, list[str]]) -> None:
    """Print the names that are only in the plan or only in the logs, a line for each kind."""
    for what, found in names.items():
        more = len(found) - _SHOWN_NAMES
        shown = ", ".join(found[:_SHOWN_NAMES])
        click.echo(safe(f"{what}: {shown}{f' and {more:,} more' if more > 0 else ''}"))
    if any(len(found) > _SHOWN_NAMES for found in names.values()):
        click.echo("All of them: daybook status --json")


def show_status(summary: Summary, build_due: str | None, database: str) -> None:
    """A few lines about the warehouse."""
    rows = [
        ("database", database),
        ("files", f"{summary.files:,} landed, {summary.refused:,} refused"),
        ("calls", f"{summary.calls:,}"),
        (
            "lines",
            f"{summary.lines:,} = {summary.landed:,} landed"
            f" + {summary.quarantined:,} quarantined + {summary.blank:,} blank"
            + (f" + {summary.forgotten:,} forgotten" if summary.forgotten else ""),
        ),
        ("first day", str(summary.first_day or "-")),
        ("last day", str(summary.last_day or "-")),
        ("dbt build", f"due: {build_due}" if build_due else "up to date"),
    ]
    for name, value in rows:
        click.echo(f"{name:<10} {value}")


def show_disagreement(each: Disagreement) -> None:
    """One line about a load whose counts disagree."""
    name = f" ({show_path(each.path)})" if each.path else ""
    click.echo(f"load {each.load_id}{name}: {each.what}", err=True)


def show_quarantined(each: Quarantined) -> None:
    """One line: where, of which load, why, and how the quarantined line begins."""
    call = f" call {each.call_number}" if each.call_number else ""
    path = f"{show_path(each.path)}:{each.line_number}{call}"
    click.echo(f"{path}  (load {each.load_id})  {each.reason}  {_begins(each)}")


def _begins(each: Quarantined) -> str:
    return "(the line is gone)" if each.beginning is None else safe(each.beginning)


def _sum(results: list[Landed]) -> tuple[Counter[str], Counts, Counter[str]]:
    by_status = Counter(dict.fromkeys(("landed", *_SAID), 0))
    counts, reasons = Counts(), Counter()
    for each in results:
        by_status[each.status] += 1
        counts.add(each.counts)
        reasons += each.reasons
    return by_status, counts, reasons


def _as_json(counts: Counts) -> dict[str, int]:
    return {("landed_lines" if name == "landed" else name): n for name, n in vars(counts).items()}


def _print_json(document: dict) -> None:
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def _counts(counts: Counts) -> str:
    parts = [plural(counts.lines, "line"), plural(counts.calls, "call")]
    if counts.quarantined:
        parts.append(f"{counts.quarantined:,} quarantined")
    if counts.blank:
        parts.append(f"{counts.blank:,} blank")
    if counts.forgotten:
        parts.append(f"{counts.forgotten:,} forgotten")
    return ", ".join(parts)
