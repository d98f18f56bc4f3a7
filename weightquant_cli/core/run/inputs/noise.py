"""Pictures of nothing: three kinds of noise that resemble images in different ways, and writing.

White noise has no neighbourhoods; coloured noise has the falling spectrum of photographs, and
"dead leaves" (discs and bars that cover one another) have their edges. `writing` has what networks
that read look at. Where second moments were taken from them, a mixture stood in best for real
images, half of it writing (.docs/accuracy.md).
"""

from __future__ import annotations

import numpy as np

from ..values import Array
from .writing import Random, writing

KINDS = ("white", "writing", "coloured", "writing", "leaves", "writing")
"""In turns."""

SLOPES = (0.3, 1.2)
"""Range of the exponent a of coloured noise, whose amplitudes fall as 1 / frequency^a."""


def picture(rng: Random, kind: str, shape: tuple[int, int, int]) -> Array:
    """One picture [channels, height, width] in float32: random mean and contrast, in [-1, 1]."""
    if kind == "writing":
        return writing(rng, shape).astype(np.float32)
    maker = {"white": white, "coloured": coloured, "leaves": dead_leaves}[kind]
    raw = maker(rng, shape)
    contrast, mean = rng.uniform(0.15, 0.7), rng.uniform(-0.5, 0.5)
    shift = mean + rng.normal(0, 0.1, (shape[0], 1, 1))
    return np.clip(raw * contrast + shift, -1, 1).astype(np.float32)


def white(rng: Random, shape: tuple[int, ...]) -> Array:
    """Independent normal values."""
    return rng.standard_normal(shape, dtype=np.float32)


def coloured(rng: Random, shape: tuple[int, int, int]) -> Array:
    """Normal values whose spectrum falls with the frequency; mean 0, variance 1."""
    _, height, width = shape
    rows = np.fft.fftfreq(height)[:, None] * height
    columns = np.fft.rfftfreq(width)[None] * width
    frequency = np.sqrt(rows**2 + columns**2)
    frequency[0, 0] = 1.0
    slope = rng.uniform(*SLOPES)
    spectrum = np.fft.rfft2(_related(rng, shape)) / frequency**slope
    field = np.fft.irfft2(spectrum, s=(height, width))
    field -= field.mean()
    return np.asarray(field / max(float(field.std()), 1e-6))


def _related(rng: Random, shape: tuple[int, int, int]) -> Array:
    """White noise whose channels share a part, as those of colour images do."""
    share = rng.uniform(0.5, 0.95)
    common = rng.standard_normal((1, *shape[1:]))
    return np.asarray(share * common + np.sqrt(1 - share**2) * rng.standard_normal(shape))


def dead_leaves(rng: Random, shape: tuple[int, int, int]) -> Array:
    """Discs and bars of random size, place and colour that cover one another; a little noise."""
    channels, height, width = shape
    canvas = np.empty(shape)
    canvas[...] = rng.normal(0, 1, (channels, 1, 1))
    largest = max(min(height, width) / 2, 2.0)
    y, x = np.arange(height)[:, None], np.arange(width)[None]
    for _ in range(60):
        # Many small leaves for each large one, as in photographs: their density falls as r^-3.
        radius = 1.0 / np.sqrt(rng.uniform(1 / largest**2, 1.0))
        row, column = rng.uniform(0, height), rng.uniform(0, width)
        if rng.random() < 0.5:
            inside = (y - row) ** 2 + (x - column) ** 2 <= radius**2
        else:
            turn = rng.uniform(0, np.pi)
            along = (y - row) * np.sin(turn) + (x - column) * np.cos(turn)
            across = (y - row) * np.cos(turn) - (x - column) * np.sin(turn)
            inside = (np.abs(along) <= 3 * radius) & (np.abs(across) <= max(radius / 3, 0.7))
        common = rng.normal(0, 1)
        colour = 0.7 * common + 0.7 * rng.normal(0, 1, channels)
        canvas[:, inside] = colour[:, None]
    return canvas + 0.05 * rng.standard_normal(shape)
