"""The check: error measures against plain numpy, findings, gates."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import builders
from tests.builders import Array, ModelBuilder
from tests.core.check.pairs import one_matmul, quantized
from weightquant_cli import Model, QuantizeOptions
from weightquant_cli.core.check.check import check
from weightquant_cli.core.check.compare_reference import compare
from weightquant_cli.core.check.findings import Code, FindingCode, Severity
from weightquant_cli.core.check.quality_gates import QualityGates
from weightquant_cli.core.check.weight_comparison import WeightComparison
from weightquant_cli.core.tensors.blocks import BLOCK_ELEMENTS
from weightquant_cli.errors import ModelError, OptionError
from weightquant_cli.formats.program import AttrType


def by_hand(original: Array, stored: Array, scales: Array) -> dict[str, float]:
    """All measures in float64, from whole arrays; the channels on the last axis."""
    wide = original.astype(np.float64)
    found = (stored.astype(np.float32) * scales).astype(np.float64)
    error = wide - found
    with np.errstate(divide="ignore", invalid="ignore"):
        in_scales = np.nan_to_num(np.abs(error) / scales.astype(np.float64))
    return {
        "max_abs": np.abs(error).max(),
        "max_in_scales": in_scales.max(),
        "rmse": np.sqrt((error**2).mean()),
        "sqnr": 10 * np.log10((wide**2).sum() / (error**2).sum()),
        "cosine": (wide * found).sum() / np.sqrt((wide**2).sum() * (found**2).sum()),
    }


def assert_measured(found: WeightComparison, expected: dict[str, float]) -> None:
    for name, value in expected.items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-6), name


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize(
    "shape", [(5, 7), (6, 6), (300, 700), (2, BLOCK_ELEMENTS + 3), (BLOCK_ELEMENTS + 3, 2)]
)
def test_the_measures_are_those_of_plain_numpy(
    shape: tuple[int, int], transpose: bool, tmp_path: Path
) -> None:
    weight = builders.normal(*shape)
    model = quantized(one_matmul(weight, transpose).write(tmp_path / "m"))
    (found,) = compare(model, Model.load(tmp_path / "m")).weights
    stored = builders.read_arrays(model)["w"]
    original = weight.T if transpose else weight
    scales = (np.abs(original).max(axis=0).astype(np.float64) / 127).astype(np.float32)
    assert_measured(found, by_hand(original, stored, scales))
    assert found.max_in_scales <= 0.5 + 1e-4


@given(
    bits=st.integers(8, 16),
    rows=st.integers(1, 12),
    columns=st.integers(1, 12),
    exponent=st.integers(-30, 30),
)
def test_no_error_is_beyond_half_a_scale(
    bits: int, rows: int, columns: int, exponent: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("m")
    weight = (builders.normal(rows, columns) * 2.0**exponent).astype("float32")
    one_matmul(weight).write(folder / "m")
    model = quantized(folder / "m", QuantizeOptions(bits=bits))
    (found,) = compare(model, Model.load(folder / "m")).weights
    assert found.max_in_scales <= 0.5 + 2.0 ** (bits - 24)
    shutil.rmtree(folder)


def test_a_weight_of_zeros_is_exact(tmp_path: Path) -> None:
    folder = one_matmul(np.zeros((4, 4), "float32")).write(tmp_path / "m")
    (found,) = compare(quantized(folder), Model.load(folder)).weights
    assert (found.max_abs, found.max_in_scales, found.rmse) == (0, 0, 0)
    assert found.sqnr == np.inf
    assert found.cosine == 1


def test_the_worst_weight_comes_first_and_has_histograms(tmp_path: Path) -> None:
    folder = builders.write_model(tmp_path / "m")
    found = compare(quantized(folder), Model.load(folder), histograms=2).weights
    assert [weight.sqnr for weight in found] == sorted(weight.sqnr for weight in found)
    assert [weight.before is not None for weight in found[:3]] == [True, True, False]
    for weight in found[:2]:
        assert weight.before is not None
        assert weight.after is not None
        assert sum(weight.before) == sum(weight.after) == np.prod(weight.shape)


def test_a_kept_weight_that_was_changed_is_an_error(tmp_path: Path) -> None:
    folder = builders.write_model(tmp_path / "m")
    model = quantized(folder)
    path = model.files.folder / "fc1.b"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    result = check(Model.load(model.files.folder), Model.load(folder))
    assert [(f.code, f.severity, f.weight) for f in result.findings] == [
        (FindingCode.DIFFERS, Severity.ERROR, "fc1.b")
    ]
    assert not result.ok


def test_a_reference_of_other_weights_is_told(tmp_path: Path) -> None:
    model = quantized(builders.write_model(tmp_path / "m"))
    other = one_matmul(builders.normal(3, 3)).load(tmp_path / "other")
    result = check(model, other)
    assert {f.code for f in result.errors} == {
        FindingCode.UNKNOWN_WEIGHT,
        FindingCode.MISSING_WEIGHT,
        FindingCode.PROGRAM_DIFFERS,
    }
    same_name = one_matmul(builders.normal(4, 6)).load(tmp_path / "same")
    with pytest.raises(ModelError, match="another shape"):
        check(quantized(one_matmul(builders.normal(4, 5)).write(tmp_path / "n")), same_name)


def test_gates_name_the_weights_that_fail(tmp_path: Path) -> None:
    folder = builders.write_model(tmp_path / "m")
    model, reference = quantized(folder), Model.load(folder)
    assert check(model, reference, QualityGates(20.0, 1.0, 0.99)).ok
    failing = check(model, reference, QualityGates(90.0, 1e-9, 0.9999999999))
    assert not failing.ok
    assert len(failing.failures) == 3 * failing.quantized
    with pytest.raises(OptionError, match="needs the FP32 model"):
        check(model, gates=QualityGates(min_sqnr=1))


@pytest.mark.parametrize("gates", [None, QualityGates(min_sqnr=30)])
@pytest.mark.parametrize("swapped", [True, False])
def test_a_comparison_of_nothing_fails(
    swapped: bool, gates: QualityGates | None, tmp_path: Path
) -> None:
    """The FP32 model beside itself, or in the place of the quantized one."""
    folder = builders.write_model(tmp_path / "m")
    original = Model.load(folder)
    result = check(original, quantized(folder) if swapped else original, gates)
    assert not result.ok
    assert [(failure.weight, failure.why) for failure in result.failures] == [
        (
            None,
            "no quantized weight could be compared with the reference"
            + (", which is quantized itself: the two are swapped" if swapped else ""),
        )
    ]


def test_an_fp32_model_is_told_to_be_one(tmp_path: Path) -> None:
    result = check(builders.small_model().load(tmp_path / "m"))
    assert [f.code for f in result.findings] == [FindingCode.NOT_QUANTIZED]
    assert result.ok


# ---- findings that need no real Paddle Lite to be seen ---------------------------------------


DEMANDED: dict[str, dict[str, Any]] = {
    "mul": {"x_num_col_dims": 1, "y_num_col_dims": 1},
    "matmul": {"alpha": 1.0, "transpose_X": False, "transpose_Y": False},
    "fc": {"in_num_col_dims": 1},
}
"""Attributes without which opt aborts."""


def tagged(
    op_type: str, array: Array, scales: list[float], slot: str = "Y", name: str = "w"
) -> ModelBuilder:
    """An operator with a tagged weight."""
    model = ModelBuilder()
    x = model.input("x", (-1, 4))
    model.parameter(name, array)
    model.main.desc.vars[-1].type.lod_tensor.tensor.data_type = 5  # type: ignore[assignment]
    model.op(
        op_type,
        {"X": x, slot: name},
        {"Out": "y"},
        {
            **DEMANDED.get(op_type, {}),
            "quantization_type": "post_weight_channel_wise_abs_max",
            "quantize_weight_bits": 8,
            f"{name}_quant_scale": scales,
        },
        shape=(-1, 4),
    )
    return model


INTEGERS = np.arange(16, dtype=np.int8).reshape(4, 4)
SCALES = [0.5, 0.5, 0.0, 1.0]


def codes(model: ModelBuilder, folder: Path) -> set[Code]:
    return {finding.code for finding in check(model.load(folder)).findings}


def test_silent_on_a_channel_of_zeros_and_on_minus_128(tmp_path: Path) -> None:
    lowest = np.full((4, 4), -128, np.int8)
    assert codes(tagged("mul", lowest, SCALES), tmp_path / "m") == set()


@pytest.mark.parametrize(
    "op_type", ["matmul_v2", "conv2d_transpose", "deformable_conv", "rnn", "gru", "no_such"]
)
def test_operators_that_are_not_dequantized(op_type: str, tmp_path: Path) -> None:
    assert FindingCode.OPERATOR in codes(tagged(op_type, INTEGERS, SCALES), tmp_path / "m")


def test_matmul_is_dequantized_in_its_plain_form_only(tmp_path: Path) -> None:
    plain = tagged("matmul", INTEGERS, SCALES)
    assert codes(plain, tmp_path / "plain") == set()
    for name, value in (("alpha", 2.0), ("transpose_Y", True), ("transpose_X", True)):
        other = tagged("matmul", INTEGERS, SCALES)
        operator = other.main.desc.ops[-1]
        (place,) = (i for i, attr in enumerate(operator.attrs) if attr.name == name.encode())
        del operator.attrs[place]
        builders.add_attribute(operator, name, value)
        assert codes(other, tmp_path / name) == {FindingCode.OPERATOR}


def test_a_mul_whose_weight_has_rank_3(tmp_path: Path) -> None:
    cube = INTEGERS.reshape(2, 2, 4)
    assert FindingCode.RANK in codes(tagged("mul", cube, SCALES), tmp_path / "m")


def test_a_negative_or_infinite_scale(tmp_path: Path) -> None:
    for value in (-1.0, float("inf"), float("nan")):
        model = tagged("mul", INTEGERS, [0.5, value, 0.5, 0.5])
        assert codes(model, tmp_path / str(value)) == {FindingCode.SCALES_VALUE}


def test_scales_for_a_weight_that_is_none(tmp_path: Path) -> None:
    model = tagged("mul", INTEGERS, SCALES)
    builders.add_attribute(model.main.desc.ops[-1], "ghost_quant_scale", [1.0])
    assert codes(model, tmp_path / "m") == {FindingCode.TAG_WITHOUT_WEIGHT}


def test_a_reserved_name(tmp_path: Path) -> None:
    model = tagged("mul", INTEGERS, SCALES, name="w/target_trans")
    assert codes(model, tmp_path / "m") == {FindingCode.RESERVED_NAME}


def test_parameters_of_fp16(tmp_path: Path) -> None:
    model = tagged("mul", INTEGERS, SCALES)
    model.parameter("half", np.zeros(3, np.float16))
    assert codes(model, tmp_path / "m") == {FindingCode.FLOAT16}


def test_integers_by_nature_are_no_weights(tmp_path: Path) -> None:
    model = tagged("mul", INTEGERS, SCALES)
    model.op("gather", {"X": "x", "Index": model.parameter("index", INTEGERS[0])}, {"Out": "g"})
    assert codes(model, tmp_path / "m") == set()


def test_bits_that_are_no_int_attribute(tmp_path: Path) -> None:
    model = tagged("mul", INTEGERS, SCALES)
    attrs = model.main.desc.ops[-1].attrs
    bits = next(attr for attr in attrs if attr.name == b"quantize_weight_bits")
    bits.type = int(AttrType.LONG)  # type: ignore[assignment]
    bits.l = 8
    assert codes(model, tmp_path / "m") == {FindingCode.BITS_TYPE}
