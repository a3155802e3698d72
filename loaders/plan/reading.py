"""Reads a seed from its CSV file, and reports what makes it unreadable."""

import csv
import difflib
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from loaders.plan.problems import Problem
from loaders.plan.shape import SEEDS

_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_LINE_ENDS = {"\r\n": "CRLF", "\n": "LF", "\r": "CR"}
_AS_CSV = 'save it as "CSV UTF-8 (comma delimited)"'


@dataclass(frozen=True)
class Row:
    """A row of a seed: its line as an editor numbers it, and its cells, trimmed."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass
class Seed:
    """A seed: its rows, and what is wrong with the file.

    `header` is None where the columns are not those of the seed.
    """

    name: str
    file: str  # as it is shown
    header: list[str] | None = None
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def report(self, row: int, what: str, fix: str) -> None:
        """Add a problem of this file."""
        self.problems.append(Problem(self.file, row, what, fix))


def read_seed(name: str, path: str | Path, shown: str | None = None) -> Seed:
    """Read a seed; never raises, but adds to `problems`."""
    seed = Seed(name, shown or str(path))
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        seed.report(0, f"it cannot be read ({error.strerror})", "restore the file")
        return seed
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        byte = f"byte 0x{content[error.start]:02x}"
        seed.report(before.count(b"\n") + 1, f"the file is not UTF-8 ({byte})", _AS_CSV)
        return seed

    records = _records(seed, text)
    first = next(records, None)
    columns = [column.name for column in SEEDS[name].columns]
    if first is None:
        if not seed.problems:
            seed.report(0, "the file is empty", f"begin it with the line {','.join(columns)}")
        return seed
    line, header = first
    if not _check_header(seed, line, header):
        return seed
    seed.header = header
    for line, cells in records:
        if len(cells) == len(header):
            trimmed = (cell.strip() for cell in cells)
            seed.rows.append(Row(line, dict(zip(header, trimmed, strict=True))))
        elif len(cells) == len(columns) > len(header):
            missing = ", ".join(name for name in columns if name not in header)
            seed.report(
                line,
                f"there are {len(cells)} cells, and the header lacks {missing}",
                f"write the header with it: {','.join(columns)}",
            )
        elif len(cells) > len(header):
            seed.report(
                line,
                f"there are {len(cells)} cells, and {len(header)} columns",
                'put a text that holds a comma in quotes ("a, b")',
            )
        else:
            seed.report(
                line,
                f"there are {len(cells)} cells, and {len(header)} columns",
                "write a comma for each blank cell too",
            )
    return seed


def _records(seed: Seed, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not blank, with the line on which it begins."""
    ends: list[str] = []
    size, is_at_end = 0, False  # of the current record

    def lines() -> Iterator[str]:
        nonlocal size, is_at_end
        for line in io.StringIO(text, newline=""):
            ends.append(line[len(line.rstrip("\r\n")) :])
            size += len(line)
            yield line
        is_at_end = True

    reader = csv.reader(lines(), strict=True)
    usual = None
    while True:
        begins, size = reader.line_num + 1, 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if is_at_end:
                what, fix = "a quote is opened and never closed", 'close it with a second "'
            elif size > csv.field_size_limit():
                what, fix = f"it is not CSV ({error})", _AS_CSV
            else:
                what = "text follows a closing quote"
                fix = 'write "" for a quote inside a quoted cell'
            seed.report(begins, what, fix)
            return
        end = _LINE_ENDS.get(ends[-1])
        usual = usual or end
        if end and end != usual:
            seed.report(
                begins,
                f"the line ends with {end}, the ones before it with {usual}",
                "save the file with one kind of line end",
            )
            usual = end  # reported once per change, not on every line
        if cells:
            yield begins, cells


def _check_header(seed: Seed, line: int, header: list[str]) -> bool:
    columns = SEEDS[seed.name].columns
    known = [column.name for column in columns]
    as_it_should_be = f"write {','.join(column.name for column in columns if not column.optional)}"
    for separator, plural in _OTHER_SEPARATORS.items():
        parts = {part.strip() for part in ",".join(header).split(separator)}
        if len(parts) > 1 and parts & set(known):
            seed.report(line, f"its columns are separated by {plural}, not by commas", _AS_CSV)
            return False
    if not set(header) & set(known):
        seed.report(line, "it has none of the columns of this seed", as_it_should_be)
        return False
    is_fine = True
    for name, times in Counter(header).items():
        if name not in known:
            close = difflib.get_close_matches(name.strip().lower(), known, 1, 0.8)
            what = f'the column "{name}" is not known here' if name else "a column has no name"
            seed.report(line, what, f'rename it to "{close[0]}"' if close else "delete it")
            is_fine = False
        elif times > 1:
            seed.report(line, f'the column "{name}" is there {times} times', "delete all but one")
            is_fine = False
    for column in columns:
        if column.name not in header and not column.optional:
            seed.report(line, f'the column "{column.name}" is missing', "add it")
            is_fine = False
    return is_fine
