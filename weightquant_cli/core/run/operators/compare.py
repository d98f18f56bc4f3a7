"""Comparisons and logic."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..call import Call
from ..registry import kernel
from ..values import Array
from .elementwise import aligned

_BINARY: dict[str, Callable[..., Array]] = {
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less_than": np.less,
    "less_equal": np.less_equal,
    "greater_than": np.greater,
    "greater_equal": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
}


def _register(name: str, function: Callable[..., Array]) -> None:
    @kernel(name)
    def binary(call: Call) -> Array:
        x, y = aligned(call.array(), call.array("Y"), call.integer("axis", -1))
        call.claim(np.broadcast_shapes(x.shape, y.shape), 1)
        return function(x, y)


for _name, _function in _BINARY.items():
    _register(_name, _function)


@kernel("logical_not")
def logical_not(call: Call) -> Array:
    """Whether X is zero."""
    return np.logical_not(call.array())


@kernel("bitwise_not")
def bitwise_not(call: Call) -> Array:
    """All bits of X turned."""
    return np.invert(call.array())


@kernel("equal_all")
def equal_all(call: Call) -> Array:
    """Whether both tensors are the same."""
    return np.asarray(np.array_equal(call.array(), call.array("Y")))


@kernel("isnan_v2")
def isnan(call: Call) -> Array:
    """Where X is NaN."""
    return np.isnan(call.array())


@kernel("isinf_v2")
def isinf(call: Call) -> Array:
    """Where X is infinite."""
    return np.isinf(call.array())


@kernel("isfinite_v2")
def isfinite(call: Call) -> Array:
    """Where X is neither."""
    return np.isfinite(call.array())


@kernel("isfinite")
def all_finite(call: Call) -> Array:
    """Whether all of X is finite (Paddle 1.x)."""
    return np.array([np.isfinite(call.array()).all()])


@kernel("allclose", "isclose")
def close(call: Call) -> Array:
    """|Input - Other| <= atol + rtol * |Other|."""
    x, y = call.array("Input"), call.array("Other")
    rtol, atol = _tolerance(call, "rtol", "Rtol", 1e-5), _tolerance(call, "atol", "Atol", 1e-8)
    near = np.isclose(x, y, rtol, atol, equal_nan=call.flag("equal_nan"))
    return np.asarray(near.all()) if call.type == "allclose" else near


def _tolerance(call: Call, name: str, slot: str, default: float) -> float:
    if call.has(slot):
        return float(call.array(slot).reshape(-1)[0])
    value = call.attributes.get(name, default)
    return float(value) if isinstance(value, (str, int, float)) else default


@kernel("is_empty")
def is_empty(call: Call) -> Array:
    """Whether X has no elements."""
    return np.array([call.array().size == 0])
