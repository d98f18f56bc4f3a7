"""`weightquant dequantize-check`: parse, one core call, render, exit code."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OptionError
from .console import Console
from .exit_codes import ExitCode
from .options.click_command import command as cli_command
from .options.dequantize_check import CheckArguments
from .options.shared import refuse_inputs, sample_options
from .reading import load_model, load_named

if TYPE_CHECKING:
    from ..core.check.check import CheckResult
    from ..core.check.compare_outputs import RunOptions
    from ..core.check.compare_reference import Adaptive
    from ..core.check.quality_gates import OutputGates, QualityGates
    from ..core.model.model import Model
    from ..formats.files.atomic_file import FileOutput
    from ..formats.files.outputs import Outputs

EXAMPLES = (
    "weightquant dequantize-check out/",
    "weightquant dequantize-check --reference model/ --min-sqnr 30 out/",
    "weightquant dequantize-check --reference model/ --min-agreement 95 out/",
    "weightquant dequantize-check --reference model/ --html page.html out/",
    "weightquant dequantize-check --save-dequantized fp32/ out/",
    "weightquant dequantize-check --with-opt out/",
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
    """Say whether Paddle Lite will run QUANTIZED_DIR right, and how far it is from FP32.

    SQNR, in dB, compares a weight with the error that rounding made in it: at 20 dB the error is a
    tenth of the weight, at 30 dB 3%, at 40 dB 1%. INT8 usually has 30 to 55 dB, and 30 is a good
    floor; it measures the weight, not the model's answers, which --outputs compares.
    """
    from ..formats.files.outputs import Outputs
    from .output import check_view

    _refuse_contradictions(arguments)
    gates, run = _gates(arguments), _run_options(arguments)
    opt = _opt(arguments)
    with Outputs() as outputs:
        page, report = _open_outputs(console, arguments, outputs, opt)
        model = load_model(console, arguments, arguments.quantized_dir)
        result = _check(console, model, arguments, gates, run)
        if opt is not None:
            result = _convert(console, result, opt)
        if arguments.save_dequantized is not None:
            _save_dequantized(console, model, arguments.save_dequantized, arguments)
        if page is not None:
            _write_page(page, result, arguments)
        document = _document(arguments, result)
        if report is not None:
            report.write(document)
    if arguments.as_json:
        console.write(document.decode())
    elif not console.quiet or not result.ok:
        check_view.show(console, result, arguments.show_all)
    return ExitCode.DONE if result.ok else ExitCode.CHECK_SAYS_NO


def _gates(arguments: CheckArguments) -> QualityGates:
    from ..core.check.quality_gates import QualityGates

    return QualityGates(arguments.min_sqnr, arguments.max_abs_error, arguments.min_cosine)


def _output_gates(arguments: CheckArguments) -> OutputGates:
    from ..core.check.quality_gates import OutputGates

    return OutputGates(arguments.min_output_sqnr, arguments.min_agreement)


def _run_options(arguments: CheckArguments) -> RunOptions | None:
    """How the models are run; None where nothing asks for it.

    Raises:
        OptionError: inputs that nothing is run on, or that contradict each other.
    """
    gated = arguments.min_output_sqnr is not None or arguments.min_agreement is not None
    if not (arguments.outputs or arguments.layers or gated):
        refuse_inputs(arguments.given, "--outputs, --layers or a gate on outputs")
        return None
    from ..core.check.compare_outputs import RunOptions, for_comparing

    if arguments.reference is None:
        raise OptionError(
            "comparing outputs needs the model that this one was made from",
            remedy="add --reference",
        )
    samples = for_comparing(sample_options(arguments.inputs, arguments.input_shape))
    return RunOptions(samples, arguments.layers, arguments.jobs)


def _opt(arguments: CheckArguments) -> Path | None:
    """The opt to convert with; None where that is not asked for.

    Raises:
        OptionError: it is asked for, and there is none.
    """
    if not arguments.with_opt and arguments.opt is None:
        return None
    from ..core.opt.find import find_opt

    named = None if arguments.opt is None else str(arguments.opt)
    if arguments.opt is not None and os.path.isfile(arguments.opt):
        named = os.path.abspath(arguments.opt)  # `./opt` is an `opt` to pathlib
    return find_opt(named or os.environ.get("OPT"), os.environ.get("PATH", os.defpath))


def _convert(console: Console, result: CheckResult, opt: Path) -> CheckResult:
    """What the real opt makes of the model, added to the check."""
    from ..core.opt.convert import convert

    with console.waiting("opt converts it"):
        return replace(result, conversion=convert(result.model, opt))


def _open_outputs(
    console: Console, arguments: CheckArguments, outputs: Outputs, opt: Path | None
) -> tuple[FileOutput | None, FileOutput | None]:
    """The files for the page and for the report, opened before any work is done."""
    from ..formats.model_source import declared, locate

    outputs.reads(*declared(arguments.quantized_dir, "model"))
    if arguments.reference is not None:
        outputs.reads(locate(arguments.reference)[0], "the reference")
    outputs.reads(arguments.config, "the file of --config")
    outputs.reads(arguments.verify_report, "the report that is verified")
    outputs.reads(arguments.inputs, "the inputs that the models are run on")
    outputs.reads(opt, "the opt that converts")
    outputs.writes_folder(arguments.save_dequantized, "the folder for the FP32 model")
    page = outputs.writes_file(arguments.html, "the page")
    report = outputs.writes_file(arguments.report, "the report")
    outputs.open()
    console.notices(outputs.notices)
    return page, report


def _check(
    console: Console,
    model: Model,
    arguments: CheckArguments,
    gates: QualityGates,
    run: RunOptions | None,
) -> CheckResult:
    """Check with a progress bar over what is read, then over what the models are run on."""
    from ..core.check.check import check

    reference = _reference(console, arguments)
    changed, adaptive = _from_report(model, arguments.verify_report)
    pictures = PICTURES if arguments.html else 0
    passes = 1 if reference is None else 2
    with console.progress(passes * _size(model), "check") as advance:
        result = check(
            model,
            reference,
            gates,
            pictures,
            arguments.jobs,
            changed,
            advance,
            adaptive,
            arguments.lite_version,
        )
    return result if run is None else _run(console, result, arguments, run)


def _run(
    console: Console,
    result: CheckResult,
    arguments: CheckArguments,
    run: RunOptions,
) -> CheckResult:
    """What the models answer, added to the check."""
    from ..core.check.check_outputs import check_outputs

    gates = _output_gates(arguments)
    total = run.samples.count if run.samples.inputs is None else None
    with console.counting("run both models", total) as step:
        return check_outputs(result, run, gates, step)


def _document(arguments: CheckArguments, result: CheckResult) -> bytes:
    """The facts as JSON; empty unless requested."""
    if not arguments.as_json and arguments.report is None:
        return b""
    from .output.check_json import check_document
    from .output.json_output import encoded

    return encoded(check_document(result, arguments))


def _refuse_contradictions(arguments: CheckArguments) -> None:
    names = (arguments.reference_model_filename, arguments.reference_params_filename)
    if arguments.reference is None and any(names):
        raise OptionError("a reference's file name without --reference")
    report = arguments.report
    if report is not None and os.path.isfile(report) and _is_quantize_report(report):
        raise OptionError(
            "--report would replace a report of quantize",
            path=report,
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


def _reference(console: Console, arguments: CheckArguments) -> Model | None:
    if arguments.reference is None:
        return None
    names = (arguments.reference_model_filename, arguments.reference_params_filename)
    return load_named(console, arguments.reference, *names, option="--reference-model-filename")


def _from_report(model: Model, report: Path | None) -> tuple[tuple[str, ...], Adaptive | None]:
    """Which files are no longer as the report says, and what it says of adaptive rounding."""
    if report is None:
        return (), None
    from ..core.check.digests import differences, parse_adaptive, parse_digests
    from .output import json_output

    document = json_output.read_file(report, "report")
    return differences(model, parse_digests(document)), parse_adaptive(document)


def _save_dequantized(
    console: Console, model: Model, folder: Path, arguments: CheckArguments
) -> None:
    from ..core.quantize.dequantize import dequantize
    from ..core.quantize.output import OutputOptions
    from ..formats.files.atomic_folder import Existing

    existing = Existing.REPLACE if arguments.force else Existing.REFUSE
    output = OutputOptions(folder, existing=existing, strip_callstack=False)
    with console.progress(_size(model), "dequantize") as advance:
        written = dequantize(model, output, arguments.jobs, step=advance)
    console.notices(written.notices)


def _size(model: Model) -> int:
    """Bytes of all weights, for a progress bar."""
    return sum(weight.record.data_size for weight in model.weights)


def _write_page(file: FileOutput, result: CheckResult, arguments: CheckArguments) -> None:
    from datetime import datetime, timezone

    from ..core.inspect.summarize import summarize
    from .output.page import PageFacts, page

    facts = PageFacts(
        result,
        summarize(result.model),
        _gates(arguments),
        _output_gates(arguments),
        datetime.now(timezone.utc),
    )
    file.write(page(facts).encode("utf-8", "backslashreplace"))
