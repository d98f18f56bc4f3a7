"""Run commands as whole processes, taking turns, and keep the medians."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# What the console script runs; the package need not be installed.
SCRIPT = "from weightquant_cli.__main__ import script; script()"


class NotMeasured(Exception):
    """A row that cannot be measured here; the message says why."""


@dataclass(frozen=True)
class Case:
    """One command.

    Attributes:
        command: program and arguments.
        output: removed before every run, or None.
        environment: variables beside the process's own.
    """

    command: Sequence[str | Path]
    output: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """Medians of several runs.

    Attributes:
        seconds: of wall clock, from start to exit.
        peak: largest resident memory, in MiB.
        cpu: seconds of all its threads, which hardly depend on what else the machine does.
    """

    seconds: float
    peak: float
    cpu: float = 0.0


def ours(scratch: Path, *arguments: str | Path, output: Path | None = None) -> Case:
    """A run of weightquant as it is installed: with compiled modules."""
    return Case([sys.executable, "-c", SCRIPT, *arguments], output, installed(scratch))


def installed(scratch: Path) -> dict[str, str]:
    """Variables with which Python finds our package, and its modules compiled."""
    return {
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(scratch / "pycache"),
        "PYTHONDONTWRITEBYTECODE": "",
    }


def take_turns(cases: Mapping[str, Case], rounds: int) -> dict[str, Sample]:
    """Run every case once to warm the page cache, then all of them in turn, `rounds` times.

    Taking turns, a disturbance of the machine falls on all of them. Without rounds the first run
    is what counts.
    """
    first = {name: _run(case) for name, case in cases.items()}
    turns = [{name: _run(case) for name, case in cases.items()} for _ in range(rounds)] or [first]
    return {name: _median([turn[name] for turn in turns]) for name in cases}


def _median(samples: Sequence[Sample]) -> Sample:
    return Sample(
        statistics.median(sample.seconds for sample in samples),
        statistics.median(sample.peak for sample in samples),
        statistics.median(sample.cpu for sample in samples),
    )


def _run(case: Case) -> Sample:
    if case.output is not None:
        shutil.rmtree(case.output, ignore_errors=True)
    began = time.perf_counter()
    process = subprocess.Popen(
        case.command,
        env={**os.environ, **case.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    with process.stderr:
        told = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        last_words = told.decode(errors="replace").strip()[-500:]
        raise NotMeasured(f"{case.command[0]} ended with {process.returncode}: {last_words}")
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Sample(seconds, usage.ru_maxrss / scale, usage.ru_utime + usage.ru_stime)
