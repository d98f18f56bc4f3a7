"""`weightquant export-opt`: parse, one core call, write the script or print it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import OptionError, printable
from .commands import Command
from .console import Console
from .options.shared import (
    MODEL_DIR,
    common_options,
    json_option,
    model_file_options,
)

if TYPE_CHECKING:
    from ..core.opt_script.script import OptScript

EPILOG = """\b
Examples:
  weightquant export-opt out/ && sh out/convert_to_lite.sh
  weightquant export-opt --optimize-out lite/mobilenet.nb out/
  weightquant export-opt -o - out/ | shellcheck -
"""

STDOUT = "-"


@click.command(
    "export-opt",
    cls=Command,
    epilog=EPILOG,
    short_help="Write a script that converts it with Paddle Lite's opt.",
)
@click.argument("quantized_dir", type=MODEL_DIR)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Write the script to this file, or with - to stdout, to be saved beside the model.  "
    "[default: convert_to_lite.sh beside the model]",
)
@click.option(
    "--optimize-out",
    metavar="NAME",
    help="Let the script write this, a path relative to the script's own folder.  "
    "[default: the model's or its folder's name]",
)
@click.option(
    "--optimize-out-type",
    type=click.Choice(["naive_buffer", "protobuf"]),
    default="naive_buffer",
    show_default=True,
    help="Convert to a .nb file for the phone, or to a folder with model and params.",
)
@model_file_options
@click.option("-f", "--force", is_flag=True, help="Replace a FILE that export-opt did not write.")
@json_option
@common_options
def command(
    console: Console,
    quantized_dir: Path,
    output: Path | None,
    optimize_out: str | None,
    optimize_out_type: str,
    model_filename: str | None,
    params_filename: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write a shell script that converts QUANTIZED_DIR for Android ARM with Paddle Lite's opt."""
    from ..core.model.model import Model
    from ..core.opt_script.script import OptScriptOptions, make_opt_script, write_opt_script
    from ..core.opt_script.shell_text import OptimizeOutType

    to_stdout = output is not None and str(output) == STDOUT
    if to_stdout and as_json:
        raise OptionError("--output - and --json would both write to stdout")
    options = OptScriptOptions(
        script=None if to_stdout else output,
        optimize_out=optimize_out,
        optimize_out_type=OptimizeOutType(optimize_out_type),
    )
    model = Model.load(quantized_dir, model_filename, params_filename)
    script = make_opt_script(model, options)
    if to_stdout:
        console.write(script.text)
    else:
        write_opt_script(script, force)
        _tell(console, script, as_json)
    if not script.quantized:
        console.message(
            "warning: the model holds no quantized weights; the script converts it as it is"
        )


def _tell(console: Console, script: OptScript, as_json: bool) -> None:
    from .output import json_output

    if as_json:
        console.write(json_output.dumps(json_output.export_opt_document(script)))
    elif not console.quiet:
        console.print(
            f"wrote {printable(str(script.path))}, which makes {printable(script.output)}"
        )
