"""Borders around tensors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..call import Call, Unsupported
from ..registry import kernel
from ..values import Array

MODES = {"reflect": "reflect", "edge": "edge", "replicate": "edge", "circular": "wrap"}


@kernel("pad")
def pad(call: Call) -> Array:
    """`paddings` has the elements before and after for each axis."""
    x, amounts = call.array(), call.ints("paddings")
    if len(amounts) != 2 * x.ndim:
        raise ValueError(f"paddings {list(amounts)} for a tensor of rank {x.ndim}")
    value = call.number("pad_value", 0.0)
    return _pad(call, x, list(zip(amounts[::2], amounts[1::2], strict=True)), "constant", value)


@kernel("pad2d")
def pad2d(call: Call) -> Array:
    """`paddings` are top, bottom, left, right."""
    top, bottom, left, right = call.ints_or_tensor("paddings", "Paddings", "-", (0, 0, 0, 0))
    sides = [(top, bottom), (left, right)]
    return _pad_image(call, sides, call.text("mode", "constant"), "pad_value")


@kernel("pad3d")
def pad3d(call: Call) -> Array:
    """`paddings` are left, right, top, bottom, front, back: the last axis first."""
    amounts = call.ints_or_tensor("paddings", "Paddings", "-", (0,) * 6)
    pairs = list(zip(amounts[::2], amounts[1::2], strict=True))[::-1]
    return _pad_image(call, pairs, call.text("mode", "constant"), "value")


def _pad_image(call: Call, sides: Sequence[tuple[int, int]], mode: str, value: str) -> Array:
    x = call.array()
    layouts = ("NCHW", "NHWC", "NCDHW", "NDHWC", "AnyLayout")
    last = call.one_of("data_format", "NCHW", layouts) in ("NHWC", "NDHWC")
    if len(sides) != x.ndim - 2:
        raise ValueError(f"paddings of {len(sides)} axes for a tensor of rank {x.ndim}")
    whole = [(0, 0), *sides, (0, 0)] if last else [(0, 0), (0, 0), *sides]
    return _pad(call, x, whole, mode, call.number(value, 0.0))


def _pad(
    call: Call, x: Array, amounts: Sequence[tuple[int, int]], mode: str, value: float
) -> Array:
    if any(before < 0 or after < 0 for before, after in amounts):
        raise ValueError(f"negative padding {list(amounts)}")
    sizes = [size + sum(pair) for size, pair in zip(x.shape, amounts, strict=True)]
    call.claim(sizes, x.itemsize)
    if mode == "constant":
        return np.pad(x, amounts, constant_values=np.asarray(value, x.dtype))
    if mode not in MODES:
        raise Unsupported(f"the mode {mode} of {call.type}")
    return np.pad(x, amounts, mode=MODES[mode])  # type: ignore[call-overload, no-any-return]


@kernel("pad_constant_like")
def pad_constant_like(call: Call) -> Array:
    """Y made as large as X, with a value behind it."""
    like, x = call.array(), call.array("Y")
    amounts = [(0, want - have) for want, have in zip(like.shape, x.shape, strict=True)]
    return _pad(call, x, amounts, "constant", call.number("pad_value", 0.0))
