"""Options and arguments that several commands share; each is defined once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from ..core.options import MAX_BITS, MIN_BITS, Size
from ..core.targets import ALL_OP_TYPES
from .console import ColorMode, Console

Command = TypeVar("Command", bound=Callable[..., Any])

MODEL_DIR = click.Path(path_type=Path)


AUTO = "auto"

if TYPE_CHECKING:
    OptionType = click.ParamType[Any]
else:  # generic since click 8.4 only
    OptionType = click.ParamType


class OpTypes(OptionType):
    """Operator types separated by commas."""

    name = "types"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """The types named in `value`; whether they exist is for the core to say."""
        if isinstance(value, tuple):
            return value
        return tuple(part.strip() for part in str(value).split(",") if part.strip())

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The types that go on from the last comma."""
        done, comma, last = incomplete.rpartition(",")
        return [
            CompletionItem(done + comma + name)
            for name in (*ALL_OP_TYPES, "all")
            if name.startswith(last)
        ]


class Bits(OptionType):
    """8 to 16, or `auto`."""

    name = "bits"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """The number, or ``auto``."""
        if value == AUTO or isinstance(value, int):
            return value
        try:
            return int(str(value))
        except ValueError:
            self.fail(f"{value!r} is neither a number from 8 to 16 nor auto", param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The values there are."""
        values = (AUTO, *map(str, range(MIN_BITS, MAX_BITS + 1)))
        return [CompletionItem(value) for value in values if value.startswith(incomplete)]


class BitsFor(OptionType):
    """A glob pattern of weight names with the bits for them."""

    name = "pattern"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Pattern and bits; a name may hold a `=` itself."""
        if isinstance(value, tuple):
            return value
        pattern, equals, bits = str(value).rpartition("=")
        if not (equals and pattern and bits.isdecimal()):
            self.fail(f"{value!r} is not GLOB=BITS, such as 'fc_*=16'", param, ctx)
        return pattern, int(bits)


class SizeType(OptionType):
    """Bytes with a unit, or percent of the input."""

    name = "size"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Size:
        """The size; OptionError where it is none."""
        return value if isinstance(value, Size) else Size.parse(str(value))


def model_file_options(command: Command) -> Command:
    """`--model-filename` and `--params-filename`."""
    for option in (
        click.option(
            "--params-filename",
            metavar="NAME",
            help="Name of the one file that holds all parameters, where looking is ambiguous.",
        ),
        click.option(
            "--model-filename",
            metavar="NAME",
            help="Name of the program's file in MODEL_DIR, where looking is ambiguous.",
        ),
    ):
        command = option(command)
    return command


def common_options(command: Command) -> Command:
    """Options of every command; the command gets a `console` in their place."""

    @functools.wraps(command)
    def with_console(
        *args: object, quiet: bool, verbose: bool, color: str, debug: bool, **kwargs: object
    ) -> object:
        console = Console(color=ColorMode(color), quiet=quiet, verbose=verbose)
        return command(*args, console=console, **kwargs)

    wrapped: Any = with_console
    for option in (
        click.option("--debug", is_flag=True, help="Show a traceback with an error."),
        click.option(
            "--color",
            type=click.Choice([mode.value for mode in ColorMode]),
            default=ColorMode.AUTO.value,
            show_default=True,
            help="When to use colours; auto also obeys NO_COLOR.",
        ),
        click.option("-v", "--verbose", is_flag=True, help="Tell more on stderr."),
        click.option(
            "-q", "--quiet", is_flag=True, help="Errors only, no summary and no progress."
        ),
    ):
        wrapped = option(wrapped)
    result: Command = wrapped
    return result


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on stdout instead of text."
)
