"""The errors of Daybook, as one tree.

    DaybookError                 exit 1: named in one line on stderr
    |-- NothingToLand            a path that matches nothing
    |-- NothingUsable            exit 5: calls were expected, and none came
    |-- NoSuchLoad               a load number that the ledger does not have
    |-- NoDatabase               nothing has been landed here yet
    |-- BucketError              object storage that cannot be reached, or refuses
    |-- CannotInit               a folder in which no project can be made
    |-- NotInstalled             a package that only an extra installs
    |-- BadDatabase              a database that cannot be opened, read or written
    |   `-- DatabaseIsHeld       exit 3: another process has it open
    |-- CannotBuild              dbt must not begin; it has built nothing yet
    |-- CannotPublish            the readers keep the last published night
    |-- NothingPublished         a command that reads a published night came before the first one
    |-- CannotForget             an erasure that is not begun, or not finished; nothing has changed
    |-- NightIsHeld              exit 3: another night is running
    |-- NightStopped             a step of the night failed; its exit code is that of the cause
    |-- AccountingFailed         the ledger and the tables disagree: never committed
    |-- DamagedFile              one file is refused whole, the others land (exit 4 at the end)
    |-- StillGrowing             one file is postponed, the others land
    |-- BadProject               a dbt_project.yml or a folder of questions that is of no use
    `-- BadQuestion              one question has no answer, the others do (exit 1 at the end)

A bad line is not an error. It is a row of `raw.quarantine`.
"""

INTERRUPTED = 130  # the usual exit code after Ctrl-C


def is_interrupt(error: BaseException) -> bool:
    """Whether a person pressed Ctrl-C.

    DuckDB raises a RuntimeError instead, which only its text tells apart; dbt wraps that.
    """
    return isinstance(error, KeyboardInterrupt) or "Query interrupted" in str(error)


class DaybookError(Exception):
    """A problem that a person can do something about: what, where, and what to do next."""

    exit_code = 1


class NothingToLand(DaybookError):
    """A path, folder or glob without a single log file."""

    def __init__(self, message: str, *, at_any_path: bool):
        super().__init__(message)
        self.at_any_path = at_any_path  # whether none of the paths has a file


class NothingUsable(DaybookError):
    """Calls were expected, but no file or no line has one."""

    exit_code = 5


class NoSuchLoad(DaybookError):
    """The ledger has no such load."""


class NoDatabase(DaybookError):
    """A command that reads came before the first landing."""


class BucketError(DaybookError):
    """Object storage that cannot be reached, or refuses a request."""


class CannotInit(DaybookError):
    """A folder in which `daybook init` cannot make a project."""


class NotInstalled(DaybookError):
    """A package is missing that only an extra of Daybook installs."""


class BadDatabase(DaybookError):
    """The warehouse cannot be opened, read or written."""


class DatabaseIsHeld(BadDatabase):
    """Another process has the warehouse open; DuckDB allows one writer."""

    exit_code = 3


class CannotBuild(DaybookError):
    """dbt must not begin; raised before it has built anything."""


class CannotPublish(DaybookError):
    """The last build is not published; readers keep the last published night."""


class NothingPublished(DaybookError):
    """A command that reads a published night came before the first one."""


class CannotForget(DaybookError):
    """Nobody was erased: an id is unknown, or some of the data would remain."""


class NightIsHeld(DaybookError):
    """Another process holds the lock of the night."""

    exit_code = 3


class NightStopped(DaybookError):
    """A step of the night failed."""

    def __init__(self, step: str, problem: str, exit_code: int = 1):
        super().__init__(
            f"{problem.rstrip('.')}. The night stopped at the step {step}; readers keep the last"
            " published night. The same command may be run again."
        )
        self.step, self.problem, self.exit_code = step, problem, exit_code


class AccountingFailed(DaybookError):
    """Counts that must agree do not. Nothing is committed then."""


class DamagedFile(DaybookError):
    """A file that cannot be trusted as a whole; `str(error)` is the reason kept in `raw.loads`."""


class StillGrowing(DaybookError):
    """A file that is written to while it is read."""


class BadProject(DaybookError):
    """The dbt project here cannot be read, or has nothing to ask."""


class BadQuestion(DaybookError):
    """A file of `analyses/` that cannot be answered: what is wrong, and on which line."""

    def __init__(self, what: str, line: int | None = None):
        super().__init__(what)
        self.line = line


SOME_FILES_REFUSED = 4
