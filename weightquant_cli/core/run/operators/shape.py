"""Shapes: reading and changing them, the order of axes, and repeating."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ....errors import counted
from ..call import Call, normal_axis
from ..registry import kernel
from ..values import Array


@kernel("shape", keeps_lod=False)
def shape(call: Call) -> Array:
    """The sizes of the axes of Input."""
    return np.array(call.array("Input").shape, np.int32)


@kernel("size", keeps_lod=False)
def size(call: Call) -> Array:
    """How many elements Input has."""
    return np.asarray(call.array("Input").size, np.int64)


@kernel("reshape", "reshape2")
def reshape(call: Call) -> Array:
    """0 copies the size of the same axis, one -1 is what is left."""
    x = call.array()
    if call.has("ShapeTensor"):
        wanted = call.ints_or_tensor("shape", "-", "ShapeTensor")
    else:
        wanted = call.ints_or_tensor("shape", "Shape", "-")
    return x.reshape(_filled(x, wanted))


def _filled(x: Array, wanted: Sequence[int]) -> tuple[int, ...]:
    sizes = []
    for axis, dim in enumerate(wanted):
        if dim == 0 and x.size:
            if axis >= x.ndim:
                raise ValueError(f"reshape to {list(wanted)} of a tensor of rank {x.ndim}")
            dim = x.shape[axis]
        sizes.append(dim)
    return tuple(sizes)


@kernel("transpose", "transpose2")
def transpose(call: Call) -> Array:
    """Axes in the order of `axis`."""
    x = call.array()
    order = call.ints("axis")
    if sorted(normal_axis(axis, x.ndim) for axis in order) != list(range(x.ndim)):
        raise ValueError(f"axes {list(order)} of a tensor of rank {x.ndim}")
    return np.ascontiguousarray(x.transpose(order))


@kernel("flatten", "flatten2")
def flatten(call: Call) -> Array:
    """A matrix: axes before `axis`, and the others."""
    x, axis = call.array(), call.integer("axis", 1)
    if not 0 <= axis <= x.ndim:
        raise ValueError(f"axis {axis} of a tensor of rank {x.ndim}")
    front = math.prod(x.shape[:axis])
    return x.reshape(front, math.prod(x.shape[axis:]))


@kernel("flatten_contiguous_range")
def flatten_contiguous_range(call: Call) -> Array:
    """Axes from `start_axis` to `stop_axis` made one."""
    x = call.array()
    if not x.ndim:
        return x.reshape(1)
    start, stop = call.axis(x.ndim, "start_axis", 1), call.axis(x.ndim, "stop_axis", 1)
    if stop < start:
        raise ValueError(f"from axis {start} to axis {stop}")
    middle = math.prod(x.shape[start : stop + 1])
    return x.reshape(*x.shape[:start], middle, *x.shape[stop + 1 :])


@kernel("squeeze", "squeeze2")
def squeeze(call: Call) -> Array:
    """Without the axes of size 1, or those of `axes` that have it."""
    x = call.array()
    axes = [normal_axis(axis, x.ndim) for axis in call.ints("axes")]
    candidates = axes or range(x.ndim)
    dropped = {axis for axis in candidates if x.shape[axis] == 1}
    return x.reshape(tuple(dim for axis, dim in enumerate(x.shape) if axis not in dropped))


@kernel("unsqueeze", "unsqueeze2")
def unsqueeze(call: Call) -> Array:
    """With new axes of size 1, put in one after the other."""
    x = call.array()
    sizes = list(x.shape)
    for axis in call.ints_or_tensor("axes", "AxesTensor", "AxesTensorList"):
        place = axis if axis >= 0 else axis + len(sizes) + 1
        if not 0 <= place <= len(sizes):
            raise ValueError(f"a new axis {axis} for a tensor of rank {len(sizes)}")
        sizes.insert(place, 1)
    return x.reshape(sizes)


@kernel("expand")
def expand(call: Call) -> Array:
    """Each axis repeated `expand_times`."""
    x = call.array()
    times = call.ints_or_tensor("expand_times", "ExpandTimes", "expand_times_tensor")
    return _tiled(call, x, times)


@kernel("tile")
def tile(call: Call) -> Array:
    """Each axis repeated, the last ones where there are fewer `repeat_times` than axes."""
    x = call.array()
    times = call.ints_or_tensor("repeat_times", "RepeatTimes", "repeat_times_tensor")
    return _tiled(call, x, times)


def _tiled(call: Call, x: Array, times: Sequence[int]) -> Array:
    rank = max(len(times), x.ndim)
    if any(time < 0 for time in times):
        raise ValueError(f"repeated {list(times)} times")
    factors = (1,) * (rank - len(times)) + tuple(times)
    sizes = (1,) * (rank - x.ndim) + x.shape
    target = [size * factor for size, factor in zip(sizes, factors, strict=True)]
    call.claim(target, x.itemsize)
    return np.tile(x, factors) if 0 not in factors else np.zeros(target, x.dtype)


@kernel("expand_v2")
def expand_v2(call: Call) -> Array:
    """Axes of size 1 repeated to `shape`; -1 leaves an axis as it is."""
    x = call.array()
    wanted = call.ints_or_tensor("shape", "Shape", "expand_shapes_tensor")
    return _broadcast(call, x, wanted)


@kernel("expand_as", "expand_as_v2")
def expand_as(call: Call) -> Array:
    """X repeated to the shape of another tensor."""
    x = call.array()
    for slot in ("Y", "target_tensor"):
        if call.has(slot):
            wanted: Sequence[int] = call.array(slot).shape
            break
    else:
        wanted = call.ints("target_shape")
    if call.type == "expand_as":  # 1.x repeats whole axes
        return _tiled(call, x, [w // s for w, s in zip(wanted, x.shape, strict=True)])
    return _broadcast(call, x, wanted)


def _broadcast(call: Call, x: Array, wanted: Sequence[int]) -> Array:
    lead = len(wanted) - x.ndim
    if lead < 0:
        raise ValueError(f"a tensor of rank {x.ndim} expanded to {list(wanted)}")
    sizes = [
        x.shape[axis - lead] if dim == -1 and axis >= lead else dim
        for axis, dim in enumerate(wanted)
    ]
    call.claim(sizes, x.itemsize)
    return np.asarray(np.broadcast_to(x, sizes).copy())


@kernel("broadcast_tensors")
def broadcast_tensors(call: Call) -> list[Array]:
    """All inputs repeated to one shape."""
    arrays = call.arrays()
    call.claim(np.broadcast_shapes(*(array.shape for array in arrays)))
    return [array.copy() for array in np.broadcast_arrays(*arrays)]


@kernel("shuffle_channel")
def shuffle_channel(call: Call) -> Array:
    """Channels of `group` groups taken in turns."""
    return _grouped(call.array(), call.integer("group", 1))


@kernel("channel_shuffle")
def channel_shuffle(call: Call) -> Array:
    """As shuffle_channel, in the spelling of 2.x."""
    x = call.array()
    if call.one_of("data_format", "NCHW", ("NCHW", "NHWC")) == "NHWC":
        moved = _grouped(np.moveaxis(x, -1, 1), call.integer("groups", 1))
        return np.moveaxis(moved, 1, -1)
    return _grouped(x, call.integer("groups", 1))


def _grouped(x: Array, groups: int) -> Array:
    if groups < 1 or x.shape[1] % groups:
        raise ValueError(f"{counted(groups, 'group')} of {counted(x.shape[1], 'channel')}")
    parts = x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])
    return np.ascontiguousarray(parts.swapaxes(1, 2)).reshape(x.shape)


@kernel("pixel_shuffle")
def pixel_shuffle(call: Call) -> Array:
    """Channels spread over blocks of `upscale_factor` squared pixels."""
    x, factor = call.array(), call.integer("upscale_factor", 1)
    last = call.one_of("data_format", "NCHW", ("NCHW", "NHWC")) == "NHWC"
    if last:
        x = np.moveaxis(x, -1, 1)
    count, channels, rows, columns = x.shape
    parts = x.reshape(count, channels // factor**2, factor, factor, rows, columns)
    spread = parts.transpose(0, 1, 4, 2, 5, 3)
    result = spread.reshape(count, channels // factor**2, rows * factor, columns * factor)
    return np.moveaxis(result, 1, -1) if last else result


@kernel("space_to_depth")
def space_to_depth(call: Call) -> Array:
    """Darknet's reorg, as Paddle has it: channels spread over pixels, and the memory of that image
    taken as one of more channels and fewer pixels."""
    x, block = call.array(), call.integer("blocksize", 2)
    count, channels, rows, columns = x.shape
    parts = x.reshape(count, block, block, channels // block**2, rows, columns)
    return np.asarray(
        parts.transpose(0, 3, 4, 1, 5, 2).reshape(
            count, channels * block**2, rows // block, columns // block
        )
    )


@kernel("temporal_shift")
def temporal_shift(call: Call) -> Array:
    """A share of the channels taken from the frame before, a share from the one behind."""
    x, frames = call.array(), call.integer("seg_num", 1)
    ratio = call.number("shift_ratio", 0.25)
    clips = x.reshape(-1, frames, *x.shape[1:])
    first, second = int(x.shape[1] * ratio), int(x.shape[1] * 2 * ratio)
    result = np.zeros_like(clips)
    result[:, 1:, :first] = clips[:, :-1, :first]
    result[:, :-1, first:second] = clips[:, 1:, first:second]
    result[:, :, second:] = clips[:, :, second:]
    return result.reshape(x.shape)


@kernel("meshgrid")
def meshgrid(call: Call) -> list[Array]:
    """Coordinates of a grid, one tensor for each axis."""
    arrays = [array.reshape(-1) for array in call.arrays()]
    call.claim([array.size for array in arrays], 8)
    return [np.ascontiguousarray(grid) for grid in np.meshgrid(*arrays, indexing="ij")]
