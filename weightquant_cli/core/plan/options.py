"""What the user asked for: frozen, and valid once made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import OptionError, listed
from ..lite.carried import ALL_OP_TYPES
from ..lite.storage import WeightQuantizeType
from ..lite.targets import DEFAULT_OP_TYPES

if TYPE_CHECKING:
    from .size import Size

MIN_BITS = 4
MAX_BITS = 16
USUAL_BITS = 8
"""What INT8 holds; fewer bits take as many bytes, and compress better (.docs/accuracy.md)."""
FLOAT_BITS = 32
"""No weight is quantized: the model is translated and mended, and nothing else."""

_RANGE = f"{MIN_BITS} to {MAX_BITS}"

# Paddle treats a smaller rate as none.
MIN_THRESHOLD_RATE = 1e-10


@dataclass(frozen=True)
class AutoBits:
    """Choose bits for every weight, so that the model's answers change least.

    Attributes:
        min_sqnr: a floor: weights that would fall below this SQNR in dB at 8 bits take 16.
        target_size: the size to keep to, with 8 or 16 bits for every weight; None allows 3% more
            than 8 bits throughout.
        target_compressed: the size to keep to once it is deflated, with 4 to 16 bits; a share is
            one of the input's deflated size.

    Raises:
        OptionError: an SQNR that is not finite, or both sizes.
    """

    min_sqnr: float | None = None
    target_size: Size | None = None
    target_compressed: Size | None = None

    def __post_init__(self) -> None:
        if self.target_size is not None and self.target_compressed is not None:
            raise OptionError(
                "`target_size` and `target_compressed` contradict each other", remedy="give one"
            )
        if self.min_sqnr is not None and not math.isfinite(self.min_sqnr):
            raise OptionError("not a number of decibels", option="min_sqnr", found=self.min_sqnr)


@dataclass(frozen=True)
class QuantizeOptions:
    """Which weights to quantize, and how.

    Attributes:
        bits: 4 to 8 are stored as INT8 and 9 to 16 as INT16, with the range of that many bits;
            `AutoBits` chooses for every weight; 32 quantizes none.
        weight_quantize_type: one scale per output channel, or per tensor. None chooses
            channel-wise, or per tensor where a threshold rate is given.
        threshold_rate: clip this share of the weight's largest values, 0 <= rate < 1; per tensor
            only. Below 1e-10 nothing is clipped, as in Paddle.
        op_types: operator types whose weights are chosen; ``("all",)`` for every one known.
        exclude: patterns of weight names to leave as they are: globs, or `re:` and a regular
            expression, each for the whole name (`patterns`).
        include: patterns of the only weight names to quantize; none means all.
        min_bytes: leave weights as they are that have fewer bytes in the input.
        bits_for: patterns of weight names, each with the bits for them.
        rewrite: rewrite operators to ones whose weight Paddle Lite dequantizes, or add one, where
            the numbers stay exactly the same.
        mend: give the program what Paddle Lite demands of it and newer Paddle leaves out, with
            Paddle's own meaning (core/lite/DEMANDS.md).

    Raises:
        OptionError: a value out of its range, an unknown operator type, or a threshold rate
            together with channel-wise scales.
    """

    bits: int | AutoBits = 8
    weight_quantize_type: WeightQuantizeType | None = None
    threshold_rate: float = 0.0
    op_types: tuple[str, ...] = DEFAULT_OP_TYPES
    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    min_bytes: int = 0
    bits_for: tuple[tuple[str, int], ...] = ()
    rewrite: bool = True
    mend: bool = True

    def __post_init__(self) -> None:
        if self.bits != FLOAT_BITS:
            _require_bits("bits", self.bits, f"{_RANGE}, or {FLOAT_BITS}")
        for _, bits in self.bits_for:
            _require_bits("bits_for", bits, _RANGE)
        rate = self.threshold_rate
        if not (math.isfinite(rate) and 0 <= rate < 1):
            raise OptionError(
                "out of range",
                option="threshold_rate",
                expected="0 <= R < 1",
                found=rate,
            )
        if rate and self.weight_quantize_type is WeightQuantizeType.CHANNEL_WISE_ABS_MAX:
            raise OptionError(
                "a threshold rate goes with abs_max only",
                remedy="leave out `threshold_rate`, or use `weight_quantize_type` abs_max",
            )
        if self.min_bytes < 0:
            raise OptionError("a size below zero", option="min_bytes", found=self.min_bytes)
        if not self.op_types:
            raise OptionError("no operator type chosen")
        for op_type in self.op_types:
            _require_known(op_type)

    @property
    def first_bits(self) -> int:
        """The bits with which a plan starts: 8 where they are chosen later."""
        return USUAL_BITS if isinstance(self.bits, AutoBits) else self.bits

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


def _require_bits(option: str, bits: int | AutoBits, expected: str) -> None:
    if isinstance(bits, AutoBits):
        return
    if isinstance(bits, bool) or not MIN_BITS <= bits <= MAX_BITS:
        raise OptionError("out of range", option=option, expected=expected, found=bits)


def _require_known(op_type: str) -> None:
    known = (*ALL_OP_TYPES, "all")
    if op_type in known:
        return
    import difflib

    near = difflib.get_close_matches(op_type, known, n=1)
    raise OptionError(
        f"unknown operator type {op_type!r}",
        remedy=f"did you mean {near[0]}?"
        if near
        else f"Paddle Lite dequantizes the weights of {listed(ALL_OP_TYPES, len(ALL_OP_TYPES))}",
    )
