"""Cases of shapes: reshaping, joining, cutting, padding, computed shapes."""

import numpy as np
import paddle
import paddle.nn.functional as F
from pir_cases_math import bits, normal, numbers, one, two

ALL = {"dynamic": ("x",)}


def dim(x, axis):
    return paddle.shape(x)[axis]


def free(function, array=None):
    """A case whose dims are not known in advance."""
    return function, {"x": normal(2, 3, 4, 5) if array is None else array}, ALL


CASES = {
    "reshape": one(lambda x: x.reshape([6, -1])),
    "reshape_zero": one(lambda x: x.reshape([0, -1, 5])),
    "reshape_computed": free(lambda x: x.reshape([dim(x, 0), -1])),
    "reshape_computed_twice": free(lambda x: x.reshape([dim(x, 0) * dim(x, 1), 4, -1])),
    "reshape_shape": free(lambda x: x.reshape([dim(x, 1), dim(x, 0), -1])),
    "reshape_tensor": (
        lambda x, y: x.reshape(y),
        {"x": normal(2, 6), "y": np.array([3, 4], "int32")},
    ),
    "transpose": one(lambda x: x.transpose([0, 3, 1, 2])),
    "squeeze": one(lambda x: x.squeeze(1), normal(2, 1, 3, 1)),
    "squeeze_all": one(lambda x: x.squeeze(), normal(2, 1, 3, 1)),
    "unsqueeze": one(lambda x: x.unsqueeze([0, 2])),
    "flatten": one(lambda x: x.flatten(1, 2)),
    "flatten_free": free(lambda x: x.flatten(1)),
    "expand": one(lambda x: x.expand([3, 4, 5]), normal(1, 4, 1)),
    "expand_minus": one(lambda x: x.expand([3, -1, 5]), normal(1, 4, 1)),
    "expand_computed": (
        lambda x, y: x.expand([dim(y, 0), 4, 5]) + y.sum(),
        {"x": normal(1, 4, 1), "y": normal(6, 2)},
        {"dynamic": ("y",)},
    ),
    "expand_as": two(lambda x, y: x.expand_as(y), normal(1, 4), normal(3, 4)),
    "broadcast_to": one(lambda x: paddle.broadcast_to(x, [3, 4]), normal(1, 4)),
    "broadcast_tensors": two(
        lambda x, y: paddle.broadcast_tensors([x, y]), normal(1, 4), normal(3, 1)
    ),
    "tile": one(lambda x: paddle.tile(x, [2, 1, 3]), normal(2, 3, 1)),
    "tile_computed": (
        lambda x, y: paddle.tile(x, [dim(y, 0), 1]) + y.sum(),
        {"x": normal(2, 3), "y": normal(3, 2)},
        {"dynamic": ("y",)},
    ),
    "concat": two(lambda x, y: paddle.concat([x, y], axis=1)),
    "concat_last": two(lambda x, y: paddle.concat([x, y], axis=-1)),
    "concat_one": one(lambda x: paddle.concat([x], axis=0)),
    "stack": two(lambda x, y: paddle.stack([x, y], axis=1)),
    "unstack": one(lambda x: paddle.unstack(x, axis=1)),
    "unbind": one(lambda x: paddle.unbind(x, axis=1)),
    "unbind_stack": one(lambda x: paddle.stack(paddle.unbind(x, axis=0), axis=2)),
    "split_number": one(lambda x: paddle.split(x, 2, axis=2)),
    "split_sections": one(lambda x: paddle.split(x, [1, 3], axis=2)),
    "split_rest": one(lambda x: paddle.split(x, [1, -1], axis=3)),
    "chunk": one(lambda x: paddle.chunk(x, 3, axis=1)),
    "slice": one(lambda x: x[:, 1:3, ::1, -2:]),
    "slice_decrease": one(lambda x: x[:, 0]),
    "slice_last": one(lambda x: x[..., -1]),
    "slice_free": free(lambda x: x[:, 1:, :-1]),
    "slice_none": one(lambda x: x[:, None, 1]),
    "slice_computed": free(lambda x: x[:, : dim(x, 1) - 1]),
    "slice_tensor": (
        lambda x, y: paddle.slice(x, [1], y, y + 2),
        {"x": normal(2, 6), "y": np.array([1], "int32")},
    ),
    "strided": one(lambda x: x[:, ::2, ::-1]),
    "strided_free": free(lambda x: x[..., ::2, 1::2]),
    "focus": free(
        lambda x: paddle.concat([x[:, :, ::2, ::2], x[:, :, 1::2, ::2]], axis=1), normal(1, 3, 4, 6)
    ),
    "crop": one(lambda x: paddle.crop(x, [2, 2, 3, 2], [0, 1, 1, 2])),
    "flip": one(lambda x: paddle.flip(x, [1, 3])),
    "roll": one(lambda x: paddle.roll(x, [1, -2], [1, 2])),
    "roll_flat": one(lambda x: paddle.roll(x, 3)),
    "meshgrid": two(lambda x, y: paddle.meshgrid(x, y), normal(3), normal(4)),
    "repeat_interleave": one(lambda x: paddle.repeat_interleave(x, 3, axis=1)),
    "diag": one(paddle.diag, normal(4)),
    "diag_embed": one(
        paddle.nn.functional.diag_embed if hasattr(F, "diag_embed") else paddle.diag_embed,
        normal(2, 3),
    ),
    "diagonal": one(paddle.diagonal, normal(3, 4)),
    "tril": one(lambda x: paddle.tril(x, -1), normal(4, 5)),
    "triu": one(lambda x: paddle.triu(x, 1), normal(4, 5)),
    "pad_constant": one(lambda x: F.pad(x, [1, 2, 0, 1], value=0.5)),
    "pad_reflect": one(lambda x: F.pad(x, [1, 1, 2, 1], mode="reflect")),
    "pad_replicate": one(lambda x: F.pad(x, [1, 1, 2, 1], mode="replicate")),
    "pad_circular": one(lambda x: F.pad(x, [1, 1, 2, 1], mode="circular")),
    "pad_all": one(lambda x: F.pad(x, [0, 0, 1, 1, 0, 2, 1, 0])),
    "pad_layer": one(lambda x: paddle.nn.Pad2D([1, 2, 3, 0])(x)),
    "zero_pad": one(lambda x: F.zeropad2d(x, [1, 2, 3, 0])),
    "pad_1d": one(lambda x: F.pad(x, [1, 2], data_format="NCL"), normal(2, 3, 4)),
    "shape": free(lambda x: paddle.shape(x)),
    "shape_math": free(lambda x: paddle.shape(x)[2] * 2 + 1),
    "shape_float": free(lambda x: x / dim(x, 1)),
    "numel": free(lambda x: paddle.numel(x)),
    "pixel_shuffle": one(lambda x: F.pixel_shuffle(x, 2), normal(1, 8, 3, 4)),
    "pixel_unshuffle": one(lambda x: F.pixel_unshuffle(x, 2), normal(1, 2, 4, 6)),
    "channel_shuffle": one(lambda x: F.channel_shuffle(x, 3), normal(1, 6, 3, 4)),
    "shuffle_by_hand": free(
        lambda x: (
            x.reshape([dim(x, 0), 2, 3, dim(x, 2), dim(x, 3)])
            .transpose([0, 2, 1, 3, 4])
            .reshape([dim(x, 0), 6, dim(x, 2), dim(x, 3)])
        ),
        normal(2, 6, 3, 4),
    ),
    "unfold": one(lambda x: F.unfold(x, 3, 1, 1)),
    "fold": one(lambda x: F.fold(x, [4, 5], 3, 1, 1), normal(2, 18, 20)),
    "temporal_shift": one(lambda x: F.temporal_shift(x, 2, 0.2), normal(4, 10, 3, 3)),
    "as_strided": one(lambda x: x.reshape([2, 60]).t()),
    "swapaxes": one(lambda x: paddle.moveaxis(x, 1, 3)),
    "rot90": one(lambda x: paddle.rot90(x, 1, [2, 3])),
    "rearranged": free(lambda x: x.flatten(2).transpose([0, 2, 1]).reshape([dim(x, 0), -1, 3, 1])),
    "arange": one(lambda x: paddle.arange(0, 6, 2).astype("float32") + x, normal(3)),
    "arange_free": free(lambda x: paddle.arange(dim(x, 1)) + 0 * x.sum().astype("int64")),
    "arange_float": one(lambda x: paddle.arange(0.0, 1.0, 0.25) + x, normal(4)),
    "arange_int32": free(lambda x: [paddle.arange(0, dim(x, 2), dtype="int32"), paddle.tanh(x)]),
    "linspace": one(lambda x: paddle.linspace(0, 1, 5) + x, normal(5)),
    "eye": one(lambda x: paddle.eye(3, 4) + x, normal(3, 4)),
    "full": one(lambda x: paddle.full([2, 3], 0.7) + x, normal(2, 3)),
    "full_free": free(lambda x: paddle.full([dim(x, 0), 3], 0.7)),
    "full_value": (
        lambda x: paddle.full([2, 3], x),
        {"x": normal(1)},
    ),
    "zeros_free": free(lambda x: paddle.zeros([dim(x, 0), dim(x, 1)])),
    "ones": one(lambda x: paddle.ones([2, 3], dtype="int64") + x, numbers(2, 3)),
    "full_like": one(lambda x: paddle.full_like(x, 2.5) + x),
    "zeros_like": free(paddle.zeros_like),
    "ones_like": free(lambda x: paddle.ones_like(x, dtype="int32")),
    "assign_numbers": one(
        lambda x: x * paddle.to_tensor(np.array([0.5, 2.0, 3.0], "float32")), normal(2, 3)
    ),
    "assign_integers": one(lambda x: x + paddle.assign(np.array([[1, 2], [3, 4]])), numbers(2, 2)),
    "assign_bools": one(
        lambda x: paddle.logical_and(x, paddle.assign(np.array([True, False]))), bits(3, 2)
    ),
    "assign": one(paddle.assign),
    "constant_output": one(lambda x: [x * 2, paddle.full([2], 3.0), paddle.full([1], 7, "int64")]),
    "cast": one(lambda x: (x * 3).astype("int32")),
    "cast_bool": one(lambda x: (x > 0).astype("float32")),
    "uint8": one(lambda x: x.astype("float32") / 255.0, numbers(2, 3, high=255, dtype="uint8")),
    "where": two(lambda x, y: paddle.where(x > y, x, y)),
    "where_broadcast": two(lambda x, y: paddle.where(x > 0, x, y), normal(3, 4), normal(1, 4)),
    "where_scalar": one(lambda x: paddle.where(x > 0, x, paddle.zeros_like(x))),
    "nonzero": one(lambda x: paddle.nonzero(x > 0)),
    "masked_select": one(lambda x: paddle.masked_select(x, x > 0)),
    "masked_fill": one(lambda x: paddle.masked_fill(x, x > 0, -1.0)),
    "is_empty": one(paddle.is_empty),
    "atleast": one(lambda x: paddle.atleast_2d(x), normal(3)),
    "unflatten": one(lambda x: paddle.unflatten(x, 1, [3, 2]), normal(2, 6, 3)),
    "tensor_split": one(lambda x: paddle.tensor_split(x, 2, axis=1), normal(2, 5)),
    "hstack": two(lambda x, y: paddle.hstack([x, y])),
}
CASES.update(
    repeats=two(
        lambda x, n: paddle.repeat_interleave(x, n, axis=1), normal(2, 3), np.array([1, 0, 2])
    ),
    max_pool3d_mask=one(lambda x: F.max_pool3d(x, 2, 2, return_mask=True), normal(1, 2, 4, 4, 4)),
    printed=one(lambda x: paddle.static.Print(paddle.tanh(x))),
)
