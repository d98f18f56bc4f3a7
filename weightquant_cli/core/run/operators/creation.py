"""Tensors made from attributes, types changed, and what passes values on."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..call import Call, Unsupported
from ..registry import kernel
from ..values import Array


@kernel("fill_constant", keeps_lod=False)
def fill_constant(call: Call) -> Array:
    """A tensor of `shape`, all of one value; `str_value` is exact where `value` is a float32."""
    shape = call.ints_or_tensor("shape", "ShapeTensor", "ShapeTensorList")
    dtype = call.dtype("dtype", 5)
    call.claim(shape, dtype.itemsize)
    if call.has("ValueTensor"):
        return np.full(shape, call.array("ValueTensor").reshape(-1)[0], dtype)
    return np.full(shape, _value(call), dtype)


def _value(call: Call) -> float | int:
    text = call.text("str_value", "")
    if not text:
        return call.number("value")
    try:
        return int(text)
    except ValueError:
        return float(text)


@kernel("fill_constant_batch_size_like")
def fill_constant_batch_size_like(call: Call) -> Array:
    """As fill_constant, one size taken from Input (of a sequence: how many there are)."""
    like = call.tensor("Input")
    shape = list(call.ints("shape"))
    axis, source = call.integer("output_dim_idx", 0), call.integer("input_dim_idx", 0)
    count = len(like.lod[-1]) - 1 if like.lod and source == 0 else like.array.shape[source]
    if not 0 <= axis < len(shape):
        raise ValueError(f"axis {axis} of the shape {shape}")
    shape[axis] = count
    dtype = call.dtype("dtype", 5)
    call.claim(shape, dtype.itemsize)
    return np.full(shape, _value(call), dtype)


@kernel("fill_any_like")
def fill_any_like(call: Call) -> Array:
    """A tensor of the shape of X, all of one value."""
    x = call.array()
    return np.full(x.shape, call.number("value"), call.dtype("dtype", -1, x))


@kernel("fill_zeros_like", "fill_zeros_like2")
def fill_zeros_like(call: Call) -> Array:
    """Zeros of the shape of X."""
    x = call.array()
    return np.zeros(x.shape, x.dtype)


@kernel("assign_value", keeps_lod=False)
def assign_value(call: Call) -> Array:
    """A tensor that the program itself holds."""
    dtype = call.dtype("dtype", 5)
    for name in ("values", "fp32_values", "fp64_values", "int32_values", "int64_values",
                 "bool_values"):  # fmt: skip
        values = call.attributes.get(name)
        if isinstance(values, tuple) and values:
            return np.asarray(values).astype(dtype).reshape(call.ints("shape"))
    if math.prod(call.ints("shape")) == 0:
        return np.zeros(call.ints("shape"), dtype)
    raise Unsupported("assign_value without values")


@kernel("range", keeps_lod=False)
def arange(call: Call) -> Array:
    """Numbers from Start to before End, Step apart."""
    start, end, step = (call.array(slot).reshape(-1)[0] for slot in ("Start", "End", "Step"))
    if step == 0:
        raise ValueError("a step of 0")
    count = max(math.ceil((float(end) - float(start)) / float(step)), 0)
    dtype = call.array("Start").dtype
    call.claim((count,), dtype.itemsize)
    return np.asarray((start + step * np.arange(count)).astype(dtype))


@kernel("linspace", keeps_lod=False)
def linspace(call: Call) -> Array:
    """Num numbers from Start to Stop, both included."""
    start, stop, count = (call.array(slot).reshape(-1)[0] for slot in ("Start", "Stop", "Num"))
    call.claim((int(count),))
    return np.linspace(start, stop, int(count)).astype(call.dtype("dtype", 5))


@kernel("eye", keeps_lod=False)
def eye(call: Call) -> Array:
    """Ones on the diagonal."""
    rows = call.integer("num_rows", 0)
    columns = call.integer("num_columns", -1)
    shape = (rows, rows if columns < 0 else columns)
    dtype = call.dtype("dtype", 5)
    call.claim(shape, dtype.itemsize)
    return np.eye(*shape, dtype=dtype)


@kernel("cast")
def cast(call: Call) -> Array:
    """X in another type."""
    x = call.array()
    return x.astype(call.dtype("out_dtype", -1, x), copy=False)


@kernel("share_data", "print")
def identity(call: Call) -> Array:
    """X as it is."""
    return call.array("In") if call.has("In") else call.array()


@kernel("assert", keeps_lod=False)
def nothing(call: Call) -> Sequence[Array]:
    """A check of the program's author, which is not ours to make."""
    return ()


@kernel("dropout")
def dropout(call: Call) -> Array:
    """At inference: X, or in the older way X times the share that is kept."""
    x = call.array()
    kind = call.one_of(
        "dropout_implementation", "downgrade_in_infer", ("downgrade_in_infer", "upscale_in_train")
    )
    if kind == "upscale_in_train":
        return x
    return np.asarray(x * x.dtype.type(1.0 - call.number("dropout_prob", 0.5)))


@kernel("label_smooth")
def label_smooth(call: Call) -> Array:
    """(1 - epsilon) * X + epsilon / classes."""
    x, epsilon = call.array(), np.float32(call.number("epsilon", 0.0))
    prior = call.optional("PriorDist")
    other = epsilon / x.shape[-1] if prior is None else epsilon * prior
    return np.asarray((1 - epsilon) * x + other)


RANDOM = (
    "uniform_random", "gaussian_random", "uniform_random_batch_size_like", "randint", "randperm",
    "truncated_gaussian_random", "sampling_id", "bernoulli", "multinomial",
)  # fmt: skip


@kernel(*RANDOM)
def random(call: Call) -> Array:
    """Known, and not run: the answer would be another every time."""
    raise Unsupported(f"{call.type} gives other values on every run")
