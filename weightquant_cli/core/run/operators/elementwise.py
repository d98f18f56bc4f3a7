"""Arithmetic between two tensors, with Paddle's broadcasting along `axis`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..call import Call, Unsupported
from ..registry import kernel
from ..values import Array

Function = Callable[..., Array]


def aligned(x: Array, y: Array, axis: int) -> tuple[Array, Array]:
    """Both arrays, the one of lower rank reshaped so that its axes start at `axis` of the other.

    -1 aligns the last axes. Trailing ones that reach over the end are dropped, as Paddle does.
    """
    if x.ndim == y.ndim or axis == -1:
        return x, y
    if x.ndim < y.ndim:
        return _placed(x, y.ndim, axis), y
    return x, _placed(y, x.ndim, axis)


def _placed(small: Array, rank: int, axis: int) -> Array:
    shape = list(small.shape)
    while len(shape) + axis > rank and shape and shape[-1] == 1:
        shape.pop()
    if not 0 <= axis <= rank - len(shape):
        raise ValueError(f"axis {axis} for a tensor of rank {small.ndim} and one of rank {rank}")
    return np.asarray(small.reshape(*shape, *(1,) * (rank - axis - len(shape))))


def _divide(x: Array, y: Array) -> Array:
    """Integers are divided as C does, towards zero."""
    if x.dtype.kind in "iu" and y.dtype.kind in "iu":
        return np.asarray(np.trunc(np.true_divide(x, y)).astype(np.result_type(x, y)))
    return np.asarray(np.true_divide(x, y))


FUNCTIONS: dict[str, Function] = {
    "elementwise_add": np.add,
    "elementwise_sub": np.subtract,
    "elementwise_mul": np.multiply,
    "elementwise_div": _divide,
    "elementwise_max": np.maximum,
    "elementwise_min": np.minimum,
    "elementwise_fmax": np.fmax,
    "elementwise_fmin": np.fmin,
    "elementwise_pow": np.power,
    "elementwise_mod": np.mod,
    "elementwise_floordiv": np.floor_divide,
    "elementwise_heaviside": np.heaviside,
    "grad_add": np.add,
    "minus": np.subtract,
    "atan2": np.arctan2,
}


def _register(name: str, function: Function) -> None:
    second = "X2" if name == "atan2" else "Y"
    first = "X1" if name == "atan2" else "X"

    @kernel(name)
    def binary(call: Call) -> Array:
        x, y = aligned(call.array(first), call.array(second), call.integer("axis", -1))
        if x.shape != y.shape:
            call.claim(np.broadcast_shapes(x.shape, y.shape), x.itemsize)
        _refuse_fused(call)
        return function(x, y)


def _refuse_fused(call: Call) -> None:
    """Scales and activations of oneDNN's spelling, which saved programs do not carry."""
    for name in ("Scale_x", "Scale_y", "Scale_out"):
        if name in call.attributes and call.number(name, 1.0) != 1.0:
            raise Unsupported(f"{name} {call.number(name)} of a quantized {call.type}")
    if call.text("fuse_activation", "") not in ("", "identity"):
        raise Unsupported(f"an activation inside {call.type}")


for _name, _function in FUNCTIONS.items():
    _register(_name, _function)


@kernel("fused_elemwise_activation")
def fused_elementwise(call: Call) -> Array:
    """An addition or product and a relu, in the order that `functor_list` gives."""
    functions = call.attributes.get("functor_list")
    x, y = aligned(call.array(), call.array("Y"), call.integer("axis", -1))
    if functions == ("relu", "elementwise_add"):
        return np.asarray(np.maximum(x + y, 0))
    if functions == ("elementwise_add", "relu"):
        return np.asarray(x + np.maximum(y, 0))
    if functions == ("relu", "elementwise_mul"):
        return np.asarray(np.maximum(x * y, 0))
    raise Unsupported(f"functor_list {functions!r}")


@kernel("scale")
def scale(call: Call) -> Array:
    """scale * X + bias, or scale * (X + bias)."""
    x = call.array()
    given = call.optional("ScaleTensor")
    factor = call.number("scale", 1.0) if given is None else given.reshape(-1)[0]
    bias = call.number("bias", 0.0)
    if x.dtype.kind != "f":  # as C++ converts both to the tensor's type
        factor, bias = int(factor), int(bias)
    number, offset = np.asarray(factor, x.dtype), np.asarray(bias, x.dtype)
    if call.flag("bias_after_scale", True):
        result: Array = np.asarray(x * number)
        return np.asarray(result + offset) if bias else result
    return np.asarray((x + offset) * number)


@kernel("sum")
def total(call: Call) -> Array:
    """The sum of all inputs."""
    arrays = [array for array in call.arrays() if array.size]
    if not arrays:
        return call.array()
    result = arrays[0].copy()
    for array in arrays[1:]:
        result += array
    return np.asarray(result)


@kernel("increment")
def increment(call: Call) -> Array:
    """X + step."""
    x = call.array()
    return np.asarray(x + np.asarray(call.number("step", 1.0), x.dtype))


@kernel("kron")
def kron(call: Call) -> Array:
    """The Kronecker product."""
    x, y = call.array(), call.array("Y")
    call.claim((x.size, y.size), x.itemsize)
    return np.kron(x, y)


@kernel("lerp")
def lerp(call: Call) -> Array:
    """X + Weight * (Y - X)."""
    x, y = call.array(), call.array("Y")
    return np.asarray(x + call.array("Weight") * (y - x))
