"""The whole check of a quantized model: rules, error measures, gates; one result of it all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...errors import OptionError, counted
from ..lite.demands.versions import NEWEST
from ..lite.tags import ModelTags
from ..model.model import Model
from ..model.shown import Row, Shown
from .compare_reference import Adaptive, Comparison, compare
from .findings import Finding, Severity
from .finite import check_values
from .model_rules import check_model
from .program_demands import check_demands
from .program_rules import check_program
from .quality_gates import GateFailure, QualityGates

if TYPE_CHECKING:  # neither opt nor the interpreter is needed where they are not run
    from ..opt.convert import Conversion
    from .compare_outputs import ComparedOutputs


@dataclass(frozen=True, repr=False)
class CheckResult(Shown):
    """What the check found.

    Attributes:
        model: the quantized model.
        quantized: how many weights are stored as integers with scales.
        findings: what is wrong, errors first.
        comparison: beside the reference, or None without one.
        failures: gates that are not met.
        changed: files that are not what a report says of them, a line each.
        reference: the FP32 model, or None.
        outputs: what the models answer, or None where they were not run (`check_outputs`).
        lite_version: the version of Paddle Lite whose opt shall take the model.
        conversion: what the real opt made of it, or None where it was not run.
        tags: of the quantized model, which take long to find.
    """

    model: Model
    quantized: int
    findings: tuple[Finding, ...]
    comparison: Comparison | None
    failures: tuple[GateFailure, ...]
    changed: tuple[str, ...]
    reference: Model | None
    outputs: ComparedOutputs | None = None
    lite_version: str = NEWEST
    conversion: Conversion | None = None
    tags: ModelTags | None = field(default=None, compare=False)

    def _lines(self) -> tuple[str, ...]:
        compared = self.comparison.weights if self.comparison else ()
        wrong = (
            f"{counted(len(self.errors), 'error')}, "
            f"{counted(len(self.findings) - len(self.errors), 'warning')}, "
            f"{counted(len(self.failures), 'failed gate')}, "
            f"{counted(len(self.changed), 'changed file')}"
        )
        worst = f"; worst SQNR {min(one.sqnr for one in compared):.1f} dB" if compared else ""
        return (
            f"CheckResult: {'ok' if self.ok else 'not ok'}, "
            f"{counted(self.quantized, 'quantized weight')}",
            wrong,
            f"{len(compared)} compared with the reference{worst}",
        )

    def _table(self) -> tuple[Row, Sequence[Row]]:
        compared = self.comparison.weights if self.comparison else ()
        return ("weight", "operator", "type", "SQNR in dB", "largest error", "cosine"), [
            (
                one.name,
                one.operator,
                one.dtype,
                f"{one.sqnr:.2f}",
                f"{one.max_abs:.3g}",
                f"{one.cosine:.7f}",
            )
            for one in compared
        ]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings with which Paddle Lite aborts or computes wrongly."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    @property
    def ok(self) -> bool:
        """Whether Paddle Lite runs it right, opt converts it if asked, and every gate is met."""
        converts = self.conversion is None or self.conversion.ok
        return converts and not (self.errors or self.failures or self.changed)


def check(
    model: Model,
    reference: Model | None = None,
    gates: QualityGates | None = None,
    histograms: int = 0,
    jobs: int | None = None,
    changed: tuple[str, ...] = (),
    step: Callable[[int], None] = lambda _: None,
    adaptive: Adaptive | None = None,
    lite_version: str = NEWEST,
) -> CheckResult:
    """Check a quantized model.

    Args:
        model: the quantized model.
        reference: the FP32 model that it was made from; without it only the rules are checked.
        gates: what every weight must reach; only with a reference.
        histograms: for how many of the worst weights to count the values.
        jobs: threads; None takes the CPUs that this process may use.
        changed: what `formats.files.digests.differences` found, carried into the result.
        step: told the bytes of the model's weights that have been read, from the worker threads:
            each once, and with a reference once more.
        adaptive: what the report of `quantize` says of adaptive rounding, or None.
        lite_version: the version of Paddle Lite whose opt shall take the model.

    Raises:
        OptionError: gates without a reference, or a version that was not measured.
        ModelError: the models cannot be read, or do not fit each other.
    """
    gates = gates or QualityGates()
    if gates.any and reference is None:
        raise OptionError("a gate on the error needs the FP32 model", remedy="add `reference`")
    tags = ModelTags(model)
    findings = list(check_model(model, tags))
    broken = frozenset(f.weight for f in findings if f.weight and f.severity is Severity.ERROR)
    findings += check_demands(model, lite_version)  # which say nothing of a weight's integers
    findings += check_values(model, tags, broken, jobs, step)
    comparison = None
    if reference is not None:
        findings += check_program(model, reference, tags)
        comparison = compare(
            model,
            reference,
            tags,
            histograms=histograms,
            jobs=jobs,
            broken=broken,
            step=step,
            adaptive=adaptive,
        )
        findings += comparison.findings
        findings += comparison.gates_between_results if gates.any else ()
        reference.stored.verify_unchanged()
    model.stored.verify_unchanged()
    ranked = sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)
    quantized = [weight.name for weight in model.weights if tags.is_quantized(weight)]
    failures = tuple(_failures(gates, comparison, quantized)) if comparison else ()
    return CheckResult(
        model,
        len(quantized),
        tuple(ranked),
        comparison,
        failures,
        changed,
        reference,
        lite_version=lite_version,
        tags=tags,
    )


def _failures(
    gates: QualityGates, comparison: Comparison, quantized: Sequence[str]
) -> Iterator[GateFailure]:
    """What is not met. A weight that could not be compared meets no gate, and nothing compared is
    a comparison that failed, gates or not.
    """
    compared = {weight.name for weight in comparison.weights}
    if compared.isdisjoint(quantized):
        swapped = not quantized and comparison.reference_quantized
        also = ", which is quantized itself: the two are swapped" if swapped else ""
        yield GateFailure(None, f"no quantized weight could be compared with the reference{also}")
    for weight in comparison.weights:
        for why in gates.failures(weight):
            yield GateFailure(weight.name, why)
    for name in quantized:
        if gates.any and name not in compared:
            yield GateFailure(name, "it could not be compared with the reference")
