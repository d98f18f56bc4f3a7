"""What quantizing a model gives: every weight's result, sizes, progress on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...errors import counted
from ...formats.model_dir import ModelFiles
from ...formats.model_writer import Layout
from ..lite.demands.mend import Mended
from ..lite.demands.versions import NEWEST
from ..model.shown import Row, Shown
from ..plan.plan import Plan
from ..plan.weight_plan import WeightPlan
from ..tensors.weight_error import WeightError
from .adaptive.result import NO_ROUNDING, AdaptiveRounding
from .output import Written
from .sizes import Compression, Sizes
from .tagged_program import TaggedProgram

if TYPE_CHECKING:
    from ..lite.demands.demand import Demands
    from ..lite.naive_buffer import NaiveBufferSize


class WeightResult(NamedTuple):
    """One weight of the result.

    Attributes:
        plan: what was decided.
        scale_range: smallest and largest scale, or None where the weight was not quantized.
        error: what quantizing did to it, or None where that was not measured.
        corrected: whether it is a parameter left in FP32 that takes up the shift of a layer.
    """

    plan: WeightPlan
    scale_range: tuple[float, float] | None = None
    error: WeightError | None = None
    corrected: bool = False


@dataclass(frozen=True, repr=False)
class Quantized(Shown):
    """A plan, and what came of it.

    Attributes:
        source: which files were read.
        folder: the folder written, or None where nothing was (a dry run).
        layout: names of the files written.
        plan: what was decided.
        sizes: bytes before and after.
        weights: every weight in byte order of the names; errors and scales only after a real run.
        written: notices and digests after a real run.
        mended: what Paddle Lite demands and the program lacked.
        dropped: parameters that were left out, since opt aborts at them and no operator uses them.
        rounding: what adaptive rounding did; nothing where weights were rounded to nearest.
        program: the program that was written, or would be.
        compressed: compressed sizes before and after, where they were asked for.
    """

    source: ModelFiles
    folder: Path | None
    layout: Layout
    plan: Plan
    sizes: Sizes
    weights: tuple[WeightResult, ...]
    written: Written | None = None
    mended: tuple[Mended, ...] = ()
    dropped: tuple[str, ...] = ()
    rounding: AdaptiveRounding = field(default=NO_ROUNDING, repr=False)
    program: TaggedProgram | None = field(default=None, repr=False, compare=False)
    compressed: Compression | None = None

    def _lines(self) -> tuple[str, ...]:
        worst, sizes = self.worst, self.sizes
        sqnr = f"{worst.error.sqnr:.1f} dB ({worst.plan.name})" if worst and worst.error else "-"
        where = "not written" if self.folder is None else f"written to {self.folder}"
        return (
            f"Quantized: {counted(len(self.plan.quantized), 'weight', len(self.weights))}, {where}",
            f"{sizes.before} -> {sizes.after} bytes, {sizes.ratio:.2f}x smaller",
            f"worst SQNR: {sqnr}",
        )

    def _table(self) -> tuple[Row, Sequence[Row]]:
        ranked = sorted(self.weights, key=lambda one: (-one.plan.size_before, one.plan.name))
        return ("weight", "operator", "bytes", "after", "type", "SQNR in dB", "why not"), [
            (
                one.plan.name,
                one.plan.operator_type,
                one.plan.size_before,
                one.plan.size_after,
                one.plan.dtype,
                f"{one.error.sqnr:.1f}" if one.error else None,
                one.plan.reason.text if one.plan.reason else None,
            )
            for one in ranked
        ]

    @property
    def naive_buffer(self) -> NaiveBufferSize | None:
        """The size to expect of the `.nb` that `opt` makes of it for ARM; None where that is not
        known.
        """
        return None if self.program is None else self.program.naive_buffer_size()

    @property
    def worst(self) -> WeightResult | None:
        """The weight with the lowest SQNR; None where no error was measured."""
        measured = [weight for weight in self.weights if weight.error is not None]
        return min(measured, key=lambda w: w.error.sqnr if w.error else 0.0, default=None)

    def demands(self, version: str = NEWEST) -> tuple[Demands, ...]:
        """What keeps opt from converting the output, or its result from being right.

        Raises:
            OptionError: a version of Paddle Lite that was not measured.
        """
        return () if self.program is None else self.program.demands(version)


class Progress(NamedTuple):
    """One step of a run.

    Attributes:
        name: the weight.
        size: bytes of the input that this step has dealt with.
        finished: the weight's result, at its last step.
    """

    name: str
    size: int
    finished: WeightResult | None = None


ProgressCallback = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """No progress is wanted."""
