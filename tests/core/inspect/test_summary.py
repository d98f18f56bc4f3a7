"""What `inspect` shows, from headers alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from weightquant_cli import (
    Model,
    ModelSummary,
    Order,
    OutputOptions,
    QuantizeOptions,
    Verdict,
    WeightQuantizeType,
    WeightSummary,
    make_plan,
    ordered,
    quantize,
    summarize,
)
from weightquant_cli.core.lite.tags import BITS_ATTRIBUTE, SCALE_SUFFIX, TYPE_ATTRIBUTE
from weightquant_cli.formats import dtypes
from weightquant_cli.formats.lod_tensor import header_bytes
from weightquant_cli.formats.params import TensorReader
from weightquant_cli.formats.program import AttrType, Operator, Program

DIGITS = Path(__file__).parents[2] / "models" / "digits"
FC = "fc_0.w_0"


def named(summary: ModelSummary, name: str) -> WeightSummary:
    return next(weight for weight in summary.weights if weight.name == name)


def quantized(folder: Path, options: QuantizeOptions) -> Model:
    model = Model.load(DIGITS)
    quantize(model, make_plan(model, options), OutputOptions(folder))
    return Model.load(folder)


def edited(folder: Path, source: Path, edit: Callable[[Program], None]) -> Model:
    """The model with its program edited."""
    shutil.copytree(source, folder)
    program = Program.parse((folder / "__model__").read_bytes(), folder)
    edit(program)
    (folder / "__model__").write_bytes(program.serialize())
    return Model.load(folder)


def fc(program: Program) -> Operator:
    """The operator that reads the largest weight."""
    return next(
        operator for _, _, operator in program.operators() if FC in operator.inputs.get("Y", ())
    )


@pytest.fixture(scope="module")
def fp32() -> ModelSummary:
    return summarize(Model.load(DIGITS))


def test_an_fp32_model_is_called_fp32(fp32: ModelSummary) -> None:
    assert fp32.headline == "FP32"
    assert (fp32.paddle_version, fp32.files.layout) == ("1.8.5", "separate")


def test_sizes_are_those_on_disk(fp32: ModelSummary) -> None:
    files = {path.name: path.stat().st_size for path in DIGITS.iterdir()}
    assert fp32.program_size == files.pop("__model__")
    assert fp32.params_size == sum(files.values())


def test_inputs_and_outputs_have_names_types_and_shapes(fp32: ModelSummary) -> None:
    (port,) = fp32.inputs
    assert (port.name, port.dtype, port.shape) == ("image", dtypes.FP32, (-1, 1, 8, 8))
    assert [(port.dtype, port.shape) for port in fp32.outputs] == [(dtypes.FP32, (-1, 10))]


def test_operators_are_counted_the_most_frequent_first(fp32: ModelSummary) -> None:
    assert fp32.operators[:3] == (("relu", 5), ("batch_norm", 4), ("conv2d", 3))
    assert not {"feed", "fetch"} & dict(fp32.operators).keys()


def test_every_weight_has_a_verdict_and_a_share(fp32: ModelSummary) -> None:
    assert {weight.verdict for weight in fp32.weights} == {Verdict.QUANTIZABLE, Verdict.KEPT}
    assert sum(weight.share for weight in fp32.weights) == pytest.approx(100)
    bias = named(fp32, "fc_0.b_0")
    assert bias.reason is not None
    assert bias.reason.text == "it is a bias or norm (elementwise_add)"


def test_a_weight_that_takes_an_option_says_which(fp32: ModelSummary) -> None:
    weight = named(fp32, "depthwise_conv2d_0.w_0")
    assert weight.verdict is Verdict.QUANTIZABLE
    assert weight.reason is not None
    assert weight.reason.remedy == "`op_types` depthwise_conv2d or all"
    assert named(fp32, FC).reason is None


@pytest.mark.parametrize("bits", [8, 16])
def test_the_size_to_expect_is_the_size_to_the_byte(
    fp32: ModelSummary, tmp_path: Path, bits: int
) -> None:
    quantized(tmp_path / "q", QuantizeOptions(bits=bits))
    written = sum(path.stat().st_size for path in (tmp_path / "q").iterdir())
    (expected,) = [expected for expected in fp32.expected if expected.bits == bits]
    assert expected.sizes.after == written


@pytest.mark.parametrize(
    ("options", "headline"),
    [
        (QuantizeOptions(), "INT8 channel-wise, 5 of 24 weights"),
        (QuantizeOptions(bits=12), "INT16 channel-wise, 5 of 24 weights"),
        (
            QuantizeOptions(weight_quantize_type=WeightQuantizeType.ABS_MAX),
            "INT8 per tensor, 5 of 24 weights",
        ),
        (
            QuantizeOptions(bits_for=(("fc_*.w_0", 16),)),
            "mixed: 3 INT8 channel-wise, 2 INT16 channel-wise, of 24 weights",
        ),
    ],
)
def test_a_quantized_model_says_how(
    tmp_path: Path, options: QuantizeOptions, headline: str
) -> None:
    summary = summarize(quantized(tmp_path / "q", options))
    assert summary.headline == headline
    assert summary.expected == ()


def test_the_scales_are_those_of_the_weight(tmp_path: Path) -> None:
    scales = named(summarize(quantized(tmp_path / "q", QuantizeOptions())), FC).scales
    values = np.fromfile(DIGITS / FC, "<f4", offset=(DIGITS / FC).stat().st_size - 4 * 1024 * 32)
    expected = np.abs(values.reshape(1024, 32)).max(axis=0) / 127
    assert scales is not None
    assert (scales.bits, scales.count) == (8, 32)
    assert (scales.smallest, scales.largest) == pytest.approx((expected.min(), expected.max()))


def test_what_was_not_chosen_when_quantizing_stays_as_it_is(tmp_path: Path) -> None:
    options = QuantizeOptions(op_types=("conv2d",))
    weight = named(summarize(quantized(tmp_path / "q", options)), FC)
    assert weight.verdict is Verdict.KEPT
    assert weight.reason is not None
    assert weight.reason.text == "stayed FP32 when the model was quantized"


def test_without_quantization_type_the_number_of_scales_decides(tmp_path: Path) -> None:
    model = quantized(
        tmp_path / "q", QuantizeOptions(weight_quantize_type=WeightQuantizeType.ABS_MAX)
    )

    def untype(program: Program) -> None:
        for _, _, operator in program.operators():
            operator.remove_attribute(TYPE_ATTRIBUTE)

    old = edited(tmp_path / "old", model.files.folder, untype)
    assert summarize(old).headline == "INT8 per tensor, 5 of 24 weights"


def test_integers_without_scales_are_pointed_out(tmp_path: Path) -> None:
    model = quantized(tmp_path / "q", QuantizeOptions())

    def untag(program: Program) -> None:
        fc(program).remove_attribute(FC + SCALE_SUFFIX)

    bare = edited(tmp_path / "bare", model.files.folder, untag)
    weight = named(summarize(bare), FC)
    assert weight.verdict is Verdict.KEPT
    assert weight.reason is not None
    assert weight.reason.text == "INT8 without scales: Paddle Lite computes garbage"
    assert summarize(bare).headline == (
        "mixed: 4 INT8 channel-wise, 1 INT8 without scales, of 24 weights"
    )


def test_floats_with_scales_are_pointed_out(tmp_path: Path) -> None:
    tagged = edited(
        tmp_path / "tagged",
        DIGITS,
        lambda program: fc(program).set_attribute(FC + SCALE_SUFFIX, AttrType.FLOATS, (1.0,)),
    )
    weight = named(summarize(tagged), FC)
    assert weight.reason is not None
    assert weight.reason.text == "FP32 with scales: Paddle Lite computes garbage"
    assert weight.scales is not None
    assert weight.scales.bits is None
    assert summarize(tagged).headline == "FP32 with scales, 1 of 24 weights"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (AttrType.INTS, (0,) * 32),
        (AttrType.STRING, "none"),
        (AttrType.FLOATS, ()),
        (AttrType.FLOATS, (1.0, float("nan"))),
    ],
)
def test_scales_of_any_kind_are_shown_without_a_fault(
    tmp_path: Path, kind: AttrType, value: tuple[int, ...]
) -> None:
    model = quantized(tmp_path / "q", QuantizeOptions())

    def damage(program: Program) -> None:
        fc(program).set_attribute(FC + SCALE_SUFFIX, kind, value)
        fc(program).set_attribute(BITS_ATTRIBUTE, AttrType.STRING, "eight")

    scales = named(summarize(edited(tmp_path / "x", model.files.folder, damage)), FC).scales
    assert scales is not None
    assert scales.bits is None
    assert (scales.smallest is None) == (kind is not AttrType.INTS)


def test_a_model_without_feed_and_fetch_has_no_ports(tmp_path: Path) -> None:
    def unplug(program: Program) -> None:
        for _, _, operator in program.operators():
            if operator.type in ("feed", "fetch"):
                operator.type = "print"

    summary = summarize(edited(tmp_path / "x", DIGITS, unplug))
    assert (summary.inputs, summary.outputs) == ((), ())


def test_inputs_stand_in_the_order_of_their_columns(tmp_path: Path) -> None:
    def add(program: Program) -> None:
        feed = program.blocks[0].insert_operator(0, "feed")
        feed.set_output("Out", ["unknown"])
        feed.set_attribute("col", AttrType.INT, 1)

    summary = summarize(edited(tmp_path / "x", DIGITS, add))
    assert [port.name for port in summary.inputs] == ["image", "unknown"]
    assert (summary.inputs[1].dtype, summary.inputs[1].shape) == (None, None)


def test_another_type_of_float_is_named(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(DIGITS, tmp_path / "half"))
    header = header_bytes(bytes(12), dtypes.FP16, (1024, 32))
    (folder / FC).write_bytes(header + bytes(2 * 1024 * 32))
    summary = summarize(Model.load(folder))
    assert summary.headline == "FP32 and FP16"
    assert named(summary, FC).verdict is Verdict.KEPT


def test_orders(fp32: ModelSummary) -> None:
    by_size = [weight.record.data_size for weight in ordered(fp32.weights, Order.SIZE)]
    assert by_size == sorted(by_size, reverse=True)
    assert ordered(fp32.weights, Order.NAME) == fp32.weights
    assert len(ordered(fp32.weights, Order.SQNR)) == len(fp32.weights)


def test_no_weights_data_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("data was read")

    monkeypatch.setattr(TensorReader, "read_data", refuse)
    summarize(Model.load(DIGITS))


def test_of_ten_gigabytes_only_kilobytes_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = (50_000, 50_000)
    folder = Path(shutil.copytree(DIGITS, tmp_path / "large"))
    program = Program.parse((folder / "__model__").read_bytes(), folder)
    variable = next(v for v in program.blocks[0].variables if v.name == FC)
    variable.shape = shape
    (folder / "__model__").write_bytes(program.serialize())
    header = header_bytes(bytes(12), dtypes.FP32, shape)
    (folder / FC).write_bytes(header)
    os.truncate(folder / FC, len(header) + 4 * 50_000 * 50_000)  # sparse
    read = 0
    pread = os.pread

    def counting(descriptor: int, size: int, offset: int) -> bytes:
        nonlocal read
        data = pread(descriptor, size, offset)
        read += len(data)
        return data

    monkeypatch.setattr(os, "pread", counting)
    summary = summarize(Model.load(folder))
    assert named(summary, FC).record.data_size == 10_000_000_000
    program_size = (folder / "__model__").stat().st_size
    assert program_size < read < program_size + 20_000
