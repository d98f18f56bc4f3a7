"""Cases of control flow, and of operations that only inference programs of older models have."""

import numpy as np
import paddle
from pir_cases_math import normal


def branch(x):
    return paddle.static.nn.cond(x.sum() > 0, lambda: x + 1, lambda: x * 2)


def branch_two(x):
    return paddle.static.nn.cond(x.mean() > 0, lambda: (x + 1, x.sum()), lambda: (x * 2, x.mean()))


def loop(x):
    count = paddle.full([1], 0, "int64")
    _, total = paddle.static.nn.while_loop(
        lambda i, t: i < 4, lambda i, t: [i + 1, t * 1.5 + x], [count, x * 1]
    )
    return total


def loop_in_branch(x):
    return paddle.static.nn.cond(x.sum() > 0, lambda: loop(x), lambda: x - 1)


CASES = {
    "branch_true": (branch, {"x": np.abs(normal(2, 3))}),
    "branch_false": (branch, {"x": -np.abs(normal(2, 3))}),
    "branch_two": (branch_two, {"x": normal(2, 3)}),
    "loop": (loop, {"x": normal(2, 3)}),
    "loop_in_branch": (loop_in_branch, {"x": np.abs(normal(2, 3))}),
}
