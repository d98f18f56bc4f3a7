"""The check of a quantized model's answers: run beside its reference, with gates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ...errors import OptionError, counted, listed
from .check import CheckResult
from .compare_outputs import ComparedOutputs, RunOptions, compare_model_outputs
from .quality_gates import GateFailure, OutputGates


def check_outputs(
    result: CheckResult,
    options: RunOptions | None = None,
    gates: OutputGates | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> CheckResult:
    """Add to a check what the models answer.

    A model whose weights Paddle Lite does not dequantize right is not run: its answers would not be
    those of the phone. Nothing compared is a comparison that failed, gates or not.

    Args:
        result: of `check` on the quantized model, with a reference.
        options: on which inputs, and whether operator by operator; None takes the defaults.
        gates: what every output must reach.
        step: told 1 after each input.

    Raises:
        OptionError: no reference; inputs that do not fit the model, or its memory.
        ModelError: models that do not fit each other; data that cannot be read.
    """
    options, gates = options or RunOptions(), gates or OutputGates()
    reference = result.reference
    if reference is None:
        raise OptionError(
            "comparing outputs needs the model that this one was made from",
            remedy="add `reference`",
        )
    broken = _broken(result)
    if broken:
        why = f"the model was not run, since Paddle Lite does not run it right: {listed(broken, 3)}"
        found = ComparedOutputs(0, (), () if options.layers else None, (why,), ())
    else:
        found = compare_model_outputs(result.model, reference, options, result.tags, step)
        result.model.stored.verify_unchanged()
        reference.stored.verify_unchanged()
    failures = (*result.failures, *_failures(gates, found))
    findings = result.findings
    if gates.any and result.comparison is not None:
        told = result.comparison.gates_between_results
        findings += tuple(one for one in told if one not in findings)
    return replace(result, outputs=found, failures=failures, findings=findings)


def _broken(result: CheckResult) -> list[str]:
    """Weights that are wrong by themselves, not only beside the reference."""
    beside = set(result.comparison.findings) if result.comparison is not None else set()
    names = (f.weight for f in result.errors if f.weight is not None and f not in beside)
    return list(dict.fromkeys(names))


def _failures(gates: OutputGates, found: ComparedOutputs) -> Iterator[GateFailure]:
    """What is not met: an output that was not compared, or is not finite, meets no gate."""
    if not any(output.elements for output in found.outputs):
        reasons = "; ".join((*found.stops, *found.non_finite)) or "the model has none"
        yield GateFailure(None, f"no output could be compared: {reasons}")
        return
    why_missing = "; ".join(found.stops) or "it is missing, or has another shape"
    for output in found.outputs:
        if output.mismatched:
            inputs = counted(output.mismatched, "input", output.samples)
            what = f"it could not be compared on {inputs}"
            yield GateFailure(None, f"{what}: {why_missing}", output.name)
        elif output.non_finite:
            what = f"{counted(output.non_finite, 'value')} not finite"
            yield GateFailure(None, f"{what}: {'; '.join(found.non_finite)}", output.name)
        else:
            for why in gates.failures(output):
                yield GateFailure(None, why, output.name)
    if gates.min_agreement is not None and all(o.agreement is None for o in found.outputs):
        yield GateFailure(None, "no output has rows of several values, whose largest could agree")
