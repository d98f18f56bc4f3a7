"""`weightquant quantize`: parse, one core call, render."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ..core.plan.options import FLOAT_BITS
from ..errors import GateError, counted, listed
from .console import Console
from .options import quantize_choices as options
from .options.click_command import command as cli_command
from .options.quantize import QuantizeArguments
from .options.shared import sample_options
from .reading import load_model

if TYPE_CHECKING:
    from ..core.model.model import Model
    from ..core.plan.plan import Plan
    from ..core.quantize.adaptive.result import AdaptiveRounding
    from ..core.quantize.gates import Gates
    from ..core.quantize.output import OutputOptions
    from ..core.quantize.results import Progress, Quantized
    from ..formats.files.atomic_file import FileOutput
    from ..formats.files.outputs import Outputs

EXAMPLES = (
    "weightquant quantize --bits 16 model/ out/",
    "weightquant quantize --exclude 'fc_*' model/ out/",
    "weightquant quantize --dry-run --json model/ out/",
)


@cli_command(
    "quantize",
    QuantizeArguments,
    brief="Store a model's weights as INT8 or INT16 with their scales.",
    examples=EXAMPLES,
)
def command(console: Console, arguments: QuantizeArguments) -> None:
    """Store the weights of MODEL_DIR as integers with their scales, in OUTPUT_DIR.

    OUTPUT_DIR has the file names and the layout of MODEL_DIR, and appears whole or not at all.
    Biases, and weights that Paddle Lite could not dequantize, stay as they are; --dry-run lists
    every weight with the reason.
    """
    from ..formats.files.outputs import Outputs

    adaptive = options.is_adaptive(arguments)
    rounder = _Rounder(console, arguments) if adaptive else None
    make_plan = _planner(console, arguments, rounder)
    output, gates = options.output_options(arguments), options.gates(arguments)
    with Outputs() as outputs:
        plan_file, report = _open_outputs(console, arguments, outputs)
        model = load_model(console, arguments, arguments.model_dir)
        plan = make_plan(model)
        if plan_file is not None:
            _write_plan(plan_file, plan)
        result = _result(console, arguments, model, plan, output, gates, rounder)
        if arguments.compressed:
            result = _with_compressed_sizes(console, arguments, model, result)
        document = _document(arguments, model, result)
        if arguments.dry_run:  # what is written sees to it by itself
            model.stored.verify_unchanged()
        if report is not None:
            report.write(document)
    if arguments.as_json:
        console.write(document.decode())
    elif not console.quiet:
        _print_summary(console, arguments, result)
    _warn(console, arguments, result)


def _warn(console: Console, arguments: QuantizeArguments, result: Quantized) -> None:
    """Say on stderr what is wrong with the result."""
    if console.quiet:  # it would not be shown
        return
    worst = result.worst
    if worst is not None and worst.error is not None and worst.error.sqnr == -math.inf:
        console.warning(
            f"{worst.plan.name}: its largest values overflow when they come back from integers; "
            "see dequantize-check"
        )
    if not result.plan.quantized and arguments.bits != FLOAT_BITS:
        console.warning("nothing was quantized; see the reasons above or --dry-run")
    from ..core.lite.demands.versions import NEWEST
    from .output import demands_view

    told = demands_view.warning(result.demands(NEWEST), NEWEST, str(arguments.output_dir))
    if told is not None:
        console.warning(told)


def _open_outputs(
    console: Console, arguments: QuantizeArguments, outputs: Outputs
) -> tuple[FileOutput | None, FileOutput | None]:
    """The files for the plan and for the report, opened before any work is done."""
    from ..formats.model_source import declared

    outputs.reads(*declared(arguments.model_dir, "input"))
    outputs.reads(arguments.config, "the file of --config")
    outputs.reads(arguments.plan, "the plan that is applied")
    outputs.reads(arguments.inputs, "the inputs that the model is run on")
    outputs.writes_folder(arguments.output_dir, "the output folder")
    plan_file = outputs.writes_file(arguments.plan_out, "the plan")
    report = outputs.writes_file(arguments.report, "the report")
    outputs.open()
    console.notices(outputs.notices)
    return plan_file, report


def _planner(
    console: Console, arguments: QuantizeArguments, rounder: _Rounder | None
) -> Callable[[Model], Plan]:
    """How the plan is made. Options and plan file are checked before the model is read."""
    if arguments.plan is not None:
        from ..core.plan.plan_file import apply_plan, parse_plan
        from .output import json_output

        options.refuse_options_beside_a_plan(arguments)
        planned = parse_plan(json_output.read_file(arguments.plan, "plan"))
        planned = replace(planned, options=replace(planned.options, mend=arguments.mend))
        return lambda model: apply_plan(model, planned)
    wanted = options.quantize_options(arguments)
    if isinstance(wanted.bits, int):
        from ..core.plan.plan import make_plan

        return lambda model: make_plan(model, wanted)
    from ..core.quantize.auto_bits import plan_model

    samples = sample_options(arguments.inputs, arguments.input_shape)

    def with_automatic_bits(model: Model) -> Plan:
        final = partial(_compressed_size, arguments, model, rounder)
        with console.counting("choose bits") as step:
            return plan_model(
                model, wanted, arguments.strip_callstack, arguments.jobs, samples, step, final
            )

    return with_automatic_bits


def _compressed_size(
    arguments: QuantizeArguments, model: Model, rounder: _Rounder | None, plan: Plan
) -> int:
    """The compressed size of what will be written."""
    from ..core.quantize.adaptive.result import NO_ROUNDING
    from ..core.quantize.compressed import Candidate, compressed_sizes

    layout = options.output_options(arguments).layout(model.files)
    rounding = NO_ROUNDING if rounder is None or arguments.dry_run else rounder.of(model, plan)
    one = Candidate(plan, layout.params is None, arguments.strip_callstack, rounding)
    return compressed_sizes(model, [one], arguments.jobs)[0].total


def _write_plan(file: FileOutput, plan: Plan) -> None:
    from ..core.plan.plan_file import plan_document
    from .output.json_output import encoded

    file.write(encoded(plan_document(plan)))


def _result(
    console: Console,
    arguments: QuantizeArguments,
    model: Model,
    plan: Plan,
    output: OutputOptions,
    gates: Gates,
    rounder: _Rounder | None,
) -> Quantized:
    """Quantize with a progress bar, or with `--dry-run` say what would come of it."""
    from ..core.quantize.quantize import preview, quantize

    if arguments.dry_run:
        try:
            return preview(model, plan, output, gates)
        except GateError:  # the plan tells why it says no
            if not (arguments.as_json or console.quiet):
                _print_summary(console, arguments, preview(model, plan, output))
            raise
    rounding = None
    if rounder is not None:
        preview(model, plan, output, gates)  # a gate that says no does so before the long work
        rounding = rounder.of(model, plan)
        rounder.warn(rounding)
    measure_errors = arguments.as_json or arguments.report is not None or not console.quiet
    total = sum(weight.size_before for weight in plan.weights)
    with console.progress(total, "quantize") as advance:

        def step(progress: Progress) -> None:
            advance(progress.size)

        result = quantize(
            model,
            plan,
            output,
            arguments.jobs,
            step,
            gates,
            measure_errors,
            rounding=rounding,
        )
    if console.verbose:
        from .output.quantize_view import weight_line

        for weight in result.weights:
            console.detail(weight_line(weight))
    if result.written is not None:
        console.notices(result.written.notices)
    return result


def _with_compressed_sizes(
    console: Console, arguments: QuantizeArguments, model: Model, result: Quantized
) -> Quantized:
    """The result with its compressed sizes, with a progress bar."""
    from ..core.quantize.compressed import compression_of

    with console.progress(2 * result.sizes.params_before, "compress") as advance:
        found = compression_of(model, result, arguments.strip_callstack, arguments.jobs, advance)
    model.stored.verify_unchanged()
    return replace(result, compressed=found)


class _Rounder:
    """Rounds adaptively, with a progress bar; the last plan is not rounded twice."""

    def __init__(self, console: Console, arguments: QuantizeArguments) -> None:
        self._console = console
        self._arguments = arguments
        self._last: tuple[Plan, AdaptiveRounding] | None = None

    def of(self, model: Model, plan: Plan) -> AdaptiveRounding:
        """The plan, rounded."""
        from ..core.quantize.adaptive.adaptive import round_adaptively, weights_to_round
        from ..core.run.inputs import samples

        if self._last is None or self._last[0] is not plan:
            arguments = self._arguments
            wanted = sample_options(arguments.inputs, arguments.input_shape)
            given = samples(model, wanted)
            total = None if wanted.inputs else wanted.count + len(weights_to_round(model, plan))
            with self._console.counting("round", total) as step:
                rounding = round_adaptively(model, plan, given, arguments.jobs, step)
            self._last = plan, rounding
        return self._last[1]

    def warn(self, rounding: AdaptiveRounding) -> None:
        """Say which weights were rounded without knowing their inputs."""
        if rounding.unreached:
            self._console.warning(
                f"{counted(len(rounding.unreached), 'weight')} rounded without known inputs: "
                f"{listed(rounding.unreached, 3)}"
                + (
                    f"; the model could not be run from here on: {rounding.reasons[0]}"
                    if rounding.reasons
                    else ""
                )
            )


def _document(arguments: QuantizeArguments, model: Model, result: Quantized) -> bytes:
    """The facts as JSON, in a report with the digests; empty unless requested."""
    if not arguments.as_json and arguments.report is None:
        return b""
    from .output.json_output import encoded
    from .output.quantize_json import digests_document, quantize_document

    document = quantize_document(model, result, arguments)
    if arguments.report is not None:
        document["files"] = digests_document(model, result)
    return encoded(document)


def _print_summary(console: Console, arguments: QuantizeArguments, result: Quantized) -> None:
    from .output import quantize_view

    if arguments.dry_run:
        console.print(quantize_view.plan_table(console, result, arguments.show_all))
        console.print("")
    console.print(quantize_view.summary(console, result))
