"""Operators of 1.x on sequences of different lengths, which their LoD bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ....errors import counted
from ..call import Call, Unsupported
from ..registry import kernel
from ..values import Array, Lod, Tensor, lengths, offsets
from .softmax import softmaxed
from .windows import Window, padded, pair, taps


def _parts(x: Array, level: Sequence[int]) -> list[Array]:
    """The rows of each sequence."""
    return [x[start:end] for start, end in pairwise(level)]


def _joined(parts: Sequence[Array], lod: Lod = ()) -> Tensor:
    return Tensor(np.concatenate(list(parts)), (*lod, offsets([len(part) for part in parts])))


@kernel("sequence_pool", keeps_lod=False)
def sequence_pool(call: Call) -> Tensor:
    """One row for each sequence; `pad_value` where it is empty."""
    tensor = call.tensor("X")
    kind = call.one_of(
        "pooltype", "AVERAGE", ("AVERAGE", "SUM", "SQRT", "LAST", "FIRST", "MAX")
    ).upper()
    empty = np.full(tensor.array.shape[1:], call.number("pad_value", 0.0), tensor.array.dtype)
    rows = [_pooled(part, kind, empty) for part in _parts(tensor.array, call.lod()[-1])]
    return Tensor(np.stack(rows), tensor.lod[:-1])


def _pooled(part: Array, kind: str, empty: Array) -> Array:
    if not len(part):
        return empty
    if kind in ("LAST", "FIRST"):
        return np.asarray(part[-1 if kind == "LAST" else 0])
    if kind == "MAX":
        return np.asarray(part.max(axis=0))
    total = part.sum(axis=0)
    divisor = {"SUM": 1.0, "AVERAGE": len(part), "SQRT": math.sqrt(len(part))}[kind]
    return np.asarray(total / part.dtype.type(divisor))


@kernel("sequence_softmax")
def sequence_softmax(call: Call) -> Tensor:
    """The softmax within each sequence."""
    tensor = call.tensor("X")
    parts = [softmaxed(part, 0) for part in _parts(tensor.array, call.lod()[-1]) if len(part)]
    return Tensor(np.concatenate(parts), tensor.lod)


@kernel("sequence_conv")
def sequence_conv(call: Call) -> Tensor:
    """Neighbouring rows, from `contextStart` on, side by side, times Filter; zeros outside."""
    tensor, weight = call.tensor("X"), call.array("Filter")
    if call.integer("contextStride", 1) != 1 or call.flag("paddingTrainable"):
        raise Unsupported("sequence_conv with a stride or trained padding")
    start, size = call.integer("contextStart", 0), call.integer("contextLength", 1)
    if len(weight) != size * tensor.array.shape[1]:
        raise ValueError(f"a filter of {counted(len(weight), 'row')} for a context of {size}")
    rows = []
    for part in _parts(tensor.array, call.lod()[-1]):
        context = np.zeros((len(part), size, part.shape[1]), part.dtype)
        for tap in range(size):
            shift = start + tap
            low, high = max(0, -shift), min(len(part), len(part) - shift)
            if low < high:
                context[low:high, tap] = part[low + shift : high + shift]
        rows.append(context.reshape(len(part), -1))
    return Tensor(np.concatenate(rows) @ weight, tensor.lod)


@kernel("sequence_expand", keeps_lod=False)
def sequence_expand(call: Call) -> Tensor:
    """Each sequence (or row) of X repeated as often as Y's `ref_level` has entries for it."""
    tensor, reference = call.tensor("X"), call.lod("Y")
    times = lengths(reference[call.integer("ref_level", -1)])
    x = tensor.array
    level = tensor.lod[-1] if tensor.lod else tuple(range(len(x) + 1))
    parts = _parts(x, level)
    if len(parts) != len(times):
        raise ValueError(f"{counted(len(parts), 'sequence')} for {len(times)} of Y")
    call.claim((sum(len(p) * t for p, t in zip(parts, times, strict=True)), *x.shape[1:]))
    repeated = [part for part, time in zip(parts, times, strict=True) for _ in range(time)]
    if not repeated:
        return Tensor(x[:0])
    joined = _joined(repeated)
    return joined if tensor.lod else Tensor(joined.array)


@kernel("sequence_expand_as", keeps_lod=False)
def sequence_expand_as(call: Call) -> Tensor:
    """Row i of X repeated to the length of sequence i of Y."""
    x, level = call.array(), call.lod("Y")[-1]
    call.claim((level[-1], *x.shape[1:]), x.itemsize)
    return Tensor(np.repeat(x, lengths(level), axis=0), (level,))


@kernel("sequence_reshape", keeps_lod=False)
def sequence_reshape(call: Call) -> Tensor:
    """Rows of another width, within each sequence."""
    tensor, width = call.tensor("X"), call.integer("new_dim", 1)
    old = tensor.array.shape[1]
    level = call.lod()[-1]
    if any(end * old % width for end in level):
        raise ValueError(f"sequences of width {old} do not fit rows of {width}")
    ends = tuple(end * old // width for end in level)
    return Tensor(tensor.array.reshape(-1, width), (ends,))


@kernel("sequence_concat", keeps_lod=False)
def sequence_concat(call: Call) -> Tensor:
    """Sequence i of every input, one after another."""
    tensors = call.tensors("X")
    by_input = [_parts(tensor.array, tensor.lod[-1]) for tensor in tensors if tensor.lod]
    if len(by_input) != len(tensors):
        raise ValueError("an input has no LoD")
    joined = [np.concatenate(parts) for parts in zip(*by_input, strict=True)]
    return _joined(joined)


@kernel("sequence_reverse", out="Y")
def sequence_reverse(call: Call) -> Tensor:
    """Each sequence backwards."""
    tensor = call.tensor("X")
    parts = [part[::-1] for part in _parts(tensor.array, call.lod()[-1])]
    return Tensor(np.concatenate(parts), tensor.lod)


@kernel("sequence_pad", keeps_lod=False)
def sequence_pad(call: Call) -> dict[str, Array]:
    """[sequences, longest, ...], filled up with PadValue, and the lengths."""
    tensor, value = call.tensor("X"), call.array("PadValue")
    parts = _parts(tensor.array, call.lod()[-1])
    sizes = [len(part) for part in parts]
    wanted = call.integer("padded_length", -1)
    longest = max(sizes) if wanted == -1 else wanted
    if longest < max(sizes):
        raise ValueError(f"a sequence of {max(sizes)} rows padded to {longest}")
    shape = (len(parts), longest, *tensor.array.shape[1:])
    call.claim(shape, tensor.array.itemsize)
    out = np.empty(shape, tensor.array.dtype)
    out[...] = value.reshape(()) if value.size == 1 else value
    for row, part in zip(out, parts, strict=True):
        row[: len(part)] = part
    return {"Out": out, "Length": np.array(sizes, np.int64)}


@kernel("sequence_unpad", keeps_lod=False)
def sequence_unpad(call: Call) -> Tensor:
    """The first Length rows of each sequence, one after another."""
    x, sizes = call.array(), call.array("Length").reshape(-1).tolist()
    if len(sizes) != len(x) or max(sizes) > x.shape[1] or min(sizes) < 0:
        raise ValueError(f"lengths {sizes[:5]} for {list(x.shape)}")
    return _joined([row[:size] for row, size in zip(x, sizes, strict=True)])


@kernel("sequence_mask", out="Y", keeps_lod=False)
def sequence_mask(call: Call) -> Array:
    """1 for the first X places of each row, 0 behind."""
    x = call.array()
    longest = call.int_or_tensor("maxlen", "MaxLenTensor", -1)
    longest = int(x.max(initial=0)) if longest < 0 else longest
    dtype = call.dtype("out_dtype", 3)
    call.claim((*x.shape, longest), dtype.itemsize)
    return np.asarray((np.arange(longest) < x[..., None]).astype(dtype))


@kernel("sequence_enumerate")
def sequence_enumerate(call: Call) -> Tensor:
    """For each row of a sequence, the window of ids that begins there."""
    tensor, size = call.tensor("X"), call.integer("win_size", 2)
    value = call.integer("pad_value", 0)
    windows = []
    for part in _parts(tensor.array.reshape(-1), call.lod()[-1]):
        longer = np.concatenate([part, np.full(size - 1, value, part.dtype)])
        windows += [longer[start : start + size] for start in range(len(part))]
    return Tensor(np.stack(windows), tensor.lod)


@kernel("sequence_slice", keeps_lod=False)
def sequence_slice(call: Call) -> Tensor:
    """Length rows from Offset on, of each sequence."""
    tensor = call.tensor("X")
    starts = call.array("Offset").reshape(-1).tolist()
    sizes = call.array("Length").reshape(-1).tolist()
    parts = _parts(tensor.array, call.lod()[-1])
    cut = [p[s : s + n] for p, s, n in zip(parts, starts, sizes, strict=True)]
    if any(len(part) != size for part, size in zip(cut, sizes, strict=True)) or min(starts) < 0:
        raise ValueError("a slice reaches over the end of its sequence")
    return _joined(cut)


@kernel("sequence_erase", keeps_lod=False)
def sequence_erase(call: Call) -> Tensor:
    """The sequences without certain `tokens`."""
    tensor, tokens = call.tensor("X"), call.ints("tokens")
    parts = _parts(tensor.array, call.lod()[-1])
    return _joined([part[~np.isin(part.reshape(-1), tokens)] for part in parts])


@kernel("lod_reset", keeps_lod=False)
def lod_reset(call: Call) -> Tensor:
    """X with the LoD of Y, or the offsets in Y's data, or `target_lod`."""
    x = call.array()
    if call.has("Y"):
        other = call.tensor("Y")
        lod = other.lod or (tuple(int(end) for end in other.array.reshape(-1)),)
    else:
        lod = (call.ints("target_lod"),)
    if not lod[-1] or lod[-1][0] != 0 or lod[-1][-1] != len(x):
        raise ValueError(f"offsets {list(lod[-1])[:5]} for {counted(len(x), 'row')}")
    return Tensor(x, lod)


@kernel("im2sequence", keeps_lod=False)
def im2sequence(call: Call) -> Tensor:
    """Windows of each image as the rows of a sequence."""
    x = call.array()
    if call.has("Y"):
        raise Unsupported("im2sequence with sizes from the data")
    size = pair(call.ints("kernels"), "kernels")
    up, left, down, right = call.ints("paddings", (0, 0, 0, 0))
    stride = pair(call.ints("strides", (1, 1)), "strides")
    shape = Window(size, stride, (1, 1), ((up, down), (left, right)))
    rows, columns = shape.places(x.shape[2:])
    call.claim((len(x) * rows * columns, x.shape[1] * size[0] * size[1]), x.itemsize)
    windows = taps(padded(x, shape.pads), shape, (rows, columns))
    flat = windows.transpose(0, 4, 5, 1, 2, 3).reshape(len(x) * rows * columns, -1)
    return Tensor(flat, (offsets([rows * columns] * len(x)),))
