"""One thing that Paddle Lite demands and a program does not give it; and many of them, counted."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from .position import Position

MEND = "`weightquant quantize` mends it"
"""The remedy of what `mend` puts right."""


class Effect(enum.Enum):
    """What happens to a program that does not meet a demand."""

    NOT_CONVERTED = "opt aborts"
    MAY_NOT_CONVERT = "opt may crash, which depends on what it fuses"
    ABORTS_AT_RUN = "opt converts, and the application aborts when it loads or runs the model"
    WRONG = "opt converts, and the answers are wrong"


class DemandCode(enum.Enum):
    """What a program can lack, or have, that Paddle Lite does not get on with."""

    UNSUPPORTED_OPERATOR = "unsupported_operator"
    SIMULATED_QUANTIZATION = "simulated_quantization"
    MISSING_ATTRIBUTE = "missing_attribute"
    ATTRIBUTE_TYPE = "attribute_type"
    MISSING_OUTPUT = "missing_output"
    SCALAR = "scalar"
    EMPTY_REDUCTION = "empty_reduction"
    BOOLEAN = "boolean"
    DOUBLE = "double"
    PARAMETER_TYPE = "parameter_type"
    EMPTY_PARAMETER = "empty_parameter"
    VARIABLE_TYPE = "variable_type"
    LAYOUT = "layout"
    LAYER_NORM_WITHOUT_SCALE = "layer_norm_without_scale"
    GROUP_NORM_WITHOUT_SCALE = "group_norm_without_scale"
    CAST = "cast"
    BOOLEAN_FILL = "boolean_fill"
    OPEN_SECTION = "open_section"
    VALUES_AS_SCALARS = "values_as_scalars"
    FLATTEN_IGNORED = "flatten_ignored"
    SCALE_TENSOR_IGNORED = "scale_tensor_ignored"
    NORM = "norm"
    PAD_VALUE_IGNORED = "pad_value_ignored"
    FLOAT_REMAINDER = "float_remainder"
    SLICE_BACKWARDS = "slice_backwards"
    FUSED_PAD = "fused_pad"
    IOU_AWARE = "iou_aware"
    GRID_SIZE = "grid_size"
    RNN_MODE = "rnn_mode"
    RNN_LENGTHS = "rnn_lengths"


@dataclass(frozen=True)
class Demand:
    """A finding about a program.

    Attributes:
        code: what kind of finding it is.
        effect: what happens.
        position: the operator's place; None where a variable is meant.
        operator: the operator's type, or the variable's name.
        text: what is the matter, in one clause.
        remedy: what to do about it.
    """

    code: DemandCode
    effect: Effect
    position: Position | None
    operator: str
    text: str
    remedy: str


@dataclass(frozen=True)
class Demands:
    """The same finding about several operators of one type, or about several variables.

    Attributes:
        code, effect, text, remedy: as of each `Demand`.
        operator: the type of the operators; None where variables are meant.
        variable: the name of the first variable; None where operators are meant.
        count: how many.
    """

    code: DemandCode
    effect: Effect
    operator: str | None
    variable: str | None
    count: int
    text: str
    remedy: str

    @property
    def is_mendable(self) -> bool:
        """Whether quantizing the FP32 model puts it right."""
        return self.remedy == MEND


_Key = tuple[DemandCode, Effect, str | None, str, str]


def grouped(demands: Iterable[Demand]) -> tuple[Demands, ...]:
    """The findings, equal ones as one with their number: the worst effects first, then in order."""
    first: dict[_Key, Demand] = {}
    counts: dict[_Key, int] = {}
    for demand in demands:
        operator = None if demand.position is None else demand.operator
        key = (demand.code, demand.effect, operator, demand.text, demand.remedy)
        first.setdefault(key, demand)
        counts[key] = counts.get(key, 0) + 1
    found = [
        Demands(
            one.code,
            one.effect,
            key[2],
            one.operator if one.position is None else None,
            counts[key],
            one.text,
            one.remedy,
        )
        for key, one in first.items()
    ]
    rank = {Effect.NOT_CONVERTED: 0, Effect.ABORTS_AT_RUN: 1, Effect.WRONG: 2}
    return tuple(sorted(found, key=lambda demands: rank.get(demands.effect, 3)))
