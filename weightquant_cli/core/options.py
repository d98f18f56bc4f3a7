"""What the user asked for: frozen, and valid once made."""

from __future__ import annotations

import enum
import math
import re
from dataclasses import dataclass

from ..errors import OptionError, listed
from ..formats import dtypes
from .targets import ALL_OP_TYPES, DEFAULT_OP_TYPES

MIN_BITS = 8
MAX_BITS = 16

# Paddle takes a smaller rate for none.
MIN_THRESHOLD_RATE = 1e-10


class WeightQuantizeType(enum.Enum):
    """Granularity of the scales, spelled as Paddle spells it."""

    CHANNEL_WISE_ABS_MAX = "channel_wise_abs_max"
    ABS_MAX = "abs_max"

    @property
    def attribute(self) -> str:
        """Value of the operator attribute `quantization_type`."""
        return f"post_weight_{self.value}"


@dataclass(frozen=True)
class Size:
    """A size to keep to: bytes, or a share of the input model's bytes.

    Attributes:
        number: bytes, or percent.
        relative: whether `number` is percent of the input.

    Raises:
        OptionError: not a positive, finite number.
    """

    number: float
    relative: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.number) and self.number > 0):
            raise OptionError("a size must be above zero", found=self.number)

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read ``4.2MB``, ``4MiB``, ``700k``, ``12345`` or ``30%``.

        KB, MB and GB are powers of 1000 and KiB, MiB and GiB of 1024; a bare letter is taken as
        the former.

        Raises:
            OptionError: anything else.
        """
        match = _SIZE.fullmatch(text.strip())
        if match is None:
            raise OptionError(
                f"{text!r} is not a size", remedy="write it as 4.2MB, 4MiB, 12345 or 30%"
            )
        number = float(match["number"])
        if match["percent"]:
            return cls(number, relative=True)
        letter = (match["unit"] or "").lower()
        base = 1024 if match["binary"] else 1000
        return cls(number * base ** " kmgt".index(letter or " "))

    def of(self, whole: int) -> int:
        """The size in bytes, where the input has `whole` bytes."""
        return math.floor(whole * self.number / 100 if self.relative else self.number)


_SIZE = re.compile(
    r"(?P<number>\d+(?:\.\d*)?|\.\d+)\s*"
    r"(?:(?P<percent>%)|(?P<unit>[kKmMgGtT])?(?P<binary>i(?=[bB]))?[bB]?)"
)


@dataclass(frozen=True)
class AutoBits:
    """Choose 8 or 16 bits for every weight: by a quality to reach, or by a size to keep.

    Attributes:
        min_sqnr: 8 bits where the weight reaches this SQNR in dB, else 16.
        target_size: the smallest total error within this size; None goes by `min_sqnr`.

    Raises:
        OptionError: an SQNR that is not finite.
    """

    min_sqnr: float = 30.0
    target_size: Size | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.min_sqnr):
            raise OptionError("--min-sqnr is not a number of decibels", found=self.min_sqnr)


@dataclass(frozen=True)
class QuantizeOptions:
    """Which weights to quantize, and how.

    Attributes:
        bits: 8 is stored as INT8; 9 to 16 are stored as INT16, with the range of that many bits;
            `AutoBits` chooses for every weight.
        weight_quantize_type: one scale per output channel, or per tensor. None chooses
            channel-wise, or per tensor where a threshold rate is given.
        threshold_rate: clip this share of the weight's largest values, 0 <= rate < 1; per tensor
            only. Below 1e-10 nothing is clipped, as in Paddle.
        op_types: operator types whose weights are chosen; ``("all",)`` for every one known.
        exclude: glob patterns of weight names to leave as they are.
        bits_for: glob patterns of weight names, each with the bits for them.
        rewrite: spell operators as Paddle Lite can dequantize them, where that is exactly equal.

    Raises:
        OptionError: a value out of its range, an unknown operator type, or a threshold rate
            together with channel-wise scales.
    """

    bits: int | AutoBits = 8
    weight_quantize_type: WeightQuantizeType | None = None
    threshold_rate: float = 0.0
    op_types: tuple[str, ...] = DEFAULT_OP_TYPES
    exclude: tuple[str, ...] = ()
    bits_for: tuple[tuple[str, int], ...] = ()
    rewrite: bool = True

    def __post_init__(self) -> None:
        for bits in (self.bits, *(bits for _, bits in self.bits_for)):
            _require_bits(bits)
        rate = self.threshold_rate
        if not (math.isfinite(rate) and 0 <= rate < 1):
            raise OptionError("threshold rate out of range", expected="0 <= R < 1", found=rate)
        if rate and self.weight_quantize_type is WeightQuantizeType.CHANNEL_WISE_ABS_MAX:
            raise OptionError(
                "a threshold rate goes with abs_max only",
                remedy="leave out --threshold-rate, or use --weight-quantize-type abs_max",
            )
        if not self.op_types:
            raise OptionError("no operator type chosen")
        for op_type in self.op_types:
            _require_known(op_type)

    @property
    def first_bits(self) -> int:
        """The bits with which a plan starts: 8 where they are chosen later."""
        return MIN_BITS if isinstance(self.bits, AutoBits) else self.bits

    @property
    def granularity(self) -> WeightQuantizeType:
        """The granularity in force."""
        if self.weight_quantize_type is not None:
            return self.weight_quantize_type
        if self.threshold_rate:
            return WeightQuantizeType.ABS_MAX
        return WeightQuantizeType.CHANNEL_WISE_ABS_MAX

    @property
    def chosen_op_types(self) -> frozenset[str]:
        """The operator types in force, `all` spelled out."""
        return frozenset(ALL_OP_TYPES if "all" in self.op_types else self.op_types)

    @property
    def clips(self) -> bool:
        """Whether the tail of the distribution is clipped."""
        return self.threshold_rate >= MIN_THRESHOLD_RATE


def storage_dtype(bits: int) -> dtypes.DataType:
    """The integer type that stores weights of this many bits."""
    return dtypes.INT8 if bits == MIN_BITS else dtypes.INT16


def _require_bits(bits: int | AutoBits) -> None:
    if isinstance(bits, AutoBits):
        return
    if isinstance(bits, bool) or not MIN_BITS <= bits <= MAX_BITS:
        raise OptionError("bits out of range", expected=f"{MIN_BITS} to {MAX_BITS}", found=bits)


def _require_known(op_type: str) -> None:
    known = (*ALL_OP_TYPES, "all")
    if op_type in known:
        return
    import difflib

    near = difflib.get_close_matches(op_type, known, n=1)
    raise OptionError(
        f"unknown operator type {op_type!r}",
        remedy=f"did you mean {near[0]}?" if near else f"known are {listed(known, len(known))}",
    )
