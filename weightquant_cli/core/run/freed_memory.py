"""Memory of freed arrays, kept for those that follow."""

from __future__ import annotations

import numpy as np

KEPT_BYTES = 31 << 20
"""Just below the most that glibc's malloc takes on by itself (M_MMAP_THRESHOLD in mallopt(3))."""


def keep_freed_memory() -> None:
    """Let the C library keep the memory of freed arrays, up to twice `KEPT_BYTES`.

    glibc gives it back to the system at first, and touching it anew costs a page fault for every
    4 KiB: a quarter of a run of PP-OCRv4 recognition. Once a mapping of this size was freed it
    keeps as much. Nothing is touched here, so nothing is taken; elsewhere it does nothing.
    """
    np.empty(KEPT_BYTES, np.uint8)
