"""What weights are multiplied with: the same as what numpy says of the windows and rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from weightquant_cli import Model
from weightquant_cli.core.lite.targets import TARGETS
from weightquant_cli.core.model.weights import Weight
from weightquant_cli.core.quantize.adaptive import statistics
from weightquant_cli.core.quantize.adaptive.rows import Rows
from weightquant_cli.core.quantize.adaptive.statistics import (
    INPUT_SLOTS,
    Statistics,
    StatisticsObserver,
    transposes_weight,
)
from weightquant_cli.core.run import Network, stored
from weightquant_cli.core.run.operators import windows as windows_of_kernels

from ....builders import Array, ModelBuilder, normal


def test_every_operator_that_multiplies_its_weight_has_a_slot_for_the_inputs() -> None:
    assert TARGETS.keys() - INPUT_SLOTS.keys() == {"lookup_table", "lookup_table_v2"}


def seen(model: Model, weight: Weight) -> Rows:
    """How a weight's first reader sees it."""
    operator, shape = model.operator(weight.readers[0].operator), weight.record.shape
    groups = operator.value("groups")
    turned = len(shape) == 4 or transposes_weight(operator.value)
    return Rows(shape, 0 if turned else len(shape) - 1, groups if isinstance(groups, int) else 1)


def observed(
    model: Model, inputs: dict[str, Array], samples: int = 10_000
) -> dict[str, Statistics]:
    observer = StatisticsObserver(
        {weight.name: seen(model, weight) for weight in model.weights}, samples
    )
    Network(model.program, stored(model.stored)).run(inputs, observer=observer)
    return observer.found


def windows(image: Array, height: int, width: int, stride: int, pad: int) -> Array:
    """Every window of images [n, c, h, w], of shape ``(windows, c, height, width)``."""
    padded = np.pad(image, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    return np.array(
        [
            padded[n, :, y : y + height, x : x + width]
            for n in range(len(image))
            for y in range(0, padded.shape[2] - height + 1, stride)
            for x in range(0, padded.shape[3] - width + 1, stride)
        ]
    )


def test_a_convolution_s_windows_are_counted_with_stride_and_padding(tmp_path: Path) -> None:
    builder = ModelBuilder()
    image = builder.input("image", (-1, 3, 9, 8))
    builder.fetch(builder.conv2d(image, "w", normal(4, 3, 3, 3), strides=[2, 2], paddings=[1, 1]))
    values = normal(2, 3, 9, 8)
    found = observed(builder.load(tmp_path / "m"), {"image": values})["w"]
    met = windows(values, 3, 3, 2, 1).reshape(-1, 27)
    assert found.samples == len(met)
    np.testing.assert_allclose(found.mean[0], met.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.moments(0)[0], met.T @ met / len(met), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("type", ["conv2d", "depthwise_conv2d"])
def test_each_group_has_statistics_of_its_own(tmp_path: Path, type: str) -> None:
    builder = ModelBuilder()
    image = builder.input("image", (-1, 4, 6, 6))
    builder.fetch(builder.conv2d(image, "w", normal(4, 1, 3, 3), type=type, groups=4))
    values = normal(1, 4, 6, 6)
    found = observed(builder.load(tmp_path / "m"), {"image": values})["w"]
    met = windows(values, 3, 3, 1, 0).reshape(-1, 4, 9)
    assert found.moments(0).shape == (4, 9, 9)
    np.testing.assert_allclose(found.mean, met.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(
        found.moments(0)[2], met[:, 2].T @ met[:, 2] / len(met), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("kind", ["mul", "matmul_v2", "fc"])
def test_a_matrix_product_s_rows_are_counted(tmp_path: Path, kind: str) -> None:
    builder = ModelBuilder()
    x = builder.input("x", (-1, 6))
    builder.fetch(getattr(builder, kind)(x, "w", normal(6, 5)))
    values = normal(11, 6)
    found = observed(builder.load(tmp_path / "m"), {"x": values})["w"]
    np.testing.assert_allclose(found.mean[0], values.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.moments(0)[0], values.T @ values / 11, rtol=1e-4, atol=1e-5)


def test_an_fc_meets_all_that_it_flattens(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = builder.input("x", (-1, 6, 1, 1))
    builder.fetch(builder.fc(x, "w", normal(6, 5)))
    values = normal(11, 6, 1, 1)
    found = observed(builder.load(tmp_path / "m"), {"x": values})["w"]
    np.testing.assert_allclose(found.mean[0], values.mean(axis=(0, 2, 3)), atol=1e-6)


def test_rows_of_transposed_inputs_are_their_columns(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = builder.input("x", (-1, 6, 4))
    builder.fetch(builder.matmul_v2(x, "w", normal(6, 5), trans_x=True))
    values = normal(2, 6, 4)
    found = observed(builder.load(tmp_path / "m"), {"x": values})["w"]
    assert found.samples == 8
    np.testing.assert_allclose(found.mean[0], values.mean(axis=(0, 2)), atol=1e-6)


def test_a_reader_that_sees_the_weight_otherwise_does_not_count(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = builder.input("x", (-1, 6))
    y = builder.matmul_v2(x, "w", normal(6, 6))
    builder.fetch(builder.matmul_v2(y, "w", trans_y=True))
    image = builder.input("image", (-1, 4, 6, 6))
    builder.conv2d(image, "kernel", normal(4, 1, 3, 3), groups=4)
    part = builder.input("part", (-1, 1, 6, 6))
    builder.fetch(builder.conv2d(part, "kernel"))
    values = {"x": normal(7, 6), "image": normal(1, 4, 6, 6), "part": normal(1, 1, 6, 6)}
    found = observed(builder.load(tmp_path / "m"), values)
    assert (found["w"].samples, found["kernel"].samples) == (7, 16)
    np.testing.assert_allclose(found["w"].mean[0], values["x"].mean(axis=0), atol=1e-6)


def test_a_batch_may_be_larger_than_one_padded_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows_of_kernels, "MAX_BORDER", 2 * 10 * 10)
    builder = ModelBuilder()
    image = builder.input("image", (-1, 2, 8, 8))
    kind = "depthwise_conv2d"
    weight = normal(2, 1, 3, 3)
    builder.fetch(builder.conv2d(image, "w", weight, kind, groups=2, paddings=[1, 1]))
    found = observed(builder.load(tmp_path / "m"), {"image": normal(5, 2, 8, 8)})
    assert found["w"].samples == 5 * 8 * 8


@pytest.mark.parametrize("samples", [10_000, 40])  # all windows, and some
@pytest.mark.parametrize("groups", [1, 4])
def test_statistics_do_not_depend_on_how_much_is_dealt_with_at_a_time(
    groups: int, samples: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = ModelBuilder()
    image = builder.input("image", (-1, 8, 7, 6))
    weight = normal(4, 8 // groups, 3, 2)
    builder.fetch(builder.conv2d(image, "w", weight, groups=groups, dilations=[2, 1]))
    model, values = builder.load(tmp_path / "m"), {"image": normal(3, 8, 7, 6)}
    monkeypatch.setattr(statistics, "MAX_MOMENTS", 24 * 48)
    whole = observed(model, values, samples)["w"]
    monkeypatch.setattr(statistics, "PART_BYTES", 1)
    parts = observed(model, values, samples)["w"]
    assert len(whole.products) == (2 if groups == 1 else 1)
    assert parts.samples == whole.samples == min(samples, 3 * 3 * 5)
    np.testing.assert_allclose(parts.total, whole.total, rtol=1e-6)
    for one, other in zip(parts.products, whole.products, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_a_batch_of_nothing_has_no_statistics(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.fetch(builder.conv2d(builder.input("x", (-1, 2, 8, 8)), "w", normal(2, 2, 3, 3)))
    empty = np.zeros((0, 2, 8, 8), np.float32)
    assert observed(builder.load(tmp_path / "m"), {"x": empty}) == {}


def test_a_sample_of_many_places_is_taken_and_is_the_same_every_time(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = builder.input("x", (-1, 3))
    builder.fetch(builder.mul(x, "w", normal(3, 5)))
    model, values = builder.load(tmp_path / "m"), {"x": normal(1000, 3)}
    one, other = (observed(model, values, samples=100)["w"] for _ in range(2))
    assert one.samples == 100
    assert (one.total == other.total).all()


def test_inputs_that_are_not_finite_are_left_out(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = builder.input("x", (-1, 3))
    builder.fetch(builder.mul(x, "w", normal(3, 5)))
    values = normal(4, 3)
    values[1, 1] = np.nan
    assert observed(builder.load(tmp_path / "m"), {"x": values}) == {}


@pytest.mark.parametrize(("inputs", "taps", "limit"), [(27, 9, 9), (100, 1, 30), (50, 25, 10)])
def test_many_inputs_are_cut_into_whole_kernels(inputs: int, taps: int, limit: int) -> None:
    spans = Statistics.empty(1, inputs, taps, limit).spans
    assert [span.start for span in spans] == [0, *(span.stop for span in spans[:-1])]
    assert spans[-1].stop == inputs
    assert all((span.stop - span.start) % taps == 0 for span in spans)
    assert all(span.stop - span.start <= max(limit, taps) for span in spans)
