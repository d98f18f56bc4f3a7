"""python -m tests.accuracy.plain_lines: renders the lines of `tests/models/lines.npz` anew.

They are for the test that holds what --accurate gains, which thus needs no fonts: few, gray, of 16
shades, and without noise, so that they are small. The test adds the noise.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from .corpus import render

FILE = Path(__file__).resolve().parents[1] / "models" / "lines.npz"
LINES, SEED = 24, 5


def main() -> None:
    """Write uint8 in 0 to 15, of shape ``(LINES, 48, 320)``."""
    with tempfile.TemporaryDirectory() as folder:
        stem = Path(folder) / "plain"
        render({"lines": LINES, "pages": 0, "tables": 0, "seed": SEED}, stem, plain=True)
        rendered = np.load(stem.with_suffix(".npz"))["lines"]
    np.savez_compressed(FILE, lines=rendered.mean(axis=3).astype(np.uint8) >> 4)


if __name__ == "__main__":
    main()
