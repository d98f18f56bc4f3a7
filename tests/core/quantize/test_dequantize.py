"""Back to FP32: what Paddle Lite computes at load, and no attribute that would mislead it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders import (
    LAYOUTS,
    Array,
    Attr,
    Layout,
    ModelBuilder,
    lod_section,
    normal,
    read_arrays,
    read_records,
    small_model,
    tree,
)
from tests.core.quantize import reference
from weightquant_cli import (
    Existing,
    Model,
    ModelError,
    OptionError,
    OutputError,
    OutputOptions,
    QuantizeOptions,
    WeightQuantizeType,
    dequantize,
    make_plan,
    quantize,
)
from weightquant_cli.core.lite.tags import find_tags
from weightquant_cli.core.tensors.blocks import BLOCK_ELEMENTS
from weightquant_cli.errors import ParameterError
from weightquant_cli.formats.program import AttrType

CHANNEL_WISE = WeightQuantizeType.CHANNEL_WISE_ABS_MAX
ABS_MAX = WeightQuantizeType.ABS_MAX
AXES = {"conv.w": 0, "dw.w": 0, "fc1.w": 1, "fc2.w": 1, "table.w": 1}

QUANTIZATION_ATTRIBUTES = ("quantization_type", "quantize_weight_bits", "with_quant_attr")


def quantized(source: Model, folder: Path, options: QuantizeOptions, **output: Any) -> Model:
    """The model, quantized into `folder`."""
    result = quantize(source, make_plan(source, options), OutputOptions(folder, **output))
    return Model.load(folder, result.layout.program, result.layout.params)


def quantization_attributes(model: Model) -> list[str]:
    """Names of all attributes that have to do with quantization."""
    return [
        name
        for _, operator in model.operators()
        for name in operator.attribute_names()
        if name.endswith("_quant_scale") or name in QUANTIZATION_ATTRIBUTES
    ]


def by_hand(
    integers: Array, scales: list[float], type: str = "mul", **attributes: Any
) -> ModelBuilder:
    """A model that holds integers and scales of anybody's making."""
    builder = ModelBuilder()
    attributes = {
        "quantization_type": "post_weight_channel_wise_abs_max",
        "quantize_weight_bits": 8 * integers.itemsize,
        "w_quant_scale": Attr(AttrType.FLOATS, scales),
        **attributes,
    }
    if type == "conv2d":
        builder.conv2d("x", "w", integers, **attributes)
    else:
        builder.mul("x", "w", integers, **attributes)
        builder.main.desc.ops[0].type = type.encode()
    return builder


# ---- the values ----------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("bits", [8, 11, 16])
@pytest.mark.parametrize(("kind", "rate"), [(CHANNEL_WISE, 0.0), (ABS_MAX, 0.0), (None, 0.02)])
def test_values_are_integers_times_scales(
    layout: Layout, bits: int, kind: WeightQuantizeType | None, rate: float, tmp_path: Path
) -> None:
    source = small_model().load(tmp_path / "in", layout)
    options = QuantizeOptions(bits, kind, rate, ("all",))
    dequantize(quantized(source, tmp_path / "int", options), OutputOptions(tmp_path / "out"))
    before, after = read_arrays(source), read_arrays(tmp_path / "out")
    for name, array in before.items():
        expected = array
        if name in AXES:
            axis = AXES[name] if kind is CHANNEL_WISE else None
            integers, scale = reference.quantized(array, bits, axis, rate)
            expected = reference.dequantized(integers, scale, axis)
        assert after[name].dtype == np.float32
        assert np.array_equal(after[name], expected)


@pytest.mark.parametrize("elements", [1, 5, 64])
def test_the_bytes_do_not_depend_on_the_blocks(elements: int, tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in")
    model = quantized(source, tmp_path / "int", QuantizeOptions(op_types=("all",)))
    dequantize(model, OutputOptions(tmp_path / "whole"))
    dequantize(model, OutputOptions(tmp_path / "pieces"), block_elements=elements)
    assert tree(tmp_path / "pieces") == tree(tmp_path / "whole")


@pytest.mark.parametrize("kind", [CHANNEL_WISE, ABS_MAX])
def test_a_weight_of_several_blocks_comes_back_whole(
    kind: WeightQuantizeType, tmp_path: Path
) -> None:
    array = normal(BLOCK_ELEMENTS // 600, 700)
    assert array.size > BLOCK_ELEMENTS
    builder = ModelBuilder()
    builder.mul("x", "w", array)
    options = QuantizeOptions(16, kind)
    model = quantized(builder.load(tmp_path / "in"), tmp_path / "int", options)
    dequantize(model, OutputOptions(tmp_path / "out"))
    axis = 1 if kind is CHANNEL_WISE else None
    expected = reference.dequantized(*reference.quantized(array, 16, axis), axis)
    assert np.array_equal(read_arrays(tmp_path / "out")["w"], expected)


def test_integers_that_paddle_wrote_are_restored(tmp_path: Path) -> None:
    integers = np.asarray([[-128, 0], [127, 1]], np.int8)
    builder = by_hand(integers, [0.5, -2.0], quantization_type="post_weight_channel_wise_abs_max")
    dequantize(builder.load(tmp_path / "in"), OutputOptions(tmp_path / "out"))
    assert read_arrays(tmp_path / "out")["w"].tolist() == [[-64, 0], [63.5, -2]]


@pytest.mark.parametrize(("type", "axis"), [("conv2d", 0), ("mul", 3), ("some_other_op", 3)])
def test_scales_lie_on_the_axis_of_their_operator(type: str, axis: int, tmp_path: Path) -> None:
    integers = np.arange(16, dtype=np.int16).reshape(2, 1, 4, 2)
    builder = by_hand(integers, [1.0, 10.0], type)
    dequantize(builder.load(tmp_path / "in"), OutputOptions(tmp_path / "out"))
    expected = reference.dequantized(integers, np.asarray([1, 10], np.float32), axis)
    assert np.array_equal(read_arrays(tmp_path / "out")["w"], expected)


def test_a_weight_is_not_dequantized_once_per_reader(tmp_path: Path) -> None:
    builder = ModelBuilder()
    array = normal(3, 3)
    builder.mul("x", "w", array)
    builder.mul("y", "w")
    model = quantized(builder.load(tmp_path / "in"), tmp_path / "int", QuantizeOptions())
    dequantize(model, OutputOptions(tmp_path / "out"))
    expected = reference.dequantized(*reference.quantized(array, 8, 1), 1)
    assert np.array_equal(read_arrays(tmp_path / "out")["w"], expected)


def test_of_two_tags_the_first_holds_the_scales(tmp_path: Path) -> None:
    """PaddlePaddle tags every reader, and the second list is the scales of the integers: 1.0."""
    integers = np.asarray([[1, 2], [3, -127]], np.int8)
    builder = by_hand(integers, [0.5, 0.25])
    builder.mul("y", "w", w_quant_scale=Attr(AttrType.FLOATS, [1.0, 1.0]))
    dequantize(builder.load(tmp_path / "in"), OutputOptions(tmp_path / "out"))
    assert read_arrays(tmp_path / "out")["w"].tolist() == [[0.5, 0.5], [1.5, -31.75]]


def test_a_tag_of_an_operator_that_does_not_read_the_weight_means_nothing(tmp_path: Path) -> None:
    builder = ModelBuilder()
    strange = Attr(AttrType.FLOATS, [100.0, 100.0])
    builder.op("relu", {"X": "x"}, {"Out": "y"}, {"w_quant_scale": strange})
    builder.mul("y", "w", np.ones((2, 2), np.int8), w_quant_scale=Attr(AttrType.FLOATS, [2.0, 3.0]))
    dequantize(builder.load(tmp_path / "in"), OutputOptions(tmp_path / "out"))
    assert read_arrays(tmp_path / "out")["w"].tolist() == [[2, 3], [2, 3]]
    assert quantization_attributes(Model.load(tmp_path / "out")) == []


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
@pytest.mark.parametrize("type", ["mul", "conv2d"])
def test_a_quantized_weight_without_elements_stays_without(
    shape: tuple[int, int], type: str, tmp_path: Path
) -> None:
    full = (*shape, 1, 1) if type == "conv2d" else shape
    channels = full[0] if type == "conv2d" else full[-1]
    builder = by_hand(np.zeros(full, np.int8), [1.0] * channels, type)
    dequantize(builder.load(tmp_path / "in"), OutputOptions(tmp_path / "out"))
    found = read_arrays(tmp_path / "out")["w"]
    assert found.shape == full
    assert found.dtype == np.float32


# ---- attributes, records and files ---------------------------------------------------------------


def test_no_quantization_attribute_stays(tmp_path: Path) -> None:
    builder = small_model()
    builder.mul("x", "more.w", normal(2, 2), with_quant_attr=True, keep_me=1)
    model = quantized(
        builder.load(tmp_path / "in"), tmp_path / "int", QuantizeOptions(op_types=("all",))
    )
    assert len(quantization_attributes(model)) == 6 * 3 + 1
    dequantize(model, OutputOptions(tmp_path / "out"))
    result = Model.load(tmp_path / "out")
    assert quantization_attributes(result) == []
    assert find_tags(result) == ()
    assert sum(operator.value("keep_me") == 1 for _, operator in result.operators()) == 1


def test_the_program_is_otherwise_the_quantized_one(tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in")
    options = QuantizeOptions(rewrite=False, mend=False)
    dequantize(quantized(source, tmp_path / "int", options), OutputOptions(tmp_path / "out"))
    assert (tmp_path / "out" / "__model__").read_bytes() == source.program.serialize()


def test_records_that_were_not_quantized_stay_to_the_byte(tmp_path: Path) -> None:
    builder = small_model()
    builder.parameter("steps", np.asarray(3, "<i8"), lod=[(0, 1)])
    builder.parameter("doubles", np.linspace(0, 1, 7))
    model = quantized(builder.load(tmp_path / "in"), tmp_path / "int", QuantizeOptions())
    dequantize(model, OutputOptions(tmp_path / "out"))
    records = read_records(tmp_path / "out")
    changed = {name for name, data in records.items() if data != builder.records[name]}
    assert changed == {"conv.w", "fc1.w", "fc2.w"}


def test_the_lod_section_stays(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(3, 3), lod=[(0, 2, 3)])
    builder.mul("x", "w")
    model = quantized(builder.load(tmp_path / "in"), tmp_path / "int", QuantizeOptions())
    dequantize(model, OutputOptions(tmp_path / "out"))
    assert read_records(tmp_path / "out")["w"].startswith(lod_section([(0, 2, 3)]))


def test_selected_rows_are_carried_along(tmp_path: Path) -> None:
    builder = small_model()
    builder.selected_rows("block/rows", b"any bytes")
    model = quantized(builder.load(tmp_path / "in"), tmp_path / "int", QuantizeOptions())
    dequantize(model, OutputOptions(tmp_path / "out"))
    assert (tmp_path / "out" / "block" / "rows").read_bytes() == b"any bytes"
    assert Model.load(tmp_path / "out").stored.carried == ("block/rows",)


def test_selected_rows_cannot_lie_beside_a_combined_file(tmp_path: Path) -> None:
    builder = small_model()
    builder.selected_rows("rows", b"any bytes")
    model = quantized(builder.load(tmp_path / "in"), tmp_path / "int", QuantizeOptions())
    with pytest.raises(OptionError, match="SELECTED_ROWS"):
        dequantize(model, OutputOptions(tmp_path / "out", params="__params__"))


def test_the_bytes_do_not_depend_on_the_jobs(tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in")
    model = quantized(source, tmp_path / "int", QuantizeOptions(op_types=("all",)))
    for jobs in (1, 2, 5):
        dequantize(model, OutputOptions(tmp_path / f"out{jobs}"), jobs)
    assert tree(tmp_path / "out1") == tree(tmp_path / "out2") == tree(tmp_path / "out5")


def test_a_model_that_was_not_quantized_stays_as_it_is(tmp_path: Path) -> None:
    builder = small_model()
    dequantize(builder.load(tmp_path / "in"), OutputOptions(tmp_path / "out"))
    assert tree(tmp_path / "out") == tree(tmp_path / "in")


def test_the_input_is_untouched(tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in")
    model = quantized(source, tmp_path / "int", QuantizeOptions())
    before = tree(tmp_path / "int")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "int").iterdir()}
    dequantize(model, OutputOptions(tmp_path / "out"))
    assert tree(tmp_path / "int") == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scales", "message"),
    [
        (Attr(AttrType.FLOATS, [1.0, 1.0]), "wrong number of scales.*expected 3, found 2"),
        (Attr(AttrType.FLOATS, []), "wrong number of scales.*expected 3, found 0"),
        (Attr(AttrType.INTS, [1, 1, 1]), "not a list of floats.*found INTS"),
        (Attr(AttrType.FLOAT, 1.0), "not a list of floats.*found FLOAT"),
        (Attr(AttrType.STRINGS, ["1", "1", "1"]), "not a list of floats.*found STRINGS"),
    ],
)
def test_scales_that_do_not_fit_are_refused_and_leave_nothing(
    scales: Attr, message: str, tmp_path: Path
) -> None:
    builder = by_hand(np.ones((2, 3), np.int8), [], w_quant_scale=scales)
    with pytest.raises(ParameterError, match=message) as caught:
        dequantize(builder.load(tmp_path / "in"), OutputOptions(tmp_path / "a" / "out"))
    assert caught.value.tensor == "w"
    assert not (tmp_path / "a").exists()


def test_integers_without_scales_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.mul("x", "w", np.ones((2, 3), np.int16))
    with pytest.raises(ModelError, match="the weight is INT16 and no operator has scales for it"):
        dequantize(builder.load(tmp_path / "in"), OutputOptions(tmp_path / "a" / "out"))
    assert not (tmp_path / "a").exists()


def test_integers_that_are_no_operators_weight_stay(tmp_path: Path) -> None:
    builder = small_model()
    builder.parameter("lengths", np.asarray([3, -1], np.int16))
    builder.op("concat", {"X": "lengths"}, {"Out": "y"})
    builder.parameter("unread", np.asarray([7], np.int8))
    model = quantized(builder.load(tmp_path / "in"), tmp_path / "int", QuantizeOptions())
    dequantize(model, OutputOptions(tmp_path / "out"))
    records = read_records(tmp_path / "out")
    assert (records["lengths"], records["unread"]) == (
        builder.records["lengths"],
        builder.records["unread"],
    )


def test_an_fp32_model_is_never_replaced_since_nothing_tells_it_from_an_original(
    tmp_path: Path,
) -> None:
    original = small_model().load(tmp_path / "original")
    before = tree(tmp_path / "original")
    model = quantized(original, tmp_path / "int", QuantizeOptions())
    output = OutputOptions(tmp_path / "original", existing=Existing.REPLACE)
    with pytest.raises(OutputError):
        dequantize(model, output)
    assert tree(tmp_path / "original") == before


def test_output_that_exists_or_overlaps_is_refused(tmp_path: Path) -> None:
    model = small_model().load(tmp_path / "in")
    with pytest.raises(OptionError, match="is the input folder"):
        dequantize(model, OutputOptions(tmp_path / "in", existing=Existing.REPLACE))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").touch()
    with pytest.raises(OutputError, match="exists already"):
        dequantize(model, OutputOptions(tmp_path / "out"))
