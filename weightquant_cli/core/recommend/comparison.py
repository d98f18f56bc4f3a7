"""What comparing settings gives: sizes and answers of each, and those that were left out."""

from __future__ import annotations

from dataclasses import dataclass

from ..lite.naive_buffer import NaiveBufferSize
from ..quantize.sizes import CompressedSizes, Sizes
from ..run.compare import OutputDifference
from .settings import Setting


@dataclass(frozen=True)
class Measured:
    """What a setting makes of the model.

    Attributes:
        setting: which one.
        sizes: bytes before and after.
        naive_buffer: of the `.nb` to expect; None where that is not known.
        compressed: deflated bytes.
        outputs: how far each output is from FP32, over all inputs.
        seconds: what choosing bits, rounding and compressing took; without the comparison. Work
            that settings share counts for each of them.
        is_corrected: whether parameters left in FP32 change: `check` then asks for the report.
    """

    setting: Setting
    sizes: Sizes
    naive_buffer: NaiveBufferSize | None
    compressed: CompressedSizes
    outputs: tuple[OutputDifference, ...]
    seconds: float
    is_corrected: bool

    @property
    def is_compared(self) -> bool:
        """Whether every output could be compared on every input, and is finite."""
        return bool(self.outputs) and not any(
            one.mismatched or one.non_finite or not one.elements for one in self.outputs
        )

    @property
    def sqnr_db(self) -> float | None:
        """The SQNR of the worst output; None where none could be compared."""
        return min((one.sqnr_db for one in self.outputs if one.elements), default=None)

    @property
    def agreement(self) -> float | None:
        """The agreement of the worst output in percent; None where none has rows to compare."""
        shares = (one.agreement for one in self.outputs)
        return min((share for share in shares if share is not None), default=None)


@dataclass(frozen=True)
class LeftOut:
    """A setting with a target size that says nothing of this model.

    Attributes:
        setting: which one.
        allowed: bytes.
        why: in a few words.
    """

    setting: Setting
    allowed: int
    why: str


@dataclass(frozen=True)
class Comparison:
    """All settings, beside each other.

    Attributes:
        settings: what each makes of the model; none where nothing can be quantized.
        left_out: those that were not tried, since their size is out of the model's range.
        samples: inputs on which the answers were compared.
        notes: from which operator on the FP32 model could not be run, or is not finite.
    """

    settings: tuple[Measured, ...]
    left_out: tuple[LeftOut, ...]
    samples: int
    notes: tuple[str, ...]
