"""What was measured, as aligned columns and as markdown, and the machine it was measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HEADINGS = ("measure", "ours", "peer", "ratio", "to reach")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        measure: what was measured.
        ours, peer: figures with their units; empty where there is none.
        ratio: one to the other; empty likewise.
        target: what was to be reached; empty where nothing was promised.
    """

    measure: str
    ours: str
    peer: str = ""
    ratio: str = ""
    target: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """The line's cells."""
        return (self.measure, self.ours, self.peer, self.ratio, self.target)


def seconds(value: float) -> str:
    """A duration with three digits."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def table(rows: Sequence[Row]) -> str:
    """Aligned columns."""
    lines = [HEADINGS, *(row.cells for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def markdown(rows: Sequence[Row]) -> str:
    """The same as a markdown table."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(row.cells for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """One line on the machine."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{_processor()}, {cpus} CPUs (load {os.getloadavg()[0]:.1f}), "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"numpy {np.__version__}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
