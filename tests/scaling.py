"""How quantizing many models scales: `python -m tests.scaling [--models N] [--scratch DIR]`.

Half of the models are copies of `tests/models/digits` (0.2 MB), half have three matrices of 4 MiB.
The Makefile of `.docs/ci.md` and GNU parallel quantize them, with one job at a time and with two.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.builders import ModelBuilder, normal
from tests.cli.helpers import environment
from tests.pages import DIGITS, block

JOBS = (1, 2)
_PARALLEL = "ls models | parallel -j{jobs} --joblog jobs.log " + (
    "weightquant quantize -q models/{{}} int8/{{}}"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table of `.docs/ci.md`."""
    parser = argparse.ArgumentParser(prog="python -m tests.scaling", description=__doc__)
    parser.add_argument("--models", type=int, default=200, help="how many (200)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each; the best counts (3)")
    parser.add_argument("--scratch", type=Path, help="where the models are put for a while")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="weightquant-scaling-", dir=chosen.scratch) as name:
        folder = Path(name)
        write_models(folder, chosen.models)
        env = environment({"PATH": _path_with_command(folder), "HOME": name})
        print(f"| {chosen.models} models | one at a time | two at a time | |")
        print("|---|---|---|---|")
        for engine, line in (("make", "make -s -j{jobs}"), ("parallel", _PARALLEL)):
            one, two = (
                min(_seconds(line.format(jobs=jobs), folder, env) for _ in range(chosen.rounds))
                for jobs in JOBS
            )
            print(f"| `{engine}` | {one:.1f} s | {two:.1f} s | {one / two:.2f}x |", flush=True)
    return 0


def write_models(folder: Path, count: int) -> None:
    """`models/` with so many models, half of them small, and the Makefile beside it."""
    (folder / "Makefile").write_text(block("test: makefile"))
    larger = folder / "larger"
    builder = ModelBuilder()
    name = builder.input("x", [-1, 1024])
    for index in range(3):
        name = builder.mul(name, f"fc_{index}.w_0", normal(1024, 1024, seed=index))
    builder.fetch(name)
    builder.write(larger)
    for index in range(count):
        source = DIGITS if index % 2 else larger
        shutil.copytree(source, folder / "models" / f"model{index:03d}")


def _seconds(line: str, folder: Path, env: dict[str, str]) -> float:
    shutil.rmtree(folder / "int8", ignore_errors=True)
    start = time.perf_counter()
    subprocess.run(["sh", "-c", line], cwd=folder, env=env, check=True, stdin=subprocess.DEVNULL)
    taken = time.perf_counter() - start
    done = sum(1 for path in (folder / "int8").iterdir() if (path / "__model__").exists())
    assert done == len(list((folder / "models").iterdir())), done
    return taken


def _path_with_command(folder: Path) -> str:
    script = folder / "bin" / "weightquant"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m weightquant_cli "$@"\n')
    script.chmod(0o755)
    return f"{script.parent}{os.pathsep}{os.environ['PATH']}"


if __name__ == "__main__":
    sys.exit(main())
