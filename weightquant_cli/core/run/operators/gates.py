"""Activations inside recurrent cells, by name and by the numbers of the older operators."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..call import Call, Unsupported
from ..values import Array
from .special import sigmoid

Function = Callable[[Array], Array]

_BY_NAME: dict[str, Function] = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "identity": lambda x: x,
}
_BY_NUMBER = ("identity", "sigmoid", "tanh", "relu")


def gate(call: Call, attribute: str, default: str) -> Function:
    """The activation that an attribute names, or numbers (gru_unit)."""
    value = call.attributes.get(attribute, default)
    if isinstance(value, int) and 0 <= value < len(_BY_NUMBER):
        value = _BY_NUMBER[value]
    if not isinstance(value, str) or value not in _BY_NAME:
        raise Unsupported(f"{attribute} {value!r} of {call.type}")
    return _BY_NAME[value]
