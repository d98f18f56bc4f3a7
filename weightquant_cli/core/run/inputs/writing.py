"""Pictures of writing in no language: rows of glyphs of random strokes on a plain ground.

Noise has neither strokes nor flat areas. Networks that read are looked at where their inputs are
most of both, and so second moments from noise alone mislead rounding at 6 bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Random = np.random.Generator
Floats = npt.NDArray[np.floating[Any]]

SMALLEST, LARGEST = 8, 64
"""Heights of glyphs in pixels, where the picture has room for them."""
GLYPHS = 12
"""Different ones in a row."""
STROKES = 7
"""The most of a glyph."""


def writing(rng: Random, shape: tuple[int, int, int]) -> Floats:
    """A picture [channels, height, width] in [-1, 1]: dark on light or light on dark, slanted,
    shaded, blurred and with noise, each a little.
    """
    channels, height, width = shape
    cover = _blurred(_rows(rng, height, width), rng.uniform(0.2, 1.2))
    ground = rng.uniform(-0.1, 0.9) + rng.normal(0, 0.15, (channels, 1, 1))
    ink = ground - rng.uniform(0.5, 1.6) + rng.normal(0, 0.15, (channels, 1, 1))
    if rng.random() < 0.3:
        ground, ink = -ground, -ink
    down, right = np.arange(height)[:, None] / height, np.arange(width) / width
    shade = rng.normal(0, 0.1) * (down - 0.5) + rng.normal(0, 0.1) * (right - 0.5)
    noise = rng.uniform(0, 0.15) * rng.standard_normal(shape)
    return np.asarray(np.clip(ground + (ink - ground) * cover + shade + noise, -1, 1))


def _rows(rng: Random, height: int, width: int) -> Floats:
    """How much of each pixel is ink: rows of different sizes, down to the lower edge."""
    cover = np.zeros((height, width))
    slant = rng.uniform(-0.06, 0.06)
    top = rng.uniform(-4, 8)
    while top < height - 4:
        size = _size(rng, height)
        left = rng.uniform(0, width / 4)
        end = width if rng.random() < 0.6 else rng.uniform(width / 4, width)
        thickness = max(size * rng.uniform(0.05, 0.16), 0.8)
        glyphs = [_glyph(rng, size, thickness) for _ in range(GLYPHS)]
        gap = size * rng.uniform(0.05, 0.3)
        while left < end:
            glyph = glyphs[rng.integers(GLYPHS)]
            _paste(cover, glyph, int(top + slant * (left - width / 2)), int(left))
            left += glyph.shape[1] + gap
            if rng.random() < 0.12:  # the end of a word
                left += size * rng.uniform(0.3, 0.8)
        top += size * rng.uniform(1.2, 2.5)
    return cover


def _size(rng: Random, height: int) -> int:
    """Of a row's glyphs: as often from 8 to 16 as from 16 to 32."""
    largest = max(min(0.9 * height, LARGEST), SMALLEST + 1)
    return int(np.exp(rng.uniform(np.log(SMALLEST), np.log(largest))))


def _glyph(rng: Random, height: int, thickness: float) -> Floats:
    """Straight strokes, mostly level or upright, and circles or halves of them."""
    width = max(int(height * rng.uniform(0.35, 1.0)), 3)
    y, x = np.arange(height)[:, None], np.arange(width)[None]
    cover = np.zeros((height, width))
    for _ in range(rng.integers(1, STROKES + 1)):
        kind = rng.random()
        first = rng.uniform(0, 1, 2) * (height - 1, width - 1)
        last = rng.uniform(0, 1, 2) * (height - 1, width - 1)
        if kind < 0.85:
            if kind < 0.3:
                last[0] = first[0]
            elif kind < 0.6:
                last[1] = first[1]
            distance = _from_line(y - first[0], x - first[1], *(last - first))
        else:
            distance = _from_circle(rng, y - height / 2, x - width / 2)
        np.maximum(cover, np.clip(thickness / 2 + 0.5 - distance, 0, 1), out=cover)
    return cover


def _from_line(y: Floats, x: Floats, down: float, right: float) -> Floats:
    """Distance of points from the line that goes from (0, 0) to (down, right)."""
    length = max(down**2 + right**2, 1e-3)
    along = np.clip((y * down + x * right) / length, 0, 1)
    return np.asarray(np.hypot(y - along * down, x - along * right))


def _from_circle(rng: Random, y: Floats, x: Floats) -> Floats:
    """Distance of points from a circle around (0, 0), or from half of it."""
    radius = rng.uniform(0.2, 0.5) * min(len(y), x.shape[1])
    distance = np.abs(np.hypot(y, x) - radius)
    if rng.random() < 0.5:
        turn = rng.uniform(0, 2 * np.pi)
        distance[y * np.sin(turn) + x * np.cos(turn) <= 0] = np.inf
    return np.asarray(distance)


def _paste(cover: Floats, glyph: Floats, top: int, left: int) -> None:
    """Add a glyph, as much of it as lies inside."""
    rows = slice(max(top, 0), min(top + glyph.shape[0], cover.shape[0]))
    columns = slice(max(left, 0), min(left + glyph.shape[1], cover.shape[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        part = glyph[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        np.maximum(cover[rows, columns], part, out=cover[rows, columns])


def _blurred(cover: Floats, radius: float) -> Floats:
    """Smoothed with a Gaussian of this deviation, edges meeting."""
    height, width = cover.shape
    frequency = np.fft.fftfreq(height)[:, None] ** 2 + np.fft.rfftfreq(width) ** 2
    spectrum = np.fft.rfft2(cover) * np.exp(-2 * (np.pi * radius) ** 2 * frequency)
    return np.asarray(np.fft.irfft2(spectrum, s=(height, width)))
