"""One thing that Paddle Lite demands and a program does not give it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from .place import Place


class Effect(enum.Enum):
    """What happens to a program that does not meet a demand."""

    NOT_CONVERTED = "opt aborts"
    MAY_NOT_CONVERT = "opt may crash, which depends on what it fuses"
    ABORTS_AT_RUN = "opt converts, and the application aborts when it loads or runs the model"
    WRONG = "opt converts, and the answers are wrong"


@dataclass(frozen=True)
class Demand:
    """A finding about a program.

    Attributes:
        code: what kind of finding it is, such as ``missing-attribute``.
        effect: what happens.
        place: the operator's place; None where a parameter is meant.
        operator: the operator's type, or the parameter's name.
        text: what is the matter, in one clause.
        remedy: what to do about it.
    """

    code: str
    effect: Effect
    place: Place | None
    operator: str
    text: str
    remedy: str
