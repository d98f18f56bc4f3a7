"""plan -> quantized model: every weight streamed from the file into its place in the output."""

from __future__ import annotations

from dataclasses import replace

from ...errors import AlreadyQuantizedError, counted, readable
from ..model.model import Model
from ..plan.plan import Plan
from ..plan.reasons import ReasonCode
from ..tensors.blocks import BLOCK_ELEMENTS
from .adaptive.result import NO_ROUNDING, AdaptiveRounding
from .copying import copy_carried
from .gates import Gates
from .output import OutputOptions, written_model
from .results import ProgressCallback, Quantized, WeightResult, ignore_progress
from .sizes import new_record, sizes_with
from .tagged_program import TaggedProgram
from .weights_writer import WeightsWriter, WriteOptions

NO_GATES = Gates()


def preview(model: Model, plan: Plan, output: OutputOptions, gates: Gates = NO_GATES) -> Quantized:
    """What `quantize` would write, down to the byte, with nothing read and nothing written.

    Raises:
        AlreadyQuantizedError, GateError, OptionError: as `quantize` does.
    """
    return _prepare(model, plan, output, gates)[0]


def quantize(
    model: Model,
    plan: Plan,
    output: OutputOptions,
    jobs: int | None = None,
    progress: ProgressCallback = ignore_progress,
    gates: Gates = NO_GATES,
    measure_errors: bool = True,
    block_elements: int = BLOCK_ELEMENTS,
    rounding: AdaptiveRounding | None = None,
) -> Quantized:
    """Carry out `plan` and write the model; the output appears whole or not at all.

    Args:
        model: the FP32 model; its files are only read.
        plan: made by `make_plan` for this model.
        output: where to, under which names.
        jobs: threads; None takes the CPUs that this process may use. The bytes do not depend on it.
        progress: called from the worker threads, one call at a time per weight.
        gates: what the result must reach.
        measure_errors: whether the results get their errors, which take a seventh of the time.
        block_elements: the most elements of a weight that a thread works on at a time, at most
            BLOCK_ELEMENTS. The bytes do not depend on it.
        rounding: from `round_adaptively` for this plan; without it, to nearest.

    Raises:
        GateError: the result would not meet a gate; nothing was written.
        AlreadyQuantizedError: the model holds quantized weights.
        NonFiniteWeightError: NaN or infinity in a weight that is to be quantized.
        ModelError: the input cannot be read.
        OptionError: the folders overlap, or file names collide.
        OutputError: the output exists, or cannot be written.
    """
    planned, program = _prepare(model, plan, output, gates)
    plan = planned.plan
    rounding = rounding or NO_ROUNDING
    options = WriteOptions(jobs, progress, measure_errors, block_elements, rounding)
    records = [new_record(weight) for weight in plan.weights]
    with written_model(model.stored, output, planned.layout, records) as (writer, written):
        weights = WeightsWriter(model, plan, writer, options)
        results = weights.write()
        writer.write_program(program.serialize(weights.scales))
        copy_carried(model.stored, writer)
    return replace(
        planned, folder=output.folder, weights=results, written=written, rounding=rounding
    )


def refuse_quantized(model: Model, plan: Plan) -> None:
    """Refuse a model that holds quantized weights.

    Raises:
        AlreadyQuantizedError: quantizing the rest would not undo the loss of the first time.
    """
    done = [w.name for w in plan.kept if w.reason.code is ReasonCode.ALREADY_QUANTIZED]
    if done:
        raise AlreadyQuantizedError(
            f"the model is quantized already: {counted(len(done), 'weight', len(plan.weights))}",
            path=model.files.folder,
            tensor=done[0],
            remedy="quantize the FP32 model that it was made from",
        )


def _prepare(
    model: Model, plan: Plan, output: OutputOptions, gates: Gates
) -> tuple[Quantized, TaggedProgram]:
    """Everything that is known before any data is read, and the output's program."""
    refuse_quantized(model, plan)
    layout = output.validate(model.stored)
    program = TaggedProgram(model, plan, output.strip_callstack)
    plan = program.plan
    sizes = sizes_with(model, plan, program.size)
    gates.enforce(sizes.before, sizes.after, plan.quantized_share, _would_help(plan))
    weights = tuple(WeightResult(weight) for weight in plan.weights)
    planned = Quantized(
        model.files,
        None,
        layout,
        plan,
        sizes,
        weights,
        mended=program.mended,
        dropped=program.dropped,
        program=program,
    )
    return planned, program


def _would_help(plan: Plan) -> str:
    """What would make the result smaller, the most bytes first."""
    wide = [w for w in plan.quantized if w.dtype.itemsize > 1]
    kept = sum(weight.size_before for weight in plan.kept)
    saved = sum(w.size_after // 2 for w in wide)
    ways = [
        (
            saved,
            f"at 8 bits {counted(len(wide), 'weight')} would save {readable(saved)}",
        ),
        (kept, f"{readable(kept)} of weights stay FP32: `preview` says why"),
    ]
    told = [text for size, text in sorted(ways, reverse=True) if size]
    if plan.quantized and not wide:
        told.insert(0, "what is quantized has 8 bits already")
    return "; ".join(told)
