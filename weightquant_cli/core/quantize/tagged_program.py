"""The program of the output: rewritten, and tagged with the scales that Paddle Lite reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...formats.program import Operator
from ..lite.carriers import add_carriers
from ..lite.demands.mend import mend
from ..lite.demands.unread import droppable
from ..lite.tags import replace_scales, write_tag
from ..model.model import Model
from ..plan.plan import Plan
from ..plan.rewrites import apply_rewrites
from ..plan.weight_plan import Quantization, QuantizedWeight, WeightPlan
from ..tensors import kernels

if TYPE_CHECKING:
    from ..lite.demands.demand import Demands
    from ..lite.naive_buffer import NaiveBufferSize


def written_weights(model: Model, plan: Plan) -> tuple[WeightPlan, ...]:
    """The weights of a plan but for those that mending leaves out."""
    return plan.without(_dropped(model, plan)).weights


def _dropped(model: Model, plan: Plan) -> tuple[str, ...]:
    if not plan.options.mend:
        return ()
    return droppable(model.program, model.stored.parameters.values())


class TaggedProgram:
    """A copy of a model's program, mended, rewritten and tagged. Made once per run.

    The scales are zeros until `serialize` is given them, so that the size is known before any data
    is read: a scale takes the same place whatever its value.

    Args:
        model: the model.
        plan: its plan.
        strip_callstack: drop the exporter's stack traces.

    Attributes:
        mended: what Paddle Lite demands and the program lacked.
        dropped: names of the parameters that mending left out.
        plan: the plan without these.
    """

    def __init__(self, model: Model, plan: Plan, strip_callstack: bool) -> None:
        self._program = model.program.copy()
        if strip_callstack:
            self._program.strip_callstacks()
        self.mended = mend(self._program) if plan.options.mend else ()
        self.dropped = _dropped(model, plan)
        if self.dropped:
            plan = plan.without(self.dropped)
            for block in self._program.blocks:
                block.remove_variables(self.dropped)
        self.plan = plan
        self._tagged: dict[str, tuple[Operator, Quantization]] = {}
        operators = [block.operators for block in self._program.blocks]
        # Rewrites and carriers insert operators: what is tagged is found before, by its place.
        for weight in plan.quantized:
            ref = weight.quantization.operator
            if weight.quantization.carrier is None:
                self._tag(weight, operators[ref.block][ref.index])
        apply_rewrites(
            self._program,
            [rewrite for weight in plan.weights for rewrite in weight.rewrites],
            [weight.name for weight in plan.weights if weight.transpose],
        )
        carried = [(w, carrier) for w in plan.quantized if (carrier := w.new_carrier) is not None]
        added = add_carriers(self._program, [carrier for _, carrier in carried])
        for weight, _ in carried:
            self._tag(weight, added[weight.name])

    def _tag(self, weight: QuantizedWeight, operator: Operator) -> None:
        quantization = weight.quantization
        write_tag(
            operator,
            weight.name,
            [0.0] * quantization.scales,
            8 * quantization.dtype.itemsize,
            quantization.stored_type,
        )
        self._tagged[weight.name] = operator, quantization

    def demands(self, version: str) -> tuple[Demands, ...]:
        """What keeps this version's opt from converting it, or its result from being right."""
        from ..lite.demands.demand import grouped  # milliseconds that a quiet run does not need
        from ..lite.demands.judge import findings

        types = {weight.name: weight.dtype for weight in self.plan.weights}
        return grouped(findings(self._program, types, version))

    @property
    def size(self) -> int:
        """Bytes of the program."""
        return self._program.size

    def naive_buffer_size(self) -> NaiveBufferSize | None:
        """The size to expect of the `.nb` that `opt` makes of it."""
        from ..lite.naive_buffer import naive_buffer_size

        data = {weight.name: weight.size_after for weight in self.plan.weights}
        return naive_buffer_size(self._program, data)

    def serialize(self, scales: Mapping[str, kernels.FloatArray]) -> bytes:
        """The program's bytes.

        Args:
            scales: of every quantized weight, one per channel or a single one.
        """
        for name, (operator, quantization) in self._tagged.items():
            values = scales[name].tolist()
            if (
                len(values) < quantization.scales
            ):  # a single one, which Paddle Lite would not expand
                values *= quantization.scales
            replace_scales(operator, name, values)
        return self._program.serialize()
