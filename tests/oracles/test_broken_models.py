"""Models broken on purpose: the check names each, and the real Paddle Lite fails or is wrong.

And on what Paddle Lite runs right, the output of Paddle's own tools included, the check is silent.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import builders
from tests.oracles import (
    envs,
    lite,
    ours,
    paddle,
    zoo,
)
from tests.oracles.conftest import Tell
from tests.oracles.jobs import Array, OracleFailed, relative_difference
from weightquant_cli import Model, QuantizeOptions, dequantize
from weightquant_cli.core.check.check import check
from weightquant_cli.core.check.findings import FindingCode
from weightquant_cli.core.quantize.output import OutputOptions
from weightquant_cli.formats import framework_pb2 as pb

pytestmark = pytest.mark.oracle

ALL = QuantizeOptions(op_types=("all",))
INT, FLOATS, INTS, LONG, FLOAT64S = 0, 4, 3, 9, 12
INT8, INT16, FP16 = 21, 1, 4


# ---- damage ---------------------------------------------------------------------------------


class Broken:
    """A quantized model whose program is edited by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "__model__"
        self.program = pb.ProgramDesc()
        self.program.ParseFromString(self.path.read_bytes())

    def save(self) -> None:
        self.path.write_bytes(self.program.SerializeToString())

    @property
    def tagged(self) -> list[pb.OpDesc]:
        """The operators that carry scales, the last first: what they spoil is not fused away."""
        return [op for op in reversed(self.program.blocks[0].ops) if self.scales(op) is not None]

    def scales(self, op: pb.OpDesc) -> pb.OpDesc.Attr | None:
        return next((a for a in op.attrs if a.name.endswith(b"_quant_scale")), None)

    def first(self, op_type: bytes = b"") -> pb.OpDesc:
        """A tagged operator (of a type)."""
        return next(op for op in self.tagged if op_type in (b"", op.type))

    def attribute(self, op: pb.OpDesc, name: bytes) -> pb.OpDesc.Attr:
        return next(a for a in op.attrs if a.name == name)

    def drop(self, op: pb.OpDesc, name: bytes) -> None:
        for index in reversed([i for i, a in enumerate(op.attrs) if a.name == name]):
            del op.attrs[index]

    def weight(self, op: pb.OpDesc) -> str:
        scales = self.scales(op)
        assert scales is not None
        return scales.name.removesuffix(b"_quant_scale").decode()


Damage = Callable[[Broken], None]


def bits(value: int) -> Damage:
    def damage(model: Broken) -> None:
        model.attribute(model.first(), b"quantize_weight_bits").i = value

    return damage


def bits_missing(model: Broken) -> None:
    model.drop(model.first(), b"quantize_weight_bits")


def bits_as_long(model: Broken) -> None:
    attr = model.attribute(model.first(), b"quantize_weight_bits")
    attr.type, attr.l = LONG, attr.i  # type: ignore[assignment]
    attr.ClearField("i")


def type_missing(model: Broken) -> None:
    model.drop(model.first(), b"quantization_type")


def type_unknown(model: Broken) -> None:
    model.attribute(model.first(), b"quantization_type").s = b"post_weight_groupwise"


def scales_of_type(number: int, field: str) -> Damage:
    def damage(model: Broken) -> None:
        attr = model.scales(model.first())
        assert attr is not None
        values = [int(v) if field == "ints" else float(v) for v in attr.floats]
        attr.ClearField("floats")
        attr.type = number  # type: ignore[assignment]
        getattr(attr, field).extend(values)

    return damage


def fewer_scales(model: Broken) -> None:
    attr = model.scales(model.first())
    assert attr is not None
    del attr.floats[-2:]


def nan_scale(model: Broken) -> None:
    attr = model.scales(model.first())
    assert attr is not None
    attr.floats[0] = float("nan")


def no_scales(model: Broken) -> None:
    op = model.first()
    attr = model.scales(op)
    assert attr is not None
    for name in (attr.name, b"quantize_weight_bits", b"quantization_type"):
        model.drop(op, name)


def declared(number: int) -> Damage:
    def damage(model: Broken) -> None:
        name = model.weight(model.first()).encode()
        for var in model.program.blocks[0].vars:
            if var.name == name:
                var.type.lod_tensor.tensor.data_type = number  # type: ignore[assignment]

    return damage


def stored_as(kind: str) -> Damage:
    def damage(model: Broken) -> None:
        name = model.weight(model.first())
        values = builders.read_arrays(model.folder)[name]
        (model.folder / name).write_bytes(builders.record(values.astype(kind)))

    return damage


def respelled(old: bytes, new: bytes) -> Damage:
    def damage(model: Broken) -> None:
        op = model.first(old)
        op.type = new
        for name in (b"x_num_col_dims", b"y_num_col_dims"):
            model.drop(op, name)

    return damage


def one_scale(model: Broken) -> None:
    attr = model.scales(model.first(b"lookup_table"))
    assert attr is not None
    del attr.floats[1:]


def turned_into_transpose(model: Broken) -> None:
    """The 32 to 32 convolution of the residual network, as conv2d_transpose."""
    op = next(
        op
        for op in reversed(model.program.blocks[0].ops)
        if op.type == b"conv2d" and op.inputs[1].arguments[0] == b"conv2d_2.w_0"
    )
    op.type = b"conv2d_transpose"


def tagged_twice(model: Broken) -> None:
    tagged = model.first()
    readers = [
        op
        for op in model.program.blocks[0].ops
        if op != tagged and any(model.weight(tagged).encode() in s.arguments for s in op.inputs)
    ]
    for name in (b"quantization_type", b"quantize_weight_bits", *[_scale_name(model, tagged)]):
        readers[0].attrs.add().CopyFrom(model.attribute(tagged, name))


def _scale_name(model: Broken, op: pb.OpDesc) -> bytes:
    attr = model.scales(op)
    assert attr is not None
    return attr.name


@dataclass(frozen=True)
class Case:
    """A damage, the model it is done to, and what the check must call it."""

    label: str
    code: FindingCode
    damage: Damage
    model: str = "grouped"
    also_fp32: bool = False  # the damage is a valid FP32 model too: that one is the reference


CASES = [
    Case("two tags on one weight", FindingCode.SEVERAL_TAGS, tagged_twice, "shared_mul_mul"),
    Case("bits 12", FindingCode.BITS_VALUE, bits(12)),
    Case("bits 16 on INT8 data", FindingCode.BITS_STORAGE, bits(16)),
    Case("no quantize_weight_bits", FindingCode.BITS_MISSING, bits_missing),
    Case("quantize_weight_bits as LONG", FindingCode.BITS_TYPE, bits_as_long),
    Case("INT8 VarDesc", FindingCode.DECLARED_TYPE, declared(INT8)),
    Case("INT16 VarDesc", FindingCode.DECLARED_TYPE, declared(INT16)),
    Case("INTS scales", FindingCode.SCALES_TYPE, scales_of_type(INTS, "ints")),
    Case("FLOAT64S scales", FindingCode.SCALES_TYPE, scales_of_type(FLOAT64S, "float64s")),
    Case("missing quantization_type", FindingCode.TYPE_MISSING, type_missing),
    Case("unknown quantization_type", FindingCode.TYPE_VALUE, type_unknown),
    Case("wrong number of scales", FindingCode.SCALES_COUNT, fewer_scales),
    Case("NaN scale", FindingCode.SCALES_VALUE, nan_scale),
    Case("INT8 data without scales", FindingCode.NO_SCALES, no_scales),
    Case("tag on FP32 data", FindingCode.STORAGE, stored_as("float32")),
    Case("integers stored as INT32", FindingCode.STORAGE, stored_as("int32")),
    Case("matmul_v2 tagged", FindingCode.OPERATOR, respelled(b"mul", b"matmul_v2")),
    Case(
        "lookup_table_v2 tagged",
        FindingCode.OPERATOR,
        respelled(b"lookup_table", b"lookup_table_v2"),
        "text",
    ),
    Case("lookup_table with one scale", FindingCode.SCALES_COUNT, one_scale, "text"),
    Case(
        "conv2d_transpose tagged",
        FindingCode.OPERATOR,
        turned_into_transpose,
        "resnet",
        also_fp32=True,
    ),
]


def difference_in_lite(folder: Path, expected: list[Array], scratch: Path, name: str) -> float:
    """How far Paddle Lite is off on a model; inf where opt or the runtime fails, or for NaN."""
    scratch.mkdir(exist_ok=True)
    model = zoo.model(name)
    converted = lite.convert("2.12", folder, "__model__", None, scratch / "x86", "x86")
    if converted.nb is None:
        return float("inf")
    try:
        return relative_difference(lite.run("2.12", converted.nb, model.feeds), expected)
    except OracleFailed:
        return float("inf")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label.replace(" ", "_"))
def test_the_check_names_what_paddle_lite_fails_on(case: Case, tmp_path: Path, tell: Tell) -> None:
    envs.require(envs.PADDLE_18)
    model = zoo.model(case.model)
    folder = tmp_path / "quantized"
    ours.quantized(model, folder, ALL)
    fp32 = ours.dequantized(folder, model, tmp_path / "fp32")
    expected = ours.lite_outputs("2.12", fp32, model, tmp_path / "a")
    assert check(Model.load(folder)).findings == ()
    assert difference_in_lite(folder, expected, tmp_path / "b", case.model) <= 1e-5
    for place in (folder, fp32) if case.also_fp32 else (folder,):
        broken = Broken(place)
        case.damage(broken)
        broken.save()
    if case.also_fp32:
        expected = ours.lite_outputs("2.12", fp32, model, tmp_path / "d")
    found = check(Model.load(folder))
    off = difference_in_lite(folder, expected, tmp_path / "c", case.model)
    assert case.code in {finding.code for finding in found.errors}
    assert not found.ok
    assert off > 1e-3
    how = "fails" if off == float("inf") else f"is off by {off:.1e}"
    tell(f"broken, {case.label}: check says {case.code.value}, Paddle Lite {how}")


# ---- outputs of Paddle's own tools ----------------------------------------------------------

# Hold channels whose scale is subnormal: clipped, so further off in units of that scale.
SUBNORMAL = {"conv2d_106.w_0", "conv2d_117.w_0", "conv2d_176.w_0", "conv2d_180.w_0"}

RIGHT_BY_PADDLE = ["digits", "mobilenet_v1", "grouped", "resnet", "text", "subblock"]
WRONG_BY_PADDLE = ["shared_mul_mul", "shared_conv_conv", "shared_depthwise", "shared_fc_fc"]


def by_paddle(model: zoo.ZooModel, version: str, out: Path, kind: str, bits: int) -> Path:
    job = paddle.QuantizeJob.of(model, out, weight_bits=bits, weight_quantize_type=kind)
    paddle.quantize(version, [job])
    return out / "quantized_model"


@pytest.mark.parametrize("kind", ["channel_wise_abs_max", "abs_max"])
@pytest.mark.parametrize("name", RIGHT_BY_PADDLE)
def test_silent_on_what_paddle_1_8_5_writes_right(name: str, kind: str, tmp_path: Path) -> None:
    envs.require(envs.PADDLE_18)
    folder = by_paddle(zoo.model(name), "1.8.5", tmp_path / "paddle", kind, 8)
    found = check(Model.load(folder))
    assert found.findings == ()
    assert found.quantized > 0


@pytest.mark.parametrize("name", WRONG_BY_PADDLE)
def test_flags_the_shared_weights_that_paddle_quantizes_twice(name: str, tmp_path: Path) -> None:
    envs.require(envs.PADDLE_18)
    folder = by_paddle(zoo.model(name), "1.8.5", tmp_path / "paddle", "channel_wise_abs_max", 8)
    assert FindingCode.SEVERAL_TAGS in {f.code for f in check(Model.load(folder)).errors}


@pytest.mark.parametrize("name", ["ppocr_det", "ppocr_rec", "ppocr_cls"])
def test_silent_on_what_paddle_2_6_2_writes_right(name: str, tmp_path: Path) -> None:
    envs.require(envs.PADDLE_26, envs.PPOCR)
    model = zoo.model(name)
    folder = by_paddle(model, "2.6.2", tmp_path / "paddle", "channel_wise_abs_max", 8)
    found = check(Model.load(folder), ours.load(model))
    # What opt demands of a program is another matter: Paddle leaves out the beta of a swish.
    assert [one for one in found.errors if isinstance(one.code, FindingCode)] == []


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize(
    "name", ["resnet", "transformer_1x", "subblock", "transformer_2x", "linears_2x", "ppocr_rec"]
)
def test_silent_on_our_own_and_errors_are_half_a_scale(
    name: str, bits: int, tmp_path: Path
) -> None:
    envs.require(envs.PADDLE_18, envs.PADDLE_26, envs.PPOCR)
    model = zoo.model(name)
    ours.quantized(model, tmp_path / "q", QuantizeOptions(bits=bits, op_types=("all",)))
    found = check(Model.load(tmp_path / "q"), ours.load(model))
    assert found.findings == ()
    assert found.comparison is not None
    assert len(found.comparison.weights) == found.quantized > 0
    # Quotient and product are rounded to float32: two roundings of numbers up to 2^(bits-1).
    allowed = 0.5 + 2.0 ** (bits - 1) * 2.0**-23
    beyond = {w.name for w in found.comparison.weights if w.max_in_scales > allowed}
    assert beyond <= (SUBNORMAL if name == "ppocr_rec" else set())


@pytest.mark.parametrize("name", ["resnet", "transformer_1x", "resnet18_2x", "ppocr_cls"])
def test_paddle_computes_from_the_dequantized_model_what_lite_computes(
    name: str, tmp_path: Path, tell: Tell
) -> None:
    envs.require(envs.PADDLE_18, envs.PADDLE_26, envs.PPOCR)
    model = zoo.model(name)
    folder = tmp_path / "quantized"
    ours.quantized(model, folder, ALL)
    loaded = Model.load(folder, model.program, model.params)
    dequantize(loaded, OutputOptions(tmp_path / "fp32", strip_callstack=False))
    (in_paddle,) = paddle.run(
        model.paddle,
        [paddle.RunJob(tmp_path / "fp32", model.program, model.params, model.feeds)],
    )
    in_lite = ours.lite_outputs("2.12", folder, model, tmp_path / "lite")
    difference = relative_difference(in_lite, in_paddle)
    assert difference <= 1e-4
    tell(f"dequantized {name} in Paddle {model.paddle} beside the .nb in Lite: {difference:.1e}")


def test_a_copy_is_not_harmed_by_checking(tmp_path: Path) -> None:
    envs.require(envs.PADDLE_18)
    copy = shutil.copytree(zoo.model("resnet").folder, tmp_path / "copy")
    before = builders.tree(copy)
    check(Model.load(copy))
    assert builders.tree(copy) == before
