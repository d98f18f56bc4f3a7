"""The check beside a reference: what does not fit it, what was clipped, gates, histograms."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import builders
from tests.builders import COMBINED, Array, ModelBuilder
from tests.core.check import check_drafts, drafts
from tests.core.check.pairs import ALL, one_matmul, quantized
from tests.core.plan.cases import rewrites_alone
from tests.core.quantize import reference
from weightquant_cli import (
    Model,
    OutputOptions,
    QuantizeOptions,
    WeightQuantizeType,
    make_plan,
    quantize,
)
from weightquant_cli.core.check.check import check
from weightquant_cli.core.check.compare_reference import compare
from weightquant_cli.core.check.findings import Code, FindingCode, Severity
from weightquant_cli.core.check.quality_gates import QualityGates
from weightquant_cli.core.check.weight_comparison import WeightComparison
from weightquant_cli.core.lite.tags import strip_tags
from weightquant_cli.core.tensors.blocks import BLOCK_ELEMENTS
from weightquant_cli.core.tensors.error_measures import SMALLEST_NORMAL, ErrorMeasures, PairBlock
from weightquant_cli.errors import ModelError


def with_last(folder: Path, name: str, value: float) -> Model:
    """The small model, the last value of one weight set to this."""
    builders.write_model(folder)
    content = bytearray((folder / name).read_bytes())
    content[-4:] = np.float32(value).tobytes()
    (folder / name).write_bytes(content)
    return Model.load(folder)


def codes(model: Model, original: Model) -> list[tuple[Code, str | None]]:
    return [(finding.code, finding.weight) for finding in check(model, original).findings]


# ---- what does not fit ----------------------------------------------------------------------


def test_a_reference_of_integers_without_scales_is_refused(tmp_path: Path) -> None:
    model = quantized(builders.write_model(tmp_path / "m"))
    other = quantized(builders.write_model(tmp_path / "n"))
    program = other.program.copy()
    strip_tags(program)
    (other.files.folder / other.files.program).write_bytes(program.serialize())
    with pytest.raises(ModelError, match=r"reference's weight is not FP32.*found INT8"):
        compare(model, Model.load(other.files.folder))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_reference_that_is_not_finite_is_an_error(value: float, tmp_path: Path) -> None:
    model = quantized(builders.write_model(tmp_path / "m"))
    result = check(model, with_last(tmp_path / "r", "fc1.w", value), histograms=9)
    assert [(f.code, f.severity, f.weight) for f in result.findings] == [
        (FindingCode.REFERENCE_VALUE, Severity.ERROR, "fc1.w")
    ]
    assert result.comparison is not None
    assert "fc1.w" not in {weight.name for weight in result.comparison.weights}


def test_the_weights_of_another_training_run_are_told(tmp_path: Path) -> None:
    model = quantized(builders.write_model(tmp_path / "m"))
    assert codes(model, with_last(tmp_path / "r", "fc1.w", 0.9)) == [
        (FindingCode.MISROUNDED, "fc1.w")
    ]


def test_no_gate_is_met_by_a_weight_that_cannot_be_compared(tmp_path: Path) -> None:
    model = quantized(builders.write_model(tmp_path / "m"))
    other = one_matmul(builders.normal(3, 3)).load(tmp_path / "other")
    result = check(model, other, QualityGates(min_sqnr=1))
    assert {failure.weight for failure in result.failures} == {
        None, "conv.w", "dw.w", "fc1.w", "fc2.w", "table.w",
    }  # fmt: skip
    assert {failure.why for failure in result.failures if failure.weight} == {
        "it could not be compared with the reference"
    }


def test_constants_of_integers_are_not_counted_as_quantized(tmp_path: Path) -> None:
    draft = check_drafts.with_parameter("int8")
    assert check(draft.quantized().load(tmp_path / "m", COMBINED)).quantized == 1


def test_of_two_tags_the_first_one_has_the_scales(tmp_path: Path) -> None:
    draft = check_drafts.two_muls(operators=[1, 2])
    original = draft.model.load(tmp_path / "m", COMBINED)
    built = draft.quantized()
    fields = built.main.desc.ops[2].attrs[-1].floats
    fields[:] = [1.0] * len(fields)  # as Paddle writes a second tag: scales of the integers
    (found,) = compare(built.load(tmp_path / "q", COMBINED), original).weights
    assert found.max_abs == 0


# ---- clipped, misrounded, subnormal ----------------------------------------------------------


def test_a_weight_that_was_clipped_is_not_called_misrounded(tmp_path: Path) -> None:
    folder = one_matmul(builders.normal(40, 30)).write(tmp_path / "m")
    model = quantized(folder, QuantizeOptions(threshold_rate=0.05))
    (found,) = compare(model, Model.load(folder)).weights
    largest = np.abs(builders.normal(40, 30))
    assert found.max_in_scales > 10
    assert 0.03 * largest.size < found.clipped < 0.07 * largest.size
    assert found.misrounded == 0
    assert codes(model, Model.load(folder)) == []


@pytest.mark.parametrize("granularity", list(WeightQuantizeType))
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_nothing_is_clipped_where_no_threshold_is_asked_for(
    bits: int, granularity: WeightQuantizeType, tmp_path: Path
) -> None:
    folder = builders.write_model(tmp_path / "m")
    options = QuantizeOptions(bits=bits, op_types=("all",), weight_quantize_type=granularity)
    result = compare(quantized(folder, options), Model.load(folder))
    assert len(result.weights) == 5
    assert {(weight.clipped, weight.misrounded) for weight in result.weights} == {(0, 0)}
    assert max(weight.max_in_scales for weight in result.weights) <= 0.5 + 2.0 ** (bits - 24)


def test_channels_of_subnormal_scale_are_no_fault(tmp_path: Path) -> None:
    array = builders.normal(30, 4)
    array[:, 1] *= np.float32(3e-40)
    folder = one_matmul(array).write(tmp_path / "m")
    (found,) = compare(quantized(folder), Model.load(folder)).weights
    assert found.max_in_scales <= 0.5 + 1e-4
    assert codes(quantized(folder.rename(tmp_path / "n")), Model.load(tmp_path / "n")) == []


def test_a_lost_channel_is_far_beyond_half_a_scale(tmp_path: Path) -> None:
    draft = check_drafts.mul()
    held = draft.taggings[0].weight
    original = draft.model.load(tmp_path / "m", COMBINED)
    held.integers[:, 0] = 0
    held.scales[0] = 0
    (found,) = compare(draft.quantized().load(tmp_path / "q", COMBINED), original).weights
    assert found.max_in_scales >= 127 * 2.0**-6 / SMALLEST_NORMAL
    assert found.misrounded == np.count_nonzero(builders.read_arrays(original)["w"][:, 0])


def block_of(original: Array, integers: Array, scale: Array) -> PairBlock:
    return PairBlock(
        original, integers, reference.dequantized(integers, scale, 1), scale.reshape(1, -1)
    )


@given(
    bits=st.sampled_from([8, 16]),
    shape=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    shift=st.floats(-3, 3, width=32),
    seed=st.integers(0, 99),
)
def test_every_measure_is_that_of_plain_numpy(
    bits: int, shape: tuple[int, int], shift: float, seed: int
) -> None:
    weight = builders.normal(*shape, seed=seed)
    integers, scale = reference.quantized(weight, bits, 1)
    original = weight + np.float32(shift) * scale  # by so many scales another one
    measures, other = ErrorMeasures(bits), ErrorMeasures(bits)
    for taking, rows in enumerate(np.array_split(np.arange(shape[0]), 3)):
        if rows.size:
            (measures, other, other)[taking].add(block_of(original[rows], integers[rows], scale))
    measures.merge(other)
    found = reference.dequantized(integers, scale, 1).astype(np.float64)
    error = original.astype(np.float64) - found
    units = np.abs(error) / np.maximum(scale, SMALLEST_NORMAL)
    beyond = units > 0.5 + 2.0 ** (bits - 23)
    assert measures.max_abs == pytest.approx(np.abs(error).max(), rel=1e-12)
    assert measures.max_in_scales == pytest.approx(units.max(), rel=1e-12)
    assert measures.rmse == pytest.approx(np.sqrt((error**2).mean()), rel=1e-12)
    assert measures.clipped + measures.misrounded == np.count_nonzero(beyond)
    lengths = np.linalg.norm(original.astype(np.float64)) * np.linalg.norm(found)
    cosine = (original.astype(np.float64) * found).sum() / lengths
    assert measures.cosine == pytest.approx(cosine, rel=1e-9, abs=1e-12)
    if error.any():
        assert measures.sqnr == pytest.approx(
            reference.sqnr(original, found.astype("f4")), rel=1e-6
        )


def test_clipping_is_told_from_misrounding_by_the_outermost_integers() -> None:
    scale = np.array([0.5, 1.0], "float32")
    integers = np.array([[127, 127], [-128, 3], [0, -127]], np.int8)
    original = np.array([[70, 128], [-70, 3.4], [0.4, -126]], "float32")
    measures = ErrorMeasures(8)
    assert measures.add(block_of(original, integers, scale))
    # Outward of 127 and of -128: clipped. 0.4 became 0, and -126 became -127: misrounded.
    assert (measures.clipped, measures.misrounded) == (3, 2)


# ---- the whole ------------------------------------------------------------------------------


def test_the_totals_are_those_of_all_values_together(tmp_path: Path) -> None:
    folder = builders.write_model(tmp_path / "m")
    result = compare(quantized(folder, QuantizeOptions(op_types=("mul",))), Model.load(folder))
    (only,) = result.weights
    assert (result.sqnr, result.rmse, result.max_abs) == (only.sqnr, only.rmse, only.max_abs)
    both = compare(quantized(folder.rename(tmp_path / "n")), Model.load(tmp_path / "n"))
    noise = sum(weight.rmse**2 * weight.elements for weight in both.weights)
    elements = sum(weight.elements for weight in both.weights)
    assert both.rmse == pytest.approx(math.sqrt(noise / elements))
    assert both.weights[0].sqnr < both.sqnr < both.weights[-1].sqnr


def test_the_result_does_not_depend_on_the_number_of_threads(tmp_path: Path) -> None:
    folder = builders.write_model(tmp_path / "m")
    model, original = quantized(folder), Model.load(folder)
    one, four = (
        compare(model, original, histograms=3, jobs=jobs, part_elements=7) for jobs in (1, 4)
    )
    assert one == four


def test_every_byte_is_told_to_whoever_watches(tmp_path: Path) -> None:
    folder = builders.write_model(tmp_path / "m")
    model = quantized(folder)
    seen: list[int] = []
    check(model, Model.load(folder), step=seen.append)
    assert sum(seen) == 2 * sum(weight.record.data_size for weight in model.weights)


def test_a_weight_without_elements_is_exact(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.mul("x", "w", np.zeros((3, 0), "float32"))
    original = builder.load(tmp_path / "m")
    held = drafts.Exact(np.zeros((3, 0)), np.zeros(0, "float32"), 1)
    draft = drafts.Draft(builder, {}, [drafts.Tagging("w", held)])
    result = check(draft.quantized().load(tmp_path / "q"), original)
    assert result.comparison is not None
    assert [weight.sqnr for weight in result.comparison.weights] == [math.inf]


@pytest.mark.parametrize("largest", [3e38, 1e-44])
def test_histograms_of_extreme_values(largest: float, tmp_path: Path) -> None:
    model = quantized(builders.write_model(tmp_path / "m"))
    original = with_last(tmp_path / "r", "fc1.w", largest)
    result = compare(model, original, histograms=9)
    assert all(sum(w.before or ()) == sum(w.after or ()) == w.elements for w in result.weights)


def histogram(array: Array, limit: float, bins: int) -> tuple[int, ...]:
    return tuple(np.histogram(array.astype(np.float64), bins, (-limit, limit))[0].tolist())


def test_a_histogram_of_many_blocks_is_that_of_the_whole(tmp_path: Path) -> None:
    array = builders.normal(3 * BLOCK_ELEMENTS // 100 + 7, 100)
    folder = one_matmul(array).write(tmp_path / "m")
    model = quantized(folder)
    (found,) = compare(model, Model.load(folder), histograms=1).weights
    after = builders.read_arrays(model)["w"] * reference.find_scales(array, 8, 1)
    assert found.limit == np.abs(array).max()
    assert found.before == histogram(array, found.limit, len(found.before or ()))
    assert found.after == histogram(after, found.limit, len(found.after or ()))


# ---- stored transposed ----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(6, 6), (5, 9), (700, 300)])
@pytest.mark.parametrize("change", [None, lambda content: content[:-1] + b"\x55"])
def test_a_weight_kept_as_fp32_and_transposed_is_compared_turned_round(
    shape: tuple[int, int], change: Callable[[bytes], bytes] | None, tmp_path: Path
) -> None:
    folder = one_matmul(builders.normal(*shape), transpose=True).write(tmp_path / "m")
    original = Model.load(folder)
    plan = rewrites_alone(make_plan(original, ALL))
    quantize(original, plan, OutputOptions(tmp_path / "q"))
    if change is not None:
        stored = tmp_path / "q" / "w"
        stored.write_bytes(change(stored.read_bytes()))
    found = compare(Model.load(tmp_path / "q"), original)
    assert [f.code for f in found.findings] == ([] if change is None else [FindingCode.DIFFERS])


def test_a_transposed_shape_is_enough_to_be_compared_turned_round(tmp_path: Path) -> None:
    array = builders.normal(4, 7)
    original = one_matmul(array).load(tmp_path / "m")
    model = quantized(one_matmul(np.ascontiguousarray(array.T)).write(tmp_path / "t"))
    (found,) = compare(model, original).weights
    assert isinstance(found, WeightComparison)
    assert (found.shape, found.misrounded) == ((4, 7), 0)
    assert found.sqnr > 35
