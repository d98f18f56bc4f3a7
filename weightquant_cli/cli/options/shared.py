"""Options that several commands share, and those with which every command sets up its console."""

# ruff: noqa: RUF009 # `option` and `argument` return dataclass fields

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...core.lite.demands.versions import NEWEST, VERSIONS
from ...errors import OptionError
from ..console import ColorMode, Console
from .config_file import use_config
from .option import Heading, Option, option
from .types import FILE, PATH, FileName, InputShape

if TYPE_CHECKING:
    from ...core.run.inputs import SampleOptions

# How many weights a terminal gets without `--all`.
LISTED = 20


def _set_json(ctx: click.Context, parameter: click.Parameter, value: bool) -> bool:
    if isinstance(ctx.obj, Console):  # completion has none
        ctx.obj.as_json = value
    return value


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ModelArguments:
    """What every command takes.

    Attributes:
        given: names of the fields that the command line, the environment or the file set.
        from_file: the options, without their dashes, that the file of `--config` set.
        config: that file.
        model_filename, params_filename: the model's files, where looking is ambiguous.
        as_json: print one JSON document instead of text.
    """

    given: frozenset[str] = field(default=frozenset())
    from_file: tuple[str, ...] = ()
    config: Path | None = option(
        "--config",
        heading=Heading.GENERAL,
        type=FILE,
        metavar="FILE",
        is_eager=True,
        callback=use_config,
        help="Take what neither the command line nor the environment sets from the command's table "
        "in this TOML file; --no- before a flag turns it off again, as in --no-json.",
    )
    model_filename: str | None = option(
        "--model-filename",
        heading=Heading.FILES,
        type=FileName(existing=True),
        metavar="NAME",
        help="Name the program's file in the folder, where looking is ambiguous.",
    )
    params_filename: str | None = option(
        "--params-filename",
        heading=Heading.FILES,
        type=FileName(existing=True),
        metavar="NAME",
        help="Name the one file that holds all parameters, where looking is ambiguous.",
    )
    as_json: bool = option(
        "--json",
        heading=Heading.OUTPUT,
        is_flag=True,
        is_eager=True,  # so that usage errors obey it
        callback=_set_json,
        help="Print one JSON document on stdout instead of text, for an error too.",
    )


def jobs_option() -> Any:
    """`--jobs`."""
    return option(
        "-j",
        "--jobs",
        heading=Heading.GENERAL,
        type=click.IntRange(min=1),
        metavar="N",
        help="Use this many threads.  [default: the CPUs available to the process]",
    )


def input_shape_option(heading: Heading) -> Any:
    """`--input-shape`, under a heading of the help."""
    return option(
        "--input-shape",
        heading=heading,
        type=InputShape(),
        multiple=True,
        metavar="NAME=1,3,48,320",
        help="Run the model on made-up inputs of this shape; repeatable.  "
        "[default: from the program]",
    )


def inputs_option(heading: Heading) -> Any:
    """`--inputs`, under a heading of the help."""
    return option(
        "--inputs",
        heading=heading,
        type=PATH,
        metavar="FILE|FOLDER",
        help="Run the model on these inputs: an .npz of an array for each, or a folder of them.",
    )


def sample_options(
    inputs: Path | None, input_shape: tuple[tuple[str, tuple[int, ...]], ...]
) -> SampleOptions:
    """What the model is run on.

    Raises:
        OptionError: inputs and shapes together, or a shape given twice.
    """
    from ...core.run.inputs import SampleOptions

    names = [name for name, _ in input_shape]
    if len(set(names)) < len(names):
        raise OptionError("--input-shape names an input twice")
    if names and inputs is not None:
        raise OptionError("--input-shape and --inputs contradict each other", remedy="give one")
    return SampleOptions(inputs, dict(input_shape))


def refuse_inputs(given: frozenset[str], remedy: str) -> None:
    """Raise OptionError where inputs were given that nothing is run on."""
    for name, spelling in (("input_shape", "--input-shape"), ("inputs", "--inputs")):
        if name in given:
            raise OptionError(f"{spelling}: the model is not run", remedy=f"it goes with {remedy}")


def force_option(what: str, heading: Heading = Heading.FILES) -> Any:
    """`--force`; `what` is its help."""
    return option("-f", "--force", heading=heading, is_flag=True, help=what)


def compressed_option(what: str) -> Any:
    """`--compressed`; its help begins with `what`."""
    return option(
        "--compressed",
        heading=Heading.OUTPUT,
        is_flag=True,
        help=f"{what} compressed, as an app package or a zip file does it; that takes a second "
        "for 20 MB.",
    )


def lite_version_option() -> Any:
    """`--lite-version`."""
    return option(
        "--lite-version",
        heading=Heading.CONVERSION,
        type=click.Choice(VERSIONS),
        default=NEWEST,
        show_default=True,
        help="Say what opt of this Paddle Lite makes of the program, for ARM; the default is the "
        "newest that was measured.",
    )


def show_all_option(lists: str) -> Any:
    """`--all`; its help begins with `lists`."""
    return option(
        "--all",
        heading=Heading.OUTPUT,
        is_flag=True,
        help=f"{lists} every weight on a terminal too, not the first {LISTED} only.",
    )


def console_options() -> list[click.Parameter]:
    """Options that set up the command's console. Eager, so that usage errors obey them too."""
    return [
        _console_flag(
            "quiet",
            "-q",
            "--quiet",
            help="Print errors only, and what --json, --format or --output asks for.",
        ),
        _console_flag(
            "verbose", "-v", "--verbose", help="Say more on stderr, such as a line per weight."
        ),
        Option(
            ["--color"],
            heading=Heading.GENERAL,
            type=click.Choice([mode.value for mode in ColorMode]),
            default=ColorMode.AUTO.value,
            show_default=True,
            is_eager=True,
            expose_value=False,
            callback=_set_color,
            help="Use colours; auto does on a terminal, unless NO_COLOR is set.",
        ),
        _console_flag(
            "debug",
            "--debug",
            help="Show a traceback with an error.",
            envvar="WEIGHTQUANT_DEBUG",
        ),
    ]


def _console_flag(attribute: str, *spellings: str, **attributes: Any) -> Option:
    def set_flag(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
        if isinstance(ctx.obj, Console):  # completion has none
            setattr(ctx.obj, attribute, value)

    return Option(
        [attribute, *spellings],
        heading=Heading.GENERAL,
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=set_flag,
        **attributes,
    )


def _set_color(ctx: click.Context, parameter: click.Parameter, value: str) -> None:
    if isinstance(ctx.obj, Console):
        ctx.obj.color = ColorMode(value)
