"""SIGINT and SIGTERM: what stops a run, and what does not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import builders
from tests.cli.helpers import command, environment

SIGNALS = pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])


def start(folder: Path, before: str) -> subprocess.Popen[bytes]:
    """Quantize a model of 128 MiB; `before` runs in the process first."""
    model = builders.ModelBuilder()
    x = model.input("x", (-1, 2048))
    weight = builders.normal(2048, 2048)
    for index in range(8):
        x = model.mul(x, f"w{index}", weight)
    words = command("quantize", "-j2", model.write(folder / "model"), folder / "out")
    script = f"import os, signal, sys; {before}; os.execv(sys.argv[1], sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", script, *words],
        env=environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    while process.poll() is None and not list(folder.glob(".weightquant-*")):
        time.sleep(0.001)
    return process


@SIGNALS
def test_a_signal_leaves_nothing_behind(number: int, code: int, tmp_path: Path) -> None:
    process = start(tmp_path, f"signal.signal({number:d}, signal.SIG_DFL)")
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == code
    assert len(told.splitlines()) == 1
    assert os.listdir(tmp_path) == ["model"]


@SIGNALS
def test_a_signal_that_was_ignored_at_the_start_stays_ignored(
    number: int, code: int, tmp_path: Path
) -> None:
    """As of `nohup`, or of a job in the background of a script."""
    process = start(tmp_path, f"signal.signal({number:d}, signal.SIG_IGN)")
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (0, b"")
    assert sorted(os.listdir(tmp_path)) == ["model", "out"]
