"""Quantizing whole models: what is on disk afterwards, and that nothing is when it fails."""

from __future__ import annotations

import errno
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import weightquant_cli
from tests.builders import (
    BF16,
    COMBINED,
    INT64,
    LAYOUTS,
    PDMODEL,
    SEPARATE,
    Attr,
    Floats,
    Layout,
    ModelBuilder,
    lod_section,
    normal,
    raw_record,
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
    Progress,
    Quantized,
    QuantizeOptions,
    WeightQuantizeType,
    make_plan,
    preview,
    quantize,
)
from weightquant_cli.core.plan.size import Size
from weightquant_cli.core.quantize.gates import Gates
from weightquant_cli.core.quantize.weight_quantizer import WeightQuantizer, quantization_error
from weightquant_cli.core.tensors.blocks import (
    BLOCK_ELEMENTS,
    PART_ELEMENTS,
)
from weightquant_cli.core.tensors.weight_error import WeightError, decibels
from weightquant_cli.errors import AlreadyQuantizedError, GateError, NonFiniteWeightError
from weightquant_cli.formats.program import AttrType, Operator
from weightquant_cli.threads import CancelToken

ALL = QuantizeOptions(op_types=("all",))
CHANNEL_WISE = WeightQuantizeType.CHANNEL_WISE_ABS_MAX
ABS_MAX = WeightQuantizeType.ABS_MAX

# Axis of the channels of every weight of `small_model`.
AXES = {"conv.w": 0, "dw.w": 0, "fc1.w": 1, "fc2.w": 1, "table.w": 1}


def run(
    model: Model,
    folder: Path,
    options: QuantizeOptions = ALL,
    jobs: int | None = 2,
    block_elements: int = BLOCK_ELEMENTS,
    **output: Any,
) -> Quantized:
    """Quantize a model into `folder`."""
    plan = make_plan(model, options)
    into = OutputOptions(folder, **output)
    return quantize(model, plan, into, jobs, block_elements=block_elements)


def tagged(model: Model, weight: str) -> list[Operator]:
    """The operators that carry scales for a weight."""
    return [
        operator
        for _, operator in model.operators()
        if operator.attribute(f"{weight}_quant_scale") is not None
    ]


def stored_scales(model: Model, weight: str) -> Floats:
    """The scales of a weight as its operator carries them."""
    (operator,) = tagged(model, weight)
    value = operator.value(f"{weight}_quant_scale")
    assert isinstance(value, tuple)
    return np.asarray(value, np.float32)


def one_matrix(array: Floats, name: str = "w") -> ModelBuilder:
    builder = ModelBuilder()
    builder.fetch(builder.mul(builder.input("x", (-1, len(array))), name, array))
    return builder


# ---- integers and scales -------------------------------------------------------------------------


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
    elements: int,
    kind: WeightQuantizeType | None,
    rate: float,
    tmp_path: Path,
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


# ---- attributes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("bits", "stored"), [(8, 8), (9, 16), (15, 16), (16, 16)])
def test_the_attributes_are_those_that_paddle_lite_reads(
    bits: int, stored: int, tmp_path: Path
) -> None:
    run(small_model().load(tmp_path / "in"), tmp_path / "out", QuantizeOptions(bits))
    (operator,) = tagged(Model.load(tmp_path / "out"), "conv.w")
    found = {attribute.name: attribute for attribute in operator.attributes}
    assert found["quantization_type"].type is AttrType.STRING
    assert found["quantization_type"].value == "post_weight_channel_wise_abs_max"
    assert found["quantize_weight_bits"].type is AttrType.INT
    assert found["quantize_weight_bits"].value == stored
    assert found["conv.w_quant_scale"].type is AttrType.FLOATS
    assert found["groups"].value == 1


def test_one_scale_per_tensor_says_so(tmp_path: Path) -> None:
    options = QuantizeOptions(weight_quantize_type=ABS_MAX, op_types=("all",))
    run(small_model().load(tmp_path / "in"), tmp_path / "out", options)
    result = Model.load(tmp_path / "out")
    kinds = {name: tagged(result, name)[0].value("quantization_type") for name in AXES}
    assert kinds.pop("table.w") == "post_weight_channel_wise_abs_max"
    assert set(kinds.values()) == {"post_weight_abs_max"}


def test_declared_types_stay_fp32(tmp_path: Path) -> None:
    run(small_model().load(tmp_path / "in"), tmp_path / "out")
    model = Model.load(tmp_path / "out")
    variables = {variable.name: variable for _, variable in model.variables()}
    assert all(str(variables[name].dtype) == "FP32" for name in AXES)


def test_a_shared_weight_is_tagged_once(tmp_path: Path) -> None:
    builder = one_matrix(normal(3, 3))
    builder.mul("x", "w")
    builder.matmul_v2("x", "w")
    run(builder.load(tmp_path / "in"), tmp_path / "out")
    result = Model.load(tmp_path / "out")
    assert len(tagged(result, "w")) == 1
    assert [ref.type for ref, _ in result.operators() if ref.type in ("mul", "matmul_v2")] == [
        "mul"
    ] * 3


def test_a_weight_of_a_sub_block_is_tagged_there(tmp_path: Path) -> None:
    builder = ModelBuilder()
    inner = builder.program.block()
    builder.parameter("w", normal(2, 2))
    inner.op("mul", {"X": "x", "Y": "w"}, {"Out": "y"})
    builder.op("while", {"X": ["x", "w"]}, {"Out": ["y"]}, {"sub_block": inner})
    run(builder.load(tmp_path / "in"), tmp_path / "out")
    result = Model.load(tmp_path / "out")
    assert [ref.block for ref, op in result.operators() if op.attribute("w_quant_scale")] == [1]


# ---- what stays ----------------------------------------------------------------------------------


def mixed_model() -> ModelBuilder:
    """Parameters of many types beside one that is quantized."""
    builder = one_matrix(normal(3, 4))
    builder.parameter("bias", normal(4), lod=[(0, 2, 4)])
    builder.parameter("steps", np.asarray(7, "<i8"))
    builder.parameter("doubles", np.linspace(0, 1, 5))
    builder.parameter("flags", np.asarray([True, False]))
    builder.parameter("none", normal(0, 3))
    builder.main.var("half", (3,), BF16, persistable=True)
    builder.records["half"] = raw_record(b"\x80\x3f\x00\x40\xc0\x7f", BF16, (3,))
    builder.parameter("large", normal(PART_ELEMENTS + 7))
    for name in list(builder.records):
        if name != "w":
            builder.op("print", {"In": name}, {"Out": f"{name}.printed"})
    return builder


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_records_that_are_kept_are_kept_to_the_byte(layout: Layout, tmp_path: Path) -> None:
    builder = mixed_model()
    run(builder.load(tmp_path / "in", layout), tmp_path / "out")
    records = read_records(tmp_path / "out")
    assert {name for name in records if records[name] != builder.records[name]} == {"w"}


def test_a_quantized_record_keeps_its_lod_section(tmp_path: Path) -> None:
    builder = ModelBuilder()
    levels = [(0, 1, 3), (0, 2, 2, 5)]
    builder.parameter("w", normal(3, 4), lod=levels)
    builder.mul("x", "w")
    run(builder.load(tmp_path / "in"), tmp_path / "out")
    assert read_records(tmp_path / "out")["w"].startswith(lod_section(levels))


@pytest.mark.parametrize("keep", [True, False])
def test_callstacks_are_dropped_unless_they_are_kept(keep: bool, tmp_path: Path) -> None:
    builder = ModelBuilder()
    stack = ["File /home/somebody/export.py, line 3"]
    builder.mul("x", "w", normal(2, 2), op_callstack=stack)
    source = builder.load(tmp_path / "in")
    result = run(source, tmp_path / "out", strip_callstack=not keep)
    assert (b"somebody" in (tmp_path / "out" / "__model__").read_bytes()) is keep
    assert result.sizes.program_after == (tmp_path / "out" / "__model__").stat().st_size


def test_what_the_schema_does_not_know_is_carried_along(tmp_path: Path) -> None:
    builder = one_matrix(normal(2, 2))
    later = b"\xc2\x0c\x13from a later Paddle"
    program = builder.program.bytes() + later
    builder.write(tmp_path / "in")
    (tmp_path / "in" / "__model__").write_bytes(program)
    run(Model.load(tmp_path / "in"), tmp_path / "out")
    assert (tmp_path / "out" / "__model__").read_bytes().endswith(later)


@pytest.mark.parametrize(
    "name", ["a b", "fc:0@x", "卷积", "w\udcff\udcfe", "block/w", "%s\\n", "w.quant_scale"]
)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_odd_names_survive(name: str, layout: Layout, tmp_path: Path) -> None:
    builder = one_matrix(normal(2, 3), name)
    run(builder.load(tmp_path / "in", layout), tmp_path / "out")
    result = Model.load(tmp_path / "out")
    assert [weight.name for weight in result.weights] == [name]
    assert len(stored_scales(result, name)) == 3


def test_the_input_is_untouched(tmp_path: Path) -> None:
    source = small_model().write(tmp_path / "in")
    before = tree(source)
    for path in source.iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o444)
    source.chmod(0o555)
    times = {path: path.stat().st_mtime_ns for path in [source, *source.iterdir()]}
    run(Model.load(source), tmp_path / "out")
    assert tree(source) == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


# ---- layouts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(
    ("output", "files"),
    [
        ({"program": "net", "params": "net.bin"}, {"net", "net.bin"}),
        ({"params": "all"}, {None, "all"}),
        ({"program": "model", "separate": True}, {"model", *small_model().records}),
    ],
)
def test_the_output_has_the_layout_that_is_asked_for(
    source: Layout, output: dict[str, Any], files: set[str | None], tmp_path: Path
) -> None:
    result = run(small_model().load(tmp_path / "in", source), tmp_path / "out", **output)
    expected = {source.program if name is None else name for name in files}
    assert {path.name for path in (tmp_path / "out").iterdir()} == expected
    model = Model.load(tmp_path / "out", result.layout.program, result.layout.params)
    run(small_model().load(tmp_path / "plain"), tmp_path / "reference")
    assert read_records(model) == read_records(tmp_path / "reference")


def test_separate_output_of_names_that_are_paths_is_refused_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    source = one_matrix(normal(2, 2), "../w").load(tmp_path / "in", COMBINED)
    with pytest.raises(ModelError, match="not a path inside the model's folder"):
        run(source, tmp_path / "a" / "out", separate=True)
    assert not (tmp_path / "a").exists()
    run(source, tmp_path / "out")
    assert list(read_arrays(tmp_path / "out")) == ["../w"]


def test_parameters_that_would_be_file_and_folder_at_once_leave_nothing(tmp_path: Path) -> None:
    builder = one_matrix(normal(2, 2), "a")
    builder.mul("x", "a/b", normal(2, 2))
    source = builder.load(tmp_path / "in", COMBINED)
    with pytest.raises(OutputError):
        run(source, tmp_path / "out", separate=True)
    assert not (tmp_path / "out").exists()


# ---- preview -------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(
    ("options", "output"),
    [
        (ALL, {}),
        (QuantizeOptions(16), {"strip_callstack": False}),
        (QuantizeOptions(threshold_rate=0.01, op_types=("all",)), {"separate": True}),
        (QuantizeOptions(rewrite=False), {"params": "all.bin", "program": "net.pb"}),
        (QuantizeOptions(bits_for=(("fc*", 12),), exclude=("conv.w",)), {}),
        (QuantizeOptions(op_types=("fc",)), {}),
    ],
)
def test_previewed_sizes_are_those_on_disk_to_the_byte(
    layout: Layout, options: QuantizeOptions, output: dict[str, Any], tmp_path: Path
) -> None:
    builder = small_model()
    builder.matmul_v2("fc2.w.out0", "fc3.w", normal(9, 6), trans_y=True, op_callstack=["a", "b"])
    ids = builder.input("ids2", (-1,), INT64)
    builder.lookup_table(ids, "table2.w", normal(6, 4), type="lookup_table_v2")
    source = builder.load(tmp_path / "in", layout)
    plan = make_plan(source, options)
    planned = preview(source, plan, OutputOptions(tmp_path / "out", **output))
    assert not (tmp_path / "out").exists()
    done = quantize(source, plan, OutputOptions(tmp_path / "out", **output))
    assert planned.sizes == done.sizes
    program = tmp_path / "out" / done.layout.program
    assert planned.sizes.program_after == program.stat().st_size
    everything = sum(p.stat().st_size for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert planned.sizes.after == everything
    assert planned.sizes.before == sum(p.stat().st_size for p in (tmp_path / "in").iterdir())
    assert planned.sizes.ratio == planned.sizes.before / everything


def test_a_preview_reads_no_data(tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in", COMBINED)
    os.truncate(tmp_path / "in" / "__params__", 0)
    planned = preview(source, make_plan(source, ALL), OutputOptions(tmp_path / "out"))
    assert (planned.folder, planned.worst) == (None, None)
    assert [weight.plan for weight in planned.weights] == list(planned.plan.weights)


# ---- the same bytes ------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_bytes_and_the_figures_do_not_depend_on_the_jobs(
    layout: Layout, tmp_path: Path
) -> None:
    builder = small_model()
    for number in range(8):
        builder.mul("x", f"more{number}.w", normal(50, 40, seed=number))
    source = builder.load(tmp_path / "in", layout)
    results = [run(source, tmp_path / f"out{jobs}", jobs=jobs).weights for jobs in (1, 2, 5)]
    results.append(run(source, tmp_path / "out", jobs=None).weights)
    assert tree(tmp_path / "out1") == tree(tmp_path / "out2") == tree(tmp_path / "out5")
    assert tree(tmp_path / "out") == tree(tmp_path / "out1")
    assert all(result == results[0] for result in results)


def test_the_bytes_do_not_depend_on_the_order_of_hashes_or_of_the_folder(tmp_path: Path) -> None:
    builder = small_model()
    builder.write(tmp_path / "in0")
    builder.records = dict(reversed(builder.records.items()))
    builder.write(tmp_path / "in1")
    code = (
        "import sys; from weightquant_cli import WeightQuantization as W;"
        "W(sys.argv[1]).quantize_weight_to_int(sys.argv[2], weight_bits=12)"
    )
    root = str(Path(weightquant_cli.__file__).parent.parent)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    for seed in range(2):
        command = [sys.executable, "-c", code, f"in{seed}", f"out{seed}"]
        environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": path}
        subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    assert tree(tmp_path / "out0") == tree(tmp_path / "out1")


# ---- the result ----------------------------------------------------------------------------------


def test_the_result_tells_what_was_done(tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in")
    result = run(source, tmp_path / "out", QuantizeOptions())
    assert (result.folder, result.source) == (tmp_path / "out", source.files)
    assert [weight.plan for weight in result.weights] == list(result.plan.weights)
    before = read_arrays(source)
    for weight in result.weights:
        if weight.plan.quantization is None:
            assert (weight.scale_range, weight.error) == (None, None)
            continue
        array, axis = before[weight.plan.name], AXES[weight.plan.name]
        integers, scale = reference.quantized(array, 8, axis)
        restored = reference.dequantized(integers, scale, axis)
        assert weight.scale_range == (scale.min(), scale.max())
        assert weight.error is not None
        assert weight.error.sqnr == pytest.approx(reference.sqnr(array, restored), abs=1e-3)
        assert weight.error.max_abs == np.abs(array - restored).max()
    worst = min((w for w in result.weights if w.error), key=lambda w: w.error.sqnr)  # type: ignore[union-attr]
    assert result.worst is worst


def test_progress_accounts_for_every_byte_and_every_weight(tmp_path: Path) -> None:
    builder = mixed_model()
    source = builder.load(tmp_path / "in")
    steps: list[Progress] = []
    lock = threading.Lock()

    def watch(step: Progress) -> None:
        with lock:
            steps.append(step)

    plan = make_plan(source, QuantizeOptions())
    result = quantize(source, plan, OutputOptions(tmp_path / "out"), 2, watch)
    finished = {step.name: step.finished for step in steps if step.finished is not None}
    assert finished == {weight.plan.name: weight for weight in result.weights}
    for name, record in builder.records.items():
        told = sum(step.size for step in steps if step.name == name)
        data = source.weight(name).record.data_size
        assert told == (data if name == "w" else len(record))


def test_an_error_is_measured_alike_without_writing(tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in")
    result = run(source, tmp_path / "out")
    for weight in result.weights:
        if weight.plan.quantization is not None:
            with source.stored.parameters.reader(weight.plan.name) as reader:
                assert quantization_error(reader, weight.plan.quantization, ALL) == weight.error


@pytest.mark.parametrize(
    ("signal", "noise", "expected"),
    [(100.0, 1.0, 20.0), (1.0, 1.0, 0.0), (1.0, 0.0, math.inf), (0.0, 0.0, math.inf),
     (0.0, 1.0, -math.inf), (1.0, math.inf, -math.inf), (1e-300, 1e300, -math.inf)],
)  # fmt: skip
def test_decibels(signal: float, noise: float, expected: float) -> None:
    assert decibels(signal, noise) == WeightError(signal, noise, 0).sqnr == expected


# ---- refusals and failures: nothing is left ----------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("elements", [5, BLOCK_ELEMENTS])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_value_that_is_not_finite_names_tensor_index_and_offset(
    value: float,
    elements: int,
    layout: Layout,
    tmp_path: Path,
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


def test_values_that_are_not_finite_are_kept_where_nothing_is_quantized(tmp_path: Path) -> None:
    builder = one_matrix(normal(2, 2))
    builder.parameter("bias", np.asarray([np.nan, np.inf], np.float32))
    run(builder.load(tmp_path / "in"), tmp_path / "out")
    assert read_records(tmp_path / "out")["bias"] == builder.records["bias"]


def test_a_quantized_model_is_not_quantized_again(tmp_path: Path) -> None:
    run(small_model().load(tmp_path / "in"), tmp_path / "once", QuantizeOptions())
    again = Model.load(tmp_path / "once")
    with pytest.raises(AlreadyQuantizedError, match="3 of its 10 weights") as caught:
        run(again, tmp_path / "twice")
    assert caught.value.tensor == "conv.w"
    assert not (tmp_path / "twice").exists()
    with pytest.raises(AlreadyQuantizedError):
        preview(again, make_plan(again, ALL), OutputOptions(tmp_path / "twice"))


@pytest.mark.parametrize("target", ["in", "in/out", "."])
def test_overlapping_folders_are_refused(target: str, tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "home" / "in")
    before = tree(tmp_path)
    with pytest.raises(OptionError, match="the output folder"):
        run(source, tmp_path / "home" / target, existing=Existing.REPLACE)
    assert tree(tmp_path) == before


def test_an_existing_folder_is_refused_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in")
    run(source, tmp_path / "out", QuantizeOptions(16))
    before = tree(tmp_path / "out")
    with pytest.raises(OutputError, match="exists already"):
        run(source, tmp_path / "out")
    assert tree(tmp_path / "out") == before
    run(source, tmp_path / "out", existing=Existing.REPLACE)
    assert tree(tmp_path / "out") != before


def test_only_models_are_replaced(tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("precious")
    with pytest.raises(OutputError, match="does not hold a model"):
        run(source, tmp_path / "thesis", existing=Existing.REPLACE)
    assert tree(tmp_path / "thesis") == {"chapter1.tex": b"precious"}


@pytest.mark.parametrize(
    "gates",
    [
        Gates(max_size=Size(1000)),
        Gates(max_size=Size(1, relative=True)),
        Gates(min_quantized=99.9),
    ],
)
def test_a_gate_that_is_not_met_leaves_nothing(gates: Gates, tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in")
    plan = make_plan(source, ALL)
    with pytest.raises(GateError):
        quantize(source, plan, OutputOptions(tmp_path / "a" / "out"), gates=gates)
    assert not (tmp_path / "a").exists()


def test_gates_that_are_met_let_pass(tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in")
    plan = make_plan(source, ALL)
    size = preview(source, plan, OutputOptions(tmp_path / "out")).sizes.after
    gates = Gates(max_size=Size(size), min_quantized=plan.quantized_share)
    quantize(source, plan, OutputOptions(tmp_path / "out"), gates=gates)
    assert sum(path.stat().st_size for path in (tmp_path / "out").iterdir()) == size


class Interrupted(BaseException):
    """What a signal handler may raise."""


@pytest.mark.parametrize("error", [Interrupted, KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_at_any_step_leaves_nothing(
    error: type[BaseException], jobs: int, tmp_path: Path
) -> None:
    source = small_model().load(tmp_path / "in")
    plan = make_plan(source, ALL)
    steps: list[Progress] = []
    quantize(source, plan, OutputOptions(tmp_path / "whole"), 1, steps.append)
    for last in range(len(steps)):
        left = threading.Semaphore(last)

        def watch(_: Progress, left: threading.Semaphore = left) -> None:
            if not left.acquire(blocking=False):
                raise error

        with pytest.raises(error):
            quantize(source, plan, OutputOptions(tmp_path / "a" / "out"), jobs, watch)
        assert not (tmp_path / "a").exists()


def failing(call: Callable[..., Any], after: int) -> Callable[..., Any]:
    """`call`, which fails as a full disk does once it has been called so often."""
    left = threading.Semaphore(after)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        if not left.acquire(blocking=False):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return call(*arguments, **options)

    return wrapped


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("call", ["pwrite", "fsync"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_full_disk_at_any_point_leaves_nothing(
    layout: Layout, call: str, jobs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = one_matrix(normal(3, 3)).load(tmp_path / "in", layout)
    for after in range(4):
        with monkeypatch.context() as patch:
            patch.setattr(os, call, failing(getattr(os, call), after))
            try:
                run(source, tmp_path / "a" / "out", jobs=jobs)
            except OutputError as error:
                assert "No space left on device" in str(error)
                assert not (tmp_path / "a").exists()
            else:
                assert after >= 2
                break


def test_a_model_that_shrinks_meanwhile_leaves_nothing(tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in", PDMODEL)
    os.truncate(tmp_path / "in" / "inference.pdiparams", 3000)
    with pytest.raises(ModelError, match="became shorter while it was read"):
        run(source, tmp_path / "a" / "out")
    assert not (tmp_path / "a").exists()


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


# ---- SELECTED_ROWS -------------------------------------------------------------------------------


def test_selected_rows_are_carried_along_to_the_byte(tmp_path: Path) -> None:
    builder = one_matrix(normal(2, 2))
    rows = os.urandom(7) * (BLOCK_ELEMENTS - 1)
    builder.selected_rows("block/rows", rows)
    builder.selected_rows("no rows", b"")
    result = run(builder.load(tmp_path / "in"), tmp_path / "out")
    files = tree(tmp_path / "out")
    assert (files["block/rows"], files["no rows"]) == (rows, b"")
    assert Model.load(tmp_path / "out").stored.carried == ("block/rows", "no rows")
    everything = sum(p.stat().st_size for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert result.sizes.after == everything


def test_selected_rows_cannot_be_put_into_a_combined_file(tmp_path: Path) -> None:
    builder = one_matrix(normal(2, 2))
    builder.selected_rows("rows", b"rows")
    source = builder.load(tmp_path / "in")
    with pytest.raises(OptionError, match=r"SELECTED_ROWS.*tensor rows"):
        run(source, tmp_path / "out", params="__params__")
    assert not (tmp_path / "out").exists()


def test_the_program_cannot_be_called_as_selected_rows_are(tmp_path: Path) -> None:
    builder = one_matrix(normal(2, 2))
    builder.selected_rows("rows", b"rows")
    with pytest.raises(OptionError, match="the program's file name is also a parameter's name"):
        run(builder.load(tmp_path / "in", SEPARATE), tmp_path / "out", program="rows")


def test_scales_of_the_wrong_type_are_quantized_already(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.mul("x", "w", normal(2, 2), w_quant_scale=Attr(AttrType.INTS, [1]))
    with pytest.raises(AlreadyQuantizedError):
        run(builder.load(tmp_path / "in"), tmp_path / "out")
