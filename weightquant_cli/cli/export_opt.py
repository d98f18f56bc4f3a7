"""`weightquant export-opt`: parse, one core call, write the script or print it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import printable
from .console import Console
from .options.click_command import command as cli_command
from .options.export_opt import ExportOptArguments, script_options
from .reading import load_model

if TYPE_CHECKING:
    from ..core.opt_script.script import OptScript

EXAMPLES = (
    "weightquant export-opt out/ && sh out/convert_to_lite.sh",
    "weightquant export-opt --optimize-out lite/mobilenet.nb out/",
    "weightquant export-opt -o - out/ | shellcheck -",
)


@cli_command(
    "export-opt",
    ExportOptArguments,
    brief="Write a script that converts it with Paddle Lite's opt.",
    examples=EXAMPLES,
)
def command(console: Console, arguments: ExportOptArguments) -> None:
    """Write a shell script that converts QUANTIZED_DIR for Android ARM with Paddle Lite's opt."""
    from ..core.opt_script.script import make_opt_script, write_opt_script

    options = script_options(arguments)
    model = load_model(console, arguments, arguments.quantized_dir)
    script = make_opt_script(model, options)
    if arguments.to_stdout:
        console.write(script.text)
        _tell_ports(console, script)
    else:
        write_opt_script(script, arguments.force)
        _report(console, script, arguments.as_json)
    if not script.quantized:
        console.warning("the model holds no quantized weights; the script converts it as it is")


def _report(console: Console, script: OptScript, as_json: bool) -> None:
    from .output import export_opt_json, json_output

    if as_json:
        console.write(json_output.dumps(export_opt_json.export_opt_document(script)))
    elif not console.quiet:
        console.print(
            f"wrote {printable(str(script.path))}, which makes {printable(script.output)}"
        )
        _tell_ports(console, script)


def _tell_ports(console: Console, script: OptScript) -> None:
    """What an app gives the model and gets from it, on stderr."""
    for label, ports in (("input", script.inputs), ("output", script.outputs)):
        for port in ports:
            console.message(f"{label:<8}{port}")
