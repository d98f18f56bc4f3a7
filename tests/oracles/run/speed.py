"""The interpreter's speed beside PaddlePaddle 2.6.2's: `python -m tests.oracles.run.speed`.

Both take turns, each in a process of its own, and the medians are told. Run it on a quiet machine:
BLAS with several threads waits for all of them, and another busy process makes it many times
slower (OPENBLAS_NUM_THREADS=1 takes that away).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from tests.oracles import envs, zoo
from tests.oracles.jobs import run_script, scratch
from weightquant_cli.core.run import Network, cached, stored
from weightquant_cli.formats.model_dir import find_model, open_model

SHAPES = {
    "ppocr_cls": (1, 3, 48, 192),
    "ppocr_rec": (1, 3, 48, 320),
    "ppocr_det": (1, 3, 640, 640),
}
ROUNDS, RUNS = 5, 5


def ours(names: list[str]) -> list[list[float]]:
    """Seconds of our runs, one list for each model."""
    times = []
    for name in names:
        model = open_model(find_model(envs.ppocr_models() / zoo.PPOCR[name][0]))
        network, image = Network(model.program, cached(stored(model))), zoo.picture(SHAPES[name])
        own = []
        for _ in range(RUNS + 1):
            start = time.perf_counter()
            network.run({"x": image})
            own.append(time.perf_counter() - start)
        times.append(own[1:])
    return times


def theirs(names: list[str], folder: Path) -> list[list[float]]:
    """The same with Paddle."""
    jobs = []
    for name in names:
        np.save(folder / f"{name}.npy", zoo.picture(SHAPES[name]))
        prefix = envs.ppocr_models() / zoo.PPOCR[name][0] / "inference"
        job = {"prefix": str(prefix), "input": str(folder / f"{name}.npy"), "runs": RUNS}
        jobs.append(job)
    told = run_script(envs.PADDLE_26, "time_with_paddle.py", jobs, folder)
    times: list[list[float]] = json.loads(told.splitlines()[-1])
    return times


def main() -> int:
    """Measure in turns, and print a table."""
    names = list(SHAPES)
    if sys.argv[1:] == ["--ours"]:
        print(json.dumps(ours(names)))
        return 0
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in names}
    with scratch() as folder:
        for _ in range(ROUNDS):
            command = [sys.executable, "-m", __spec__.name, "--ours"]
            own = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
            other = theirs(names, Path(folder))
            for name, one, two in zip(names, own, other, strict=True):
                found[name][0].extend(one)
                found[name][1].extend(two)
    for name, (one, two) in found.items():
        a, b = 1000 * np.median(one), 1000 * np.median(two)
        print(f"{name:10} ours {a:7.1f} ms  Paddle 2.6.2 {b:7.1f} ms  ratio {a / b:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
