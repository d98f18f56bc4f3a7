"""Quantized models, right and broken on purpose: what the check says of them, and Paddle Lite does.

Paddle Lite's side is measured by `test_check_against_lite.py`; `core/lite/FACTS.md` and those
measurements are where the rows come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tests.builders import Attr
from tests.core.check.check_drafts import (
    beside,
    channel_of_zeros,
    conv,
    conv_with_bias,
    declared,
    even,
    fc,
    lookup,
    matmul,
    mul,
    mul_and_bias,
    negative,
    one,
    outermost,
    shared_conv,
    two_convs,
    two_muls,
    weight_on_the_left,
    with_parameter,
)
from tests.core.check.drafts import TENSOR, Draft
from weightquant_cli.core.check.findings import FindingCode as Code
from weightquant_cli.formats.program import AttrType

Make = Callable[[], Draft]


@dataclass(frozen=True)
class Case:
    """A model, what the check must say, and what Paddle Lite does.

    Attributes:
        name: of the case.
        draft: makes the model.
        errors: codes of the findings that are errors.
        warnings: codes of those that are not.
        right: whether Paddle Lite 2.12 and 2.13rc0 compute rightly on x86; None where that cannot
            be told there (they are wrong in FP32 as well, or only `opt` for arm aborts).
    """

    name: str
    draft: Make
    errors: frozenset[Code] = frozenset()
    warnings: frozenset[Code] = frozenset()
    right: bool | None = True


RIGHT: dict[str, Make] = {
    "mul channel-wise": mul,
    "mul int16": partial(mul, {"limit": 32767}, dtype="int16", bits=16),
    "mul twelve bits in int16": partial(mul, {"limit": 2047}, dtype="int16", bits=16),
    "mul abs_max": partial(mul, even(), **one()),
    "mul abs_max with equal scales": partial(mul, even(), kind=TENSOR),
    "mul without type, one scale": partial(mul, even(), scales=[2.0**-6], kind=None),
    "mul with the weight on the left": weight_on_the_left,
    "strange name": partial(mul, name="a b:中@/x"),
    "minus 128": partial(outermost, -128, "int8"),
    "minus 32768": partial(outermost, -32768, "int16"),
    "channel of zeros with scale 0": partial(channel_of_zeros, 0.0),
    "channel of zeros with scale 1": partial(channel_of_zeros, 1.0),
    "declared FP64": partial(declared, 6),
    "conv channel-wise": conv,
    "conv int16": partial(conv, {"limit": 32767}, dtype="int16", bits=16),
    "conv abs_max": partial(conv, even(), **one()),
    "conv with batch_norm": partial(conv, normed=True),
    "conv without type, one scale": partial(conv, even(), scales=[2.0**-6], kind=None),
    "depthwise": partial(conv, depthwise=True),
    "depthwise abs_max": partial(conv, even(), depthwise=True, **one()),
    "conv bias": conv_with_bias,
    "conv bias, then relu": partial(conv_with_bias, "relu"),
    "conv bias abs_max": partial(conv_with_bias, **one()),
    "shared conv, first tagged": partial(shared_conv, 0),
    "shared conv, last tagged": partial(shared_conv, 1),
    "fc channel-wise": fc,
    "fc int16": partial(fc, {"limit": 32767}, dtype="int16", bits=16),
    "fc abs_max with a scale per channel": partial(fc, kind=TENSOR),
    "fc without type, channel-wise": partial(fc, kind=None),
    "lookup_table channel-wise": lookup,
    "lookup_table int16": partial(lookup, {"limit": 32767}, dtype="int16", bits=16),
    "lookup_table abs_max with a scale per column": partial(lookup, kind=TENSOR),
    "lookup_table without type, channel-wise": partial(lookup, kind=None),
    "matmul channel-wise": matmul,
    "matmul abs_max with a scale per column": partial(matmul, kind=TENSOR),
    "matmul without type, channel-wise": partial(matmul, kind=None),
    "parameter of int8": partial(with_parameter, "int8"),
    "parameter of int16": partial(with_parameter, "int16"),
    "parameter of int32": partial(with_parameter, "int32"),
    "parameter of int64": partial(with_parameter, "int64"),
    "parameter of uint8": partial(with_parameter, "uint8"),
    "read by scale too": partial(beside, "scale", scale=2.0, bias=0.0, bias_after_scale=True),
    "read by relu too": partial(beside, "relu"),
    "read by softmax too": partial(beside, "softmax", axis=-1),
    "read by elementwise_add too": partial(beside, "elementwise_add", axis=-1),
    "read by matmul_v2 too": partial(beside, "matmul_v2", trans_x=False, trans_y=True),
    "read by lookup_table too": partial(beside, "lookup_table"),
    "read by lookup_table_v2 too": partial(beside, "lookup_table_v2"),
    "read by stack too": partial(beside, "stack", axis=0),
    "two convs 10 5 11 without type": partial(two_convs, (10, 5, 11)),
    "two convs 4 4 4 without type": partial(two_convs, (4, 4, 4)),
    "two convs 16 8 4 without type": partial(two_convs, (16, 8, 4)),
    "two convs without type, relu between": partial(two_convs, (3, 8, 16), "relu"),
    "two convs of 3x3 without type": partial(two_convs, (3, 8, 16), kernel=3),
}
"""Paddle Lite computes rightly, and the check is silent."""

SUSPICIOUS: dict[str, tuple[Code, Make]] = {
    "negative scales": (Code.SCALES_VALUE, negative),
    "negative scales and batch_norm": (Code.SCALES_VALUE, partial(negative, normed=True)),
    "scales for nothing": (Code.TAG_WITHOUT_WEIGHT, partial(mul_and_bias, "ghost")),
}
"""Paddle Lite computes rightly, and yet no quantizer writes this: a warning."""

UNTOLD: dict[str, Make] = {"two convs with type": partial(two_convs, (3, 8, 16), kind=TENSOR)}
"""Right, where Paddle Lite is wrong in FP32: opt does not fuse what it sees to be quantized."""

WRONG: dict[str, tuple[Code, Make]] = {
    "two tags": (Code.SEVERAL_TAGS, partial(shared_conv, 0, 1)),
    "read twice by one operator": (Code.SEVERAL_TAGS, partial(weight_on_the_left, both=True)),
    "shared before batch_norm": (Code.SHARED_BATCH_NORM, partial(shared_conv, 0, normed=True)),
    "bits 12": (Code.BITS_VALUE, partial(mul, bits=12)),
    "bits 0": (Code.BITS_VALUE, partial(mul, bits=0)),
    "bits 16 of int8": (Code.BITS_STORAGE, partial(mul, bits=16)),
    "bits 8 of int16": (Code.BITS_STORAGE, partial(mul, {"limit": 32767}, dtype="int16")),
    "bits missing": (Code.BITS_MISSING, partial(mul, bits=None)),
    "bits LONG": (Code.BITS_TYPE, partial(mul, bits=Attr(AttrType.LONG, 8))),
    "bits STRING": (Code.BITS_TYPE, partial(mul, bits="8")),
    "type unknown": (Code.TYPE_VALUE, partial(mul, kind="post_weight_groupwise")),
    "type INT": (Code.TYPE_VALUE, partial(mul, kind=1)),
    "mul without type, channel-wise": (Code.TYPE_MISSING, partial(mul, kind=None)),
    "conv without type, channel-wise": (Code.TYPE_MISSING, partial(conv, kind=None)),
    "two convs 3 8 16": (Code.TYPE_MISSING, partial(two_convs, (3, 8, 16))),
    "two convs 10 5 9": (Code.TYPE_MISSING, partial(two_convs, (10, 5, 9))),
    "two convs 4 4 8": (Code.TYPE_MISSING, partial(two_convs, (4, 4, 8))),
    "two convs, bias between": (Code.TYPE_MISSING, partial(two_convs, (3, 8, 16), "bias")),
    "two convs, batch_norm": (Code.TYPE_MISSING, partial(two_convs, (3, 8, 16), "batch_norm")),
    "two convs, first tagged": (Code.TYPE_MISSING, partial(two_convs, (3, 8, 16), tagged=[0])),
    "two convs, second tagged": (Code.TYPE_MISSING, partial(two_convs, (3, 8, 16), tagged=[1])),
    "mul abs_max, different scales": (Code.SCALES_COUNT, partial(mul, kind=TENSOR)),
    "conv abs_max, different scales": (Code.SCALES_COUNT, partial(conv, kind=TENSOR)),
    "mul channel-wise, one scale": (Code.SCALES_COUNT, partial(mul, even(), scales=[2.0**-6])),
    "conv channel-wise, one scale": (Code.SCALES_COUNT, partial(conv, even(), scales=[2.0**-6])),
    "mul, a scale too few": (Code.SCALES_COUNT, partial(mul, scales=[0.01] * 5)),
    "conv bias, one scale": (Code.SCALES_COUNT, partial(conv_with_bias, scales=[0.01])),
    "fc abs_max": (Code.SCALES_COUNT, partial(fc, even(), **one())),
    "fc without type, one scale": (Code.SCALES_COUNT, partial(fc, scales=[0.01], kind=None)),
    "lookup_table abs_max": (Code.SCALES_COUNT, partial(lookup, even(), **one())),
    "lookup_table, a scale per row": (Code.SCALES_COUNT, partial(lookup, scales=[0.01] * 9)),
    "matmul abs_max": (Code.SCALES_COUNT, partial(matmul, even(), **one())),
    "no scale": (Code.SCALES_COUNT, partial(mul, scales=[])),
    "no scale, abs_max": (Code.SCALES_COUNT, partial(mul, scales=[], kind=TENSOR)),
    "scales INTS": (Code.SCALES_TYPE, partial(mul, scales=Attr(AttrType.INTS, [0] * 6))),
    "scales FLOAT64S": (Code.SCALES_TYPE, partial(mul, scales=Attr(AttrType.FLOAT64S, [0.1] * 6))),
    "scales FLOAT": (Code.SCALES_TYPE, partial(mul, even(), scales=Attr(AttrType.FLOAT, 0.1))),
    "scale NaN": (Code.SCALES_VALUE, partial(mul, scales=[float("nan")] + [0.01] * 5)),
    "scale infinite": (Code.SCALES_VALUE, partial(mul, scales=[float("inf")] + [0.01] * 5)),
    "scale too large": (Code.OVERFLOW, partial(mul, scales=[3e38] + [0.01] * 5)),
    "no scales": (Code.NO_SCALES, partial(mul, scales=None, bits=None, kind=None)),
    "scales of the next operator": (Code.TAG_NOT_READ, partial(mul_and_bias, "b")),
    "scales of an activation": (Code.TAG_WITHOUT_WEIGHT, partial(mul_and_bias, "x")),
    "tag on FP32": (Code.STORAGE, partial(mul, dtype="float32")),
    "integers of int32": (Code.STORAGE, partial(mul, dtype="int32")),
    "integers of int64": (Code.STORAGE, partial(mul, dtype="int64")),
    "declared INT16": (Code.DECLARED_TYPE, partial(declared, 1)),
    "declared INT32": (Code.DECLARED_TYPE, partial(declared, 2)),
    "declared INT64": (Code.DECLARED_TYPE, partial(declared, 3)),
    "declared FP16": (Code.DECLARED_TYPE, partial(declared, 4)),
    "declared INT8": (Code.DECLARED_TYPE, partial(declared, 21)),
    "reserved name": (Code.RESERVED_NAME, partial(mul, name="a/target_trans")),
    "parameter of float16": (Code.FLOAT16, partial(with_parameter, "float16")),
    "parameter of bool": (Code.STORED_TYPE, partial(with_parameter, "bool")),
    "parameter of float64": (Code.STORED_TYPE, partial(with_parameter, "float64")),
    "parameter of uint16": (Code.STORED_TYPE, partial(with_parameter, "uint16")),
    "parameter of complex64": (Code.STORED_TYPE, partial(with_parameter, "complex64")),
    "matmul_v2": (Code.OPERATOR, partial(matmul, op_type="matmul_v2")),
    "matmul transposed": (Code.OPERATOR, partial(matmul, attrs={"transpose_Y": True})),
    "matmul with alpha": (Code.OPERATOR, partial(matmul, attrs={"alpha": 2.0})),
    "matmul of rank 3": (Code.OPERATOR, partial(matmul, x=(-1, 3, 16))),
    "conv bias, then batch_norm": (Code.BIAS, partial(conv_with_bias, "batch_norm")),
    "conv bias, then another": (Code.BIAS, partial(conv_with_bias, "elementwise_add")),
    "read by reshape2 too": (Code.OTHER_READER, partial(beside, "reshape2", shape=[16, 16])),
    "read by squeeze2 too": (Code.OTHER_READER, partial(beside, "squeeze2", axes=[])),
    "read by flatten2 too": (Code.OTHER_READER, partial(beside, "flatten2", axis=1)),
    "read by expand too": (Code.OTHER_READER, partial(beside, "expand", expand_times=[1, 1])),
    "read by assign too": (Code.OTHER_READER, partial(beside, "assign")),
    "read by gather too": (Code.OTHER_READER, partial(beside, "gather")),
}
"""Paddle Lite aborts or is wrong on x86, and the check names it."""

WRONG_ON_ARM: dict[str, tuple[Code, Make]] = {
    "read by transpose2 too": (Code.OTHER_READER, partial(beside, "transpose2", axis=[1, 0])),
    "read by concat too": (Code.OTHER_READER, partial(beside, "concat", axis=0)),
}
"""`opt` aborts where it converts for arm."""


def _cases() -> Iterator[Case]:
    for name, draft in RIGHT.items():
        yield Case(name, draft)
    for name, draft in UNTOLD.items():
        yield Case(name, draft, right=None)
    for name, (code, draft) in SUSPICIOUS.items():
        yield Case(name, draft, warnings=frozenset({code}))
    for name, (code, draft) in WRONG.items():
        yield Case(name, draft, frozenset({code}), right=False)
    for name, (code, draft) in WRONG_ON_ARM.items():
        yield Case(name, draft, frozenset({code}), right=None)
    yield Case(
        "scales on another operator",
        partial(two_muls, operators=[2]),
        frozenset({Code.NO_SCALES}),
        frozenset({Code.TAG_NOT_READ}),
        right=False,
    )


CASES = tuple(_cases())
