"""The settings that are compared: what somebody who releases a model would choose from."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ..plan.options import AutoBits, QuantizeOptions
from ..plan.size import Size


@dataclass(frozen=True)
class Setting:
    """One way to quantize a model.

    Attributes:
        name: in a word, without blanks.
        options: which bits.
        adaptive: whether rounding is adaptive.
    """

    name: str
    options: QuantizeOptions
    adaptive: bool

    @property
    def bits(self) -> int | AutoBits:
        """The bits of every weight, or how they are chosen."""
        return self.options.bits


def _setting(name: str, bits: int | AutoBits, adaptive: bool) -> Setting:
    return Setting(name, QuantizeOptions(bits=bits, op_types=("all",)), adaptive)


def _at(percent: int) -> AutoBits:
    return AutoBits(target_size=Size(Fraction(percent), relative=True))


SETTINGS = (
    _setting("nearest-8", 8, False),
    _setting("accurate", AutoBits(), True),
    _setting("accurate-30%", _at(30), True),
    _setting("accurate-35%", _at(35), True),
    _setting("nearest-16", 16, False),
    _setting("adaptive-6", 6, True),
)
"""Six bits take as many bytes as eight, and fewer in a compressed app. They are rounded adaptively:
to nearest they lose several times as much (.docs/accuracy.md)."""
