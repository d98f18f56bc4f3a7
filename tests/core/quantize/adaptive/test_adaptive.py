"""Adaptive rounding of whole models: the same files but for integers and means, nearer answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from weightquant_cli import (
    Existing,
    Model,
    OutputOptions,
    QuantizeOptions,
    check,
    dequantize,
    make_plan,
    quantize,
)
from weightquant_cli.core.quantize.adaptive.adaptive import round_adaptively
from weightquant_cli.core.quantize.adaptive.result import AdaptiveRounding
from weightquant_cli.core.run import Network, stored
from weightquant_cli.errors import NonFiniteWeightError

from ....builders import Array, ModelBuilder, normal, read_arrays


def two_convolutions() -> ModelBuilder:
    """A convolution, batch_norm, a depthwise one, and a matrix that is stored transposed."""
    builder = ModelBuilder()
    x = builder.conv2d(builder.input("image", (-1, 3, 12, 12)), "conv", normal(8, 3, 3, 3))
    given = {
        slot: builder.parameter(f"bn.{slot}", np.abs(normal(8, seed=seed)) + 0.5)
        for seed, slot in enumerate(("Bias", "Mean", "Scale", "Variance"))
    }
    x = builder.op("batch_norm", {"X": x, **given}, {"Y": "bn"}, {"epsilon": 1e-5, "is_test": True},
                   shape=(-1, 8, 10, 10))  # fmt: skip
    x = builder.op("relu", {"X": x}, {"Out": "relu"}, shape=(-1, 8, 10, 10))
    x = builder.conv2d(x, "depthwise", normal(8, 1, 3, 3), type="depthwise_conv2d", groups=8)
    x = builder.op("pool2d", {"X": x}, {"Out": "pool"},
                   {"pooling_type": "avg", "global_pooling": True, "ksize": [1, 1]},
                   shape=(-1, 8, 1, 1))  # fmt: skip
    x = builder.op("flatten_contiguous_range", {"X": x}, {"Out": "flat"},
                   {"start_axis": 1, "stop_axis": -1}, shape=(-1, 8))  # fmt: skip
    builder.fetch(builder.matmul_v2(x, "head", normal(5, 8), trans_y=True))
    return builder


def samples(count: int = 6) -> Iterator[dict[str, Array]]:
    for seed in range(count):
        yield {"image": normal(1, 3, 12, 12, seed=seed) + np.float32(1)}


def options() -> QuantizeOptions:
    return QuantizeOptions(bits=8, op_types=("all",))


def written(model: Model, folder: Path, rounding: AdaptiveRounding | None) -> Model:
    plan = make_plan(model, options())
    output = OutputOptions(folder, existing=Existing.REPLACE)
    if rounding is None:
        quantize(model, plan, output)
    else:
        quantize(model, plan, output, rounding=rounding)
    return Model.load(folder)


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return two_convolutions().load(tmp_path / "model")


@pytest.fixture
def rounding(model: Model) -> AdaptiveRounding:
    return round_adaptively(model, make_plan(model, options()), samples())


def answer(model: Model, image: Array) -> Array:
    network = Network(model.program, stored(model.stored))
    return network.run({"image": image}).outputs[network.outputs[0]]


def test_answers_are_nearer_than_those_of_rounding_to_nearest(
    model: Model, rounding: AdaptiveRounding, tmp_path: Path
) -> None:
    noise = []
    for name, given in (("nearest", None), ("adaptive", rounding)):
        written(model, tmp_path / name, given)
        output = OutputOptions(tmp_path / f"{name}_fp32")
        dequantize(Model.load(tmp_path / name), output)
        back = Model.load(tmp_path / f"{name}_fp32")
        change = [
            answer(back, sample["image"]) - answer(model, sample["image"]) for sample in samples(40)
        ]
        noise.append(float(np.mean(np.square(change))))
    assert noise[1] < 0.5 * noise[0]


def test_scales_attributes_and_sizes_are_those_of_rounding_to_nearest(
    model: Model, rounding: AdaptiveRounding, tmp_path: Path
) -> None:
    nearest = written(model, tmp_path / "nearest", None)
    adaptive = written(model, tmp_path / "adaptive", rounding)
    assert nearest.program.serialize() == adaptive.program.serialize()
    assert nearest.stored.size == adaptive.stored.size
    assert check(adaptive).findings == ()


def test_no_integer_is_further_than_one_from_the_nearest(
    model: Model, rounding: AdaptiveRounding, tmp_path: Path
) -> None:
    nearest = read_arrays(written(model, tmp_path / "nearest", None))
    adaptive = read_arrays(written(model, tmp_path / "adaptive", rounding))
    for name in ("conv", "depthwise", "head"):
        difference = adaptive[name].astype(int) - nearest[name]
        assert np.abs(difference).max() == 1, name


def test_only_the_parameters_that_are_named_as_corrected_change(
    model: Model, rounding: AdaptiveRounding, tmp_path: Path
) -> None:
    nearest = read_arrays(written(model, tmp_path / "nearest", None))
    adaptive = read_arrays(written(model, tmp_path / "adaptive", rounding))
    changed = {n for n in nearest if n.startswith("bn") and (nearest[n] != adaptive[n]).any()}
    assert changed == set(rounding.corrected) == {"bn.Mean"}
    assert np.abs(adaptive["bn.Mean"] - nearest["bn.Mean"]).max() < 0.1


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_bytes_do_not_depend_on_the_threads(
    model: Model, rounding: AdaptiveRounding, jobs: int
) -> None:
    again = round_adaptively(model, make_plan(model, options()), samples(), jobs)
    for name, weight in rounding.weights.items():
        assert (again.weights[name].integers == weight.integers).all()
    for name, values in rounding.corrected.items():
        assert (again.corrected[name] == values).all()


def test_without_inputs_every_weight_is_rounded_by_flips(model: Model) -> None:
    found = round_adaptively(model, make_plan(model, options()), [])
    assert set(found.unreached) == set(found.weights) == {"conv", "depthwise", "head"}
    assert found.corrected == {}


def test_what_lies_behind_an_unknown_operator_is_named_with_the_reason(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = builder.mul(builder.input("image", (-1, 6)), "first", normal(6, 8))
    x = builder.op("nobody_knows", {"X": x}, {"Out": "odd"}, shape=(-1, 8))
    builder.fetch(builder.mul(x, "second", normal(8, 5)))
    model = builder.load(tmp_path / "m")
    given = [{"image": normal(4, 6)}]
    found = round_adaptively(model, make_plan(model, options()), given)
    assert found.unreached == ("second",)
    assert "nobody_knows" in found.reasons[0]


def misfit(**attributes: Any) -> ModelBuilder:
    builder = ModelBuilder()
    x = builder.input("image", (-1, 3, 12, 12))
    builder.fetch(builder.conv2d(x, "w", normal(8, 3, 3, 3), **attributes))
    return builder


def unlike(shape: tuple[int, ...], type: str = "conv2d") -> ModelBuilder:
    """A layer whose input is not of the shape that its weight asks for."""
    builder = ModelBuilder()
    x = builder.op("reshape2", {"X": builder.input("image", (-1, 3, 12, 12))}, {"Out": "x"},
                   {"shape": list(shape)}, shape=shape)  # fmt: skip
    layer = builder.mul(x, "w", normal(5, 8)) if type == "mul" else None
    builder.fetch(layer or builder.conv2d(x, "w", normal(8, 3, 3, 3)))
    return builder


def beside_one_without_a_filter() -> ModelBuilder:
    builder = misfit(strides=[0, 0])
    builder.op("conv2d", {"Input": "image"}, {"Output": "y"})
    return builder


@pytest.mark.parametrize(
    "builder",
    [
        misfit(strides=[0, 0]),
        misfit(paddings=[-1, -1]),
        misfit(paddings=[1] * 5),
        misfit(strides="x"),
        misfit(data_format="NHWC"),
        misfit(padding_algorithm="NONE"),
        misfit(dilations=[9, 9]),
        misfit(groups=7),
        unlike((-1, 432)),
        unlike((-1, 12, 6, 6)),
        unlike((-1, 3, 144, 1)),
        unlike((-1, 3, 12, 12, 1)),
        unlike((-1, 432), "mul"),
        beside_one_without_a_filter(),
    ],
)
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_operator_that_does_not_fit_its_input_is_named_and_its_weight_rounded(
    builder: ModelBuilder, jobs: int, tmp_path: Path
) -> None:
    model = builder.load(tmp_path / "m")
    found = round_adaptively(model, make_plan(model, options()), samples(), jobs)
    assert found.unreached == ("w",)
    assert "operator " in found.reasons[0]


def assert_left_to_nearest(
    builder: ModelBuilder, output: str, inputs: dict[str, Any], tmp_path: Path
) -> None:
    """The weight ``w`` is quantized, and adaptive rounding leaves it to rounding to nearest."""
    builder.fetch(output)
    model = builder.load(tmp_path / "m")
    plan = make_plan(model, options())
    assert [weight.name for weight in plan.quantized] == ["w"]
    assert round_adaptively(model, plan, [inputs]).weights == {}


@pytest.mark.parametrize("size", [32, 64])
def test_a_matrix_that_is_transposed_as_it_is_read_is_rounded_to_nearest(
    size: int, tmp_path: Path
) -> None:
    """Its scales are those of the inputs. There was an error, or the inputs were mistaken."""
    builder = ModelBuilder()
    builder.parameter("w", normal(size, 64))
    builder.op("matmul", {"X": builder.input("x", (-1, 64)), "Y": "w"}, {"Out": "y"},
               {"transpose_Y": True, "alpha": 2.0}, shape=(-1, size))  # fmt: skip
    assert_left_to_nearest(builder, "y", {"x": normal(4, 64)}, tmp_path)


def test_a_matrix_on_the_left_is_rounded_to_nearest(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(32, 64))
    builder.op("matmul", {"X": "w", "Y": builder.input("y", (64, 5))}, {"Out": "z"}, shape=(32, 5))
    assert_left_to_nearest(builder, "z", {"y": normal(64, 5)}, tmp_path)


def test_all_values_of_an_fc_are_rounded_whose_input_is_flattened(tmp_path: Path) -> None:
    """The last axis of the input was taken for all of it; other values were never written."""
    builder = ModelBuilder()
    builder.fetch(builder.fc(builder.input("x", (-1, 64, 1, 1)), "w", normal(64, 32)))
    model = builder.load(tmp_path / "m")
    found = round_adaptively(model, make_plan(model, options()), [{"x": normal(4, 64, 1, 1)}])
    done = found.weights["w"]
    error = np.abs(done.integers * done.scales - normal(64, 32)).max(axis=0)
    assert (error < done.scales).all()


def test_embeddings_are_rounded_to_nearest(tmp_path: Path) -> None:
    builder = ModelBuilder()
    ids = builder.input("ids", (-1, 1), 3)
    builder.fetch(builder.lookup_table(ids, "table", normal(20, 5)))
    model = builder.load(tmp_path / "m")
    given = [{"ids": np.zeros((2, 1), np.int64)}]
    found = round_adaptively(model, make_plan(model, options()), given)
    assert found.weights == {}
    assert found.unreached == ()


def test_a_weight_that_is_not_finite_is_refused_with_its_place(tmp_path: Path) -> None:
    builder = ModelBuilder()
    values = normal(6, 8)
    values[2, 3] = np.inf
    builder.fetch(builder.mul(builder.input("image", (-1, 6)), "w", values))
    model = builder.load(tmp_path / "m")
    with pytest.raises(NonFiniteWeightError) as caught:
        round_adaptively(model, make_plan(model, options()), [{"image": normal(1, 6)}])
    assert "[2, 3]" in str(caught.value)
