"""The command group, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import errno
import importlib
import os
import signal
from collections.abc import Sequence
from contextlib import suppress

import click

from .. import __version__
from ..errors import OutputError, WeightQuantError
from . import standard_streams
from .completion import VARIABLE
from .console import Console
from .exit_codes import ExitCode
from .options.click_group import CliGroup, console_of, version_option
from .options.option import PROGRAM
from .stop_signals import StoppedBySignal, raising_signals

COMMANDS = {
    "quantize": "weightquant_cli.cli.quantize",
    "inspect": "weightquant_cli.cli.inspect",
    "dequantize-check": "weightquant_cli.cli.dequantize_check",
    "export-opt": "weightquant_cli.cli.export_opt",
}

HELP = """Make a trained PaddlePaddle model small, for Paddle Lite, without PaddlePaddle.

The weights of chosen operators are stored as INT8 or INT16 together with their scales, in the
form that Paddle Lite's opt converts; the phone dequantizes them when it loads the model. No
calibration data is needed.
"""

EXAMPLES = (
    "weightquant quantize --bits 16 model/ out/",
    "weightquant quantize --dry-run model/ out/",
    "weightquant inspect model/ | sort -k5 -n | tail",
    "weightquant dequantize-check --reference model/ --min-sqnr 30 out/",
    "weightquant export-opt out/ && sh out/convert_to_lite.sh",
)

# SIGINT too: click would turn a KeyboardInterrupt into an Abort and print an empty line.
STOPPING = {
    signal.SIGINT: (ExitCode.INTERRUPTED, "interrupted"),
    signal.SIGTERM: (ExitCode.TERMINATED, "terminated"),
}


class LazyGroup(CliGroup):
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
        console_of(ctx).write(f"{PROGRAM} {__version__}\n")
        ctx.exit()


group = LazyGroup(PROGRAM, params=[version_option(_show_version)], help=HELP, examples=EXAMPLES)


def run(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code. Never raises, never shows a traceback unasked."""
    standard_streams.prepare()
    try:
        return _run(arguments, Console())
    finally:
        standard_streams.abandon_broken()


def _run(arguments: Sequence[str], console: Console) -> int:
    completing = _prepare_completion()
    console.as_json = "--json" in arguments  # until a command has been found that knows it
    try:
        with raising_signals(STOPPING):
            code = group.main(
                list(arguments), prog_name=PROGRAM, standalone_mode=False, obj=console
            )
            console.flush()
        return code if isinstance(code, int) else ExitCode.DONE
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        from .messages import usage_message

        return _failed(console, usage_message(error), ExitCode.USAGE)
    except StoppedBySignal as stop:
        code, what = STOPPING[signal.Signals(stop.number)]
        return _failed(console, what, code)
    except WeightQuantError as error:
        console.traceback()
        from .messages import with_similar_file
        from .option_names import OPTIONS

        message = with_similar_file(error).message(OPTIONS)
        return _failed(console, message, error.exit_code, error=error)
    except Exception as error:
        if completing and isinstance(error, OSError):  # click writes completions itself
            return _completions_not_written(console, error)
        console.traceback()
        if _ran_out_of_memory(error):
            text = "out of memory; free some, or use fewer threads with --jobs"
            return _failed(console, text, ExitCode.INTERNAL_ERROR, "out_of_memory")
        text = f"internal error: {type(error).__name__}: {error}"
        text += "; please report it with the output of --debug"
        return _failed(console, text, ExitCode.INTERNAL_ERROR)


def _failed(
    console: Console,
    message: str,
    code: int,
    kind: str | None = None,
    error: WeightQuantError | None = None,
) -> int:
    """Tell an error in one line, and with --json as a document, unless there is one already."""
    console.error(message)
    if console.as_json and not console.has_written:
        from .output.error_json import error_document, other_document
        from .output.json_output import dumps

        document = error_document(error) if error else other_document(message, code, kind)
        with suppress(OutputError):  # the exit code and stderr have to do
            console.write(dumps(document))
            console.flush()
    return code


def _ran_out_of_memory(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if _is_out_of_memory(cause):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, ImportError):  # numpy's libraries could not be loaded
        return "cannot map" in str(error) or "failed to map segment" in str(error)
    return isinstance(error, MemoryError)


def _completions_not_written(console: Console, error: OSError) -> int:
    if isinstance(error, BrokenPipeError):
        return ExitCode.DONE
    console.error(f"cannot write to stdout: {error.strerror}")
    return ExitCode.OUTPUT_NOT_WRITTEN


def _prepare_completion() -> bool:
    """Whether a shell asks for completions; click then answers by our scripts' protocol."""
    if VARIABLE not in os.environ:
        return False
    from .completion import completion

    completion.install()
    return True
