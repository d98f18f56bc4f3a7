"""How much memory this process may take: the machine's, or a container's limit."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator, Sequence
from pathlib import Path

CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""Where a container's limit stands, in version 2 and 1 of Linux's control groups."""


def available_memory(limits: Sequence[Path] = CGROUP_LIMITS) -> int:
    """Bytes of memory that this process may take at most.

    Args:
        limits: files that may hold a container's limit; those that are not there count for nothing.
    """
    return min(_bounds(limits))


def _bounds(limits: Sequence[Path]) -> Iterator[int]:
    yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        yield soft
    for path in limits:
        try:
            text = path.read_text().strip()
        except OSError:  # another system, or no such limit
            continue
        if text.isdecimal() and int(text) > 0:  # "max" is none
            yield int(text)
