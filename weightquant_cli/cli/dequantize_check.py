"""`weightquant dequantize-check`: parse, one core call, render, exit code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import OptionError
from .commands import Command
from .console import Console
from .exit_codes import ExitCode
from .options.shared import (
    MODEL_DIR,
    common_options,
    json_option,
    model_file_options,
)

if TYPE_CHECKING:
    from ..core.check.check import CheckResult
    from ..core.model.model import Model

EPILOG = """\b
Examples:
  weightquant dequantize-check out/
  weightquant dequantize-check --reference model/ --min-sqnr 30 out/
  weightquant dequantize-check --reference model/ --html report.html out/
  weightquant dequantize-check --save-dequantized fp32/ out/
"""

# How many of the worst weights the page shows with their distributions.
PICTURES = 8

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(
    "dequantize-check",
    cls=Command,
    epilog=EPILOG,
    short_help="Check that Paddle Lite will run it right, and how exact it is.",
)
@click.argument("quantized_dir", type=MODEL_DIR)
@click.option(
    "--reference",
    type=MODEL_DIR,
    metavar="FP32_DIR",
    help="Compare every weight with this FP32 model, from which the other was made.",
)
@click.option(
    "--reference-model-filename",
    metavar="NAME",
    help="Name the program's file in FP32_DIR, where looking is ambiguous.",
)
@click.option(
    "--reference-params-filename",
    metavar="NAME",
    help="Name the one parameter file in FP32_DIR, where looking is ambiguous.",
)
@click.option(
    "--min-sqnr", type=float, metavar="DB", help="Gate: exit 1 where a weight's SQNR is lower."
)
@click.option(
    "--max-abs-error",
    type=float,
    metavar="E",
    help="Gate: exit 1 where a weight's error is larger.",
)
@click.option(
    "--min-cosine", type=float, metavar="C", help="Gate: exit 1 where a weight's cosine is lower."
)
@click.option(
    "--save-dequantized",
    type=MODEL_DIR,
    metavar="DIR",
    help="Write the FP32 model that PaddlePaddle can run, without quantization attributes.",
)
@click.option("-f", "--force", is_flag=True, help="Replace an existing DIR, in one step.")
@click.option(
    "--html",
    type=FILE,
    metavar="FILE",
    help="Write a page with the table and pictures; no network.",
)
@click.option(
    "--report",
    type=FILE,
    metavar="FILE",
    help="Compare the files with the digests that `quantize --report` wrote to FILE.",
)
@model_file_options
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Work with N threads.  [default: the CPUs one may use]",
)
@json_option
@common_options
def command(
    console: Console,
    quantized_dir: Path,
    reference: Path | None,
    reference_model_filename: str | None,
    reference_params_filename: str | None,
    min_sqnr: float | None,
    max_abs_error: float | None,
    min_cosine: float | None,
    save_dequantized: Path | None,
    force: bool,
    html: Path | None,
    report: Path | None,
    model_filename: str | None,
    params_filename: str | None,
    jobs: int | None,
    as_json: bool,
) -> int:
    """Say whether Paddle Lite will run QUANTIZED_DIR right, and how far it is from FP32."""
    from ..core.check.check import check
    from ..core.check.quality_gates import QualityGates
    from ..core.model.model import Model
    from .output import check_view, json_output

    if reference is None and (reference_model_filename or reference_params_filename):
        raise OptionError("a reference's file name without --reference")
    gates = QualityGates(min_sqnr, max_abs_error, min_cosine)
    model = Model.load(quantized_dir, model_filename, params_filename)
    fp32 = None
    if reference is not None:
        fp32 = Model.load(reference, reference_model_filename, reference_params_filename)
    changed = () if report is None else _changed(model, report)
    result = check(model, fp32, gates, PICTURES if html else 0, jobs, changed)
    if save_dequantized is not None:
        _save_dequantized(model, save_dequantized, force, jobs)
    if html is not None:
        _write_page(result, html)
    if as_json:
        console.write(json_output.dumps(json_output.check_document(result)))
    elif not console.quiet or not result.ok:
        check_view.show(console, result)
    return ExitCode.DONE if result.ok else ExitCode.CHECK_SAYS_NO


def _changed(model: Model, report: Path) -> tuple[str, ...]:
    """What is no longer as the report says."""
    from ..core.check.digests import differences, parse_digests
    from .output import json_output

    document = json_output.read_file(report, "report")
    return differences(model, parse_digests(document))


def _save_dequantized(model: Model, folder: Path, force: bool, jobs: int | None) -> None:
    from ..core.quantize.dequantize import dequantize
    from ..core.quantize.output import OutputOptions
    from ..formats.files.atomic_folder import Existing

    existing = Existing.REPLACE if force else Existing.REFUSE
    dequantize(model, OutputOptions(folder, existing=existing, strip_callstack=False), jobs)


def _write_page(result: CheckResult, path: Path) -> None:
    from ..formats.files.atomic_file import write_file
    from .output.html_report import page

    write_file(path, page(result).encode("utf-8", "backslashreplace"), "the page")
