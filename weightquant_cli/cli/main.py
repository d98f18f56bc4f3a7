"""The command group, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import click

from .. import __version__
from ..errors import WeightQuantError
from .console import Console
from .exit_codes import ExitCode

COMMANDS = {
    "quantize": "weightquant_cli.cli.quantize",
    "export-opt": "weightquant_cli.cli.export_opt",
}

EPILOG = """\b
Examples:
  weightquant quantize --bits 16 model/ out/
  weightquant quantize --dry-run model/ out/
  weightquant export-opt out/ && sh out/convert_to_lite.sh
"""


class LazyGroup(click.Group):
    """Imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order in which one uses them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name]).command
        assert isinstance(command, click.Command)
        return command


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "WEIGHTQUANT"},
    epilog=EPILOG,
)
@click.version_option(__version__, prog_name="weightquant", message="%(prog)s %(version)s")
def group() -> None:
    """Make a trained PaddlePaddle model small, for Paddle Lite, without PaddlePaddle."""


class Terminated(BaseException):
    """SIGTERM arrived: unwind, so that nothing half-written stays."""


def run(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code. Never raises, never shows a traceback unasked."""
    console = Console()
    try:
        with _terminable():
            code = group.main(list(arguments), prog_name="weightquant", standalone_mode=False)
            sys.stdout.flush()
        return code if isinstance(code, int) else ExitCode.DONE
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        console.error(_usage_message(error))
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        console.error("interrupted")
        return ExitCode.INTERRUPTED
    except Terminated:
        console.error("terminated")
        return ExitCode.TERMINATED
    except BrokenPipeError:
        _leave_the_pipe()
        return ExitCode.DONE
    except WeightQuantError as error:
        _show_traceback(arguments)
        console.error(str(error))
        return error.exit_code
    except Exception as error:
        _show_traceback(arguments)
        console.error(
            f"internal error: {type(error).__name__}: {error}; "
            "please report it with the output of --debug"
        )
        return ExitCode.INTERNAL_ERROR


def _usage_message(error: click.ClickException) -> str:
    message = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "weightquant"
    return f"{message}; see `{command} --help`"


def _show_traceback(arguments: Sequence[str]) -> None:
    if "--debug" in arguments or os.environ.get("WEIGHTQUANT_DEBUG"):
        traceback.print_exc()


def _leave_the_pipe() -> None:
    """Whoever read our output has seen enough: let the interpreter's last flush go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _terminable() -> Iterator[None]:
    """Turn SIGTERM into an exception while a command runs."""

    def terminate(number: int, frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
