"""Parameters from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.builders import BF16, COMBINED, SEPARATE, Layout, ModelBuilder, raw_record
from weightquant_cli.core.run import Network, cached, stored
from weightquant_cli.formats.model_dir import find_model, open_model

from .one import Weights, floats


def model() -> ModelBuilder:
    builder = ModelBuilder()
    builder.input("x", (-1, 4))
    builder.fetch(builder.mul("x", "w", floats(4, 3)))
    return builder


@pytest.mark.parametrize("layout", [SEPARATE, COMBINED])
def test_a_stored_model_runs_on_the_values_in_its_files(tmp_path: Path, layout: Layout) -> None:
    opened = open_model(find_model(model().write(tmp_path / "m", layout)))
    x = floats(2, 4, seed=1)
    outcome = Network(opened.program, stored(opened)).run({"x": x}).require()
    np.testing.assert_allclose(outcome.outputs["w.out0"], x @ floats(4, 3), rtol=1e-6)


def test_bf16_is_widened(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.input("x", (-1, 2))
    builder.main.var("w", (2,), BF16, persistable=True)
    halves = np.array([0x3F80, 0xC000], "<u2").tobytes()  # 1 and -2
    builder.records["w"] = raw_record(halves, BF16, (2,))
    builder.fetch(builder.op("elementwise_mul", {"X": "x", "Y": "w"}, {"Out": "y"}, shape=(-1, 2)))
    opened = open_model(find_model(builder.write(tmp_path / "m")))
    assert stored(opened)("w").tolist() == [1.0, -2.0]


def test_a_cache_keeps_what_fits() -> None:
    weights = Weights({"small": floats(10), "large": floats(1000)})
    load = cached(weights, limit=100)
    for _ in range(3):
        load("small")
        load("large")
    assert weights.loaded == ["small", "large", "large", "large"]
