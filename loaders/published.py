"""Where published nights lie, and how readers are moved from one to the next.

    published            a symbolic link to the night that readers see
    published.nights/
        12/              a whole night; readers that opened it keep it
        13/
        14.unfinished/   a night that is being written, or whose writer was stopped

A night is written whole under another name. Then the link is replaced by one rename, so that every
reader sees all of the old night or all of the new one.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from loaders.errors import CannotPublish

DATABASE = "daybook.duckdb"
MARKS = ".marks.json"  # where the warehouse stood when the night was published
UNFINISHED = ".unfinished"
_TAKEN_BACK = ".taken_back"  # in a night from which a rollback moved the readers away


class PublishedNights:
    """The nights of one working folder."""

    def __init__(self, folder: Path = Path()):
        self.link = folder / "published"
        self._nights = folder / "published.nights"

    def current(self) -> Path | None:
        """The folder of the night that readers see; None before the first one."""
        if not self.link.is_symlink():
            if self.link.exists():
                raise CannotPublish(
                    f"{self.link} is a file or a folder of your own. Move it away: daybook publish"
                    " puts a link there."
                )
            return None
        night = self._nights / Path(os.readlink(self.link)).name
        return night if night.is_dir() else None

    def newest(self) -> Path | None:
        """The folder of the newest night that readers saw, which a rollback may have taken back.

        A stop may leave a newer one, whole and never shown.
        """
        current = self.current()
        shown = [
            night
            for night in self._whole()
            if (current and _number(night) <= _number(current)) or (night / _TAKEN_BACK).exists()
        ]
        return shown[-1] if shown else None

    def folders(self) -> list[Path]:
        """Every folder of a night: the whole ones, and those that stopped runs have left."""
        return sorted(self._nights.iterdir()) if self._nights.is_dir() else []

    def begin(self) -> tuple[int, Path]:
        """Return the next number and an empty folder for it; remove what stopped runs have left."""
        self.current()
        self._nights.mkdir(exist_ok=True)
        number = max((_number(each) for each in self._nights.iterdir()), default=0) + 1
        for path in self._nights.glob(f"*{UNFINISHED}"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        folder = self._nights / f"{number}{UNFINISHED}"
        folder.mkdir()
        return number, folder

    def finish(self, number: int, folder: Path, keep: int) -> None:
        """Show a written night to the readers, and remove the nights beyond the last `keep`."""
        before = self.current()
        _sync(folder)
        night = self._nights / str(number)
        folder.rename(night)
        sync_to_disk(self._nights)
        self._show(night)
        # A night that was taken back, or never shown, is not one to go back to.
        lineage = _number(before) if before else 0
        whole = [each for each in self._whole() if _number(each) <= lineage] + [night]
        for path in self._whole():
            if path not in whole[-keep:]:
                _remove(path)

    def roll_back(self) -> tuple[int, int]:
        """Show the night before the current one; return both numbers, the former first."""
        current = self.current()
        if current is None:
            raise CannotPublish("No night has been published here yet. Run: daybook publish")
        earlier = [each for each in self._whole() if _number(each) < _number(current)]
        if not earlier:
            raise CannotPublish(
                f"Night {_number(current)} is the oldest one that is kept; there is none to go back"
                " to. daybook publish --keep N keeps more of them."
            )
        (current / _TAKEN_BACK).touch()
        self._show(earlier[-1])
        return _number(current), _number(earlier[-1])

    def _show(self, night: Path) -> None:
        link = self.link.with_name(f".{self.link.name}.{os.getpid()}")
        link.unlink(missing_ok=True)
        link.symlink_to(Path(self._nights.name) / night.name)
        os.replace(link, self.link)
        sync_to_disk(self.link.absolute().parent)

    def _whole(self) -> list[Path]:
        if not self._nights.is_dir():
            return []
        return sorted((p for p in self._nights.iterdir() if p.name.isdigit()), key=_number)


def marks_of(night: Path | None) -> dict[str, Any]:
    """Return the marks of a published night; empty without one."""
    if night is None:
        return {}
    try:
        marks = json.loads((night / MARKS).read_text())
    except (OSError, ValueError) as error:
        raise damaged(night, MARKS) from error
    if not isinstance(marks, dict) or not {"database", "build", "copy"} <= marks.keys():
        raise damaged(night, MARKS)
    return marks


def damaged(night: Path, file: str) -> CannotPublish:
    """The error for a published night of which a file is missing or cannot be read."""
    return CannotPublish(
        f"{night / file} is missing or damaged. Run: daybook publish --rollback, which shows the"
        " night before; or move published and published.nights away, which loses the history of"
        " nights. Then run: daybook publish"
    )


def published_copy(database: Path, folder: Path = Path()) -> Path | None:
    """Return the published copy of a database; None where this folder has none of it."""
    night = PublishedNights(folder).current() if (folder / "published").is_symlink() else None
    if night is None or marks_of(night).get("database") != os.path.relpath(database, folder):
        return None
    if not (night / DATABASE).is_file():
        raise damaged(night, DATABASE)
    return night / DATABASE


def _remove(night: Path) -> None:
    # Renamed first: a night that is removed in part must not look like one to go back to.
    gone = night.with_name(night.name + UNFINISHED)
    night.rename(gone)
    shutil.rmtree(gone)


def _number(folder: Path) -> int:
    name = folder.name.removesuffix(UNFINISHED)
    return int(name) if name.isdigit() else 0


def _sync(folder: Path) -> None:
    """Have the disk hold the files before the link names them. Hard links are there already."""
    for path in [*folder.rglob("*"), folder]:
        if path.is_dir() or path.stat().st_nlink == 1:
            sync_to_disk(path)


def sync_to_disk(path: Path) -> None:
    """Have the disk hold what was written to a file or a folder."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
