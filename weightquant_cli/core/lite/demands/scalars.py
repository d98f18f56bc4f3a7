"""0-d tensors, which Paddle 2.5 and newer write and Paddle Lite does not know.

Paddle Lite holds a scalar as one value of rank 1. A constant or a reshape to no dims is spelled in
that rank, and a reduction over all dims says so. That is where the initial state of a recurrent
layer with a dynamic batch fails (`fill_constant: no valid out_shape`): its shape is a list of 0-d
constants.
"""

from __future__ import annotations

from ....formats.program import AttrType, Operator

FULL_REDUCTIONS = frozenset(
    f"reduce_{name}" for name in ("all", "any", "max", "mean", "min", "prod", "sum")
)
"""Reductions of which Paddle Lite takes an empty `dim` literally; to Paddle it means all dims."""

_SHAPED = {
    "fill_constant": ("ShapeTensor", "ShapeTensorList"),
    "reshape2": ("Shape", "ShapeTensor"),
    "reshape": ("Shape", "ShapeTensor"),
    "assign_value": (),
    "gaussian_random": ("ShapeTensor", "ShapeTensorList"),
    "uniform_random": ("ShapeTensor", "ShapeTensorList"),
}
"""Operators with a `shape` attribute, and the slots that take its place."""


def makes_a_scalar(operator: Operator) -> bool:
    """Whether the operator's `shape` is empty, so that it makes a 0-d tensor."""
    slots = _SHAPED.get(operator.type)
    if slots is None or operator.value("shape") != ():
        return False
    inputs = operator.inputs
    return not any(inputs.get(slot) for slot in slots)


def reduces_all_silently(operator: Operator) -> bool:
    """Whether the operator reduces over all dims, and says so by an empty `dim` alone."""
    if operator.type not in FULL_REDUCTIONS:
        return False
    return operator.value("dim") == () and not operator.value("reduce_all")


def mend_scalar(operator: Operator) -> str | None:
    """Give the operator the spelling that Paddle Lite understands, in place; what was done."""
    if makes_a_scalar(operator):
        attribute = operator.attribute("shape")
        assert attribute is not None  # it is empty, so it is there
        operator.set_attribute("shape", attribute.type, (1,))
        return "shape = [1]"
    if reduces_all_silently(operator):
        operator.set_attribute("reduce_all", AttrType.BOOLEAN, True)
        return "reduce_all = true"
    return None
