"""The folders of published nights, and the link that moves readers from one to the next.

    published            a symbolic link to the night that readers see
    published.nights/
        12/              a complete night; readers that opened it keep it
        13/
        14.unfinished/   a night that is being written, or whose writer was stopped

A night is written completely under another name. Then the link is replaced by one rename, so that
every reader sees all of the old night or all of the new one.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from loaders.errors import CannotPublish

DATABASE = "daybook.duckdb"
MARKS = ".marks.json"  # the state of the warehouse when the night was published
UNFINISHED = ".unfinished"
_TAKEN_BACK = ".taken_back"  # file in a night that a rollback has replaced


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
        """The folder of the newest night that readers saw, even if it was rolled back later.

        A stopped run may leave a newer folder: complete, but never shown.
        """
        current = self.current()
        shown = [
            night
            for night in self._whole()
            if (current and _number(night) <= _number(current)) or (night / _TAKEN_BACK).exists()
        ]
        return shown[-1] if shown else None

    def folders(self) -> list[Path]:
        """Every folder of a night: complete ones, and those left by stopped runs."""
        return sorted(self._nights.iterdir()) if self._nights.is_dir() else []

    def begin(self) -> tuple[int, Path]:
        """Return the next number and an empty folder for it; remove folders of stopped runs."""
        self.current()
        try:
            self._nights.mkdir(exist_ok=True)
        except FileExistsError as error:
            raise CannotPublish(
                f"{self._nights} is a file, or a link to nowhere. Move it away: daybook publish"
                " makes a folder there."
            ) from error
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
        # A rollback must not go to a night that was rolled back or never shown.
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
    """The error for a published night with a missing or unreadable file."""
    return CannotPublish(
        f"{night / file} is missing or damaged. Run: daybook publish --rollback, which shows the"
        " night before; or move published and published.nights away, which loses the history of"
        " nights. Then run: daybook publish"
    )


def published_copy(database: Path, folder: Path = Path()) -> Path | None:
    """Return the published copy of a database; None if `folder` has none."""
    night = PublishedNights(folder).current() if (folder / "published").is_symlink() else None
    if night is None or marks_of(night).get("database") != os.path.relpath(database, folder):
        return None
    if not (night / DATABASE).is_file():
        raise damaged(night, DATABASE)
    return night / DATABASE


def _remove(night: Path) -> None:
    # Renamed first, so that no rollback goes to a partly removed night.
    gone = night.with_name(night.name + UNFINISHED)
    night.rename(gone)
    shutil.rmtree(gone)


def _number(folder: Path) -> int:
    name = folder.name.removesuffix(UNFINISHED)
    return int(name) if name.isdigit() else 0


def _sync(folder: Path) -> None:
    """Sync files to disk before the link names them. Hard links are on disk already."""
    for path in [*folder.rglob("*"), folder]:
        if path.is_dir() or path.stat().st_nlink == 1:
            sync_to_disk(path)


def sync_to_disk(path: Path) -> None:
    """Sync a file or a folder to disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
