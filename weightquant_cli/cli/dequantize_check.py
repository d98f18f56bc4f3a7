"""`weightquant dequantize-check`: parse, one core call, render, exit code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OptionError
from .console import Console
from .exit_codes import ExitCode
from .options.click_command import command as cli_command
from .options.dequantize_check import CheckArguments

if TYPE_CHECKING:
    from ..core.check.check import CheckResult
    from ..core.model.model import Model

EXAMPLES = (
    "weightquant dequantize-check out/",
    "weightquant dequantize-check --reference model/ --min-sqnr 30 out/",
    "weightquant dequantize-check --reference model/ --html page.html out/",
    "weightquant dequantize-check --save-dequantized fp32/ out/",
)

# How many of the worst weights the page shows with their distributions.
PICTURES = 8


@cli_command(
    "dequantize-check",
    CheckArguments,
    brief="Check that Paddle Lite will run it right, and how exact it is.",
    examples=EXAMPLES,
)
def command(console: Console, arguments: CheckArguments) -> int:
    """Say whether Paddle Lite will run QUANTIZED_DIR right, and how far it is from FP32."""
    from ..core.check.check import check
    from ..core.check.quality_gates import QualityGates
    from ..core.model.model import Model
    from .output import check_json, check_view, json_output

    _refuse_contradictions(arguments)
    gates = QualityGates(arguments.min_sqnr, arguments.max_abs_error, arguments.min_cosine)
    model = Model.load(arguments.quantized_dir, arguments.model_filename, arguments.params_filename)
    reference = _reference(arguments)
    changed = _changed(model, arguments.verify_report)
    pictures = PICTURES if arguments.html else 0
    result = check(model, reference, gates, pictures, arguments.jobs, changed)
    if arguments.save_dequantized is not None:
        _save_dequantized(model, arguments.save_dequantized, arguments)
    if arguments.html is not None:
        _write_page(result, arguments.html)
    document = check_json.check_document(result)
    if arguments.report is not None:
        json_output.write_file(arguments.report, document, "report")
    if arguments.as_json:
        console.write(json_output.dumps(document))
    elif not console.quiet or not result.ok:
        check_view.show(console, result)
    return ExitCode.DONE if result.ok else ExitCode.CHECK_SAYS_NO


def _refuse_contradictions(arguments: CheckArguments) -> None:
    names = (arguments.reference_model_filename, arguments.reference_params_filename)
    if arguments.reference is None and any(names):
        raise OptionError("a reference's file name without --reference")
    if arguments.report is not None and _is_quantize_report(arguments.report):
        raise OptionError(
            "--report would replace a report of quantize",
            path=arguments.report,
            remedy="--verify-report compares the files with it",
        )


def _is_quantize_report(path: Path) -> bool:
    """Whether a call for an older version, in which --report was read, would now overwrite it."""
    from .output import json_output
    from .output.quantize_json import QUANTIZE_SCHEMA

    try:
        document = json_output.read_file(path, "report")
    except OptionError:
        return False
    return isinstance(document, dict) and document.get("schema") == QUANTIZE_SCHEMA


def _reference(arguments: CheckArguments) -> Model | None:
    from ..core.model.model import Model

    if arguments.reference is None:
        return None
    return Model.load(
        arguments.reference,
        arguments.reference_model_filename,
        arguments.reference_params_filename,
    )


def _changed(model: Model, report: Path | None) -> tuple[str, ...]:
    """Which files are no longer as the report says."""
    if report is None:
        return ()
    from ..core.check.digests import differences, parse_digests
    from .output import json_output

    document = json_output.read_file(report, "report")
    return differences(model, parse_digests(document))


def _save_dequantized(model: Model, folder: Path, arguments: CheckArguments) -> None:
    from ..core.quantize.dequantize import dequantize
    from ..core.quantize.output import OutputOptions
    from ..formats.files.atomic_folder import Existing

    existing = Existing.REPLACE if arguments.force else Existing.REFUSE
    output = OutputOptions(folder, existing=existing, strip_callstack=False)
    dequantize(model, output, arguments.jobs)


def _write_page(result: CheckResult, path: Path) -> None:
    from ..formats.files.atomic_file import write_file
    from .output.html_report import page

    write_file(path, page(result).encode("utf-8", "backslashreplace"), "the page")
