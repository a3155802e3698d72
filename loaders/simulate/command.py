"""The command: checks the folder, writes the logs, then the truth beside them."""

import shutil
from pathlib import Path

import click

LOGS, TRUTH = "segment-logs", "truth.json"
UNFINISHED = "segment-logs.unfinished"
LARGEST = 1_000_000
SIGNATURE = "daybook simulate"


@click.command()
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder to write to; made if missing.",
)
@click.option(
    "--companies",
    default=300,
    show_default=True,
    type=click.IntRange(1, LARGEST),
    help="How many customers the product has.",
)
@click.option(
    "--days",
    default=120,
    show_default=True,
    type=click.IntRange(1, 3650),
    help="How many whole days the logs cover; they always end on the same date.",
)
@click.option(
    "--seed",
    default=1,
    show_default=True,
    type=click.IntRange(0, 2**63 - 1),
    help="Another seed draws another world of the same kind.",
)
@click.option(
    "--world",
    default="usual",
    show_default=True,
    type=click.Choice(["usual", "opposite"]),
    help="Which truths to plant: the seven questions have other answers in the opposite world.",
)
def simulate(out: Path, companies: int, days: int, seed: int, world: str) -> None:
    """Write the logs of an imaginary B2B product, and the truth about it.

    OUT/segment-logs/<source>/<received day>/*.gz are JSON Lines as Segment's archive keeps them.
    OUT/truth.json says what was planted and what a right answer is. The same arguments write the
    same bytes.
    """
    arguments = {"companies": companies, "days": days, "seed": seed, "world": world}
    try:
        _make_room(out)
        truth = _write_logs(out / UNFINISHED, arguments)
        (out / UNFINISHED).rename(out / LOGS)
        _write_truth(out / TRUTH, truth)
    except OSError as error:
        what = error.strerror or str(error)
        raise click.ClickException(
            f"{error.filename or out}: {what}. Free it, or choose another --out."
        ) from error
    counts = truth["counts"]
    click.echo(
        f"{out / LOGS}: {counts['lines']:,} lines in {counts['files']:,} files, of"
        f" {counts['companies']:,} companies and {counts['users']:,} users."
        f" What is true about them: {out / TRUTH}"
    )


def _make_room(out: Path) -> None:
    """Make the folder, or remove an earlier simulation from it, and nothing else."""
    if out.exists() and not out.is_dir():
        raise click.BadParameter(f"{out} is a file. Name a folder.", param_hint="--out")
    out.mkdir(parents=True, exist_ok=True)
    found = sorted(path.name for path in out.iterdir() if path.name != UNFINISHED)
    if found and not _is_ours(out):
        raise click.BadParameter(
            f"{out} holds {found[0]}, which is not a simulation. Name an empty or a new folder.",
            param_hint="--out",
        )
    (out / TRUTH).unlink(missing_ok=True)
    for name in (LOGS, UNFINISHED):
        if (out / name).exists():
            shutil.rmtree(out / name)


def _is_ours(out: Path) -> bool:
    import orjson

    try:
        truth = orjson.loads((out / TRUTH).read_bytes())
    except (FileNotFoundError, IsADirectoryError, orjson.JSONDecodeError):
        return False
    return isinstance(truth, dict) and truth.get("written_by") == SIGNATURE


def _write_logs(folder: Path, arguments: dict) -> dict:
    """Write every file, a slice of days at a time, and return the truth."""
    import polars as pl
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from loaders.simulate.broken import broken_lines
    from loaders.simulate.calls import as_lines
    from loaders.simulate.story import Story
    from loaders.simulate.writing import Archive

    story = Story(**arguments)
    truth = story.truth
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with bar, Archive(folder) as archive:
        days = bar.add_task("Days simulated", total=arguments["days"] + 1)
        for first, after, calls in story.deliveries():
            broken = broken_lines(first, after, story.calendar, arguments["companies"])
            truth.blank += broken.filter(pl.col("line") == "").height
            truth.broken += broken.filter(pl.col("line") != "").height
            lines = pl.concat([as_lines(calls), broken])
            archive.write(lines.sort("received", maintain_order=True))
            bar.advance(days, after - first)
        truth.files = archive.files
    return {"written_by": SIGNATURE} | truth.told(arguments)


def _write_truth(path: Path, truth: dict) -> None:
    import orjson

    path.write_bytes(orjson.dumps(truth, option=orjson.OPT_INDENT_2) + b"\n")
