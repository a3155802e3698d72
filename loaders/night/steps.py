"""The steps of a night: each is logged by name and timed, and is named if the night stops in it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import click
import duckdb
from rich.console import Console

from loaders.display import safe
from loaders.engine_errors import first_line
from loaders.errors import INTERRUPTED, DaybookError, NightStopped, is_interrupt


@dataclass
class Steps:
    """The steps in order; `took` gets the seconds that each one took."""

    names: tuple[str, ...]
    took: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """Run a step. Yields a function that shows its progress, on a terminal only."""
        self.say(f"{name} ({self.names.index(name) + 1} of {len(self.names)})")
        began = time.monotonic()
        console = Console(stderr=True)
        with self.stopping(name):
            if console.is_terminal and name != "land":  # landing has a bar of its own
                with console.status(name) as status:
                    yield lambda more: status.update(f"{name}: {more}")
            else:
                yield lambda _: None
        self.took[name] = round(time.monotonic() - began, 2)

    @contextmanager
    def stopping(self, name: str) -> Iterator[None]:
        """Raise `NightStopped`, with the step's name, if something in the step fails."""
        try:
            yield
        except DaybookError as error:
            raise NightStopped(name, str(error), error.exit_code) from error
        except (KeyboardInterrupt, RuntimeError, duckdb.Error, OSError) as error:
            if is_interrupt(error):
                raise NightStopped(name, "Interrupted", INTERRUPTED) from error
            if not isinstance(error, duckdb.Error | OSError):
                raise
            raise NightStopped(name, first_line(error)) from error

    def say(self, line: str) -> None:
        """Write a line of the log, with the time."""
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for each in line.strip().splitlines():
            click.echo(f"{at} {safe(each.strip())}", err=True)
