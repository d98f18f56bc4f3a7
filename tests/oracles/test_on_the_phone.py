"""The lines of `.docs/on-the-phone.md` that can be tried on a desk, with the real Paddle Lite."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.cli.helpers import environment, run
from tests.oracles import envs, lite
from tests.pages import DIGITS, block

pytestmark = pytest.mark.oracle


def call(*command: str | Path, folder: Path) -> str:
    """Run a command that must succeed; what it printed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment({"OPT": str(lite.opt("2.13rc0"))}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_model_is_converted_and_run_on_a_desk(tmp_path: Path) -> None:
    envs.require(envs.LITE_213)
    run("quantize", "-q", "--op-type", "all", DIGITS, tmp_path / "out").ok()
    call("sh", "-ec", block("test: desk convert"), folder=tmp_path)
    printed = call(envs.python(envs.LITE_213), "-c", block("test: desk run"), folder=tmp_path)
    shown = printed[printed.rindex("[[") + 2 : printed.rindex("]]")]
    probabilities = np.array(shown.split(), dtype=float)
    assert probabilities.shape == (10,)
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
