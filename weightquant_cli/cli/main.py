"""The command group, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys
from collections.abc import Sequence

import click

from .. import __version__
from ..errors import WeightQuantError
from .commands import PROGRAM, Group
from .completion.scripts import VARIABLE
from .console import Console, ReaderGone
from .exit_codes import ExitCode
from .option_names import OPTIONS
from .stopping import Stopped, stoppable
from .suggestions import usage_message, with_near_file

COMMANDS = {
    "quantize": "weightquant_cli.cli.quantize",
    "inspect": "weightquant_cli.cli.inspect",
    "dequantize-check": "weightquant_cli.cli.dequantize_check",
    "export-opt": "weightquant_cli.cli.export_opt",
}

EPILOG = """\b
Examples:
  weightquant quantize --bits 16 model/ out/
  weightquant quantize --dry-run model/ out/
  weightquant inspect model/ | sort -k5 -n | tail
  weightquant dequantize-check --reference model/ --min-sqnr 30 out/
  weightquant export-opt out/ && sh out/convert_to_lite.sh
"""


class LazyGroup(Group):
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


def _show_version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        Console().write(f"{PROGRAM} {__version__}\n")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EPILOG,
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def group() -> None:
    """Make a trained PaddlePaddle model small, for Paddle Lite, without PaddlePaddle.

    The weights of chosen operators are stored as INT8 or INT16 together with their scales, in the
    form that Paddle Lite's opt converts; the phone dequantizes them when it loads the model. No
    calibration data is needed.
    """


# SIGINT too: of a KeyboardInterrupt click would make an Abort, and an empty line.
STOPPING = {
    signal.SIGINT: (ExitCode.INTERRUPTED, "interrupted"),
    signal.SIGTERM: (ExitCode.TERMINATED, "terminated"),
}


def run(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code. Never raises, never shows a traceback unasked."""
    _replace_closed_streams()
    try:
        return _run(arguments)
    finally:
        _leave_broken_streams()


def _run(arguments: Sequence[str]) -> int:
    console = Console()
    completing = _prepare_completion()
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name may hold what the locale cannot show
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with stoppable(STOPPING):
            code = group.main(list(arguments), prog_name="weightquant", standalone_mode=False)
            console.flush()
        return code if isinstance(code, int) else ExitCode.DONE
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        console.error(usage_message(error))
        return ExitCode.USAGE
    except Stopped as stop:
        code, told = STOPPING[signal.Signals(stop.number)]
        console.error(told)
        return code
    except (BrokenPipeError, ReaderGone):
        return ExitCode.DONE
    except WeightQuantError as error:
        _show_traceback(arguments)
        console.error(with_near_file(error).message(OPTIONS))
        return error.exit_code
    except Exception as error:
        if completing and isinstance(error, OSError):  # click writes them itself
            console.error(f"cannot write to stdout: {error.strerror}")
            return ExitCode.OUTPUT_NOT_WRITTEN
        _show_traceback(arguments)
        console.error(
            f"internal error: {type(error).__name__}: {error}; "
            "please report it with the output of --debug"
        )
        return ExitCode.INTERNAL_ERROR


def _replace_closed_streams() -> None:
    """Where a stream was closed (`>&-`), let it go nowhere.

    Else the next file opened, a parameter file say, would take the stream's number and get what
    is meant for the stream.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
            setattr(sys, name, os.fdopen(nowhere, mode, encoding="utf-8", closefd=False))


def _prepare_completion() -> bool:
    """Whether a shell asks for completions: click is then to answer by our scripts' protocol."""
    if VARIABLE not in os.environ:
        return False
    from .completion import completion

    completion.install()
    return True


def _show_traceback(arguments: Sequence[str]) -> None:
    if "--debug" in arguments or os.environ.get("WEIGHTQUANT_DEBUG"):
        import traceback

        traceback.print_exc()


def _leave_broken_streams() -> None:
    """Where nothing more can be written, let the interpreter's last flush go nowhere."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
