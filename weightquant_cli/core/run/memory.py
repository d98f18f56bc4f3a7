"""The memory that a run will take, estimated from declared shapes before anything is run.

Open dims (-1) follow from the inputs' shapes: through convolutions, pooling and resizing by their
own rules, through everything else from inputs of the same rank, or because elements are kept.
Where none of this helps an open dim counts as that of the largest input of the operator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...formats.program import Program, Variable
from .call import Call, Unsupported
from .graph import Graph, Site, Step
from .operators.windows import Window, pair, transposed_places, window

Shape = tuple[int, ...]

# Output slots that kernels do not fill: shapes of old, statistics of training, masks.
_NOT_COMPUTED = frozenset(
    (
        "XShape", "MeanOut", "VarianceOut", "SavedMean", "SavedVariance", "ReserveSpace",
        "DropoutState", "Reserve", "BatchGate", "BatchResetHiddenPrev", "BatchHidden",
        "BatchCellPreAct", "MidOut", "MaxIndex", "Scope",
    )
)  # fmt: skip
_WINDOWS = {
    "conv2d": "Input", "depthwise_conv2d": "Input", "pool2d": "X",
    "conv2d_transpose": "Input", "depthwise_conv2d_transpose": "Input",
}  # fmt: skip
_VIEWS = frozenset(
    (
        "reshape", "reshape2", "squeeze", "squeeze2", "unsqueeze", "unsqueeze2", "flatten",
        "flatten2", "assign", "flatten_contiguous_range", "slice", "split", "share_data",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Estimate:
    """Memory of one run.

    Attributes:
        variables: bytes of live variables where they are most, with the inputs.
        site: the operator at which they are.
        parameters: bytes of all parameters, as a cache keeps them.
        largest: bytes of the largest variable; gathered windows of a convolution add less.
    """

    variables: int
    site: Site | None
    parameters: int
    largest: int

    @property
    def total(self) -> int:
        """Bytes in all."""
        return self.variables + self.parameters + self.largest


def estimate(program: Program, graph: Graph, shapes: Mapping[str, Sequence[int]]) -> Estimate:
    """What a run with inputs of these shapes will take.

    Args:
        shapes: a shape without open dims for every input.
    """
    declared = {variable.name: variable for block in program.blocks for variable in block.variables}
    known: dict[str, Shape] = {name: tuple(shape) for name, shape in shapes.items()}
    live = {name: _bytes(declared.get(name), shape) for name, shape in known.items()}
    parameters = sum(
        _bytes(declared[name], declared[name].shape or ()) for name in graph.parameters
    )
    peak, site, largest = sum(live.values()), None, max(live.values(), default=0)
    for step in graph.steps:
        for name in _written(step, graph):
            known[name] = _shape(step, name, declared, known)
            size = _bytes(declared.get(name), known[name])
            live[name] = 0 if step.type in _VIEWS else size
            largest = max(largest, size)
        total = sum(live.values()) + _sub_blocks(step, graph, declared, known)
        if total > peak:
            peak, site = total, step.site
        for name in step.frees:
            live.pop(name, None)
    return Estimate(peak, site, parameters, largest)


def _written(step: Step, graph: Graph) -> list[str]:
    skipped = {"Mask"} if step.type == "dropout" else set()
    return [
        name
        for slot, names in step.outputs.items()
        if slot not in _NOT_COMPUTED and slot not in skipped
        for name in names
        if name not in graph.parameters and step.type not in ("feed", "fetch")
    ]


def _sub_blocks(
    step: Step, graph: Graph, declared: Mapping[str, Variable], known: Mapping[str, Shape]
) -> int:
    """All that the blocks of a loop or branch declare: an upper bound, once."""
    inner = dict(known)
    total = 0
    for index in step.sub_blocks:
        for own in graph.blocks[index].steps:
            for name in _written(own, graph):
                inner[name] = _shape(own, name, declared, inner)
                total += _bytes(declared.get(name), inner[name])
            total += _sub_blocks(own, graph, declared, inner)
    return total


def _bytes(variable: Variable | None, shape: Sequence[int]) -> int:
    dtype = variable.dtype if variable is not None else None
    return math.prod(shape) * (dtype.itemsize if dtype is not None else 4)


def _shape(
    step: Step, name: str, variables: Mapping[str, Variable], known: Mapping[str, Shape]
) -> Shape:
    """The shape of one output of a step."""
    variable = variables.get(name)
    inputs = [known[name] for names in step.inputs.values() for name in names if name in known]
    declared = variable.shape if variable is not None else None
    if declared is None:
        return max(inputs, key=math.prod, default=(1,))
    if min(declared, default=1) >= 0:
        return declared
    sliding = _slid(step, declared, variables, known)
    if sliding is not None:
        return sliding
    same = [shape for shape in inputs if len(shape) == len(declared)]
    keeping = _keeping(declared, inputs) if step.type in _VIEWS or not same else None
    if keeping is not None:
        return keeping
    return tuple(
        dim if dim >= 0 else _open_dim(axis, same or inputs) for axis, dim in enumerate(declared)
    )


def _open_dim(axis: int, shapes: Sequence[Shape]) -> int:
    dims = [shape[axis] for shape in shapes if axis < len(shape)]
    return max(dims, default=max((max(shape, default=1) for shape in shapes), default=1))


def _keeping(declared: Sequence[int], inputs: Sequence[Shape]) -> Shape | None:
    """The shape that keeps the elements of the first input, where that settles every dim."""
    if not inputs:
        return None
    first = inputs[0]
    dims = list(declared)
    if dims[0] < 0 and len(first) and dims.count(-1) > 1:
        dims[0] = first[0]
    if dims.count(-1) != 1:
        return None
    rest = math.prod(dim for dim in dims if dim >= 0)
    dims[dims.index(-1)] = max(math.prod(first) // max(rest, 1), 1)
    return tuple(dims)


def _slid(
    step: Step,
    declared: Sequence[int],
    variables: Mapping[str, Variable],
    known: Mapping[str, Shape],
) -> Shape | None:
    """Height and width behind a convolution, pooling or resizing of NCHW images."""
    if len(declared) != 4 or step.attributes.get("data_format") == "NHWC":
        return None
    slot = _WINDOWS.get(step.type, "X" if "_interp" in step.type else "")
    try:
        image = known[step.inputs[slot][0]]
        if len(image) != 4:
            return None
        height, width = _sides(step, image, variables)
    except (ValueError, LookupError, OverflowError, Unsupported):  # reported when it is run
        return None
    channels = declared[1] if declared[1] >= 0 else image[1]
    lead = declared[0] if declared[0] >= 0 else image[0]
    settled = (lead, channels, height, width)
    return tuple(dim if dim >= 0 else own for dim, own in zip(declared, settled, strict=True))


def _sides(step: Step, image: Shape, variables: Mapping[str, Variable]) -> tuple[int, int]:
    call = Call(step.type, {}, step.attributes)
    if "_interp" in step.type:
        scales = call.floats("scale") or (0.0,)
        if scales[0] > 0:
            return int(image[2] * scales[0]), int(image[3] * scales[-1])
        return max(call.integer("out_h", -1), image[2]), max(call.integer("out_w", -1), image[3])
    if step.type == "pool2d":
        if call.flag("global_pooling"):
            return 1, 1
        size = pair(call.ints("ksize", (1, 1)), "ksize")
        if call.flag("adaptive"):
            return size
        return window(call, size, image[2:]).places(image[2:], ceil=call.flag("ceil_mode"))
    variable = variables.get(step.inputs.get("Filter", ("",))[0])
    weight = variable.shape if variable is not None and variable.shape else ()
    if len(weight) != 4:
        raise ValueError("a filter without four axes")
    shape: Window = window(call, (weight[2], weight[3]), image[2:])
    if "transpose" in step.type:
        return transposed_places(call, shape, image[2:])
    return shape.places(image[2:])
