"""`weightquant quantize`: parse, one core call, render."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import printable
from .commands import Command
from .console import Console
from .options import quantize as quantize_options
from .options.quantize import decision_options, gate_options, plan_options
from .options.shared import (
    MODEL_DIR,
    common_options,
    json_option,
    model_file_options,
)

if TYPE_CHECKING:
    from ..core.model.model import Model
    from ..core.plan.plan import Plan
    from ..core.quantize.gates import Gates
    from ..core.quantize.output import OutputOptions
    from ..core.quantize.results import Quantized

EPILOG = """\b
Examples:
  weightquant quantize --bits 16 model/ out/
  weightquant quantize --op-type all --exclude 'fc_*' model/ out/
  weightquant quantize --dry-run --json model/ out/
"""


@click.command(
    "quantize",
    cls=Command,
    epilog=EPILOG,
    short_help="Store a model's weights as INT8 or INT16 with their scales.",
)
@click.argument("model_dir", type=MODEL_DIR)
@click.argument("output_dir", type=MODEL_DIR)
@decision_options
@click.option(
    "--strip-callstack/--keep-callstack",
    default=True,
    show_default=True,
    help="Drop the exporter's stack traces, which hold paths of its machine.",
)
@model_file_options
@click.option(
    "--save-model-filename",
    metavar="NAME",
    help="Name the program's file in OUTPUT_DIR.  [default: the input's]",
)
@click.option(
    "--save-params-filename",
    metavar="NAME",
    help="Write all parameters to one file of this name.  [default: the input's layout and names]",
)
@click.option("--separate-params", is_flag=True, help="Write one file per parameter.")
@plan_options
@gate_options
@click.option(
    "-n", "--dry-run", is_flag=True, help="Print the plan and the sizes, and write nothing."
)
@click.option("-f", "--force", is_flag=True, help="Replace an existing OUTPUT_DIR, in one step.")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Use this many threads.  [default: the CPUs one may use]",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the same facts as --json to a file, with the SHA-256 of every file.",
)
@json_option
@common_options
def command(
    console: Console,
    model_dir: Path,
    output_dir: Path,
    as_json: bool,
    report: Path | None,
    dry_run: bool,
    **options: Any,
) -> None:
    """Store the weights of MODEL_DIR as integers with their scales, in OUTPUT_DIR.

    OUTPUT_DIR has the file names and the layout of MODEL_DIR, and appears whole or not at all.
    Biases, and weights that Paddle Lite could not dequantize, stay as they are; --dry-run lists
    every weight with the reason.
    """
    from ..core.model.model import Model
    from ..core.quantize.quantize import preview

    gates = quantize_options.gates(options)
    output = _output_options(output_dir, options | {"digests": report is not None})
    decide = _decision(options)
    model = Model.load(model_dir, options["model_filename"], options["params_filename"])
    plan = decide(model, output)
    if options["plan_out"] is not None:
        _write_plan(options["plan_out"], plan)
    if dry_run:
        result = preview(model, plan, output, gates)
    else:
        shown = as_json or report is not None or not console.quiet
        result = _quantize(console, model, plan, output, gates, options["jobs"], shown)
    if as_json or report is not None:
        _write_document(console, model, result, as_json, report)
    if not as_json and (dry_run or not console.quiet):
        _print_summary(console, result, dry_run)
    if not plan.quantized:
        console.message("warning: nothing was quantized; see the reasons above or --dry-run")


def _write_plan(file: Path, plan: Plan) -> None:
    from ..core.plan.plan_file import plan_document
    from .output import json_output

    json_output.write_file(file, plan_document(plan), "plan")


def _write_document(
    console: Console, model: Model, result: Quantized, as_json: bool, report: Path | None
) -> None:
    """The facts as JSON: to a file with the digests, and to stdout."""
    from .output import json_output

    document = json_output.quantize_document(model, result)
    if report is not None:
        document["files"] = _digests(model, result)
        json_output.write_file(report, document, "report")
    if as_json:
        console.write(json_output.dumps(document))


def _print_summary(console: Console, result: Quantized, dry_run: bool) -> None:
    from .output import tables

    if dry_run:
        console.print(tables.plan_table(console, result))
    console.print(tables.summary(result))


def _decision(options: dict[str, Any]) -> Callable[[Model, OutputOptions], Plan]:
    """How the plan is made; options and plan file are checked before the model is read."""
    if options["plan_file"] is not None:
        from ..core.plan.plan_file import apply_plan, parse_plan

        context = click.get_current_context()
        planned = parse_plan(quantize_options.read_plan_file(options["plan_file"], context))
        return lambda model, output: apply_plan(model, planned)
    from ..core.quantize.auto_bits import plan_model

    wanted = quantize_options.quantize_options(options)

    def decide(model: Model, output: OutputOptions) -> Plan:
        return plan_model(model, wanted, output.strip_callstack, options["jobs"])

    return decide


def _digests(model: Model, result: Quantized) -> dict[str, Any]:
    """SHA-256 of every file read and written; of those read only, after a dry run."""
    from .output import json_output

    written = result.written
    return {
        "input": json_output.digest_documents(
            written.inputs if written else model.stored.digests()
        ),
        "output": json_output.digest_documents(written.outputs if written else ()),
    }


def _output_options(folder: Path, options: dict[str, Any]) -> OutputOptions:
    from ..core.quantize.output import OutputOptions
    from ..formats.files.atomic_folder import Existing

    return OutputOptions(
        folder=folder,
        program=options["save_model_filename"],
        params=options["save_params_filename"],
        separate=options["separate_params"],
        existing=Existing.REPLACE if options["force"] else Existing.REFUSE,
        strip_callstack=options["strip_callstack"],
        digests=options["digests"],
    )


def _quantize(
    console: Console,
    model: Model,
    plan: Plan,
    output: OutputOptions,
    gates: Gates,
    jobs: int | None,
    measure_errors: bool,
) -> Quantized:
    """Quantize with a progress bar, and with `-v` a line per weight."""
    from ..core.quantize.quantize import quantize
    from ..core.quantize.results import Progress

    total = sum(weight.size_before for weight in plan.weights)
    lock = threading.Lock()
    done = 0
    with console.progress(total, "quantize") as bar:

        def step(progress: Progress) -> None:
            nonlocal done
            with lock:
                if bar is not None:
                    bar.set_description(printable(progress.name), refresh=False)
                    bar.update(progress.size)
                if progress.finished is not None:
                    done += 1
                    if not console.verbose:
                        return
                    from .output import tables

                    console.detail(tables.weight_line(done, len(plan.weights), progress.finished))

        return quantize(model, plan, output, jobs, step, gates, measure_errors)
