"""Options and arguments that several commands share; each is defined once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ...core.lite.targets import ALL_OP_TYPES
from ...core.plan.options import MAX_BITS, MIN_BITS
from ...core.plan.size import Size
from ..completion.weight_names import complete_file, complete_weight
from ..console import ColorMode, Console

Command = TypeVar("Command", bound=Callable[..., Any])

AUTO = "auto"

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    OptionType = click.ParamType[Any]
else:  # generic since click 8.4 only
    OptionType = click.ParamType


def _completion(value: str, **attributes: Any) -> CompletionItem:
    from click.shell_completion import CompletionItem  # only who presses the tab key needs it

    return CompletionItem(value, **attributes)


class Folder(click.Path):
    """A model's folder; what is wrong with it is for the core to say."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Folders, as the shell finds them."""
        return [_completion(incomplete, type="dir")]


MODEL_DIR = Folder()


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
        names = set(ALL_OP_TYPES).difference(done.split(",")) if done else {*ALL_OP_TYPES, "all"}
        return [_completion(done + comma + name) for name in sorted(names) if name.startswith(last)]


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
        return [_completion(value) for value in values if value.startswith(incomplete)]


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

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The weights' names up to the `=`, then the bits."""
        pattern, equals, _ = incomplete.rpartition("=")
        if equals:
            values = [f"{pattern}={bits}" for bits in range(MIN_BITS, MAX_BITS + 1)]
            return [_completion(value) for value in values if value.startswith(incomplete)]
        return [
            _completion(f"{item.value}=", help=item.help)
            for item in complete_weight(ctx, param, incomplete)
        ]


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
            shell_complete=complete_file,
            help="Name the one file that holds all parameters, where looking is ambiguous.",
        ),
        click.option(
            "--model-filename",
            metavar="NAME",
            shell_complete=complete_file,
            help="Name the program's file in the folder, where looking is ambiguous.",
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
            help="Use colours; auto does on a terminal, unless NO_COLOR is set.",
        ),
        click.option(
            "-v", "--verbose", is_flag=True, help="Tell more on stderr, such as a line per weight."
        ),
        click.option(
            "-q", "--quiet", is_flag=True, help="Show errors only, no summary and no progress."
        ),
    ):
        wrapped = option(wrapped)
    result: Command = wrapped
    return result


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on stdout instead of text."
)
