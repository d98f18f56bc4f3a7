"""Will Paddle Lite run this quantized model right? Every rule is a case that was measured.

The rules come from converting broken models with `paddle_lite_opt` 2.6.0 to 2.13rc0 and running
them: each names what Paddle Lite does. What Paddle Lite runs right gives no finding. Only the
program and the headers of the parameters are read.
"""

from __future__ import annotations

import enum
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ..formats import dtypes
from ..formats.program import Attribute, AttrType, Operator
from .model import Model, Weight
from .objections import CONVOLUTIONS, RESERVED_NAME_PART, feeds_batch_norm
from .options import WeightQuantizeType
from .tags import Tag, find_tags
from .targets import TARGETS, Target

STORAGE_BITS = {dtypes.INT8: 8, dtypes.INT16: 16}

QUANTIZATION_TYPES = frozenset(kind.attribute for kind in WeightQuantizeType)

REQUANTIZE = "quantize the FP32 model again with weightquant"


class Severity(enum.Enum):
    """How bad a finding is."""

    ERROR = "error"
    """Paddle Lite aborts or computes wrongly."""

    WARNING = "warning"
    """Right now, but not in every version or after every fusion."""


class FindingCode(enum.Enum):
    """What can be wrong with a quantized model."""

    NOT_QUANTIZED = "not_quantized"
    TAG_WITHOUT_WEIGHT = "tag_without_weight"
    OPERATOR = "operator"
    BIAS = "bias"
    RANK = "rank"
    STORAGE = "storage"
    NO_SCALES = "no_scales"
    SCALES_TYPE = "scales_type"
    SCALES_COUNT = "scales_count"
    SCALES_VALUE = "scales_value"
    BITS_MISSING = "bits_missing"
    BITS_TYPE = "bits_type"
    BITS_VALUE = "bits_value"
    BITS_STORAGE = "bits_storage"
    TYPE_MISSING = "type_missing"
    TYPE_VALUE = "type_value"
    SEVERAL_TAGS = "several_tags"
    DECLARED_TYPE = "declared_type"
    SHARED_BATCH_NORM = "shared_batch_norm"
    RESERVED_NAME = "reserved_name"
    FLOAT16 = "float16"
    DIFFERS = "differs"
    UNKNOWN_WEIGHT = "unknown_weight"
    MISSING_WEIGHT = "missing_weight"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        code: for programs.
        severity: how bad it is.
        weight: the weight concerned, or None.
        operator: type of the operator concerned, or None.
        what: what was found, one clause.
        consequence: what Paddle Lite makes of it.
        remedy: what the user can do.
    """

    code: FindingCode
    severity: Severity
    weight: str | None
    operator: str | None
    what: str
    consequence: str
    remedy: str


def check_integrity(model: Model) -> tuple[Finding, ...]:
    """Everything that Paddle Lite would not run right, in the order of the program."""
    tags = find_tags(model)
    findings = list(_check_whole(model, tags))
    for tag in tags:
        findings += _check_tag(model, tag)
    findings += _check_untagged(model, {tag.weight for tag in tags})
    return tuple(findings)


# ---- the model as a whole -------------------------------------------------------------------


def _check_whole(model: Model, tags: tuple[Tag, ...]) -> Iterator[Finding]:
    if not tags and not any(_is_integer(weight) for weight in model.weights):
        yield Finding(
            FindingCode.NOT_QUANTIZED,
            Severity.WARNING,
            None,
            None,
            "no weight of the model is quantized",
            "it runs as the FP32 model that it is",
            "give the folder that quantize has written",
        )
    by_weight: dict[str, list[Tag]] = defaultdict(list)
    for tag in tags:
        by_weight[tag.weight].append(tag)
    for name, several in by_weight.items():
        if len(several) > 1:
            yield Finding(
                FindingCode.SEVERAL_TAGS,
                Severity.ERROR,
                name,
                several[1].operator.type,
                f"{len(several)} operators carry scales for it",
                "dequantized once for each of them: wrong results",
                REQUANTIZE,
            )
    for weight in model.weights:
        if weight.record.dtype is dtypes.FP16:
            yield Finding(
                FindingCode.FLOAT16,
                Severity.ERROR,
                weight.name,
                None,
                "it is stored as FP16",
                "opt refuses it (unknown type 4)",
                "store it as FP32",
            )


def _check_untagged(model: Model, tagged: set[str]) -> Iterator[Finding]:
    declared = {v.name: v.dtype for _, v in model.variables() if v.is_parameter}
    for weight in model.weights:
        if weight.name in tagged or not _is_integer(weight):
            continue
        if declared.get(weight.name) is weight.record.dtype and not _feeds_target(weight):
            continue  # integers by nature, such as indexes
        yield Finding(
            FindingCode.NO_SCALES,
            Severity.ERROR,
            weight.name,
            weight.readers[0].operator.type if weight.readers else None,
            f"it is {weight.record.dtype} and no operator has scales for it",
            "the bare integers are taken for weights: wrong results, or an abort at load",
            REQUANTIZE,
        )


def _is_integer(weight: Weight) -> bool:
    return weight.record.dtype in STORAGE_BITS


def _feeds_target(weight: Weight) -> bool:
    return any(reader.operator.type in TARGETS for reader in weight.readers)


# ---- one tag --------------------------------------------------------------------------------


class _TagCheck:
    """The checks of one tag on a weight that exists."""

    def __init__(self, model: Model, tag: Tag, weight: Weight) -> None:
        self._model = model
        self._tag = tag
        self._weight = weight
        self._operator = model.operator(tag.operator)

    def run(self) -> Iterator[Finding]:
        """Every finding about the tag."""
        yield from self._place()
        yield from self._storage()
        yield from self._bits()
        yield from self._scales()
        yield from self._type()

    def _finding(
        self,
        code: FindingCode,
        what: str,
        consequence: str,
        remedy: str = REQUANTIZE,
        severity: Severity = Severity.ERROR,
    ) -> Finding:
        op_type = self._tag.operator.type
        return Finding(code, severity, self._weight.name, op_type, what, consequence, remedy)

    def _place(self) -> Iterator[Finding]:
        target = _dequantizing_target(self._tag.operator.type)
        if target is None or not _is_dequantized(self._model, self._tag, self._operator):
            yield self._finding(
                FindingCode.OPERATOR,
                f"{self._tag.operator.type} carries scales",
                "Paddle Lite does not dequantize the weight of this operator: wrong results, NaN "
                "or an abort",
            )
            return
        slots = self._operator.inputs
        if self._weight.name not in slots.get(target.slot, ()):
            yield self._wrong_slot(target)
        elif len(self._weight.record.shape) != target.rank:
            yield self._finding(
                FindingCode.RANK,
                f"a weight of rank {len(self._weight.record.shape)}, where {target.rank} is due",
                "wrong results, or an abort at load",
            )
        if RESERVED_NAME_PART in self._weight.name:
            yield self._finding(
                FindingCode.RESERVED_NAME,
                f"its name contains {RESERVED_NAME_PART}",
                "an abort at load",
                "leave it FP32: --exclude",
            )
        if len(self._weight.readers) > 1 and any(
            reader.operator.type in CONVOLUTIONS and feeds_batch_norm(self._model, reader.operator)
            for reader in self._weight.readers
        ):
            yield self._finding(
                FindingCode.SHARED_BATCH_NORM,
                "several operators read it and batch_norm follows",
                "opt folds the batch_norm into the weight for all of them: wrong results",
                "leave it FP32, and expect Paddle Lite to be wrong even then",
            )

    def _wrong_slot(self, target: Target) -> Finding:
        if target.op_type not in CONVOLUTIONS:
            return self._finding(
                FindingCode.OPERATOR,
                f"scales for what is not the operator's {target.slot}",
                "the integers are not dequantized: wrong results",
            )
        folded = feeds_batch_norm(self._model, self._tag.operator)
        return self._finding(
            FindingCode.BIAS,
            "a bias is quantized",
            "wrong results: batch_norm follows and is folded into it"
            if folded
            else "right so far; wrong as soon as a batch_norm follows, and the bias grew",
            severity=Severity.ERROR if folded else Severity.WARNING,
        )

    def _storage(self) -> Iterator[Finding]:
        dtype = self._weight.record.dtype
        if dtype not in STORAGE_BITS:
            yield self._finding(
                FindingCode.STORAGE,
                f"it is stored as {dtype}, not as INT8 or INT16",
                "its bytes are taken for integers: wrong results, or an abort",
            )
        variable = self._model.variable(self._tag.operator.block, self._weight.name)
        if variable is not None and variable.dtype in STORAGE_BITS:
            yield self._finding(
                FindingCode.DECLARED_TYPE,
                f"the program declares it as {variable.dtype}",
                "opt aborts (no 'calib' kernel)",
                "declare it as FP32: the scales say the rest",
            )

    def _bits(self) -> Iterator[Finding]:
        bits = self._tag.bits
        stored = STORAGE_BITS.get(self._weight.record.dtype)
        if bits is None:
            yield self._finding(
                FindingCode.BITS_MISSING, "quantize_weight_bits is missing", "an abort at load"
            )
        elif bits.type is not AttrType.INT:
            yield self._finding(
                FindingCode.BITS_TYPE,
                f"quantize_weight_bits is of type {bits.type.name}, not INT",
                "an abort",
            )
        elif bits.value not in STORAGE_BITS.values():
            yield self._finding(
                FindingCode.BITS_VALUE,
                f"quantize_weight_bits is {bits.value}; it is the storage, 8 or 16",
                "an abort at load",
            )
        elif stored is not None and bits.value != stored:
            yield self._finding(
                FindingCode.BITS_STORAGE,
                f"quantize_weight_bits is {bits.value} and the weight {self._weight.record.dtype}",
                "wrong results, silently",
            )

    def _scales(self) -> Iterator[Finding]:
        scales = self._tag.scales
        if scales.type is not AttrType.FLOATS or not isinstance(scales.value, tuple):
            yield self._finding(
                FindingCode.SCALES_TYPE,
                f"the scales are of type {scales.type.name}, not FLOATS",
                "an abort, in opt or at load",
                REQUANTIZE + "; Paddle 2.6 writes zeros of type INTS under numpy 2",
            )
            return
        wrong = self._wrong_count(len(scales.value))
        if wrong:
            yield self._finding(FindingCode.SCALES_COUNT, wrong, "an abort at load, or in opt")
        for index, value in enumerate(map(float, scales.value)):
            if not math.isfinite(value) or value < 0:
                yield self._finding(
                    FindingCode.SCALES_VALUE,
                    f"scale {index} is {value}",
                    "NaN, or wrong results",
                )
                break

    def _wrong_count(self, count: int) -> str | None:
        target = _dequantizing_target(self._tag.operator.type)
        shape = self._weight.record.shape
        if target is None or len(shape) != target.rank:
            return None  # said already
        channels = shape[target.channel_axis]
        if count == channels or (count == 1 and self._single_scale_is_expanded(target)):
            return None
        return f"{count} scales for {channels} channels"

    def _single_scale_is_expanded(self, target: Target) -> bool:
        kind = self._tag.type
        per_tensor = kind is None or kind.value == WeightQuantizeType.ABS_MAX.attribute
        return per_tensor and target.op_type != "lookup_table"

    def _type(self) -> Iterator[Finding]:
        kind = self._tag.type
        scales = self._tag.scales.value
        count = len(scales) if isinstance(scales, tuple) else 0
        if kind is None and count > 1:
            yield self._finding(
                FindingCode.TYPE_MISSING,
                "quantization_type is missing, with one scale per channel",
                "the first scale is taken for all: wrong results, silently",
            )
        elif kind is None:
            yield self._finding(
                FindingCode.TYPE_MISSING,
                "quantization_type is missing, with one scale",
                "right, unless opt fuses two convolutions: then it aborts at load",
                severity=Severity.WARNING,
            )
        elif not _is_known_type(kind):
            yield self._finding(
                FindingCode.TYPE_VALUE,
                f"unknown quantization_type {kind.value!r}",
                "NaN",
            )


def _check_tag(model: Model, tag: Tag) -> Iterator[Finding]:
    if tag.weight not in model.stored.parameters:
        yield Finding(
            FindingCode.TAG_WITHOUT_WEIGHT,
            Severity.ERROR,
            tag.weight,
            tag.operator.type,
            "an operator has scales for a weight that is no parameter of the model",
            "opt aborts, or nothing is dequantized",
            REQUANTIZE,
        )
        return
    yield from _TagCheck(model, tag, model.weight(tag.weight)).run()


def _is_known_type(kind: Attribute) -> bool:
    return kind.type is AttrType.STRING and kind.value in QUANTIZATION_TYPES


def _dequantizing_target(op_type: str) -> Target | None:
    """How an operator that may carry scales holds its weight; `matmul` only in part."""
    target = TARGETS.get(op_type)
    if target is None or (target.rewrite is not None and op_type != "matmul"):
        return None
    return target


def _is_dequantized(model: Model, tag: Tag, operator: Operator) -> bool:
    """Whether Paddle Lite dequantizes for this very operator."""
    if tag.operator.type != "matmul":
        return True
    names = operator.inputs.get("X", ())
    x = model.variable(tag.operator.block, names[0]) if names else None
    plain = not operator.value("transpose_X") and not operator.value("transpose_Y")
    return (
        plain
        and operator.value("alpha") in (None, 1.0)
        and x is not None
        and x.shape is not None
        and len(x.shape) == 2
    )
