"""Cases of elementwise operations, activations, reductions and products."""

import numpy as np
import paddle
import paddle.nn.functional as F

rng = np.random.default_rng(1)


def normal(*shape):
    return rng.standard_normal(shape).astype("float32")


def positive(*shape):
    return (rng.random(shape) + 0.2).astype("float32")


def unit(*shape):
    return (rng.random(shape) * 1.6 - 0.8).astype("float32")


def numbers(*shape, low=0, high=9, dtype="int64"):
    return rng.integers(low, high, shape).astype(dtype)


def bits(*shape):
    return rng.random(shape) > 0.5


def one(function, array=None):
    return function, {"x": normal(2, 3, 4, 5) if array is None else array}


def two(function, x=None, y=None):
    return function, {
        "x": normal(2, 3, 4) if x is None else x,
        "y": normal(2, 3, 4) if y is None else y,
    }


CASES = {}

for name in (
    "relu relu6 sigmoid tanh silu swish hardswish hardsigmoid hardtanh hardshrink leaky_relu elu "
    "celu selu gelu mish softplus softshrink softsign tanhshrink thresholded_relu log_sigmoid"
).split():
    CASES["act_" + name] = one(getattr(F, name), normal(2, 3, 4, 5) * 3)
CASES.update(
    gelu_tanh=one(lambda x: F.gelu(x, approximate=True)),
    leaky_relu_slope=one(lambda x: F.leaky_relu(x, 0.3)),
    hardtanh_bounds=one(lambda x: F.hardtanh(x, -0.4, 0.7)),
    hardsigmoid_slope=one(lambda x: F.hardsigmoid(x, 0.3, 0.4)),
    elu_alpha=one(lambda x: F.elu(x, 0.4)),
    softplus_beta=one(lambda x: F.softplus(x, 2.0, 5.0)),
    thresholded=one(lambda x: F.thresholded_relu(x, 0.3)),
    softmax_last=one(F.softmax),
    softmax_axis=one(lambda x: F.softmax(x, axis=1)),
    log_softmax=one(lambda x: F.log_softmax(x, axis=2)),
    maxout=one(lambda x: F.maxout(x, 2), normal(2, 6, 3, 3)),
    erf=one(paddle.erf),
    erfinv=one(paddle.erfinv, unit(3, 4)),
    stanh=one(lambda x: paddle.stanh(x, 0.6, 1.5)),
    prelu_all=one(lambda x: paddle.nn.PReLU()(x)),
    prelu_channel=one(lambda x: paddle.nn.PReLU(3)(x)),
)

for name in (
    "abs ceil floor round trunc sign exp expm1 sin cos tan atan sinh cosh asinh square isnan isinf "
    "isfinite neg"
).split():
    CASES["unary_" + name] = one(getattr(paddle, name))
for name in "log log2 log10 log1p sqrt rsqrt reciprocal lgamma digamma".split():
    CASES["unary_" + name] = one(getattr(paddle, name), positive(2, 3, 4))
for name in "asin acos atanh".split():
    CASES["unary_" + name] = one(getattr(paddle, name), unit(2, 3, 4))
CASES["unary_acosh"] = one(paddle.acosh, positive(3, 4) + 1)
CASES["logit"] = one(lambda x: paddle.logit(x, 1e-3), positive(3, 4) / 2)

for name in "add subtract multiply divide maximum minimum fmax fmin heaviside atan2".split():
    CASES["binary_" + name] = two(getattr(paddle, name))
for name in "equal not_equal less_than less_equal greater_than greater_equal".split():
    CASES["compare_" + name] = two(
        getattr(paddle, name), numbers(2, 3, high=3), numbers(2, 3, high=3)
    )
for name in "logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor".split():
    CASES[name] = two(getattr(paddle, name), bits(3, 4), bits(3, 4))
for name in "all any".split():
    function = getattr(paddle, name)
    CASES["reduce_" + name] = one(lambda x, f=function: f(x, axis=1), bits(4, 2))
    CASES["reduce_%s_all" % name] = one(function, bits(4, 2))
for name in "mean sum max min prod amax amin logsumexp".split():
    function = getattr(paddle, name)
    CASES["reduce_" + name] = one(lambda x, f=function: f(x, axis=[1, -1]))
    CASES["reduce_%s_keep" % name] = one(lambda x, f=function: f(x, axis=2, keepdim=True))
    CASES["reduce_%s_all" % name] = one(lambda x, f=function: f(x))

CASES.update(
    logical_not=one(paddle.logical_not, bits(3, 4)),
    bitwise_not=one(paddle.bitwise_not, numbers(3, 4, dtype="int32")),
    bitwise_and_int=two(paddle.bitwise_and, numbers(3, 4), numbers(3, 4)),
    equal_all=two(paddle.equal_all, numbers(3), numbers(3)),
    add_broadcast=two(paddle.add, normal(2, 3, 4), normal(3, 1)),
    mod=two(paddle.mod, numbers(3, 4), numbers(3, 4) + 1),
    floor_divide=two(paddle.floor_divide, numbers(3, 4), numbers(3, 4) + 1),
    pow_tensor=two(paddle.pow, positive(3, 4), normal(3, 4)),
    pow_scalar=one(lambda x: x**3),
    scale=one(lambda x: x * 2.5 - 1),
    scale_before=one(lambda x: paddle.scale(x, 2.0, 0.5, bias_after_scale=False)),
    scale_divide=one(lambda x: x / 7),
    scale_integers=one(lambda x: x * 3 + 1, numbers(3, 4)),
    rsub=one(lambda x: 1.0 - x),
    rdiv=one(lambda x: 1.0 / x, positive(3, 4)),
    clip=one(lambda x: paddle.clip(x, -0.3, 0.6)),
    clip_low=one(lambda x: paddle.clip(x, min=-0.3)),
    clip_computed=(
        lambda x, y: paddle.clip(x, min=y.min(), max=y.max()),
        {"x": normal(3, 4), "y": unit(3)},
    ),
    add_n=two(lambda x, y: paddle.add_n([x, y, x])),
    addmm=(
        lambda a, b, c: paddle.addmm(a, b, c, beta=0.5, alpha=2.0),
        {"a": normal(3, 5), "b": normal(3, 4), "c": normal(4, 5)},
    ),
    lerp=two(lambda x, y: paddle.lerp(x, y, paddle.full([1], 0.3))),
    cumsum=one(lambda x: paddle.cumsum(x, axis=1)),
    cumsum_flat=one(paddle.cumsum),
    cumprod=one(lambda x: paddle.cumprod(x, dim=1)),
    logcumsumexp=one(lambda x: paddle.logcumsumexp(x, axis=1)),
    cummax=one(lambda x: paddle.cummax(x, axis=1)),
    cummin=one(lambda x: paddle.cummin(x, axis=1)),
    increment=one(lambda x: paddle.tanh(paddle.increment(paddle.exp(x), 2.0)), normal(1)),
    kron=two(paddle.kron, normal(2, 3), normal(3, 2)),
    add_in_place=one(lambda x: F.relu_(x * 2) + 1),
    sum_cast=one(lambda x: paddle.sum(x, axis=1, dtype="float64")),
    sum_bool=one(lambda x: paddle.sum(x, axis=1), bits(3, 4)),
    sum_int=one(lambda x: paddle.sum(x), numbers(3, 4, dtype="int32")),
    mean_scalar_axis=one(lambda x: paddle.mean(x, axis=-1)),
    var=one(lambda x: paddle.var(x, axis=1)),
    std=one(lambda x: paddle.std(x)),
    matmul=two(paddle.matmul, normal(2, 3, 4), normal(2, 4, 5)),
    matmul_turned=two(lambda x, y: paddle.matmul(x, y, transpose_y=True)),
    matmul_turned_x=two(lambda x, y: paddle.matmul(x, y, transpose_x=True)),
    matmul_vector=two(paddle.matmul, normal(2, 3, 4), normal(4)),
    linear=one(lambda x: paddle.nn.Linear(5, 7)(x)),
    bmm=two(paddle.bmm, normal(2, 3, 4), normal(2, 4, 5)),
    mv=two(paddle.mv, normal(3, 4), normal(4)),
    dot=two(paddle.dot, normal(3, 4), normal(3, 4)),
    cross=two(lambda x, y: paddle.cross(x, y, axis=1)),
    p_norm=one(lambda x: paddle.norm(x, p=2, axis=1)),
    p_norm_3=one(lambda x: paddle.norm(x, p=3, axis=-1, keepdim=True)),
    frobenius=one(paddle.linalg.norm),
    normalize=one(F.normalize),
    cosine=two(F.cosine_similarity),
    inverse=one(paddle.inverse, normal(2, 3, 3) + 3 * np.eye(3, dtype="float32")),
    cholesky=one(
        lambda x: paddle.cholesky(paddle.matmul(x, x, transpose_y=True) + paddle.eye(3)),
        normal(2, 3, 3),
    ),
    det=one(paddle.linalg.det, normal(2, 3, 3)),
    trace=one(paddle.trace, normal(3, 4)),
    einsum_product=two(
        lambda x, y: paddle.einsum("bij,bjk->bik", x, y), normal(2, 3, 4), normal(2, 4, 5)
    ),
    einsum_outer=two(lambda x, y: paddle.einsum("i,j->ij", x, y), normal(3), normal(4)),
    bilinear=two(lambda x, y: paddle.nn.Bilinear(4, 5, 6)(x, y), normal(3, 4), normal(3, 5)),
    argmax=one(lambda x: paddle.argmax(x, axis=1)),
    argmax_keep=one(lambda x: paddle.argmax(x, axis=-1, keepdim=True, dtype="int32")),
    argmax_flat=one(paddle.argmax),
    argmin=one(lambda x: paddle.argmin(x, axis=2)),
    kthvalue=one(lambda x: paddle.kthvalue(x, 2, axis=-1)),
    mode=one(lambda x: paddle.mode(x, axis=-1), numbers(3, 5, high=3).astype("float32")),
    topk=one(lambda x: paddle.topk(x, 3, axis=-1)),
    topk_small=one(lambda x: paddle.topk(x, 2, axis=1, largest=False)),
    argsort=one(lambda x: paddle.argsort(x, axis=1, descending=True)),
    sort=one(lambda x: paddle.sort(x, axis=-1)),
    unique=one(paddle.unique, numbers(12, high=6)),
    searchsorted=two(paddle.searchsorted, np.sort(normal(2, 6), axis=-1), normal(2, 3)),
    bincount=one(paddle.bincount, numbers(12, high=6)),
    isclose=two(paddle.isclose),
    nan_to_num=one(paddle.nan_to_num),
    rint_half=one(lambda x: paddle.round(x * 2)),
    frac=one(paddle.frac),
    outer=two(paddle.outer, normal(3), normal(4)),
    logaddexp=two(paddle.logaddexp),
    dist=two(paddle.dist),
    diff=one(lambda x: paddle.diff(x, axis=1)),
    inner=two(paddle.inner, normal(2, 4), normal(3, 4)),
    glu=one(lambda x: F.glu(x, axis=1), normal(2, 4, 3)),
)
CASES.update(
    gammaln=one(paddle.gammaln, positive(3, 4)),
    allclose=two(lambda x, y: paddle.allclose(x, y, rtol=1e-3)),
)
