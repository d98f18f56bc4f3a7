"""The arguments of `export-opt`, and the core's options that are made from them."""

# ruff: noqa: RUF009 # `option` and `argument` return dataclass fields

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import OptionError
from .option import Heading, argument, option
from .shared import ModelArguments, force_option
from .types import MODEL_FOLDER, PathType

if TYPE_CHECKING:
    from ...core.opt_script.script import OptScriptOptions

STDOUT = Path("-")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ExportOptArguments(ModelArguments):
    """The command line of `export-opt`."""

    quantized_dir: Path = argument(MODEL_FOLDER)
    output: Path | None = option(
        "-o",
        "--output",
        heading=Heading.FILES,
        type=PathType(allow_dash=True),
        metavar="FILE",
        help="Write the script to this file, or with - to stdout, to be saved beside the model.  "
        "[default: convert_to_lite.sh beside the model]",
    )
    optimize_out: str | None = option(
        "--optimize-out",
        heading=Heading.CONVERSION,
        metavar="NAME",
        help="Let the script write this, a path relative to the script's own folder.  "
        "[default: the model's or its folder's name]",
    )
    optimize_out_type: str = option(
        "--optimize-out-type",
        heading=Heading.CONVERSION,
        type=click.Choice(["naive_buffer", "protobuf"]),
        default="naive_buffer",
        show_default=True,
        help="Convert to a .nb file for the phone, or to a folder with model and params.",
    )
    valid_targets: str = option(
        "--valid-targets",
        heading=Heading.CONVERSION,
        metavar="LIST",
        default="arm",
        show_default=True,
        help="Convert for these, separated by commas, of arm, opencl and x86; opt uses the first "
        "one's kernels, so that a GPU takes opencl,arm.",
    )
    force: bool = force_option("Replace a FILE that export-opt did not write.")

    @property
    def to_stdout(self) -> bool:
        """Whether the script is printed."""
        return self.output == STDOUT


def script_options(arguments: ExportOptArguments) -> OptScriptOptions:
    """What the script is to do.

    Raises:
        OptionError: two documents for stdout, an output that names no file, or unknown targets.
    """
    from ...core.opt_script.script import OptScriptOptions
    from ...core.opt_script.shell_text import OptimizeOutType

    if arguments.to_stdout and arguments.as_json:
        raise OptionError("--output - and --json would both write to stdout")
    return OptScriptOptions(
        script=None if arguments.to_stdout else arguments.output,
        optimize_out=arguments.optimize_out,
        optimize_out_type=OptimizeOutType(arguments.optimize_out_type),
        valid_targets=tuple(arguments.valid_targets.split(",")),
    )
