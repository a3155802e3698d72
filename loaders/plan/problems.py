"""One thing that is wrong with the plan, as a person reads it."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """A place, what is wrong there, and a fix. `row` is the line as an editor numbers it."""

    file: str
    row: int  # 0: the file as a whole
    what: str
    fix: str

    def __str__(self) -> str:
        where = f"{self.file}, row {self.row}" if self.row else self.file
        return f"{where}: {self.what}; {self.fix}."
