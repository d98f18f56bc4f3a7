"""Carriers: operators added to carry the tag of a weight that Paddle Lite would leave alone.

Paddle Lite dequantizes, at load and in place, what a tagged operator of a few types names; whoever
else reads the weight sees floats then. So a weight of any operator can be quantized by adding one
of those types, which computes with zeros and whose output nobody reads:

    rank 2    lookup_table   Ids = zeros [1, 1], W = the weight: copies its first row.
                             One scale per column. Paddle Lite 2.9 or newer.
    rank 4    conv2d         Input = zeros [1, dims 1 to 3], Filter = the weight: one output pixel.
                             One scale per index of axis 0.

The zeros come from a `fill_constant`, one for all carriers that need the same. They stand before
all other operators. `carried.py` says which weights come out right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ...formats import dtypes
from ...formats.program import AttributeValue, AttrType, Block, Operator, Program
from ...formats.scopes import Scopes
from ..model.model import Model
from ..model.weights import OperatorRef
from .carried import CONV2D, LOOKUP_TABLE
from .tags import ModelTags
from .targets import TARGETS

FILL_CONSTANT = "fill_constant"

_SLOTS = {LOOKUP_TABLE: ("Ids", "Out"), CONV2D: ("Input", "Output")}
"""The slots of a carrier's zeros and of its output."""

_ZEROS_TYPE = {LOOKUP_TABLE: dtypes.INT64, CONV2D: dtypes.FP32}

_ATTRIBUTES: dict[str, dict[str, tuple[AttrType, AttributeValue]]] = {
    LOOKUP_TABLE: {
        "padding_idx": (AttrType.LONG, -1),
        "is_sparse": (AttrType.BOOLEAN, False),
    },
    CONV2D: {
        "strides": (AttrType.INTS, (1, 1)),
        "paddings": (AttrType.INTS, (0, 0)),
        "dilations": (AttrType.INTS, (1, 1)),
        "groups": (AttrType.INT, 1),
    },
}
"""Without any of these, opt aborts."""


class Carrier(NamedTuple):
    """A carrier in a quantized model.

    Attributes:
        operator: the operator that carries the tag.
        weight: the weight's name.
        zeros: the operator that makes its input.
    """

    operator: OperatorRef
    weight: str
    zeros: OperatorRef


class NewCarrier(NamedTuple):
    """A carrier to be added.

    Attributes:
        weight: the weight's name.
        op_type: `lookup_table` or `conv2d`.
        shape: the weight's dims.
    """

    weight: str
    op_type: str
    shape: tuple[int, ...]

    @property
    def zeros(self) -> tuple[int, ...]:
        """Dims of the carrier's input."""
        return (1, 1) if self.op_type == LOOKUP_TABLE else (1, *self.shape[1:])

    @property
    def output(self) -> tuple[int, ...]:
        """Dims of the carrier's output."""
        if self.op_type == LOOKUP_TABLE:
            return 1, self.shape[1]
        return 1, self.shape[0], 1, 1


def add_carriers(program: Program, wanted: Sequence[NewCarrier]) -> dict[str, Operator]:
    """Add carriers in front of all operators; the operators to be tagged, by the weight's name.

    Args:
        program: edited in place.
        wanted: in the order in which they will stand.
    """
    if not wanted:
        return {}
    scopes, block = Scopes(program), program.blocks[0]
    zeros: dict[tuple[str, tuple[int, ...]], str] = {}
    for carrier in wanted:
        key = carrier.op_type, carrier.zeros
        if key not in zeros:
            zeros[key] = _add_zeros(block, len(zeros), carrier, scopes)
    return {
        carrier.weight: _add_carrier(
            block, len(zeros) + index, carrier, zeros[carrier.op_type, carrier.zeros], scopes
        )
        for index, carrier in enumerate(wanted)
    }


def find_carriers(model: Model, tags: ModelTags) -> tuple[Carrier, ...]:
    """The carriers of a model: tagged, fed with zeros, and read by nobody."""
    found = [
        tag
        for tag in tags.all
        if tag.operator.block == 0
        and tag.operator.type in _SLOTS
        and list(tags.slots(tag)) == [TARGETS[tag.operator.type].slot]
    ]
    carriers = []
    for tag in found:
        operator = model.operator(tag.operator)
        source, output = _SLOTS[tag.operator.type]
        names, outputs = operator.inputs.get(source, ()), operator.outputs
        idle = list(outputs) == [output] and len(outputs[output]) == 1
        if len(names) != 1 or not idle or not _is_free(model, outputs[output][0]):
            continue
        zeros = _writer_of_zeros(model, names[0])
        if zeros is not None:
            carriers.append(Carrier(tag.operator, tag.weight, zeros))
    return tuple(carriers)


def without_carriers(model: Model, carriers: Iterable[Carrier]) -> Program:
    """A copy of the model's program from which its carriers, and what feeds them, are removed."""
    program = model.program.copy()
    removed = {carrier.operator for carrier in carriers}
    for zeros in {carrier.zeros for carrier in carriers}:
        name = _output(model, zeros)
        if set(model.consumers(0, name)) <= removed:
            removed.add(zeros)
    block = program.blocks[0]
    names = {_output(model, ref) for ref in removed}
    block.remove_operators({ref.index for ref in removed})
    block.remove_variables(names)
    return program


_ZERO_TEXTS = (None, "", "0", "0.0")
"""What `str_value`, which goes before `value`, may be in a `fill_constant` of zeros."""


def _add_zeros(block: Block, index: int, carrier: NewCarrier, scopes: Scopes) -> str:
    dtype = _ZEROS_TYPE[carrier.op_type]
    dims = "x".join(map(str, carrier.zeros))
    name = scopes.add_tensor(0, f"carrier.{carrier.op_type}.{dims}", dtype, carrier.zeros)
    added = block.insert_operator(index, FILL_CONSTANT)
    added.set_output("Out", [name])
    added.set_attribute("shape", AttrType.LONGS, carrier.zeros)
    added.set_attribute("dtype", AttrType.INT, dtype.number)
    added.set_attribute("value", AttrType.FLOAT, 0.0)
    added.set_attribute("force_cpu", AttrType.BOOLEAN, False)
    return name


def _add_carrier(
    block: Block, index: int, carrier: NewCarrier, zeros: str, scopes: Scopes
) -> Operator:
    source, result = _SLOTS[carrier.op_type]
    output = scopes.add_tensor(0, f"{carrier.weight}.carrier", dtypes.FP32, carrier.output)
    added = block.insert_operator(index, carrier.op_type)
    added.set_input(source, [zeros])
    added.set_input(TARGETS[carrier.op_type].slot, [carrier.weight])
    added.set_output(result, [output])
    for name, (kind, value) in _ATTRIBUTES[carrier.op_type].items():
        added.set_attribute(name, kind, value)
    return added


def _is_free(model: Model, name: str) -> bool:
    """Whether a variable is no parameter, and nobody reads it."""
    return not model.is_read(name) and name not in model.stored.parameters


def _writer_of_zeros(model: Model, name: str) -> OperatorRef | None:
    """The `fill_constant` that alone writes this variable, and writes zeros; or None."""
    writers = model.writers(name)
    if name in model.stored.parameters or len(writers) != 1:
        return None
    if writers[0].block != 0 or writers[0].type != FILL_CONSTANT:
        return None
    operator = model.operator(writers[0])
    fed = any(operator.inputs.values())  # a tensor in place of the shape or of the value
    zero = not operator.value("value") and operator.value("str_value") in _ZERO_TEXTS
    return writers[0] if zero and not fed else None


def _output(model: Model, ref: OperatorRef) -> str:
    return next(name for names in model.operator(ref).outputs.values() for name in names)
