"""Parts of tensors: slices, splits, and writing into a slice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....errors import counted
from ..call import Call, Unsupported, normal_axis
from ..registry import kernel
from ..values import Array


@kernel("slice")
def slice_operator(call: Call) -> Array:
    """Input from `starts` to `ends` along `axes`; `decrease_axis` are dropped after it."""
    x = call.array("Input")
    axes = call.ints("axes")
    starts = call.ints_or_tensor("starts", "StartsTensor", "StartsTensorList")
    ends = call.ints_or_tensor("ends", "EndsTensor", "EndsTensorList")
    part = x[_index(x, axes, starts, ends, [1] * len(axes))]
    return _without(part, call.ints("decrease_axis"))


@kernel("strided_slice")
def strided_slice(call: Call) -> Array:
    """As slice, with steps, which may be negative."""
    x = call.array("Input")
    axes = call.ints("axes")
    starts = call.ints_or_tensor("starts", "StartsTensor", "StartsTensorList")
    ends = call.ints_or_tensor("ends", "EndsTensor", "EndsTensorList")
    steps = call.ints_or_tensor("strides", "StridesTensor", "StridesTensorList")
    part = x[_index(x, axes, starts, ends, steps)]
    return _without(np.ascontiguousarray(part), call.ints("decrease_axis"))


def _index(
    x: Array,
    axes: Sequence[int],
    starts: Sequence[int],
    ends: Sequence[int],
    steps: Sequence[int],
) -> tuple[slice, ...]:
    """Slices for all axes. Numbers below zero count from the end, and what is out of range ends
    at the border; with a negative step, an end before the first element is -size - 1 or less."""
    if not len(axes) == len(starts) == len(ends) == len(steps):
        raise ValueError(f"axes {list(axes)}, starts {list(starts)}, ends {list(ends)}")
    index = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if step == 0:
            raise ValueError("a step of 0")
        place = normal_axis(axis, x.ndim)
        size = x.shape[place]
        start = start + size if start < 0 else start
        stop: int | None = end + size if end < 0 else end
        if step > 0:
            start, stop = max(start, 0), max(stop or 0, 0)
        else:
            start = min(start, size - 1)
            if stop is not None and stop < 0:
                stop = None
            if start < 0:
                start, stop = 0, 0
        index[place] = slice(start, stop, step)
    return tuple(index)


def _without(x: Array, axes: Sequence[int]) -> Array:
    dropped = {normal_axis(axis, x.ndim) for axis in axes}
    if any(x.shape[axis] != 1 for axis in dropped):
        raise ValueError(f"axes {sorted(dropped)} of {list(x.shape)} cannot be dropped")
    return x.reshape([dim for axis, dim in enumerate(x.shape) if axis not in dropped])


@kernel("set_value")
def set_value(call: Call) -> Array:
    """Input with a value written into a slice of it."""
    x = call.array("Input").copy()
    axes = call.ints("axes")
    starts = call.ints_or_tensor("starts", "-", "StartsTensorList")
    ends = call.ints_or_tensor("ends", "-", "EndsTensorList")
    steps = call.ints_or_tensor("steps", "-", "StepsTensorList") or (1,) * len(axes)
    index = _index(x, axes, starts, ends, steps)
    if call.ints("none_axes"):
        raise Unsupported("set_value with new axes")
    value = _value(call)
    dropped = {normal_axis(axis, x.ndim) for axis in call.ints("decrease_axes")}
    target = x[index]
    lead = [dim for axis, dim in enumerate(target.shape) if axis not in dropped]
    full = np.broadcast_to(value.astype(x.dtype), lead) if value.ndim <= len(lead) else value
    x[index] = full.reshape(target.shape)
    return np.asarray(x)


def _value(call: Call) -> Array:
    if call.has("ValueTensor"):
        return call.array("ValueTensor")
    for name in ("values", "fp32_values", "fp64_values", "int32_values", "int64_values",
                 "bool_values", "fp16_values"):  # fmt: skip
        if call.given(name) and call.floats(name):
            raw = call.attributes[name]
            return np.asarray(raw).reshape(call.ints("shape", (1,)) or ())
    raise Unsupported("set_value without a value")


@kernel("split")
def split(call: Call) -> list[Array]:
    """X cut along `axis` into `num` equal parts, or `sections`, one of which may be -1."""
    x = call.array()
    axis = normal_axis(call.int_or_tensor("axis", "AxisTensor", 0), x.ndim)
    sections = list(call.ints_or_tensor("sections", "-", "SectionsTensorList"))
    size = x.shape[axis]
    if not sections:
        count = call.integer("num", 0) or call.outputs.get("Out", 1)
        if count < 1 or size % count:
            raise ValueError(f"{size} split into {counted(count, 'equal part')}")
        sections = [size // count] * count
    if sections.count(-1) == 1:
        sections[sections.index(-1)] = size - sum(sections) - 1
    if min(sections) < 0 or sum(sections) != size:
        raise ValueError(f"{size} split into {sections}")
    return np.split(x, np.cumsum(sections)[:-1], axis)


@kernel("unstack", "unbind", out="Y")
def unstack(call: Call) -> dict[str, list[Array]]:
    """X cut into single elements along `axis`, which is dropped."""
    x = call.array()
    axis = call.axis(x.ndim, "axis", 0)
    parts = [np.squeeze(part, axis) for part in np.split(x, x.shape[axis], axis)]
    return {"Y": parts, "Out": parts}


@kernel("crop", "crop_tensor")
def crop(call: Call) -> Array:
    """`shape` elements from `offsets` on; -1 takes all that is left."""
    x = call.array()
    if call.type == "crop" and call.has("Y"):
        wanted: Sequence[int] = call.array("Y").shape
    else:
        wanted = call.ints_or_tensor("shape", "Shape", "ShapeTensor")
    offsets = call.ints_or_tensor("offsets", "Offsets", "OffsetsTensor") or (0,) * x.ndim
    index = []
    for size, count, start in zip(x.shape, wanted, offsets, strict=True):
        count = size - start if count == -1 else count
        if start < 0 or count < 0 or start + count > size:
            raise ValueError(f"{counted(count, 'element')} from {start} on, of {size}")
        index.append(slice(start, start + count))
    return np.ascontiguousarray(x[tuple(index)])
