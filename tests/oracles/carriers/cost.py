"""What a carrier costs: microseconds of an inference, bytes of the `.nb`.

python -m tests.oracles.carriers.cost MODEL...      time models of the zoo: FP32, quantized
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.builders import COMBINED, ModelBuilder, normal
from weightquant_cli import QuantizeOptions
from weightquant_cli.core.lite.carried import ALL_OP_TYPES

from .. import lite, ours, zoo
from ..jobs import Array, Feed, Feeds, run_script, save_feeds
from ..lite_demands.lab import Case
from . import lab
from .lab import Spelling

COUNT = 20
SHAPES = ((256, 256), (1024, 1024), (2048, 512))


def main(folder: Path, version: str = "2.12") -> None:
    """Print the cost of one carrier of each type, for matrices of several shapes."""
    for number, shape in enumerate(SHAPES):
        home = folder / str(number)
        case, arrays = _idle_model(home, shape)
        plain = _x86(version, case, home / "plain")
        for kind in ("lookup_table", "mul"):
            spelling = Spelling(kind)
            program, stored, _ = lab.carried(case.parse(), arrays, lambda *_, s=spelling: s)
            carried = _x86(version, lab.write(case, program, stored, home / kind), home / kind)
            before, after = times(version, [plain, carried], {"x": Feed(normal(4, 8))})
            size = carried.stat().st_size - COUNT * int(np.prod(shape))
            cost = (after - before) / COUNT * 1e6
            print(f"{shape} {kind}: {cost:.2f} us, {size // COUNT} bytes of .nb beside the weight")


def times(version: str, models: Sequence[Path], feeds: Feeds) -> list[float]:
    """The best of many inferences of each model in seconds, taken in turns."""
    with tempfile.TemporaryDirectory() as name:
        given = save_feeds(Path(name) / "in.npz", feeds)
        job = {"models": [str(model) for model in models], "feeds": given}
        said = run_script(lite.ENVIRONMENT[version], "time_with_lite.py", job, Path(name))
        best: list[float] = json.loads(said.splitlines()[-1])
        return best


def _idle_model(home: Path, shape: tuple[int, int]) -> tuple[Case, dict[str, Array]]:
    """A model of one tanh, with parameters that nobody reads."""
    model = ModelBuilder()
    model.fetch(model.op("tanh", {"X": model.input("x", (4, 8))}, {"Out": "y"}, shape=(4, 8)))
    arrays: dict[str, Array] = {f"w{i}": normal(*shape, seed=i) for i in range(COUNT)}
    for name, array in arrays.items():
        model.parameter(name, array)
    model.write(home, COMBINED)
    program, params = home / "__model__", home / "__params__"
    return Case("idle", "", program, params, ("x",), ([],), program, program), arrays


def _x86(version: str, case: Case, out: Path) -> Path:
    folder, program, params = case.program.parent, case.program.name, case.params.name
    converted = lite.convert(version, folder, program, params, out, "x86")
    assert converted.nb is not None, converted.output[-1000:]
    return converted.nb


def compare(name: str, folder: Path, version: str = "2.12") -> None:
    """Print sizes and times of a model of the zoo: FP32, INT8 without and with carriers."""
    model = zoo.model(name, "combined")
    types = ("conv2d", "depthwise_conv2d", "mul", "matmul", "matmul_v2", "fc", "lookup_table")
    without = QuantizeOptions(op_types=(*types, "lookup_table_v2"))
    ours.quantized(model, folder / "without", without)
    ours.quantized(model, folder / "with", QuantizeOptions(op_types=ALL_OP_TYPES))
    runnable = []
    for label, home in (
        ("FP32", model.folder),
        ("INT8 without carriers", folder / "without"),
        ("INT8", folder / "with"),
    ):
        assert model.params is not None
        stem = folder / label.replace(" ", "-")
        arm = lite.convert(version, home, model.program, model.params, stem, "arm")
        size = arm.nb.stat().st_size if arm.nb else 0
        x86 = lite.convert(version, home, model.program, model.params, stem, "x86")
        runnable += [(label, x86.nb)] if x86.nb else []
        print(f"{name}: {label}: .nb {size / 1e3:.0f} kB")
    best = times(version, [nb for _, nb in runnable], model.feeds) if runnable else []
    for (label, _), seconds in zip(runnable, best, strict=True):
        print(f"{name}: {label}: {seconds * 1e3:.3f} ms")


if __name__ == "__main__":
    for each in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as made:
            compare(each, Path(made))
