"""Cases of reading and writing at indexes."""

import numpy as np
import paddle
import paddle.nn.functional as F
from pir_cases_math import normal, numbers, one, two
from pir_cases_shapes import free

INDEX = np.array([2, 0, 1, 2])


ALL = slice(None)


def write(index, value):
    """The tensor with a value written at an index, or at one that is computed from it."""

    def function(x):
        y = paddle.tanh(x)
        where = index(y) if callable(index) else index
        what = value(y) if callable(value) else value
        return paddle.exp(paddle.static.setitem(y, where, what))

    return function


CASES = {
    "gather": two(lambda x, i: paddle.gather(x, i), normal(3, 4), INDEX),
    "gather_axis": two(lambda x, i: paddle.gather(x, i, axis=1), normal(2, 3, 4), INDEX),
    "gather_nd": two(paddle.gather_nd, normal(3, 4), np.array([[0, 1], [2, 3]])),
    "index_select": two(lambda x, i: paddle.index_select(x, i, axis=1), normal(2, 3, 4), INDEX),
    "index_sample": two(paddle.index_sample, normal(2, 4), np.array([[0, 1], [2, 3]])),
    "index_add": two(
        lambda x, i: paddle.index_add(x, i, 0, paddle.ones([2, 4])), normal(3, 4), INDEX[:2]
    ),
    "index_put": two(
        lambda x, i: paddle.index_put(x, (i,), paddle.ones([1, 4])), normal(3, 4), INDEX[:2]
    ),
    "take_along": two(
        lambda x, i: paddle.take_along_axis(x, i, axis=1, broadcast=False),
        normal(2, 4),
        np.array([[0, 1], [2, 3]]),
    ),
    "put_along": two(
        lambda x, i: paddle.put_along_axis(x, i, paddle.ones([2, 2]), axis=1, broadcast=False),
        normal(2, 4),
        np.array([[0, 1], [2, 3]]),
    ),
    "scatter": two(
        lambda x, i: paddle.scatter(x, i, paddle.ones([2, 4])), normal(3, 4), np.array([2, 0])
    ),
    "scatter_add": two(
        lambda x, i: paddle.scatter(x, i, paddle.ones([2, 4]), overwrite=False),
        normal(3, 4),
        np.array([2, 0]),
    ),
    "scatter_nd_add": two(
        lambda x, i: paddle.scatter_nd_add(x, i, paddle.ones([2, 4])),
        normal(3, 4),
        np.array([[2], [0]]),
    ),
    "one_hot": one(lambda x: F.one_hot(x, 9), numbers(3, 4)),
    "sequence_mask": one(lambda x: F.sequence_mask(x, 9, "float32"), numbers(4)),
    "sequence_mask_free": one(lambda x: F.sequence_mask(x, dtype="int32"), numbers(4) + 1),
    "gather_tree": (
        F.gather_tree,
        {"ids": numbers(3, 2, 2, high=5), "parents": numbers(3, 2, 2, high=2)},
    ),
    "index_tensor": two(lambda x, i: x[i], normal(3, 4), INDEX),
    "index_tensors": two(lambda x, i: x[i, i], normal(3, 4), INDEX),
    "index_mask": one(lambda x: x[x > 0]),
    "set_row": one(write((ALL, 1), 5.0)),
    "set_range": one(write((ALL, slice(1, 3), slice(0, None, 2)), -1.0)),
    "set_tensor": one(write((ALL, 0), lambda y: y[:, 1] * 2)),
    "set_mask": one(write(lambda y: y > 0, 0.0)),
    "set_free": free(write((ALL, 1), 5.0)),
    "set_computed": free(write(lambda y: (ALL, slice(0, paddle.shape(y)[1] - 1)), 2.0)),
    "select_last": free(lambda x: x[paddle.arange(2), -1]),
    "multiplex": two(lambda x, y: paddle.where(x > y, x, y)),
    "shard": one(lambda x: paddle.shard_index(x, 20, 2, 0), numbers(4, 1)),
    "fill_diagonal": one(lambda x: paddle._C_ops.fill_diagonal(x, 3.0, 0, False), normal(4, 4)),
    "histogram": one(lambda x: paddle.histogram(x, 5, -2, 2), normal(20)),
}
