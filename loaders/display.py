"""What a person sees: plain lines that survive a pipe, a progress bar on a terminal only."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from loaders.accounts import Disagreement, Summary
from loaders.landing import Landed
from loaders.landing import Progress as Told
from loaders.ledger import Counts
from loaders.quarantine import REASONS, Quarantined

# With more files than this a summary says more than their names.
FEW_FILES = 20


_SAID = {"unchanged": "unchanged", "refused": "refused", "growing": "left for next time"}


def safe(text: str | bytes) -> str:
    """`text` with everything escaped that a terminal could take for a command."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text.encode("utf-8", "backslashreplace").decode()
    )


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 file`, `2,000 files`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def show_path(path: str) -> str:
    """A path as short as it can be named from here."""
    relative = os.path.relpath(path)
    return safe(path if relative.startswith("..") else relative)


@contextmanager
def progress_bar(total_bytes: int) -> Iterator[Told]:
    """A bar with bytes, calls per second and time left; nothing at all in a pipe."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Told()
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
        yield Told(read=lambda size: bar.advance(task, size), called=called)


def show_file(landed: Landed) -> None:
    """One line for one file; what was refused goes to stderr with its reason."""
    path = show_path(landed.file.path)
    if landed.status == "refused":
        click.echo(f"refused    {path}: {landed.because}", err=True)
    elif landed.status == "growing":
        click.echo(f"left       {path}: {landed.because}", err=True)
    elif landed.status == "unchanged":
        click.echo(f"unchanged  {path} (landed before, as load {landed.load_id})")
    else:
        click.echo(f"landed     {path}: {_counts(landed.counts)}")


def show_total(results: list[Landed], database: str) -> None:
    """The sum of it all, the reasons of what was set aside, and where to look."""
    by_status = Counter(each.status for each in results)
    counts = Counts()
    reasons: Counter[str] = Counter()
    for each in results:
        counts.add(each.counts)
        reasons += each.reasons
    files = plural(by_status["landed"], "file")
    others = [
        f"{by_status[status]:,} {_SAID.get(status, status)}"
        for status in ("unchanged", "refused", "growing")
    ]
    others = [text for text in others if not text.startswith("0 ")]
    click.echo(", ".join([f"{files} landed: {_counts(counts)}", *others]))
    if not reasons:
        return
    click.echo("Set aside:")
    for reason, number in reasons.most_common():
        click.echo(f"  {number:>9,}  {reason}: {REASONS[reason]}")
    loads = [each.load_id for each in results if each.counts.quarantined]
    option = f" --load {loads[0]}" if len(loads) == 1 else ""
    click.echo(f"See them with: daybook{database} quarantine{option}")


def show_status(summary: Summary, database: str) -> None:
    """Five lines about the warehouse."""
    rows = [
        ("database", database),
        ("files", f"{summary.files:,} landed, {summary.refused:,} refused"),
        ("calls", f"{summary.calls:,}"),
        (
            "lines",
            f"{summary.lines:,} = {summary.landed:,} landed"
            f" + {summary.quarantined:,} quarantined + {summary.blank:,} blank",
        ),
        ("first day", str(summary.first_day or "-")),
        ("last day", str(summary.last_day or "-")),
    ]
    for name, value in rows:
        click.echo(f"{name:<10} {value}")


def show_disagreement(each: Disagreement) -> None:
    """One line about one load that does not add up."""
    name = f" ({show_path(each.path)})" if each.path else ""
    click.echo(f"load {each.load_id}{name}: {each.what}", err=True)


def show_quarantined(each: Quarantined) -> None:
    """One line: where, why, and how the set-aside line begins."""
    call = f" call {each.call_number}" if each.call_number else ""
    begins = "(the line is shown above)" if each.beginning is None else safe(each.beginning)
    click.echo(f"{show_path(each.path)}:{each.line_number}{call}  {each.reason}  {begins}")


def _counts(counts: Counts) -> str:
    parts = [plural(counts.lines, "line"), plural(counts.calls, "call")]
    if counts.quarantined:
        parts.append(f"{counts.quarantined:,} quarantined")
    if counts.blank:
        parts.append(f"{counts.blank:,} blank")
    return ", ".join(parts)
