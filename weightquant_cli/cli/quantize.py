"""`weightquant quantize`: parse, one core call, render."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .console import Console
from .options import MODEL_DIR, OpTypes, common_options, json_option, model_file_options

if TYPE_CHECKING:
    from ..core.model import Model
    from ..core.output import OutputOptions
    from ..core.plan import Plan
    from ..core.quantize import Quantized

EPILOG = """\b
Examples:
  weightquant quantize --bits 16 model/ out/
  weightquant quantize --op-type all --exclude 'fc_*' model/ out/
  weightquant quantize --dry-run --json model/ out/
"""


@click.command("quantize", epilog=EPILOG)
@click.argument("model_dir", type=MODEL_DIR)
@click.argument("output_dir", type=MODEL_DIR)
@click.option(
    "-b",
    "--bits",
    type=click.IntRange(8, 16),
    default=8,
    show_default=True,
    help="Bits of a weight: 8 is stored as INT8, 9 to 16 as INT16.",
)
@click.option(
    "--weight-quantize-type",
    type=click.Choice(["channel_wise_abs_max", "abs_max"]),
    help="One scale per output channel, or per tensor.  "
    "[default: channel_wise_abs_max; abs_max with --threshold-rate]",
)
@click.option(
    "--threshold-rate",
    type=float,
    default=0.0,
    metavar="R",
    help="Clip this share of the largest values, 0 <= R < 1; with abs_max only.",
)
@click.option(
    "--op-type",
    "op_types",
    type=OpTypes(),
    multiple=True,
    metavar="T[,T...]",
    help="Operator types whose weights are quantized, or all.  [default: conv2d,mul]",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="GLOB",
    help="Leave weights of these names as they are; repeatable.",
)
@click.option(
    "--strip-callstack/--keep-callstack",
    default=True,
    show_default=True,
    help="Drop the exporter's stack traces, which hold paths of its machine.",
)
@model_file_options
@click.option(
    "--save-model-filename", metavar="NAME", help="The program's file name.  [default: the input's]"
)
@click.option(
    "--save-params-filename",
    metavar="NAME",
    help="Write all parameters to one file of this name.  [default: as the input]",
)
@click.option("--separate-params", is_flag=True, help="Write one file per parameter.")
@click.option("-n", "--dry-run", is_flag=True, help="Print the plan and the sizes, write nothing.")
@click.option("-f", "--force", is_flag=True, help="Replace an existing OUTPUT_DIR, in one step.")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Threads.  [default: the CPUs one may use]",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the same facts as --json to a file.",
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
    """Store the weights of MODEL_DIR as integers with their scales, in OUTPUT_DIR."""
    from ..core.model import Model
    from ..core.plan import make_plan
    from ..core.quantize import preview
    from . import json_output, tables

    quantize_options = _quantize_options(options)
    output = _output_options(output_dir, options)
    model = Model.load(model_dir, options["model_filename"], options["params_filename"])
    plan = make_plan(model, quantize_options)
    if dry_run:
        result = preview(model, plan, output)
    else:
        result = _quantize(console, model, plan, output, options["jobs"])
    document = json_output.quantize_document(model, result)
    if report is not None:
        json_output.write_file(report, document)
    if as_json:
        console.write(json_output.dumps(document))
    elif not console.quiet or dry_run:
        if dry_run:
            console.print(tables.plan_table(console, result))
        console.print(tables.summary(result))
    if not plan.quantized:
        console.message("warning: nothing was quantized; see the reasons above or --dry-run")


def _quantize_options(options: dict[str, Any]) -> Any:
    from ..core.options import QuantizeOptions, WeightQuantizeType
    from ..core.targets import DEFAULT_OP_TYPES

    kind = options["weight_quantize_type"]
    chosen = tuple(dict.fromkeys(name for names in options["op_types"] for name in names))
    return QuantizeOptions(
        bits=options["bits"],
        weight_quantize_type=None if kind is None else WeightQuantizeType(kind),
        threshold_rate=options["threshold_rate"],
        op_types=chosen or DEFAULT_OP_TYPES,
        exclude=options["exclude"],
    )


def _output_options(folder: Path, options: dict[str, Any]) -> OutputOptions:
    from ..core.output import OutputOptions
    from ..formats.atomic import Existing

    return OutputOptions(
        folder=folder,
        program=options["save_model_filename"],
        params=options["save_params_filename"],
        separate=options["separate_params"],
        existing=Existing.REPLACE if options["force"] else Existing.REFUSE,
        strip_callstack=options["strip_callstack"],
    )


def _quantize(
    console: Console, model: Model, plan: Plan, output: OutputOptions, jobs: int | None
) -> Quantized:
    """Quantize with a progress bar, and with `-v` a line per weight."""
    import threading

    from ..core.quantize import Progress, quantize
    from . import tables

    total = sum(weight.size_before for weight in plan.weights)
    lock = threading.Lock()
    done = 0
    with console.progress(total, "quantize") as bar:

        def step(progress: Progress) -> None:
            nonlocal done
            with lock:
                if bar is not None:
                    bar.set_description(progress.name, refresh=False)
                    bar.update(progress.size)
                if progress.finished is not None:
                    done += 1
                    console.detail(tables.weight_line(done, len(plan.weights), progress.finished))

        return quantize(model, plan, output, jobs, step)
