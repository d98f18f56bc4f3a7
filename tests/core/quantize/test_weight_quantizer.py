"""One weight, streamed: its integers, scales and errors are those of whole arrays."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import LAYOUTS, Layout, ModelBuilder, normal, read_arrays, small_model, tree
from tests.core.quantize import reference
from tests.core.quantize.cases import (
    ABS_MAX,
    ALL,
    AXES,
    CHANNEL_WISE,
    one_matrix,
    run,
    stored_scales,
    tagged,
)
from weightquant_cli import (
    Model,
    ModelError,
    OutputOptions,
    QuantizeOptions,
    WeightQuantizeType,
    make_plan,
    quantize,
)
from weightquant_cli.core.quantize.weight_quantizer import WeightQuantizer, quantization_error
from weightquant_cli.core.tensors.blocks import BLOCK_ELEMENTS, PART_ELEMENTS
from weightquant_cli.errors import NonFiniteWeightError
from weightquant_cli.threads import CancelToken


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("bits", [8, 9, 12, 16])
@pytest.mark.parametrize(
    ("kind", "rate"), [(CHANNEL_WISE, 0.0), (ABS_MAX, 0.0), (None, 0.02), (ABS_MAX, 1e-11)]
)
def test_integers_and_scales_are_those_of_whole_arrays(
    layout: Layout, bits: int, kind: WeightQuantizeType | None, rate: float, tmp_path: Path
) -> None:
    source = small_model().load(tmp_path / "in", layout)
    options = QuantizeOptions(bits, kind, rate, ("all",))
    run(source, tmp_path / "out", options)
    result = Model.load(tmp_path / "out")
    assert (result.files.program, result.files.params) == (layout.program, layout.params)
    before, after = read_arrays(source), read_arrays(result)
    assert before.keys() == after.keys()
    for name, axis in AXES.items():
        channels = axis if kind is CHANNEL_WISE else None
        clip = rate if rate > 1e-10 else 0.0
        integers, scale = reference.quantized(before[name], bits, channels, clip)
        assert after[name].dtype == integers.dtype
        assert np.array_equal(after[name], integers)
        found = stored_scales(result, name)
        if len(found) > len(scale):  # lookup_table: the one scale for every column
            assert name == "table.w"
            scale = np.repeat(scale, 5)
        assert np.array_equal(found, scale)


@pytest.mark.parametrize("elements", [1, 7, 50])
@pytest.mark.parametrize(("kind", "rate"), [(CHANNEL_WISE, 0.0), (ABS_MAX, 0.0), (None, 0.02)])
def test_the_bytes_do_not_depend_on_the_blocks(
    elements: int, kind: WeightQuantizeType | None, rate: float, tmp_path: Path
) -> None:
    builder = small_model()
    builder.matmul_v2("fc2.w.out0", "fc3.w", normal(9, 6), trans_y=True)
    builder.op("sum", {"X": builder.parameter("b", normal(6))}, {"Out": "y"})
    source = builder.load(tmp_path / "in")
    options = QuantizeOptions(8, kind, rate, ("all",))
    whole = run(source, tmp_path / "whole", options)
    pieces = run(source, tmp_path / "pieces", options, block_elements=elements)
    assert tree(tmp_path / "pieces") == tree(tmp_path / "whole")
    for one, other in zip(whole.weights, pieces.weights, strict=True):
        if one.error is not None and other.error is not None:
            assert other.error.sqnr == pytest.approx(one.error.sqnr, rel=1e-5)
            assert other.error.max_abs == one.error.max_abs


@pytest.mark.parametrize("rate", [0.0, 0.01])
def test_where_nobody_looks_at_the_errors_the_bytes_are_the_same(
    rate: float, tmp_path: Path
) -> None:
    builder = small_model()
    builder.matmul_v2("fc2.w.out0", "fc3.w", normal(9, 6), trans_y=True)
    source = builder.load(tmp_path / "in")
    kind = ABS_MAX if rate else CHANNEL_WISE
    options = QuantizeOptions(8, kind, rate, ("all",))
    run(source, tmp_path / "measured", options)
    output = OutputOptions(tmp_path / "unmeasured")
    result = quantize(source, make_plan(source, options), output, measure_errors=False)
    assert tree(tmp_path / "unmeasured") == tree(tmp_path / "measured")
    assert result.worst is None
    assert [weight.error for weight in result.weights] == [None] * len(result.weights)
    assert any(weight.scale_range for weight in result.weights)


# Shapes with the axis of their channels.
LARGE = {
    "many rows": ((BLOCK_ELEMENTS // 60, 70), 1),
    "a row larger than a block": ((2, BLOCK_ELEMENTS + 5), 1),
    "a channel larger than a block": ((2, 3, BLOCK_ELEMENTS // 50, 20), 0),
    "many channels": ((BLOCK_ELEMENTS // 200, 30, 3, 3), 0),
    "several parts": ((3, PART_ELEMENTS // 2), 1),
}


@pytest.mark.parametrize(("shape", "axis"), LARGE.values(), ids=LARGE)
@pytest.mark.parametrize(("kind", "rate"), [(CHANNEL_WISE, 0.0), (ABS_MAX, 0.0), (None, 0.01)])
def test_a_weight_of_several_blocks_is_quantized_as_a_whole(
    shape: tuple[int, ...], axis: int, kind: WeightQuantizeType | None, rate: float, tmp_path: Path
) -> None:
    array = normal(*shape)
    assert array.size > BLOCK_ELEMENTS
    builder = ModelBuilder()
    if array.ndim == 4:
        builder.conv2d("x", "w", array)
    else:
        builder.mul("x", "w", array)
    result = run(builder.load(tmp_path / "in"), tmp_path / "out", QuantizeOptions(8, kind, rate))
    channels = axis if kind is CHANNEL_WISE else None
    integers, scale = reference.quantized(array, 8, channels, rate)
    model = Model.load(tmp_path / "out")
    assert np.array_equal(read_arrays(model)["w"], integers)
    assert np.array_equal(stored_scales(model, "w"), scale)
    error = result.weights[0].error
    restored = reference.dequantized(integers, scale, channels)
    assert error is not None
    assert error.sqnr == pytest.approx(reference.sqnr(array, restored), abs=1e-3)
    assert error.max_abs == np.abs(array - restored).max()


@pytest.mark.parametrize("shape", [(3, 5), (BLOCK_ELEMENTS // 600, 700), (1, 9), (9, 1)])
@pytest.mark.parametrize("kind", [CHANNEL_WISE, ABS_MAX])
def test_a_weight_that_is_read_transposed_is_stored_transposed(
    shape: tuple[int, int], kind: WeightQuantizeType, tmp_path: Path
) -> None:
    array = normal(*shape)
    builder = ModelBuilder()
    builder.matmul_v2(builder.input("x", (-1, shape[1])), "w", array, trans_y=True)
    options = QuantizeOptions(weight_quantize_type=kind)
    run(builder.load(tmp_path / "in"), tmp_path / "out", options)
    result = Model.load(tmp_path / "out")
    integers, scale = reference.quantized(array.T, 8, 1 if kind is CHANNEL_WISE else None)
    assert np.array_equal(read_arrays(result)["w"], integers)
    assert np.array_equal(stored_scales(result, "w"), scale)
    (operator,) = tagged(result, "w")
    assert (operator.type, operator.value("trans_y")) == ("mul", None)
    variable = result.variable(0, "w")
    assert variable is not None and variable.shape == shape[::-1]


@given(
    st.lists(st.integers(1, 7), min_size=2, max_size=2),
    st.integers(8, 16),
    st.sampled_from([CHANNEL_WISE, ABS_MAX]),
    st.integers(-140, 120),
    st.integers(0, 1000),
)
def test_any_small_matrix_is_quantized_as_a_whole(
    tmp_path_factory: pytest.TempPathFactory,
    shape: list[int],
    bits: int,
    kind: WeightQuantizeType,
    exponent: int,
    seed: int,
) -> None:
    folder = tmp_path_factory.mktemp("matrix")
    with np.errstate(under="ignore"):
        array = np.ldexp(normal(*shape, seed=seed), exponent).astype(np.float32)
    array[0, 0] = 0
    options = QuantizeOptions(bits, kind)
    run(one_matrix(array).load(folder / "in"), folder / "out", options, jobs=1)
    integers, scale = reference.quantized(array, bits, 1 if kind is CHANNEL_WISE else None)
    result = Model.load(folder / "out")
    assert np.array_equal(read_arrays(result)["w"], integers)
    assert np.array_equal(stored_scales(result, "w"), scale)


def test_channels_of_zeros_get_zeros_and_scales_of_zero(tmp_path: Path) -> None:
    array = normal(4, 3)
    array[:, 1] = 0
    builder = one_matrix(array)
    builder.mul("x", "zeros", np.zeros((2, 2), np.float32))
    result = run(builder.load(tmp_path / "in"), tmp_path / "out")
    model = Model.load(tmp_path / "out")
    assert stored_scales(model, "w").tolist()[1] == 0
    assert not read_arrays(model)["w"][:, 1].any()
    assert stored_scales(model, "zeros").tolist() == [0, 0]
    assert not read_arrays(model)["zeros"].any()
    assert {w.plan.name: w.error.sqnr for w in result.weights if w.error}["zeros"] == math.inf


@pytest.mark.parametrize("bits", [8, 9, 16])
def test_the_largest_floats_are_quantized_and_their_loss_is_told(bits: int, tmp_path: Path) -> None:
    largest = float(np.finfo(np.float32).max)
    array = np.asarray([[largest, 1], [2, -largest]], np.float32)
    source = one_matrix(array).load(tmp_path / "in")
    result = run(source, tmp_path / "out", QuantizeOptions(bits))
    integers, scale = reference.quantized(array, bits, 1)
    assert np.array_equal(read_arrays(tmp_path / "out")["w"], integers)
    error = result.weights[0].error
    overflows = float(scale[0]) * reference.limit(bits) > largest * (1 + 2**-25)
    assert error is not None
    assert error.sqnr == -math.inf if overflows else error.sqnr > 700


def test_an_error_is_measured_alike_without_writing(tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in")
    result = run(source, tmp_path / "out")
    for weight in result.weights:
        if weight.plan.quantization is not None:
            with source.stored.parameters.reader(weight.plan.name) as reader:
                assert quantization_error(reader, weight.plan.quantization, ALL) == weight.error


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("elements", [5, BLOCK_ELEMENTS])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_value_that_is_not_finite_names_tensor_index_and_offset(
    value: float, elements: int, layout: Layout, tmp_path: Path
) -> None:
    array = normal(4, 3, 2, 2)
    array[2, 1, 0, 1] = value
    array[2, 2, 1, 1] = np.nan
    builder = small_model()
    builder.conv2d("x", "bad.w", array)
    source = builder.load(tmp_path / "in", layout)
    with pytest.raises(NonFiniteWeightError) as caught:
        run(source, tmp_path / "a" / "out", block_elements=elements)
    assert caught.value.tensor == "bad.w"
    assert caught.value.found == f"{value} at index [2, 1, 0, 1]"
    assert caught.value.path is not None and caught.value.offset is not None
    there = Path(caught.value.path).read_bytes()[caught.value.offset :]
    assert np.array_equal(np.frombuffer(there[:4], "<f4"), [value], equal_nan=True)
    assert not (tmp_path / "a").exists()
    run(source, tmp_path / "out", QuantizeOptions(exclude=("bad.w",)))


@pytest.mark.parametrize("options", [QuantizeOptions(), QuantizeOptions(threshold_rate=0.1)])
def test_a_value_that_is_not_finite_is_found_behind_the_first_block(
    options: QuantizeOptions, tmp_path: Path
) -> None:
    array = normal(BLOCK_ELEMENTS // 400, 500)
    array[-1, 498] = np.inf
    last = len(array) - 1
    with pytest.raises(NonFiniteWeightError, match=rf"inf at index \[{last}, 498\]"):
        run(one_matrix(array).load(tmp_path / "in"), tmp_path / "out", options)


@pytest.mark.parametrize("value", [9.0, -9.0, np.nan, np.inf, 1e30])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("measure_errors", [True, False])
@pytest.mark.parametrize(
    "model", ["plain", "transposed", "subnormal", "threshold", "transposed threshold"]
)
def test_larger_values_in_the_second_pass_never_wrap(
    value: float, bits: int, measure_errors: bool, model: str, tmp_path: Path
) -> None:
    array = np.clip(normal(30, 20), -2, 2)
    builder, options = one_matrix(array), QuantizeOptions(bits)
    if "transposed" in model:
        builder = ModelBuilder()
        builder.matmul_v2(builder.input("x", (-1, 20)), "w", array, trans_y=True)
    elif model == "subnormal":
        array[:, 3] *= np.float32(1e-42)
        builder = one_matrix(array)
    if "threshold" in model:
        options = QuantizeOptions(bits, threshold_rate=0.1)
    source = builder.load(tmp_path / "in")
    record = source.weight("w").record
    quantizer = WeightQuantizer(
        record,
        make_plan(source, options).quantized[0].quantization,
        options,
        transpose="transposed" in model,
        measure_error=measure_errors,
        block_elements=50,
    )
    token = CancelToken()
    with source.stored.parameters.reader("w") as tensor:
        for scale_pass in quantizer.scale_passes:
            for block in quantizer.scale_parts:
                scale_pass(tensor, block, token)
        quantizer.fix_scales()
        with record.path.open("r+b") as stream:
            stream.seek(record.data_offset + 4 * 333)
            stream.write(np.float32(value).tobytes())
        with pytest.raises(ModelError, match=r"the file changed while it was read.*tensor w"):
            for part in quantizer.parts:
                quantizer.quantize(tensor, None, part, token)
