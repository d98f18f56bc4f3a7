"""A size that the user asks for: bytes, or a share of the input model."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ...errors import OptionError

_SIZE = re.compile(
    r"(?P<number>\d+(?:\.\d*)?|\.\d+)\s*"
    r"(?:(?P<percent>%)|(?P<unit>[kKmMgGtT])?(?P<binary>i(?=[bB]))?[bB]?)"
)


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
