"""What was measured, as aligned columns and as markdown, and the machine it was measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .measure import Sample

HEADINGS = ("measure", "ours", "peer", "ratio", "to reach", "met")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        measure: what was measured.
        ours, peer: figures with their units; empty where there is none.
        ratio: one to the other; empty likewise.
        target: what was to be reached; empty where nothing was promised.
        met: whether it was; None where nothing was promised.
    """

    measure: str
    ours: str
    peer: str = ""
    ratio: str = ""
    target: str = ""
    met: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """The line's cells."""
        met = "" if self.met is None else "yes" if self.met else "NO"
        return (self.measure, self.ours, self.peer, self.ratio, self.target, met)


def slower(title: str, mine: Sample, peer: Sample, most: float | None = None) -> Row:
    """Our time as a multiple of a peer's."""
    ratio = mine.seconds / peer.seconds
    met, target = (None, "") if most is None else (ratio <= most, f"<= {most:g} x")
    told = f"{ratio:.1f} times as long"
    return Row(title, _figures(mine), seconds(peer.seconds), told, target, met)


def faster(title: str, mine: Sample, peer: Sample, least: float | None = None) -> Row:
    """A peer's time as a multiple of ours."""
    ratio = peer.seconds / mine.seconds
    met, target = (None, "") if least is None else (ratio >= least, f">= {least:g} x")
    return Row(title, _figures(mine), _figures(peer), f"{ratio:.1f} times faster", target, met)


def within(title: str, mine: Sample, peer: Sample, most: float) -> Row:
    """Our time, which has a limit in seconds, beside a peer's."""
    ratio = f"{mine.seconds / peer.seconds:.1f} times as long"
    ours, theirs = (f"{_figures(one)}, {seconds(one.cpu)} of CPU" for one in (mine, peer))
    return Row(title, ours, theirs, ratio, f"<= {most:g} s", mine.seconds <= most)


def memory(title: str, sample: Sample, most: int | None = None) -> Row:
    """Our largest memory."""
    met, target = (None, "") if most is None else (sample.peak <= most, f"<= {most} MiB")
    return Row(f"peak memory, {title}", f"{sample.peak:.0f} MiB", target=target, met=met)


def seconds(value: float) -> str:
    """A duration with two or three digits."""
    return f"{value * 1000:.0f} ms" if value < 0.1 else f"{value:.2f} s"


def _figures(sample: Sample) -> str:
    return f"{seconds(sample.seconds)}, {sample.peak:.0f} MiB"


def table(rows: Sequence[Row]) -> str:
    """Aligned columns."""
    lines = [HEADINGS, *(row.cells for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def markdown(rows: Sequence[Row]) -> str:
    """The table of `.docs/measurements.md`."""
    lines = [("", "weightquant", "peer", ""), ("---",) * 4, *(row.cells[:4] for row in rows)]
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
