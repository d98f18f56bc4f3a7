"""Inputs made up for a model: noise for images, ids within their tables, sizes that fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..values import Array, Lod, Tensor, offsets
from .noise import KINDS, picture
from .sizes import channels_last, with_shapes
from .specs import InputSpec, Role
from .writing import Random

PADDED = 0.25
"""Share of a sequence that a mask leaves out, in every second sample."""


def synthetic(
    specs: Sequence[InputSpec],
    count: int,
    *,
    seed: int = 0,
    shapes: Mapping[str, Sequence[int]] | None = None,
    batch: int = 1,
    dense: bool = False,
) -> Iterator[dict[str, Tensor]]:
    """`count` samples, the same for the same seed; sample i does not depend on `count`.

    Raises:
        OptionError: shapes that do not fit the model (`with_shapes`).
    """
    chosen = with_shapes(specs, shapes, batch=batch, dense=dense)
    for number in range(count):
        yield sample(specs, chosen, seed, number)


def sample(
    specs: Sequence[InputSpec], shapes: Mapping[str, tuple[int, ...]], seed: int, number: int
) -> dict[str, Tensor]:
    """One sample; `shapes` as `with_shapes` gives them."""
    image = next((spec for spec in specs if spec.role is Role.IMAGE), None)
    size = (0, 0) if image is None else _height_width(image, shapes[image.name])
    length = next(
        (shapes[s.name][1] for s in specs if s.role is Role.TOKENS and len(s.shape) > 1 and
         not s.lod_level), None
    )  # fmt: skip
    made = {}
    for place, spec in enumerate(specs):
        rng = np.random.default_rng((seed, number, place))
        shape = shapes[spec.name]
        array = _values(spec, shape, rng, number, size, length)
        made[spec.name] = Tensor(_typed(spec, array), _lod(spec, shape))
    return made


def _height_width(spec: InputSpec, shape: Sequence[int]) -> tuple[int, int]:
    last = channels_last(spec, shape)
    return (shape[1], shape[2]) if last else (shape[2], shape[3])


def _values(
    spec: InputSpec,
    shape: tuple[int, ...],
    rng: Random,
    number: int,
    size: tuple[int, int],
    length: int | None,
) -> Array:
    role = spec.role
    if role is Role.IMAGE:
        return _images(spec, shape, rng, number)
    if role is Role.TOKENS:
        return rng.integers(0, max(spec.rows, 1), shape)
    if role is Role.POSITIONS:
        return _positions(shape, spec)
    if role is Role.MASK:
        return _mask(shape, number)
    if role is Role.LENGTHS:
        return np.full(shape, length or 1)
    if role in (Role.IMAGE_SIZE, Role.IMAGE_INFO):
        return np.broadcast_to(np.array([*size, 1.0])[: shape[-1]], shape)
    if role is Role.SCALE:
        return np.ones(shape)
    if spec.dtype.name == "BOOL" or spec.dtype.numpy is None or spec.dtype.numpy[1] in "iu":
        return rng.integers(0, 2, shape)
    contrast, mean = rng.uniform(0.15, 0.7), rng.uniform(-0.5, 0.5)
    return np.clip(rng.standard_normal(shape) * contrast + mean, -1, 1)


def _images(spec: InputSpec, shape: tuple[int, ...], rng: Random, number: int) -> Array:
    """The kinds of noise in turns, over the samples and within a batch.

    Every second round of kinds is twice as large: some models take pixels scaled to [-1, 1], others
    divided by their deviation, up to 2.6. The mixture stood in best for both, where second moments
    were taken from it (PP-OCRv4 recognition and detection).
    """
    last = channels_last(spec, shape)
    one = (shape[3], shape[1], shape[2]) if last else (shape[1], shape[2], shape[3])
    pictures = [
        picture(rng, KINDS[(number + index) % len(KINDS)], one) for index in range(shape[0])
    ]
    stacked = np.stack(pictures) * np.float32(1 + number // len(KINDS) % 2)
    return np.moveaxis(stacked, 1, -1) if last else stacked


def _positions(shape: tuple[int, ...], spec: InputSpec) -> Array:
    """0, 1, 2, ... along the sequence, which is the axis of more than one element."""
    if spec.lod_level:
        level = _lod(spec, shape)[-1]
        starts = np.repeat(level[:-1], np.diff(level))
        return np.asarray((np.arange(shape[0]) - starts).reshape(-1, *(1,) * (len(shape) - 1)))
    axis = 1 if len(shape) > 1 else 0
    along = np.arange(shape[axis]) % max(spec.rows, 1)
    return np.broadcast_to(along.reshape(-1, *(1,) * (len(shape) - axis - 1)), shape)


def _mask(shape: tuple[int, ...], number: int) -> Array:
    """Ones; in every second sample, zeros for the end of the sequence."""
    mask = np.ones(shape)
    if number % 2 and len(shape) > 1:
        length = max(shape[1:])
        axis = 1 + shape[1:].index(length)
        keep = length - int(length * PADDED)
        mask[(slice(None),) * axis + (slice(keep, None),)] = 0
    return mask


def _lod(spec: InputSpec, shape: tuple[int, ...]) -> Lod:
    """Three sequences of different lengths, or one where there are too few rows; outer levels
    hold all of them."""
    if spec.lod_level == 0:
        return ()
    rows = shape[0]
    sizes = [rows // 2, rows // 3, rows - rows // 2 - rows // 3] if rows >= 6 else [rows]
    outer = tuple((0, 1) for _ in range(spec.lod_level - 2))
    if spec.lod_level > 1:
        outer = (*outer, (0, len(sizes)))
    return (*outer, offsets(sizes))


def _typed(spec: InputSpec, array: Array) -> Array:
    assert spec.dtype.numpy is not None
    return np.ascontiguousarray(array).astype(spec.dtype.numpy, copy=False)
