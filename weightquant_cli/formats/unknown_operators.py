"""Operations of Paddle 3 that a program names and that could not be translated."""

from __future__ import annotations

from dataclasses import dataclass

MAX_SHOWN = 80
"""Characters of an unknown operation's name in a message; Paddle's longest has 60."""


@dataclass(frozen=True)
class UnknownOperators:
    """Operations of Paddle 3 of one name that could not be translated, for one reason.

    Attributes:
        type: their name in the file, such as ``pd_op.fft_r2c``; operators of this type stand for
            them in the program.
        count: how many they are.
        reason: why, where operations of this name can be translated in other cases; else None.
    """

    type: str
    count: int
    reason: str | None = None

    def __str__(self) -> str:
        name = self.type[:MAX_SHOWN]
        return (
            f"{name} x{self.count}"
            if self.reason is None
            else (f"{name} ({self.reason}) x{self.count}")
        )
