"""`--jobs 1` is one thread, that of numpy's BLAS included: many jobs share a machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.helpers import environment
from tests.pages import DIGITS

THREADS = Path("/proc/self/task")

# The process ends without Python's teardown: what is asked of it is asked at that moment.
PROGRAM = f"""
import os
end = os._exit
def told(code):
    print(len(os.listdir({str(THREADS)!r})), flush=True)
    end(code)
os._exit = told
from weightquant_cli.__main__ import script
script()
"""


@pytest.mark.skipif(not THREADS.is_dir(), reason="the system does not list threads")
def test_one_job_is_one_thread(tmp_path: Path) -> None:
    # A dry run: the threads that wait for the disk when files are flushed are others.
    command = ("quantize", "-qn", "--accurate", "--jobs", "1", DIGITS, tmp_path / "out")
    variables = environment()
    variables.pop("OPENBLAS_NUM_THREADS", None)  # set for the tests
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command],
        env=variables, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "1\n"
