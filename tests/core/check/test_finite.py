"""Values that no model computes with: NaN in what stayed float, products beyond float32."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tests.builders import COMBINED, ModelBuilder, normal
from tests.core.check import check_drafts
from weightquant_cli import (
    FindingCode,
    Model,
    OutputOptions,
    QuantizeOptions,
    check,
    make_plan,
    quantize,
)
from weightquant_cli.core.check.findings import Code
from weightquant_cli.core.tensors.blocks import FINE_ELEMENTS


def codes(model: Model, reference: Model | None = None) -> list[tuple[Code, str | None]]:
    return [(finding.code, finding.weight) for finding in check(model, reference).errors]


def with_parameter(values: np.ndarray) -> ModelBuilder:
    """A quantized model with one more parameter."""
    draft = check_drafts.two_muls()
    draft.afterwards.append(lambda built: built.parameter("p", values))
    return draft.quantized()


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("place", [0, 7, FINE_ELEMENTS + 5])
def test_nan_anywhere_is_an_error_that_names_the_index(
    dtype: str, place: int, tmp_path: Path
) -> None:
    values = np.zeros((FINE_ELEMENTS // 4 + 4, 4), dtype)
    values.reshape(-1)[place] = math.nan
    result = check(with_parameter(values).load(tmp_path, COMBINED))
    (finding,) = [f for f in result.errors if f.code is FindingCode.NOT_A_NUMBER]
    assert (finding.weight, finding.what) == (
        "p", f"it holds NaN, at index [{place // 4}, {place % 4}]",
    )  # fmt: skip


def test_nan_that_the_reference_holds_as_well_is_an_error(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.mul("x", "w", normal(9, 9))
    builder.parameter("b", np.asarray([1, math.nan], np.float32))
    source = builder.load(tmp_path / "in")
    quantize(source, make_plan(source, QuantizeOptions()), OutputOptions(tmp_path / "out"))
    assert codes(Model.load(tmp_path / "out"), source) == [(FindingCode.NOT_A_NUMBER, "b")]


def test_infinity_is_a_value(tmp_path: Path) -> None:
    mask = np.asarray([[0, -math.inf]], np.float32)
    assert codes(with_parameter(mask).load(tmp_path, COMBINED)) == []


@pytest.mark.parametrize("bits", range(8, 17))
def test_a_weight_that_comes_back_infinite_is_an_error(bits: int, tmp_path: Path) -> None:
    builder = ModelBuilder()
    largest = np.finfo(np.float32).max
    builder.mul("x", "w", np.asarray([[largest, 1], [2, -largest], [1, 1]], np.float32))
    source = builder.load(tmp_path / "in")
    result = quantize(
        source, make_plan(source, QuantizeOptions(bits)), OutputOptions(tmp_path / "out")
    )
    error = result.weights[0].error
    assert error is not None
    expected = [(FindingCode.OVERFLOW, "w")] if error.sqnr == -math.inf else []
    assert codes(Model.load(tmp_path / "out")) == expected


@pytest.mark.parametrize(("lowest", "found"), [(-128, True), (-127, False)])
def test_only_integers_that_are_there_can_overflow(
    lowest: int, found: bool, tmp_path: Path
) -> None:
    draft = check_drafts.mul()
    held = draft.taggings[0].weight
    held.integers[held.integers < -100] = -100
    held.integers[2, 3] = lowest
    scale = float(np.finfo(np.float32).max) / 127.5  # 127 times it fits, 128 times does not
    draft.taggings[0].scales = [scale] * 6
    expected = [(FindingCode.OVERFLOW, "w")] if found else []
    assert codes(draft.quantized().load(tmp_path, COMBINED)) == expected
