"""The `daybook` command: finds the subcommands, and turns every error into one line."""

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from loaders.engine_errors import first_line
from loaders.errors import INTERRUPTED, DaybookError, is_interrupt

# Imported on first use, so that `daybook land` need not wait for polars.
COMMANDS = {
    "init": "loaders.init:init",
    "land": "loaders.landing.command:land",
    "status": "loaders.landing.command:status",
    "quarantine": "loaders.landing.command:quarantine",
    "unland": "loaders.landing.command:unland",
    "forget": "loaders.forget:forget",
    "nightly": "loaders.night:nightly",
    "publish": "loaders.night:publish",
    "ask": "loaders.asking:ask",
    "report": "loaders.report:report",
    "notebook": "loaders.notebook:notebook",
    "simulate": "loaders.simulate:simulate",
}


@dataclass
class Settings:
    """Settings that every command finds in `context.obj`."""

    database: Path
    is_named: bool = False  # with --database


def database_option() -> click.Option:
    """`--database`, for the group and, again, for each of its commands."""

    def remember(context: click.Context, _: click.Parameter, value: Path | None) -> None:
        if value is not None:
            context.find_root().obj = Settings(value, is_named=True)
            context.obj = context.find_root().obj

    return click.Option(
        ["--database"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The warehouse. [default: DAYBOOK_DATABASE, else warehouse.duckdb]",
        callback=remember,
        expose_value=False,
    )


class Daybook(click.Group):
    """A group whose commands are imported late and whose errors are one line each."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Commands in the order in which a user needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command, and let it take `--database` too."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command = getattr(importlib.import_module(module), name)
        if not any(option.name == "database" for option in command.params):
            command.params.append(database_option())
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; print an error in one line."""
        try:
            return super().invoke(ctx)
        except DaybookError as error:
            _say(str(error))
            ctx.exit(error.exit_code)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except (KeyboardInterrupt, Exception) as error:
            if is_interrupt(error):
                _say("Stopped. Nothing is half landed; the same command may be run again.")
                ctx.exit(INTERRUPTED)
            if os.environ.get("DAYBOOK_DEBUG"):
                raise
            _say(f"{type(error).__name__}: {first_line(error)} (DAYBOOK_DEBUG=1 shows where)")
            ctx.exit(1)


@click.group(
    cls=Daybook,
    params=[database_option()],
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.pass_context
def main(context: click.Context) -> None:
    """Product analytics from identify, group and track logs: land them, build, ask."""
    if context.obj is None:
        context.obj = Settings(Path(os.environ.get("DAYBOOK_DATABASE") or "warehouse.duckdb"))


def _say(message: str) -> None:
    click.echo(f"daybook: {' '.join(message.split())}", err=True)
