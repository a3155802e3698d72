"""What can stop Daybook, drawn once.

    DaybookError                 exit 1: named in one line on stderr
    |-- NothingToLand            a path that matches nothing
    |-- NoSuchLoad               a load number that the ledger does not have
    |-- NoDatabase               nothing has been landed here yet
    |-- BucketError              object storage that cannot be reached, or refuses
    |-- NotInstalled             something that only an extra brings
    |-- BadDatabase              a database that cannot be opened, read or written
    |   `-- DatabaseIsHeld       exit 3: another process has it open
    |-- CannotBuild              dbt must not begin; it has built nothing yet
    |-- AccountingFailed         the ledger and the tables disagree: never committed
    |-- DamagedFile              one file is refused whole, the others go on (exit 4 at the end)
    `-- StillGrowing             one file is left for next time, the others go on

A bad line is not an error. It is a row of `raw.quarantine`.
"""


class DaybookError(Exception):
    """A problem that a person can do something about: what, where, and what to do next."""

    exit_code = 1


class NothingToLand(DaybookError):
    """A path, folder or glob without a single log file."""


class NoSuchLoad(DaybookError):
    """The ledger has no such load."""


class NoDatabase(DaybookError):
    """A command that reads came before the first landing."""


class BucketError(DaybookError):
    """Object storage that cannot be reached, or refuses what it is asked."""


class NotInstalled(DaybookError):
    """Something that is installed only where it is asked for."""


class BadDatabase(DaybookError):
    """The warehouse cannot be opened, read or written."""


class DatabaseIsHeld(BadDatabase):
    """Another process has the warehouse open; DuckDB allows one writer."""

    exit_code = 3


class CannotBuild(DaybookError):
    """dbt must not begin; raised before it has built anything."""


class AccountingFailed(DaybookError):
    """A count that must agree does not. Nothing is committed on such a count."""


class DamagedFile(DaybookError):
    """A file that cannot be trusted as a whole; `str(error)` is the reason kept in `raw.loads`."""


class StillGrowing(DaybookError):
    """A file that somebody writes to while it is read."""


SOME_FILES_REFUSED = 4
