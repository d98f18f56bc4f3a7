"""Uses of an operator that Paddle Lite has and gets wrong: one small rule for each, all measured.

Answers were measured on x86. A rule is listed where the fault lies in code that ARM shares (the
operator's own checks, or a kernel for the host), or where the public source of the ARM kernel shows
the same. DEMANDS.md has the measurement behind each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ....formats import dtypes
from ....formats.program import Operator
from .demand import DemandCode, Effect
from .position import Declarations, Position

AS_NCHW = "export the model with NCHW layout"


@dataclass(frozen=True)
class Limit:
    """A use that Paddle Lite does not get right: what it is, what happens, what to do."""

    code: DemandCode
    effect: Effect
    text: str
    remedy: str


@dataclass(frozen=True)
class Use:
    """An operator where it stands, as the rules look at it."""

    operator: Operator
    position: Position
    declarations: Declarations
    version: str
    stored: Mapping[str, dtypes.DataType]

    def shape(self, slot: str) -> tuple[int, ...] | None:
        """Declared dims of the first variable in an input slot."""
        names = self.operator.inputs.get(slot)
        return self.declarations.shape(self.position.block, names[0]) if names else None

    def dtype(self, slot: str) -> dtypes.DataType | None:
        """Type of the first variable in an input slot."""
        names = self.operator.inputs.get(slot)
        return self.dtype_of(names[0]) if names else None

    def dtype_of(self, name: str) -> dtypes.DataType | None:
        """A variable's type: as it is stored, or else as it is declared."""
        return self.stored.get(name) or self.declarations.dtype(self.position.block, name)


Rule = Callable[[Use], Limit | None]

_B, _I32, _I64, _F32, _U8, _I8 = 0, 2, 3, 5, 20, 21
CASTS = frozenset(
    {
        *((_B, _B), (_B, _I32), (_B, _I64), (_B, _F32)),
        *((_I32, _B), (_I32, _I32), (_I32, _I64), (_I32, _F32)),
        *((_I64, _I32), (_I64, _I64), (_I64, _F32)),
        *((_F32, _B), (_F32, _I32), (_F32, _I64), (_F32, _F32), (_F32, _U8)),
        *((_U8, _F32), (_I8, _F32)),
    }
)
"""Pairs of types, by their numbers, that the kernel of `cast` converts between."""

FROM_2_12 = "use Paddle Lite 2.12 or newer"

_UP_TO_2_11 = ("2.9", "2.10", "2.11")
_VALUES = ("bool_values", "fp32_values", "int32_values", "int64_values")
_LONGEST = 40
_OPEN_END = (1 << 31) - 1
"""What Paddle writes for the end of an open slice."""


def shown(value: object) -> str:
    """An attribute's value for a message, cut where a stranger's program has a long one."""
    text = str(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def _layout(use: Use) -> Limit | None:
    for name in ("data_format", "data_layout"):
        layout = use.operator.value(name)
        if layout in ("NHWC", "NDHWC", "NLC"):
            aborts = use.operator.type in ("batch_norm", "sync_batch_norm")
            effect = Effect.NOT_CONVERTED if aborts else Effect.WRONG
            return Limit(
                DemandCode.LAYOUT, effect, f"its layout {layout} is taken for NCHW", AS_NCHW
            )
    return None


def _bare_layer_norm(use: Use) -> Limit | None:
    inputs = use.operator.inputs
    if inputs.get("Scale") and inputs.get("Bias"):
        return None
    return Limit(
        DemandCode.LAYER_NORM_WITHOUT_SCALE,
        Effect.NOT_CONVERTED,
        "without Scale or Bias opt crashes",
        "give the layer a weight of ones and a bias of zeros",
    )


def _bare_group_norm(use: Use) -> Limit | None:
    inputs = use.operator.inputs
    if use.version != "2.9" or (inputs.get("Scale") and inputs.get("Bias")):
        return None
    return Limit(
        DemandCode.GROUP_NORM_WITHOUT_SCALE,
        Effect.NOT_CONVERTED,
        "without Scale or Bias opt 2.9 crashes",
        "use Paddle Lite 2.10 or newer",
    )


def _cast(use: Use) -> Limit | None:
    ends = (use.operator.value("in_dtype"), use.operator.value("out_dtype"))
    if ends in CASTS:
        return None
    names = [dtypes.BY_NUMBER.get(end) if isinstance(end, int) else None for end in ends]
    text = f"there is no cast from {names[0] or shown(ends[0])} to {names[1] or shown(ends[1])}"
    return Limit(DemandCode.CAST, Effect.ABORTS_AT_RUN, text, "go by way of FP32")


def _cast_to_bool(use: Use) -> Limit | None:
    ends = (use.operator.value("in_dtype"), use.operator.value("out_dtype"))
    if use.version not in _UP_TO_2_11 or ends not in ((_F32, _B), (_B, _B)):
        return None
    return Limit(DemandCode.CAST, Effect.ABORTS_AT_RUN, "there is no cast to BOOL", FROM_2_12)


def _boolean_fill(use: Use) -> Limit | None:
    if use.version not in _UP_TO_2_11 or use.operator.value("dtype") != dtypes.BOOL.number:
        return None
    return Limit(DemandCode.BOOLEAN_FILL, Effect.ABORTS_AT_RUN, "it fills no BOOL", FROM_2_12)


def _open_section(use: Use) -> Limit | None:
    sections = use.operator.value("sections")
    if use.version not in _UP_TO_2_11 or not isinstance(sections, tuple) or -1 not in sections:
        return None
    return Limit(
        DemandCode.OPEN_SECTION, Effect.ABORTS_AT_RUN, "a section of -1 is not known", FROM_2_12
    )


def _values_as_scalars(use: Use) -> Limit | None:
    """PaddlePaddle 3 writes `values`; Paddle Lite reads `fp32_values` and its like."""
    if any(use.operator.value(name) for name in _VALUES):
        return None
    return Limit(
        DemandCode.VALUES_AS_SCALARS,
        Effect.ABORTS_AT_RUN,
        "its values are not where Paddle Lite reads them",
        "export with PaddlePaddle 2.6, or as PIR, which weightquant translates",
    )


def _flat_argument(use: Use) -> Limit | None:
    if not use.operator.value("flatten"):
        return None
    return Limit(
        DemandCode.FLATTEN_IGNORED,
        Effect.WRONG,
        "`flatten` is ignored",
        "reshape to one dim before it",
    )


def _scale_tensor(use: Use) -> Limit | None:
    if not use.operator.inputs.get("ScaleTensor"):
        return None
    return Limit(
        DemandCode.SCALE_TENSOR_IGNORED,
        Effect.WRONG,
        "its ScaleTensor is ignored",
        "multiply by the tensor",
    )


def _norm(use: Use) -> Limit | None:
    if use.operator.value("asvector"):
        text = "the norm of a whole tensor is not known"
        return Limit(DemandCode.NORM, Effect.ABORTS_AT_RUN, text, "reshape to one dim before it")
    order = use.operator.value("porder")
    if order in (None, 2.0):
        return None
    return Limit(
        DemandCode.NORM, Effect.WRONG, f"the norm of order {shown(order)} is wrong", "use order 2"
    )


def _pad_value(use: Use) -> Limit | None:
    if use.operator.value("mode") != "constant" or not use.operator.value("value"):
        return None
    return Limit(
        DemandCode.PAD_VALUE_IGNORED,
        Effect.WRONG,
        "it pads with zeros, whatever its value",
        "pad with zeros",
    )


def _float_remainder(use: Use) -> Limit | None:
    if use.dtype("X") is not dtypes.FP32:
        return None
    effect = Effect.NOT_CONVERTED if use.version == "2.9" else Effect.WRONG
    return Limit(
        DemandCode.FLOAT_REMAINDER, effect, "FP32 is taken for integers", "x - floor(x / y) * y"
    )


def _backwards(use: Use) -> Limit | None:
    strides, starts = use.operator.value("strides"), use.operator.value("starts")
    if not isinstance(strides, tuple) or not isinstance(starts, tuple):
        return None
    for stride, start in zip(strides, starts, strict=False):
        if not isinstance(stride, int) or not isinstance(start, int) or stride >= 0:
            continue
        effect = Effect.ABORTS_AT_RUN if start >= _OPEN_END else Effect.WRONG
        return Limit(
            DemandCode.SLICE_BACKWARDS, effect, "a slice backwards is not known", "use flip"
        )
    return None


def _fused_pad(use: Use) -> Limit | None:
    """opt 2.11 and newer fuse unsqueeze2 + pad3d + squeeze2 to pad2d, if both have XShape."""
    inputs, outputs = use.operator.inputs.get("X", ()), use.operator.outputs.get("Out", ())
    before = [use.declarations.writer(name) for name in inputs]
    behind = [reader for name in outputs for reader in use.declarations.readers(name)]
    if use.version in ("2.9", "2.10") or len(before) != 1 or len(behind) != 1:
        return None
    around = ((before[0], "unsqueeze2"), (behind[0], "squeeze2"))
    if any(op is None or op.type != type or not op.outputs.get("XShape") for op, type in around):
        return None
    mode, paddings = use.operator.value("mode"), use.operator.value("paddings")
    remedy = "export with PaddlePaddle 2.6, which writes no XShape"
    if mode not in ("constant", "reflect"):
        text = f"opt fuses it to a pad2d, which has no mode {shown(mode)}"
        return Limit(DemandCode.FUSED_PAD, Effect.ABORTS_AT_RUN, text, remedy)
    if isinstance(paddings, tuple) and len(set(paddings[:4])) > 1:
        text = "opt fuses it to a pad2d that pads the wrong sides"
        return Limit(DemandCode.FUSED_PAD, Effect.WRONG, text, remedy)
    return None


def _iou_aware(use: Use) -> Limit | None:
    if not use.operator.value("iou_aware"):
        return None
    return Limit(
        DemandCode.IOU_AWARE,
        Effect.ABORTS_AT_RUN,
        "iou_aware is not known",
        "export without iou_aware",
    )


def _grid(use: Use) -> Limit | None:
    image, grid = use.shape("X"), use.shape("Grid")
    if (
        use.version == "2.13rc0"
        or image is None
        or grid is None
        or len(image) != 4
        or len(grid) != 4
    ):
        return None
    pairs = ((image[2], grid[1]), (image[3], grid[2]))
    if all(a == b or a < 0 or b < 0 for a, b in pairs):
        return None
    return Limit(
        DemandCode.GRID_SIZE,
        Effect.ABORTS_AT_RUN,
        "the grid has another size than the image",
        "use Paddle Lite 2.13rc0",
    )


def _recurrence(use: Use) -> Limit | None:
    mode = use.operator.value("mode")
    if mode not in ("LSTM", "GRU"):
        return Limit(
            DemandCode.RNN_MODE,
            Effect.WRONG,
            f"the mode {shown(mode)} is not known",
            "use an LSTM or a GRU",
        )
    if use.operator.inputs.get("SequenceLength") and use.dtype("SequenceLength") is dtypes.INT64:
        return Limit(
            DemandCode.RNN_LENGTHS,
            Effect.WRONG,
            "INT64 lengths are read as INT32",
            "feed sequences of full length",
        )
    return None


RULES: Mapping[str, tuple[Rule, ...]] = {
    "arg_max": (_flat_argument,),
    "assign_value": (_values_as_scalars,),
    "batch_norm": (_layout,),
    "cast": (_cast, _cast_to_bool),
    "conv2d": (_layout,),
    "conv2d_transpose": (_layout,),
    "depthwise_conv2d": (_layout,),
    "elementwise_mod": (_float_remainder,),
    "fill_any_like": (_boolean_fill,),
    "grid_sampler": (_grid,),
    "group_norm": (_bare_group_norm,),
    "layer_norm": (_bare_layer_norm,),
    "p_norm": (_norm,),
    "pad3d": (_pad_value, _fused_pad),
    "pool2d": (_layout,),
    "rnn": (_recurrence,),
    "scale": (_scale_tensor,),
    "split": (_open_section,),
    "strided_slice": (_backwards,),
    "sync_batch_norm": (_layout,),
    "yolo_box": (_iou_aware,),
}
