"""Run commands as whole processes, taking turns, and keep the medians."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
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


# Starts a command and measures it. A process begins with the peak of the one that started it:
# this one is small, the benchmark is not.
LAUNCHER = """
import os, sys, time
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
began = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, usage = os.wait4(pid, 0)
print(time.perf_counter() - began, usage.ru_maxrss, usage.ru_utime + usage.ru_stime)
sys.exit(abs(os.waitstatus_to_exitcode(status)))
"""


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
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", LAUNCHER, *case.command],
        env={**os.environ, **case.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        last_words = done.stderr.strip()[-500:]
        raise NotMeasured(f"{case.command[0]} ended with {done.returncode}: {last_words}")
    seconds, peak, cpu = map(float, done.stdout.split())
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Sample(seconds, peak / scale, cpu)
