"""The interpreter's speed beside PaddlePaddle 2.6.2's: `python -m tests.oracles.run.speed`.

Both take turns, each in a process of its own, and the medians are told. Run it on a quiet machine:
BLAS with several threads waits for all of them, and another busy process makes it many times
slower.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Way:
    """A way in which both run a model.

    Attributes:
        name: of Paddle's way.
        threads: of BLAS, for both.
        predicts: whether Paddle does it with its inference engine, or with its executor.
    """

    name: str
    threads: int
    predicts: bool


EXECUTOR = Way("Paddle 2.6.2's executor", 1, False)
ONE_THREAD = Way("its inference engine, one thread", 1, True)
TWO_THREADS = Way("its inference engine, two threads", 2, True)
WAYS = (EXECUTOR, ONE_THREAD, TWO_THREADS)


def measured(
    names: Sequence[str], ways: Sequence[Way] = WAYS, rounds: int = ROUNDS
) -> Mapping[tuple[str, Way], tuple[float, float]]:
    """Median seconds of our runs and of Paddle's, taken in turns."""
    found: dict[tuple[str, Way], tuple[list[float], list[float]]] = {
        (name, way): ([], []) for name in names for way in ways
    }
    with scratch() as folder:
        for _ in range(rounds):
            for way in ways:
                own, other = _ours_apart(names, way), _theirs(names, way, Path(folder))
                for name, one, two in zip(names, own, other, strict=True):
                    found[name, way][0].extend(one)
                    found[name, way][1].extend(two)
    return {
        key: (float(np.median(one)), float(np.median(two))) for key, (one, two) in found.items()
    }


def ours(names: Sequence[str]) -> list[list[float]]:
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


def _ours_apart(names: Sequence[str], way: Way) -> list[list[float]]:
    command = [sys.executable, "-m", "tests.oracles.run.speed", "--ours", *names]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(way.threads)}
    done = subprocess.run(command, capture_output=True, check=True, env=environment, cwd=envs.ROOT)
    times: list[list[float]] = json.loads(done.stdout)
    return times


def _theirs(names: Sequence[str], way: Way, folder: Path) -> list[list[float]]:
    jobs = []
    for name in names:
        np.save(folder / f"{name}.npy", zoo.picture(SHAPES[name]))
        prefix = envs.ppocr_models() / zoo.PPOCR[name][0] / "inference"
        job = {"prefix": str(prefix), "input": str(folder / f"{name}.npy"), "runs": RUNS}
        jobs.append({**job, "threads": way.threads if way.predicts else 0})
    told = run_script(envs.PADDLE_26, "time_with_paddle.py", jobs, folder)
    times: list[list[float]] = json.loads(told.splitlines()[-1])
    return times


def main(arguments: Sequence[str]) -> int:
    """Measure in turns, and print a table."""
    if arguments[:1] == ["--ours"]:
        print(json.dumps(ours(arguments[1:])))
        return 0
    for (name, way), (one, two) in measured(list(SHAPES)).items():
        print(
            f"{name:10} {way.name:34} ours {1000 * one:7.1f} ms  theirs {1000 * two:7.1f} ms  "
            f"ratio {one / two:.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
