"""Writes lines into gzip files by source and received day, in the layout of Segment's archive."""

import gzip
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import polars as pl

from loaders.simulate.calendar import DAY, date_of

LINES_PER_FILE = 100_000
SOURCES = {True: "web", False: "server"}
LEVEL = 4


class Archive:
    """A folder `segment-logs/<source>/<received day in ms>/<day>.<part>.gz` that is being written.

    A day is written at once and never again. Files are packed beside the drawing, a few at a time.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.files = 0
        self._packing: deque[Future] = deque()
        self._packer = ThreadPoolExecutor(max_workers=2, thread_name_prefix="gzip")

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, kind, *_) -> None:
        self._packer.shutdown(wait=True, cancel_futures=kind is not None)
        while self._packing and kind is None:
            self._packing.popleft().result()

    def write(self, lines: pl.DataFrame) -> None:
        """Write lines in order; complete received days only."""
        days = lines.with_columns(day=pl.col("received") // DAY).sort(
            "is_web", "day", maintain_order=True
        )
        for (is_web, day), part in days.partition_by(
            ["is_web", "day"], as_dict=True, maintain_order=True
        ).items():
            folder = self.folder / SOURCES[is_web] / str(day * DAY)
            folder.mkdir(parents=True)
            for number, start in enumerate(range(0, part.height, LINES_PER_FILE)):
                chunk = part["line"].slice(start, LINES_PER_FILE)
                self._pack(folder / f"{date_of(day)}.{number:03}.gz", chunk)

    def _pack(self, path: Path, lines: pl.Series) -> None:
        self.files += 1
        self._packing.append(self._packer.submit(_write, path, lines))
        while len(self._packing) > 4:
            self._packing.popleft().result()


def _write(path: Path, lines: pl.Series) -> None:
    """Write the same bytes for the same lines: no name and no time in gzip's header."""
    text = lines.str.join("\n").item() + "\n"
    with path.open("wb") as file, gzip.GzipFile("", "wb", LEVEL, file, mtime=0) as packed:
        packed.write(text.encode())
