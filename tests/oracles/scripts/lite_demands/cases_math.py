"""Cases of Paddle 2.6.2: elementwise arithmetic, reductions, comparisons, logic, random numbers."""

import numpy as np
import paddle

CASES = {}

UNARY = [
    "abs",
    "ceil",
    "floor",
    "round",
    "exp",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "sqrt",
    "rsqrt",
    "square",
    "reciprocal",
    "sign",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "asinh",
    "erf",
    "digamma",
    "lgamma",
    "trunc",
    "frac",
    "neg",
]
BINARY = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "maximum",
    "minimum",
    "pow",
    "mod",
    "floor_divide",
    "atan2",
    "fmax",
    "fmin",
]
REDUCTIONS = ["sum", "mean", "max", "min", "prod", "amax", "amin", "logsumexp", "std", "var"]
COMPARISONS = ["equal", "not_equal", "less_than", "less_equal", "greater_than", "greater_equal"]
LOGICAL = ["logical_and", "logical_or", "logical_xor"]
BITWISE = ["bitwise_and", "bitwise_or", "bitwise_xor"]


def put(name, case):
    assert name not in CASES, name
    CASES[name] = case


for op in UNARY:
    put(op, lambda b, op=op: getattr(paddle, op)(b.f(2, 3, 4, low=0.1, high=0.9)))
for op in ("abs", "square", "exp", "sign"):
    for dtype in ("float64", "int64", "int32"):
        if op == "exp" and dtype != "float64":
            continue
        put(
            "%s/%s" % (op, dtype),
            lambda b, op=op, dtype=dtype: getattr(paddle, op)(b.i(2, 3, 4, dtype=dtype)),
        )
for op in BINARY:
    put(
        op,
        lambda b, op=op: getattr(paddle, op)(
            b.f(2, 3, 4, low=1, high=3), b.f(2, 3, 4, low=1, high=3)
        ),
    )
    if op != "atan2":
        put(
            op + "/broadcast",
            lambda b, op=op: getattr(paddle, op)(
                b.f(2, 3, 4, low=1, high=3), b.f(3, 1, low=1, high=3)
            ),
        )
    for dtype in ("int32", "int64", "float64"):
        if op in ("atan2",) and dtype != "float64":
            continue
        put(
            "%s/%s" % (op, dtype),
            lambda b, op=op, dtype=dtype: getattr(paddle, op)(
                b.i(2, 3, 4, low=1, high=5, dtype=dtype), b.i(2, 3, 4, low=1, high=5, dtype=dtype)
            ),
        )
for op in ("add", "multiply"):
    put(
        op + "/parameter",
        lambda b, op=op: getattr(paddle, op)(b.f(2, 3, 4, spec=(-1, 3, 4)), b.weight(4)),
    )
    put(op + "/one_value", lambda b, op=op: getattr(paddle, op)(b.f(2, 3, 4), b.f(1)))
put("pow/scalar", lambda b: paddle.pow(b.f(2, 3, low=1, high=2), 2.0))
put("pow/int_scalar", lambda b: paddle.pow(b.i(2, 3, low=1, high=4), 2))
put("scale", lambda b: paddle.scale(b.f(2, 3), scale=2.0, bias=1.0))
put("scale/before", lambda b: paddle.scale(b.f(2, 3), scale=2.0, bias=1.0, bias_after_scale=False))
put("scalar/constant", lambda b: b.f(2, 3) > paddle.full([], 0.1))
put("scalar/of_sum", lambda b: b.f(2, 3) / paddle.sum(b.f(2, 3, low=1, high=2)))
put("scale/int64", lambda b: paddle.scale(b.i(2, 3), scale=2.0, bias=1.0))
put("scale/int32", lambda b: b.i(2, 3, dtype="int32") * 2)
put("scale/plus", lambda b: b.f(2, 3) + 1.0)
put("scale/minus", lambda b: 1.0 - b.f(2, 3))
put("scale/tensor", lambda b: paddle.scale(b.f(2, 3), scale=b.f(1)))
put("divided_by_int", lambda b: b.f(2, 3) / 3)
put("clip", lambda b: paddle.clip(b.f(2, 3), -0.5, 0.5))
put("clip/int64", lambda b: paddle.clip(b.i(2, 3), 1, 3))
put(
    "clip/tensor",
    lambda b: paddle.clip(b.f(2, 3), b.f(1, low=-0.5, high=-0.4), b.f(1, low=0.4, high=0.5)),
)
put("clip/one_side", lambda b: paddle.clip(b.f(2, 3), min=0.0))
put("sum/add_n", lambda b: paddle.add_n([b.f(2, 3), b.f(2, 3)]))
put("lerp", lambda b: paddle.lerp(b.f(2, 3), b.f(2, 3), b.f(1)))
put("stanh", lambda b: paddle.stanh(b.f(2, 3)))
put("logit", lambda b: paddle.logit(b.f(2, 3, low=0.1, high=0.9)))
put("increment", lambda b: paddle.increment(b.f(1), 2.0))
put("increment/int64", lambda b: paddle.increment(b.i(1), 1))
put("cumsum", lambda b: paddle.cumsum(b.f(2, 3), axis=1))
put("cumsum/flat", lambda b: paddle.cumsum(b.f(2, 3)))
put("cumprod", lambda b: paddle.cumprod(b.f(2, 3), dim=1))
put("kron", lambda b: paddle.kron(b.f(2, 3), b.f(2, 2)))
put("cross", lambda b: paddle.cross(b.f(2, 3), b.f(2, 3), axis=1))
put("dot", lambda b: paddle.dot(b.f(4), b.f(4)))
put("trace", lambda b: paddle.trace(b.f(3, 3)))
put("inverse", lambda b: paddle.inverse(b.f(3, 3)))
put("dist", lambda b: paddle.dist(b.f(2, 3), b.f(2, 3)))
put("cast/float_to_int64", lambda b: paddle.cast(b.f(2, 3), "int64"))
put("cast/int64_to_float", lambda b: paddle.cast(b.i(2, 3), "float32"))
put("cast/bool_to_float", lambda b: paddle.cast(b.b(2, 3), "float32"))
put("cast/float_to_bool", lambda b: paddle.cast(b.f(2, 3), "bool"))
put("cast/int32_to_int64", lambda b: paddle.cast(b.i(2, 3, dtype="int32"), "int64"))
put("cast/float_to_double", lambda b: paddle.cast(b.f(2, 3), "float64"))
put("cast/double_to_float", lambda b: paddle.cast(b.f(2, 3, dtype="float64"), "float32"))
put("cast/uint8_to_float", lambda b: paddle.cast(b.i(2, 3, dtype="uint8"), "float32"))
put(
    "cast/float_to_half_and_back",
    lambda b: paddle.cast(paddle.cast(b.f(2, 3), "float16"), "float32"),
)
put(
    "cast/float_to_uint8_and_back",
    lambda b: paddle.cast(paddle.cast(b.f(2, 3), "uint8"), "float32"),
)
CASTABLE = ("bool", "int32", "int64", "float32", "uint8", "int8", "int16")
for source in CASTABLE[:-2] + CASTABLE[-1:]:  # Paddle casts to int8, not from it
    for target in CASTABLE:
        put(
            "cast_pair/%s_to_%s" % (source, target),
            lambda b, source=source, target=target: paddle.cast(
                b.b(2, 3) if source == "bool" else b.i(2, 3, dtype=source), target
            ),
        )
put("norm/fro", lambda b: paddle.norm(b.f(2, 3)))
put("norm/p1", lambda b: paddle.norm(b.f(2, 3), p=1, axis=1))
put("norm/p3", lambda b: paddle.norm(b.f(2, 3), p=3, axis=1))
put("norm/inf", lambda b: paddle.norm(b.f(2, 3), p=float("inf"), axis=1))
put("norm/p2", lambda b: paddle.norm(b.f(2, 3), p=2, axis=1, keepdim=True))
put("normalize", lambda b: paddle.nn.functional.normalize(b.f(2, 3)))
put("cosine_similarity", lambda b: paddle.nn.functional.cosine_similarity(b.f(2, 3), b.f(2, 3)))

for op in REDUCTIONS:
    put(op, lambda b, op=op: getattr(paddle, op)(b.f(2, 3, 4), axis=1))
    put(op + "/keep", lambda b, op=op: getattr(paddle, op)(b.f(2, 3, 4), axis=-1, keepdim=True))
    put(op + "/all", lambda b, op=op: getattr(paddle, op)(b.f(2, 3, 4)))
    put(op + "/two_axes", lambda b, op=op: getattr(paddle, op)(b.f(2, 3, 4, 5), axis=[2, 3]))
for op in ("sum", "max", "prod", "min"):
    for dtype in ("int64", "int32", "float64"):
        put(
            "%s/%s" % (op, dtype),
            lambda b, op=op, dtype=dtype: getattr(paddle, op)(b.i(2, 3, dtype=dtype), axis=1),
        )
put("reduce_all", lambda b: paddle.all(b.b(2, 3), axis=1))
put("reduce_any", lambda b: paddle.any(b.b(2, 3), axis=1))
put("arg_max", lambda b: paddle.argmax(b.f(2, 3), axis=1))
put("arg_max/flat", lambda b: paddle.argmax(b.f(2, 3)))
put("arg_max/keep_int32", lambda b: paddle.argmax(b.f(2, 3), axis=-1, keepdim=True, dtype="int32"))
put("arg_min", lambda b: paddle.argmin(b.f(2, 3), axis=1))
put("argsort", lambda b: paddle.argsort(b.f(2, 5), axis=1))
put("argsort/descending", lambda b: paddle.argsort(b.f(2, 5), axis=-1, descending=True))
put("sort", lambda b: paddle.sort(b.f(2, 5), axis=1))
put("topk", lambda b: paddle.topk(b.f(2, 5), 2))
put("topk/axis0", lambda b: paddle.topk(b.f(5, 2), 2, axis=0))
put("topk/int64", lambda b: paddle.topk(b.i(2, 5, high=100), 2))
put("kthvalue", lambda b: paddle.kthvalue(b.f(2, 5), 2))
put("median", lambda b: paddle.median(b.f(2, 5), axis=1))
put("unique", lambda b: paddle.unique(b.i(8, high=4)))
put("bincount", lambda b: paddle.bincount(b.i(8, high=4)))
put("histogram", lambda b: paddle.histogram(b.f(8), bins=4, min=-2, max=2))

for op in COMPARISONS:
    put(op, lambda b, op=op: paddle.cast(getattr(paddle, op)(b.f(2, 3), b.f(2, 3)), "float32"))
    for dtype in ("int64", "int32", "float64"):
        put(
            "%s/%s" % (op, dtype),
            lambda b, op=op, dtype=dtype: paddle.cast(
                getattr(paddle, op)(b.i(2, 3, dtype=dtype, high=3), b.i(2, 3, dtype=dtype, high=3)),
                "float32",
            ),
        )
put("greater_than/scalar", lambda b: paddle.cast(b.f(2, 3) > 0.1, "float32"))
put("equal/bool", lambda b: paddle.cast(paddle.equal(b.b(2, 3), b.b(2, 3)), "float32"))
put("equal_all", lambda b: paddle.cast(paddle.equal_all(b.f(2, 3), b.f(2, 3)), "float32"))
for op in LOGICAL:
    put(op, lambda b, op=op: getattr(paddle, op)(b.b(2, 3), b.b(2, 3)))
put("logical_not", lambda b: paddle.logical_not(b.b(2, 3)))
for op in BITWISE:
    put(
        op, lambda b, op=op: getattr(paddle, op)(b.i(2, 3, dtype="int32"), b.i(2, 3, dtype="int32"))
    )
put("bitwise_not", lambda b: paddle.bitwise_not(b.i(2, 3, dtype="int32")))
put("bitwise_and/bool", lambda b: paddle.bitwise_and(b.b(2, 3), b.b(2, 3)))
put("isfinite", lambda b: paddle.cast(paddle.isfinite(b.f(2, 3)), "float32"))
put("isnan", lambda b: paddle.cast(paddle.isnan(b.f(2, 3)), "float32"))
put("isinf", lambda b: paddle.cast(paddle.isinf(b.f(2, 3)), "float32"))
put("where", lambda b: paddle.where(b.b(2, 3), b.f(2, 3), b.f(2, 3)))
put("where/int64", lambda b: paddle.where(b.b(2, 3), b.i(2, 3), b.i(2, 3)))
put("nonzero", lambda b: paddle.nonzero(b.b(2, 3)))
put("masked_select", lambda b: paddle.masked_select(b.f(2, 3), b.b(2, 3)))
put("masked_fill", lambda b: paddle.masked_fill(b.f(2, 3), b.b(2, 3), 0.5))

# Matrix products.
put("matmul", lambda b: paddle.matmul(b.f(3, 4), b.f(4, 5)))
put("matmul/weight", lambda b: paddle.matmul(b.f(3, 4), b.weight(4, 5)))
put("matmul/trans_y", lambda b: paddle.matmul(b.f(3, 4), b.weight(5, 4), transpose_y=True))
put("matmul/trans_x", lambda b: paddle.matmul(b.f(4, 3), b.f(4, 5), transpose_x=True))
put("matmul/batch", lambda b: paddle.matmul(b.f(2, 3, 4), b.f(2, 4, 5)))
put("matmul/batch4", lambda b: paddle.matmul(b.f(2, 2, 3, 4), b.f(2, 2, 5, 4), transpose_y=True))
put("matmul/broadcast", lambda b: paddle.matmul(b.f(2, 3, 4), b.f(4, 5)))
put("matmul/vector", lambda b: paddle.matmul(b.f(3, 4), b.f(4)))
put("matmul/vectors", lambda b: paddle.matmul(b.f(4), b.f(4)))
put(
    "matmul/float64",
    lambda b: paddle.matmul(b.f(3, 4, dtype="float64"), b.f(4, 5, dtype="float64")),
)
put("matmul/dynamic", lambda b: paddle.matmul(b.f(2, 3, 4, spec=(-1, -1, 4)), b.weight(4, 5)))
put("bmm", lambda b: paddle.bmm(b.f(2, 3, 4), b.f(2, 4, 5)))
put("mv", lambda b: paddle.mv(b.f(3, 4), b.f(4)))
put("addmm", lambda b: paddle.addmm(b.f(3, 5), b.f(3, 4), b.f(4, 5)))
put("mm", lambda b: paddle.mm(b.f(3, 4), b.f(4, 5)))
put("einsum", lambda b: paddle.einsum("ij,jk->ik", b.f(3, 4), b.f(4, 5)))
put("t", lambda b: paddle.t(b.f(3, 4)))
put(
    "mul",
    lambda b: b.raw(
        "mul", {"X": b.f(3, 4), "Y": b.weight(4, 5)}, {"x_num_col_dims": 1, "y_num_col_dims": 1}
    ),
)
put(
    "matmul_v1",
    lambda b: b.raw(
        "matmul",
        {"X": b.f(3, 4), "Y": b.weight(4, 5)},
        {"transpose_X": False, "transpose_Y": False, "alpha": 1.0},
    ),
)
put(
    "matmul_v1/alpha",
    lambda b: b.raw(
        "matmul",
        {"X": b.f(2, 3, 4), "Y": b.f(2, 5, 4)},
        {"transpose_X": False, "transpose_Y": True, "alpha": 0.5},
    ),
)

# Made without an input; what is random has no answer to compare with, and is told by its range.
put("fill_constant", lambda b: paddle.full([2, 3], 1.5) + b.f(2, 3))
put("fill_constant/int64", lambda b: paddle.full([2, 3], 2, "int64") + b.i(2, 3))
put("fill_constant/zeros", lambda b: paddle.zeros([2, 3]) + b.f(2, 3))
put(
    "fill_constant/tensor_list",
    lambda b: paddle.zeros([paddle.shape(b.f(2, 3, spec=(-1, 3)))[0], 3]),
)
put("fill_constant/tensor", lambda b: paddle.zeros(paddle.shape(b.f(2, 3, spec=(-1, 3)))))
put("full_like", lambda b: paddle.full_like(b.f(2, 3), 1.5))
put("full_like/int64", lambda b: paddle.full_like(b.i(2, 3), 2))
put("zeros_like", lambda b: paddle.zeros_like(b.f(2, 3)))
put("ones_like", lambda b: paddle.ones_like(b.f(2, 3)))
put(
    "fill_constant_batch_size_like",
    lambda b: b.raw(
        "fill_constant_batch_size_like",
        {"Input": b.f(2, 3)},
        {"shape": [-1, 4], "value": 1.5, "dtype": 5, "input_dim_idx": 0, "output_dim_idx": 0},
    ),
)
put("arange", lambda b: paddle.arange(0, 6, 1, dtype="int64") + b.i(6))
put("arange/float", lambda b: paddle.arange(0, 3, 0.5, dtype="float32") + b.f(6))
put("arange/tensor", lambda b: paddle.arange(0, paddle.shape(b.f(5, 2, spec=(-1, 2)))[0], 1))
put("linspace", lambda b: paddle.linspace(0, 1, 5) + b.f(5))
put("eye", lambda b: paddle.eye(3) + b.f(3, 3))
put("tril", lambda b: paddle.tril(b.f(3, 3)))
put("triu", lambda b: paddle.triu(b.f(3, 3), 1))
put("diag", lambda b: paddle.diag(b.f(3)))
put("meshgrid", lambda b: paddle.meshgrid(b.f(3), b.f(4)))
put("assign", lambda b: paddle.assign(b.f(2, 3)))
put(
    "assign_value", lambda b: paddle.assign(np.arange(6, dtype="float32").reshape(2, 3)) + b.f(2, 3)
)
put("assign_value/int64", lambda b: paddle.assign(np.arange(6).reshape(2, 3)) + b.i(2, 3))
put(
    "assign_value/bool",
    lambda b: paddle.logical_and(paddle.assign(np.array([True, False, True])), b.b(3)),
)
put("numel", lambda b: paddle.numel(b.f(2, 3)))
put("shape", lambda b: paddle.shape(b.f(2, 3)))
put("dropout", lambda b: paddle.nn.functional.dropout(b.f(2, 3), 0.4, training=False))
put(
    "dropout/downscale",
    lambda b: paddle.nn.functional.dropout(
        b.f(2, 3), 0.4, training=False, mode="downscale_in_infer"
    ),
)
put("uniform_random", lambda b: paddle.uniform([2, 3], min=1.0, max=1.0 + 1e-6, seed=1) + b.f(2, 3))
put("gaussian_random", lambda b: paddle.normal(0.0, 1e-9, [2, 3]) + b.f(2, 3))
