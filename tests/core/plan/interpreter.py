"""A few operators in numpy, as Paddle documents them: a program runs before and after a rewrite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.builders import Array, read_arrays
from weightquant_cli import Model
from weightquant_cli.formats.program import Operator

Values = dict[str, Array]


def run(model: Model, feeds: Values) -> Values:
    """Every variable of the main block after running it on `feeds`."""
    values: Values = {**read_arrays(model), **feeds}
    for ref, operator in model.operators():
        if ref.block == 0 and ref.type not in ("feed", "fetch"):
            _OPERATORS[ref.type](operator, values)
    return values


def _input(operator: Operator, values: Values, slot: str) -> Array:
    (name,) = operator.inputs[slot]
    return values[name]


def _attribute(operator: Operator, name: str, default: Any) -> Any:
    value = operator.value(name)
    return default if value is None else value


def _output(operator: Operator, values: Values, value: Array, slot: str = "Out") -> None:
    (name,) = operator.outputs[slot]
    values[name] = value


def _mul(operator: Operator, values: Values) -> None:
    x, y = _input(operator, values, "X"), _input(operator, values, "Y")
    split, rows = operator.value("x_num_col_dims"), operator.value("y_num_col_dims")
    assert isinstance(split, int)
    assert rows == 1
    depth = int(np.prod(x.shape[split:]))
    product = x.reshape(-1, depth) @ y
    _output(operator, values, product.reshape(*x.shape[:split], *y.shape[1:]))


def _matmul(operator: Operator, values: Values) -> None:
    x, y = _input(operator, values, "X"), _input(operator, values, "Y")
    if _attribute(operator, "trans_x", False) or _attribute(operator, "transpose_X", False):
        x = np.swapaxes(x, -1, -2)
    if _attribute(operator, "trans_y", False) or _attribute(operator, "transpose_Y", False):
        y = np.swapaxes(y, -1, -2)
    _output(operator, values, (x @ y) * np.float32(_attribute(operator, "alpha", 1.0)))


def _rows(operator: Operator, values: Values, ids: Array) -> None:
    table = _input(operator, values, "W")
    rows = table[ids]
    padding = _attribute(operator, "padding_idx", -1)
    if padding != -1:
        rows = np.where((ids == padding)[..., None], np.float32(0), rows)
    _output(operator, values, rows)


def _lookup_table(operator: Operator, values: Values) -> None:
    ids = _input(operator, values, "Ids")
    assert ids.shape[-1] == 1
    _rows(operator, values, ids[..., 0])


def _lookup_table_v2(operator: Operator, values: Values) -> None:
    _rows(operator, values, _input(operator, values, "Ids"))


def _unsqueeze2(operator: Operator, values: Values) -> None:
    assert operator.value("axes") == (-1,)
    x = _input(operator, values, "X")
    _output(operator, values, x[..., None])
    _output(operator, values, np.zeros((0, *x.shape), x.dtype), "XShape")


_OPERATORS: dict[str, Callable[[Operator, Values], None]] = {
    "mul": _mul,
    "matmul": _matmul,
    "matmul_v2": _matmul,
    "lookup_table": _lookup_table,
    "lookup_table_v2": _lookup_table_v2,
    "unsqueeze2": _unsqueeze2,
}
