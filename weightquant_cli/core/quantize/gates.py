"""Gates for release jobs: what the result must reach, or nothing is written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import GateError, OptionError, readable

if TYPE_CHECKING:
    from ..plan.size import Size


@dataclass(frozen=True)
class Gates:
    """What a quantized model must reach.

    Attributes:
        max_size: program and parameters together may not be larger.
        min_quantized: percent of the weights' bytes that must be quantized, 0 to 100.
        require_quantized: whether a result without any quantized weight is refused, unless
            `min_quantized` is 0.

    Raises:
        OptionError: a percentage outside 0 to 100.
    """

    max_size: Size | None = None
    min_quantized: float | None = None
    require_quantized: bool = False

    def __post_init__(self) -> None:
        require_percentage("min_quantized", self.min_quantized)

    def enforce(
        self,
        size_before: int,
        size_after: int,
        quantized_share: float,
        would_help: str = "`preview` says what was left",
    ) -> None:
        """Say no where a gate is not met.

        Args:
            size_before, size_after: bytes of the input and of the output.
            quantized_share: percent of the weights' bytes that are quantized.
            would_help: what would make the result smaller, for the message.

        Raises:
            GateError: naming every gate that is not met.
        """
        failures = []
        if self.max_size is not None and size_after > self.max_size.of(size_before):
            limit = readable(self.max_size.of(size_before))
            failures.append(
                f"`max_size` {self._percent()}allows {limit}, the result has "
                f"{readable(size_after)}, {100 * size_after / size_before:.1f}% of the input"
            )
        if self.require_quantized and not quantized_share and self.min_quantized is None:
            failures.append("no weight would be quantized (`min_quantized` 0 accepts that)")
        if self.min_quantized is not None and quantized_share < self.min_quantized:
            failures.append(
                f"`min_quantized` asks for {self.min_quantized:g}% of the weights' bytes, "
                f"{quantized_share:.2f}% would be quantized"
            )
        if failures:
            raise GateError("; ".join(failures), remedy=f"nothing was written; {would_help}")

    def _percent(self) -> str:
        size = self.max_size
        return f"{float(size.number):g}% " if size is not None and size.relative else ""


def require_percentage(option: str, value: float | None) -> None:
    """Raise OptionError for what is no percentage, or a share such as 0.95, which all would pass.

    None is no limit.
    """
    if value is None or value == 0 or (math.isfinite(value) and 1 <= value <= 100):
        return
    is_share = 0 < value < 1
    raise OptionError(
        "not a percentage",
        option=option,
        expected="0, or 1 to 100",
        found=f"{value:g}",
        remedy=f"write {100 * value:g} for {100 * value:g}%" if is_share else None,
    )
