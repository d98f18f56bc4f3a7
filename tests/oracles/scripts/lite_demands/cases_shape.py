"""Cases of Paddle 2.6.2: operators that move values: reshape, slice, gather, concat, pad, loops."""

import paddle
import paddle.nn.functional as F

CASES = {}


def put(name, case):
    assert name not in CASES, name
    CASES[name] = case


def dim0(b):
    return paddle.shape(b.f(2, 3, spec=(-1, 3)))[0]


for dtype in ("float32", "int64", "int32", "float64", "bool"):
    end = "" if dtype == "float32" else "/" + dtype

    def x(b, *shape, **options):
        dtype = options["dtype"]
        if dtype == "bool":
            return b.b(*shape)
        return b.f(*shape) if dtype == "float32" else b.i(*shape, dtype=dtype)

    put("reshape" + end, lambda b, d=dtype: paddle.reshape(x(b, 2, 3, 4, dtype=d), [2, -1]))
    put("transpose" + end, lambda b, d=dtype: paddle.transpose(x(b, 2, 3, 4, dtype=d), [0, 2, 1]))
    put("squeeze" + end, lambda b, d=dtype: paddle.squeeze(x(b, 2, 1, 4, dtype=d), 1))
    put("unsqueeze" + end, lambda b, d=dtype: paddle.unsqueeze(x(b, 2, 4, dtype=d), [1]))
    put(
        "concat" + end,
        lambda b, d=dtype: paddle.concat([x(b, 2, 3, dtype=d), x(b, 2, 3, dtype=d)], 1),
    )
    put("slice" + end, lambda b, d=dtype: x(b, 4, 5, dtype=d)[1:3, 2])
    put(
        "stack" + end,
        lambda b, d=dtype: paddle.stack([x(b, 2, 3, dtype=d), x(b, 2, 3, dtype=d)], 1),
    )
    if dtype != "bool":
        put("flatten" + end, lambda b, d=dtype: paddle.flatten(x(b, 2, 3, 4, dtype=d), 1))
        put("gather" + end, lambda b, d=dtype: paddle.gather(x(b, 9, 3, dtype=d), b.i(4)))
    put("expand" + end, lambda b, d=dtype: paddle.expand(x(b, 1, 3, dtype=d), [2, 3]))
    put("tile" + end, lambda b, d=dtype: paddle.tile(x(b, 2, 3, dtype=d), [2, 1]))
    put("split" + end, lambda b, d=dtype: paddle.split(x(b, 2, 6, dtype=d), 3, axis=1))
    put("flip" + end, lambda b, d=dtype: paddle.flip(x(b, 2, 3, dtype=d), [1]))
    put("assign" + (end or "/float32"), lambda b, d=dtype: paddle.assign(x(b, 2, 3, dtype=d)))

put("reshape/zero", lambda b: paddle.reshape(b.f(2, 3, 4, spec=(-1, 3, 4)), [0, 12]))
put(
    "reshape/tensor",
    lambda b: paddle.reshape(
        b.f(2, 3, 4, spec=(-1, 3, 4)), [paddle.shape(b.f(2, 1, spec=(-1, 1)))[0], 12]
    ),
)
put(
    "reshape/shape_tensor",
    lambda b: paddle.reshape(b.f(2, 3, 4), paddle.shape(b.f(6, 4, spec=(-1, 4)))),
)
put("reshape/0d", lambda b: paddle.reshape(b.f(1), []))
put("transpose/4d", lambda b: paddle.transpose(b.f(1, 2, 3, 4), [0, 2, 3, 1]))
put("squeeze/all", lambda b: paddle.squeeze(b.f(2, 1, 4, 1)))
put("unsqueeze/two", lambda b: paddle.unsqueeze(b.f(2, 4), [0, -1]))
put("unsqueeze/tensor", lambda b: paddle.unsqueeze(b.f(2, 4), paddle.full([1], 1, "int32")))
put(
    "concat/axis_tensor",
    lambda b: paddle.concat([b.f(2, 3), b.f(2, 3)], axis=paddle.full([1], 1, "int32")),
)
put("split/sections", lambda b: paddle.split(b.f(2, 6), [1, 2, -1], axis=1))
put("chunk", lambda b: paddle.chunk(b.f(2, 6), 2, axis=1))
put("unbind", lambda b: paddle.unbind(b.f(2, 3), axis=0))
put("unstack", lambda b: paddle.unstack(b.f(2, 3), axis=0))
put("slice/negative", lambda b: b.f(4, 5)[:, -2:])
put("slice/index", lambda b: b.f(4, 5)[0])
put("slice/last", lambda b: b.f(2, 4, 5)[:, -1])
put("slice/0d", lambda b: b.f(4)[1])
put("slice/tensor_end", lambda b: paddle.slice(b.f(4, 5), [0], [0], [dim0(b)]))
put("slice/index_tensor", lambda b: b.f(4, 5)[b.i(1, high=3)])
put("strided_slice", lambda b: b.f(4, 6)[:, ::2])
put("strided_slice/back", lambda b: b.f(4, 6)[:, ::-1])
put("strided_slice/function", lambda b: paddle.strided_slice(b.f(4, 6), [1], [0], [6], [2]))
put("strided_slice/back_closed", lambda b: paddle.strided_slice(b.f(4, 6), [1], [5], [0], [-2]))
put("none_index", lambda b: b.f(4, 6)[:, None])
put("ellipsis_index", lambda b: b.f(2, 3, 4)[..., 1])
put("boolean_index", lambda b: b.f(4)[b.b(4)])
put("gather/axis1", lambda b: paddle.gather(b.f(3, 9), b.i(4), axis=1))
put("gather/int32_index", lambda b: paddle.gather(b.f(9, 3), b.i(4, dtype="int32")))
put("gather_nd", lambda b: paddle.gather_nd(b.f(9, 9, 3), b.i(4, 2)))
put("take_along_axis", lambda b: paddle.take_along_axis(b.f(9, 3), b.i(2, 3), 0))
put("index_select", lambda b: paddle.index_select(b.f(9, 3), b.i(4)))
put("index_sample", lambda b: paddle.index_sample(b.f(2, 9), b.i(2, 3)))
put(
    "scatter",
    lambda b: paddle.scatter(b.f(9, 3), b.put(__import__("numpy").array([1, 5])), b.f(2, 3)),
)
put(
    "scatter/add",
    lambda b: paddle.scatter(
        b.f(9, 3), b.put(__import__("numpy").array([1, 5])), b.f(2, 3), overwrite=False
    ),
)
put("scatter_nd_add", lambda b: paddle.scatter_nd_add(b.f(9, 3), b.i(2, 1), b.f(2, 3)))
put("put_along_axis", lambda b: paddle.put_along_axis(b.f(9, 3), b.i(1, 3), b.f(1, 3), 0))
put("set_value", lambda b: paddle.static.setitem(b.f(4, 3) * 1.0, (slice(0, 2),), 1.0))
put("expand/minus_one", lambda b: paddle.expand(b.f(1, 3), [2, -1]))
put("expand/tensor", lambda b: paddle.expand(b.f(1, 3), [dim0(b), 3]))
put("expand_as", lambda b: paddle.expand_as(b.f(1, 3), b.f(2, 3)))
put("broadcast_to", lambda b: paddle.broadcast_to(b.f(3), [2, 3]))
put("tile/tensor", lambda b: paddle.tile(b.f(1, 3), [dim0(b), 1]))
put("repeat_interleave", lambda b: paddle.repeat_interleave(b.f(2, 3), 2, axis=1))
put("roll", lambda b: paddle.roll(b.f(2, 3), 1, axis=1))
put("rot90", lambda b: paddle.rot90(b.f(2, 3)))
put("moveaxis", lambda b: paddle.moveaxis(b.f(2, 3, 4), 0, 2))
put("one_hot", lambda b: F.one_hot(b.i(4), 8))
put("sequence_mask", lambda b: F.sequence_mask(b.i(4, low=1), maxlen=8))
put("sequence_mask/float", lambda b: F.sequence_mask(b.i(4, low=1), maxlen=8, dtype="float32"))
put("shard_index", lambda b: paddle.shard_index(b.i(4, 1), 20, 2, 0))
put("flatten/all", lambda b: paddle.flatten(b.f(2, 3, 4)))
put("flatten/dynamic", lambda b: paddle.flatten(b.f(2, 3, 4, spec=(-1, 3, 4)), 1))
put(
    "flatten2",
    lambda b: b.raw(
        "flatten2", {"X": b.f(2, 3, 4)}, {"axis": 1}, (("Out", "float32"), ("XShape", "float32"))
    )[0],
)
put("pad/constant", lambda b: F.pad(b.f(1, 2, 4, 4), [1, 1, 2, 2], value=0.5))
put("pad/zero", lambda b: F.pad(b.f(1, 2, 4, 4), [1, 1, 2, 2]))
put("pad/reflect", lambda b: F.pad(b.f(1, 2, 4, 4), [1, 1, 2, 2], mode="reflect"))
put("pad/replicate", lambda b: F.pad(b.f(1, 2, 4, 4), [1, 1, 2, 2], mode="replicate"))
put("pad/circular", lambda b: F.pad(b.f(1, 2, 4, 4), [1, 1, 2, 2], mode="circular"))
put("pad/nhwc", lambda b: F.pad(b.f(1, 4, 4, 2), [1, 1, 2, 2], data_format="NHWC"))
put("pad/all_dims", lambda b: F.pad(b.f(2, 3), [1, 1, 0, 2]))
put("pad/5d", lambda b: F.pad(b.f(1, 2, 3, 4, 4), [1, 1, 2, 2, 1, 0], data_format="NCDHW"))
put("pad/3d_tensor", lambda b: F.pad(b.f(1, 2, 6), [1, 2], data_format="NCL"))
put("zeropad2d", lambda b: F.zeropad2d(b.f(1, 2, 4, 4), [1, 1, 2, 2]))
put("crop", lambda b: paddle.crop(b.f(4, 5), [2, 3], [1, 1]))
put("unfold", lambda b: F.unfold(b.f(1, 2, 6, 6), 3))
put("fold", lambda b: F.fold(b.f(1, 8, 9), [4, 4], 2))
put("as_real", lambda b: paddle.as_real(paddle.as_complex(b.f(3, 2))))


def loop(b):
    i, n, x = paddle.full([1], 0, "int64"), paddle.full([1], 3, "int64"), b.f(2, 3)
    return paddle.static.nn.while_loop(lambda i, x: i < n, lambda i, x: [i + 1, x * 2.0], [i, x])[1]


def condition(b):
    x = b.f(1)
    return paddle.static.nn.cond(paddle.mean(x) > 0.0, lambda: x * 2.0, lambda: x - 1.0)


def array(b):
    x, zero = b.f(2, 3), paddle.zeros([1], "int64")
    items = paddle.tensor.array_write(x, zero)
    return paddle.tensor.array_read(items, zero) + 0.0


put("while", loop)
put("cond", condition)
put("tensor_array", array)
