"""Would Paddle Lite run the carriers of a model? What they compute with must fit the weight.

A carrier is an operator that was added to carry a tag (`lite/carriers.py`). It runs like any other:
zeros of a shape that its kernel refuses end the run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..lite.carried import LOOKUP_TABLE
from ..lite.carriers import Carrier
from ..model.model import Model
from .findings import REQUANTIZE, Finding, FindingCode, Severity

MOST_ZEROS = 1 << 24
"""Far more than a carrier needs, and what any phone can hold."""


def check_carriers(model: Model, carriers: Sequence[Carrier]) -> Iterator[Finding]:
    """What is wrong with the carriers of a model."""
    for carrier in carriers:
        weight = model.weight(carrier.weight)
        dims = model.operator(carrier.zeros).value("shape")
        if not isinstance(dims, tuple) or not _fits(model, carrier, dims, weight.record.shape):
            yield _finding(
                carrier,
                FindingCode.CARRIER,
                f"zeros of the shape {dims} for a weight of {list(weight.record.shape)}",
                "an abort at the first run",
            )
        elif carrier.zeros.index > carrier.operator.index:
            yield _finding(
                carrier,
                FindingCode.CARRIER,
                "its zeros are made behind it",
                "an abort at the first run",
            )


def _fits(model: Model, carrier: Carrier, dims: tuple[object, ...], shape: tuple[int, ...]) -> bool:
    """Whether zeros of these dims go with a weight of this shape."""
    numbers = [dim for dim in dims if isinstance(dim, int)]
    if min(numbers, default=0) < 1 or math.prod(numbers) > MOST_ZEROS:
        return False
    if carrier.operator.type == LOOKUP_TABLE:
        return numbers[-1] == 1
    groups = model.operator(carrier.operator).value("groups")
    channels = shape[1] * groups if isinstance(groups, int) else shape[1]
    return len(numbers) == len(shape) == 4 and (
        numbers[1] == channels and numbers[2] >= shape[2] and numbers[3] >= shape[3]
    )


def _finding(carrier: Carrier, code: FindingCode, what: str, consequence: str) -> Finding:
    op_type = carrier.operator.type
    return Finding(code, Severity.ERROR, carrier.weight, op_type, what, consequence, REQUANTIZE)
