"""A size that the user asks for: bytes, or a share of the input model. Exact, without floats."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import OptionError

if TYPE_CHECKING:
    from fractions import Fraction

_SIZE = re.compile(
    r"(?P<number>\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})\s*"
    r"(?:(?P<percent>%)|(?P<unit>[kKmMgGtT])?(?P<binary>i(?=[bB]))?[bB]?)",
    re.ASCII,
)


@dataclass(frozen=True)
class Size:
    """A size to keep to: bytes, or a share of the input model's bytes.

    Attributes:
        number: bytes, or percent. A float means the decimal number that Python prints for it:
            2.01 is 2.01, and not a little less.
        relative: whether `number` is percent of the input.

    Raises:
        OptionError: not a positive, finite number.
    """

    number: float | Fraction
    relative: bool = False

    def __post_init__(self) -> None:
        from fractions import Fraction  # brings decimal, and few runs have a size to keep to

        number = self.number
        if (isinstance(number, float) and not math.isfinite(number)) or not number > 0:
            raise OptionError("a size must be above zero", found=number)
        exact = Fraction(repr(number)) if isinstance(number, float) else Fraction(number)
        object.__setattr__(self, "number", exact)

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read ``4.2MB``, ``4MiB``, ``700k``, ``12345`` or ``30%``.

        KB, MB and GB are powers of 1000 and KiB, MiB and GiB of 1024; a bare letter is taken as
        the former.

        Raises:
            OptionError: anything else.
        """
        from fractions import Fraction

        match = _SIZE.fullmatch(text.strip())
        if match is None:
            raise OptionError(
                f"{text[:64]!r} is not a size", remedy="write it as 4.2MB, 4MiB, 12345 or 30%"
            )
        number = Fraction(match["number"])
        if match["percent"]:
            return cls(number, relative=True)
        letter = (match["unit"] or "").lower()
        base = 1024 if match["binary"] else 1000
        return cls(number * base ** " kmgt".index(letter or " "))

    def of(self, whole: int) -> int:
        """The size in bytes, rounded down, where the input has `whole` bytes."""
        return math.floor(self.number * whole / 100 if self.relative else self.number)
