"""Where a shift of the mean can be made good, and where nothing may be touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from weightquant_cli import Model
from weightquant_cli.core.quantize.adaptive.corrections import Correction, find_correction

from ....builders import ModelBuilder, normal


def layer(builder: ModelBuilder, kind: str = "conv2d") -> str:
    if kind == "conv2d":
        return builder.conv2d(builder.input("x", (-1, 3, 8, 8)), "w", normal(4, 3, 3, 3))
    return builder.matmul_v2(builder.input("x", (-1, 7, 3)), "w", normal(3, 4))


def found(builder: ModelBuilder, folder: Path) -> Correction | None:
    model: Model = builder.load(folder)
    return find_correction(model, model.weight("w").readers[0].operator, 4)


def batch_norm(builder: ModelBuilder, x: str, name: str = "bn") -> str:
    given = {
        slot: builder.parameter(f"{name}.{slot}", np.abs(normal(4, seed=seed)))
        for seed, slot in enumerate(("Bias", "Mean", "Scale", "Variance"))
    }
    outputs = {
        "Y": f"{name}.out", "MeanOut": given["Mean"], "VarianceOut": given["Variance"]
    }  # fmt: skip
    return builder.op("batch_norm", {"X": x, **given}, outputs, shape=(-1, 4, 6, 6))


def test_a_batch_norm_s_mean_takes_the_shift(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.fetch(batch_norm(builder, layer(builder)))
    assert found(builder, tmp_path / "m") == Correction("bn.Mean", 1)


@pytest.mark.parametrize(
    ("kind", "shape", "axis"),
    [("conv2d", (4,), 1), ("conv2d", (1, 4, 1, 1), -1), ("matmul", (4,), -1), ("matmul", (4,), 1)],
)
def test_a_bias_along_the_channels_takes_it(
    tmp_path: Path, kind: str, shape: tuple[int, ...], axis: int
) -> None:
    builder = ModelBuilder()
    x = layer(builder, kind)
    bias = builder.parameter("b", normal(*shape))
    attrs = {"axis": axis}
    builder.fetch(
        builder.op("elementwise_add", {"X": x, "Y": bias}, {"Out": "y"}, attrs, shape=(-1, 4, 6, 6))
    )
    assert found(builder, tmp_path / "m") == Correction("b", -1)


def test_an_addition_along_another_axis_takes_nothing(tmp_path: Path) -> None:
    builder = ModelBuilder()
    bias = builder.parameter("b", normal(4))
    builder.fetch(builder.op("elementwise_add", {"X": layer(builder), "Y": bias}, {"Out": "y"},
                             {"axis": -1}))  # fmt: skip
    assert found(builder, tmp_path / "m") is None


def test_nothing_is_touched_where_somebody_else_reads_the_output(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = layer(builder)
    builder.fetch(batch_norm(builder, x))
    builder.fetch(builder.op("relu", {"X": x}, {"Out": "r"}, shape=(-1, 4, 6, 6)))
    assert found(builder, tmp_path / "m") is None


def test_nothing_is_touched_where_somebody_else_reads_the_parameter(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = layer(builder)
    bias = builder.parameter("b", normal(4))
    x = builder.op("elementwise_add", {"X": x, "Y": bias}, {"Out": "y"}, {"axis": 1},
                   shape=(-1, 4, 6, 6))  # fmt: skip
    builder.fetch(builder.op("elementwise_mul", {"X": x, "Y": bias}, {"Out": "z"}, {"axis": 1}))
    assert found(builder, tmp_path / "m") is None


def test_nothing_is_there_to_take_it_behind_an_activation(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.fetch(builder.op("relu", {"X": layer(builder)}, {"Out": "r"}, shape=(-1, 4, 6, 6)))
    assert found(builder, tmp_path / "m") is None


@pytest.mark.parametrize("kind", ["conv2d", "matmul"])
@pytest.mark.parametrize("slot", ["X0", "Y"])
def test_an_addition_that_takes_the_output_by_another_slot_takes_nothing(
    kind: str, slot: str, tmp_path: Path
) -> None:
    builder = ModelBuilder()
    inputs = {slot: layer(builder, kind)}
    inputs.setdefault("Y", builder.parameter("b", normal(4)))
    builder.fetch(builder.op("elementwise_add", inputs, {"Out": "y"}, {"axis": -1}))
    assert found(builder, tmp_path / "m") is None


def test_a_scalar_lies_along_no_channels(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = builder.matmul_v2(builder.input("x", (-1, 7, 3)), "w", normal(3, 1))
    builder.parameter("b", np.float32(2).reshape(()))
    builder.fetch(builder.op("elementwise_add", {"X": x, "Y": "b"}, {"Out": "y"}, {"axis": -1}))
    model = builder.load(tmp_path / "m")
    assert find_correction(model, model.weight("w").readers[0].operator, 1) is None
