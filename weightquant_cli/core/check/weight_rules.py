"""Would Paddle Lite dequantize one tagged weight right? Which operator is tagged, and how.

At load, Paddle Lite dequantizes in place each input that has scales, of every operator with a
known `quantization_type` (or with none, but `quantize_weight_bits`). Before that, `opt` expands the
scales of conv2d, depthwise_conv2d and mul: unless the type says that there is one per channel, the
first one is taken for all.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from ...errors import counted
from ...formats import dtypes
from ...formats.program import Attribute, AttrType
from ..lite.dequantized_inputs import DequantizedInputs, TaggedInput
from ..lite.fusions import Fusions
from ..lite.storage import STORAGE_BITS, WeightQuantizeType
from ..lite.tags import Tag
from ..lite.targets import RESERVED_NAME_PART
from ..model.model import Model
from ..model.weights import Weight
from .findings import REQUANTIZE, Finding, FindingCode, Severity

DECLARABLE = (dtypes.FP32, dtypes.FP64)
"""What the program may declare a quantized weight as; its record has the true type."""


class WeightRules:
    """The rules for the tagged weights of one model."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._fusions = Fusions(model)
        self._inputs = DequantizedInputs(model)

    def check(self, tag: Tag, weight: Weight, slots: Collection[str]) -> Iterator[Finding]:
        """Every finding about a tag of an operator that reads `weight` by these `slots`."""
        tagged_input = self._inputs.find(tag, weight, slots)
        return _TagCheck(self._model, self._fusions, tag, weight, tagged_input).run()


class _TagCheck:
    """The rules for one tag, of an operator that reads the weight."""

    def __init__(
        self, model: Model, fusions: Fusions, tag: Tag, weight: Weight, tagged_input: TaggedInput
    ) -> None:
        self._model = model
        self._fusions = fusions
        self._tag = tag
        self._weight = weight
        self._input = tagged_input

    def run(self) -> Iterator[Finding]:
        """Every finding about the tag."""
        yield from self._position()
        yield from self._sharing()
        yield from self._storage()
        yield from self._bits()
        yield from self._scales()
        yield from self._type()

    # ---- which operator is tagged ----------------------------------------------------------------

    def _position(self) -> Iterator[Finding]:
        target, rank = self._input.target, len(self._weight.record.shape)
        if target is None:
            yield self._finding(
                FindingCode.OPERATOR,
                f"{self._tag.operator.type} carries scales",
                "Paddle Lite does not dequantize the weight of this operator: wrong results, NaN "
                "or an abort",
            )
        elif self._input.is_bias:
            yield from self._bias()
        elif not self._input.is_dequantized:
            yield self._finding(
                FindingCode.OPERATOR,
                f"scales for what is not the operator's {target.slot}",
                "the integers are not dequantized: wrong results",
            )
        elif rank != target.rank:
            yield self._finding(
                FindingCode.RANK,
                f"a weight of rank {rank}, where {target.rank} is due",
                "wrong results, or an abort at load",
            )
        if RESERVED_NAME_PART in self._weight.name:
            yield self._finding(
                FindingCode.RESERVED_NAME,
                f"its name contains {RESERVED_NAME_PART}",
                "an abort at load",
                "leave it FP32: `exclude`",
            )

    def _bias(self) -> Iterator[Finding]:
        folded = self._fusions.folded_into_bias(self._tag.operator)
        if folded is not None:
            yield self._finding(
                FindingCode.BIAS,
                f"a bias is quantized, and {folded} follows",
                f"opt folds the {folded} into the bare integers: wrong results",
            )

    def _sharing(self) -> Iterator[Finding]:
        if self._weight.name in self._fusions.shared_with_batch_norm:
            yield self._finding(
                FindingCode.SHARED_BATCH_NORM,
                "several operators read it and batch_norm follows",
                "opt folds the batch_norm into the weight for all of them: wrong results",
                "leave it FP32, and expect Paddle Lite to be wrong even then",
            )
        folded = self._fusions.folded_weights.get(self._weight.name)
        if folded is not None:
            yield self._finding(
                FindingCode.FOLDED,
                f"it is read where {folded}",
                "opt works on the bare integers there: wrong results",
            )

    # ---- what is stored ----------------------------------------------------------------------

    def _storage(self) -> Iterator[Finding]:
        dtype = self._weight.record.dtype
        if dtype not in STORAGE_BITS:
            yield self._finding(
                FindingCode.STORAGE,
                f"it is stored as {dtype}, not as INT8 or INT16",
                "its bytes are taken for integers: wrong results, or an abort",
            )
        variable = self._model.variable(self._tag.operator.block, self._weight.name)
        declared = None if variable is None else variable.dtype
        if declared is not None and declared not in DECLARABLE:
            yield self._finding(
                FindingCode.DECLARED_TYPE,
                f"the program declares it as {declared}",
                "wrong results"
                if declared in (dtypes.INT32, dtypes.INT64)
                else "opt aborts (no 'calib' kernel)",
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

    # ---- the scales -----------------------------------------------------------------

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
        values = tuple(float(value) for value in scales.value)
        yield from self._count(values)
        yield from self._values(values)

    def _count(self, values: tuple[float, ...]) -> Iterator[Finding]:
        channels = self._input.channels
        if channels is None or not self._has_known_type:
            return  # there is a finding about that already
        if not self._takes_first:
            if len(values) != channels:
                yield self._finding(
                    FindingCode.SCALES_COUNT,
                    f"{counted(len(values), 'scale')} for {counted(channels, 'channel')}",
                    "an abort at load, or in opt",
                )
        elif not values:
            yield self._finding(FindingCode.SCALES_COUNT, "no scales at all", "opt aborts")
        elif self._tag.type is not None and len(set(values)) > 1:
            yield self._finding(
                FindingCode.SCALES_COUNT,
                f"quantization_type is {self._tag.type.value}, and there are {len(values)} "
                "different scales",
                "the first scale is taken for all: wrong results, silently",
            )

    @property
    def _takes_first(self) -> bool:
        """Whether opt takes the first scale for all channels."""
        kind = self._tag.type
        named = kind is not None and kind.value != WeightQuantizeType.ABS_MAX.attribute
        return self._input.expands and not named

    def _values(self, values: tuple[float, ...]) -> Iterator[Finding]:
        """The first value that is no scale; zero is one, of a channel of zeros.

        Whether an integer times a finite scale overflows, `finite.py` finds out from the data.
        """
        for index, value in enumerate(values):
            if not math.isfinite(value):
                yield self._finding(
                    FindingCode.SCALES_VALUE,
                    f"scale {index} is {value:g}",
                    "weights that are NaN or infinite",
                )
                return
        for index, value in enumerate(values):
            if value < 0:
                yield self._finding(
                    FindingCode.SCALES_VALUE,
                    f"scale {index} is {value:g}, and no quantizer writes a negative one",
                    "it is computed with as it stands",
                    severity=Severity.WARNING,
                )
                return

    # ---- quantization_type ----------------------------------------------------------------

    @property
    def _has_known_type(self) -> bool:
        return self._tag.type is None or _is_known(self._tag.type)

    def _type(self) -> Iterator[Finding]:
        kind = self._tag.type
        if kind is not None:
            if not _is_known(kind):
                yield self._finding(
                    FindingCode.TYPE_VALUE,
                    f"unknown quantization_type {kind.value!r}",
                    "the weight is not dequantized: NaN, or wrong results"
                    if kind.type is AttrType.STRING
                    else "opt aborts",
                )
            return
        values = self._tag.scales.value
        if not self._takes_first or not isinstance(values, tuple):
            return
        if len(set(values)) > 1:
            yield self._finding(
                FindingCode.TYPE_MISSING,
                "quantization_type is missing, with one scale per channel",
                "the first scale is taken for all: wrong results, silently",
            )
        elif self._tag.operator in self._fusions.fused_convolutions:
            yield self._finding(
                FindingCode.TYPE_MISSING,
                "quantization_type is missing, and opt fuses the convolution with another",
                "an abort at load",
            )

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


def _is_known(kind: Attribute) -> bool:
    return kind.type is AttrType.STRING and any(
        kind.value == known.attribute for known in WeightQuantizeType
    )
