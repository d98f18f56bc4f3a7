"""Sizes for the dims that a program leaves open, and shapes that a user gives."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ....errors import OptionError, listed
from .specs import InputSpec, Role

SEQUENCE = 32
"""Tokens, moments or other steps along an open axis that is not an image's."""

SIDE = 224
"""Height and width of an image for a model that says nothing of it: a classifier, mostly."""

DENSE_SIDE = 320
"""The same for detection and segmentation: a multiple of 32, as their pyramids want."""

# Widths that text recognizers are used with, by their height.
LINE_WIDTHS = {32: 320, 48: 320, 64: 640}

LARGEST = 1 << 28
"""Elements of one input: more than any model for phones takes."""


def parse_shape(option: str) -> tuple[str, tuple[int, ...]]:
    """``NAME=1,3,48,320`` taken apart; the name may hold ``=`` itself.

    Raises:
        OptionError: not of this form, or a size that is not positive.
    """
    name, _, sizes = option.rpartition("=")
    try:
        shape = tuple(int(size) for size in sizes.replace("x", ",").split(","))
    except ValueError:
        shape = ()
    if not name or not shape or min(shape) < 1:
        raise OptionError(
            "an input's shape is given as NAME=1,3,48,320, all sizes positive", found=option
        )
    return name, shape


def parse_shapes(options: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Shapes by name; OptionError where one name is given twice."""
    shapes: dict[str, tuple[int, ...]] = {}
    for option in options:
        name, shape = parse_shape(option)
        if name in shapes:
            raise OptionError("an input's shape is given twice", tensor=name)
        shapes[name] = shape
    return shapes


def require_known(names: Iterable[str], specs: Sequence[InputSpec], what: str) -> None:
    """Refuse names that are no inputs of the model."""
    unknown = [name for name in names if name not in {spec.name for spec in specs}]
    if unknown:
        raise OptionError(
            f"{what} for what is no input of the model",
            expected=listed(spec.name for spec in specs),
            found=listed(unknown),
        )


def require_fitting(
    spec: InputSpec, shape: Sequence[int], what: str, path: Path | None = None
) -> None:
    """Refuse a shape that the input's declared dims do not allow."""
    fits = len(shape) == len(spec.shape) and all(
        want in (-1, have) for want, have in zip(spec.shape, shape, strict=True)
    )
    if not fits:
        raise OptionError(
            f"{what} does not fit the model (-1 is any size)",
            path=path,
            tensor=spec.name,
            expected=list(spec.shape),
            found=list(shape),
        )


def with_shapes(
    specs: Sequence[InputSpec],
    shapes: Mapping[str, Sequence[int]] | None = None,
    *,
    batch: int = 1,
    dense: bool = False,
) -> dict[str, tuple[int, ...]]:
    """A shape without open dims for every input.

    Args:
        specs: the inputs.
        shapes: what the user gives; it goes before all guesses.
        batch: size of the first axis where it is open.
        dense: whether the model finds things in images, or classifies every pixel.

    Raises:
        OptionError: a shape for an unknown input, one that does not fit, an empty or a huge one.
    """
    given = dict(shapes or {})
    require_known(given, specs, "an input's shape")
    chosen: dict[str, tuple[int, ...]] = {}
    for spec in specs:
        if spec.name in given:
            require_fitting(spec, given[spec.name], "the given shape")
            chosen[spec.name] = tuple(given[spec.name])
        else:
            chosen[spec.name] = _guessed(spec, batch, dense)
        _refuse_odd(spec, chosen[spec.name])
    return _one_batch(specs, chosen, given)


def _guessed(spec: InputSpec, batch: int, dense: bool) -> tuple[int, ...]:
    if spec.role is Role.IMAGE:
        return _image(spec, batch, dense)
    lead = batch if spec.lod_level == 0 else SEQUENCE
    fill = {Role.IMAGE_SIZE: 2, Role.SCALE: 2, Role.IMAGE_INFO: 3}.get(spec.role, SEQUENCE)
    return tuple(
        dim if dim >= 0 else (lead if axis == 0 else fill) for axis, dim in enumerate(spec.shape)
    )


def channels_last(spec: InputSpec, shape: Sequence[int]) -> bool:
    """Whether the last axis of an image of this shape holds its channels."""
    return spec.channels_last or (shape[1] not in (1, 3) and shape[-1] in (1, 3))


def _image(spec: InputSpec, batch: int, dense: bool) -> tuple[int, ...]:
    side = DENSE_SIDE if dense else SIDE
    count, *rest = spec.shape
    last = channels_last(spec, spec.shape)
    height, width = rest[:2] if last else rest[1:]
    channels = rest[-1] if last else rest[0]
    if width < 0:
        width = LINE_WIDTHS.get(height, side)
    height = side if height < 0 else height
    channels = channels if channels > 0 else spec.channels or 3
    shape = (height, width, channels) if last else (channels, height, width)
    return (batch if count < 0 else count, *shape)


def _refuse_odd(spec: InputSpec, shape: Sequence[int]) -> None:
    if 0 in shape:
        raise OptionError("an input without values", tensor=spec.name, found=list(shape))
    if math.prod(shape) > LARGEST:
        raise OptionError(
            "an input far larger than any model takes",
            tensor=spec.name,
            expected=f"at most {LARGEST} elements",
            found=list(shape),
        )


def _one_batch(
    specs: Sequence[InputSpec],
    chosen: Mapping[str, tuple[int, ...]],
    given: Mapping[str, Sequence[int]],
) -> dict[str, tuple[int, ...]]:
    """Open first axes take the size that the user gave for one of them; so do open sequences."""
    tokens = (Role.TOKENS, Role.POSITIONS, Role.MASK)
    named = [(spec, given[spec.name]) for spec in specs if spec.name in given]
    lead = {shape[0] for spec, shape in named if spec.shape[0] < 0 and not spec.lod_level}
    second = {
        shape[1]
        for spec, shape in named
        if spec.role in tokens and len(shape) > 1 and spec.shape[1] < 0
    }
    result = dict(chosen)
    for spec in specs:
        if spec.name in given or spec.lod_level:
            continue
        shape = list(result[spec.name])
        if len(lead) == 1 and shape and spec.shape[0] < 0:
            shape[0] = next(iter(lead))
        if len(second) == 1 and spec.role is not Role.IMAGE:
            shape[1:] = [
                next(iter(second)) if declared < 0 and size == SEQUENCE else size
                for declared, size in zip(spec.shape[1:], shape[1:], strict=True)
            ]
        result[spec.name] = tuple(shape)
    return result


__all__ = [
    "parse_shape",
    "parse_shapes",
    "require_fitting",
    "require_known",
    "with_shapes",
]
