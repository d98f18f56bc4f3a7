"""Functions of each element."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..call import Call
from ..registry import kernel
from ..values import Array
from .special import erf, logit, sigmoid, softplus

_SIMPLE: dict[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "square": np.square,
    "abs": np.abs,
    "floor": np.floor,
    "ceil": np.ceil,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sign": np.sign,
    "trunc": np.trunc,
    "erf": erf,
    "sigmoid": sigmoid,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "reciprocal": lambda x: 1 / x,
    # Halves go away from zero, where numpy's go to the even number.
    "round": lambda x: np.copysign(np.floor(np.abs(x) + 0.5), x),
    "relu": lambda x: np.maximum(x, 0),
    "logsigmoid": lambda x: -softplus(-x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "tanh_shrink": lambda x: x - np.tanh(x),
    "silu": lambda x: _times(sigmoid(x), x),
}


def _register(name: str, function: Callable[[Array], Array]) -> None:
    @kernel(name)
    def simple(call: Call) -> Array:
        x = call.array()
        return function(x).astype(x.dtype, copy=False)


for _name, _function in _SIMPLE.items():
    _register(_name, _function)


def _times(fresh: Array, x: Array) -> Array:
    """The product, written over `fresh`."""
    return np.multiply(fresh, x, out=fresh)


def _number(call: Call, name: str, default: float) -> Array:
    """A number in the type of X, so that float32 stays float32."""
    return np.asarray(call.number(name, default), call.array().dtype)


@kernel("relu6")
def relu6(call: Call) -> Array:
    """X between 0 and `threshold`."""
    return np.clip(call.array(), 0, _number(call, "threshold", 6.0))


@kernel("brelu")
def brelu(call: Call) -> Array:
    """X between `t_min` and `t_max`."""
    return np.clip(call.array(), _number(call, "t_min", 0.0), _number(call, "t_max", 24.0))


@kernel("leaky_relu")
def leaky_relu(call: Call) -> Array:
    """X, times `alpha` where it is negative."""
    x, alpha = call.array(), _number(call, "alpha", 0.02)
    scaled = x * alpha
    return np.asarray(np.maximum(x, scaled) if alpha < 1 else np.minimum(x, scaled))


@kernel("prelu")
def prelu(call: Call) -> Array:
    """X, times Alpha where it is negative; one Alpha for all, each channel or each element."""
    x, alpha = call.array(), call.array("Alpha")
    mode = call.one_of("mode", "all", ("all", "channel", "element"))
    last = call.one_of("data_format", "NCHW", ("NCHW", "NHWC", "AnyLayout")) == "NHWC"
    if mode == "all":
        alpha = alpha.reshape(())
    elif mode == "channel":
        alpha = alpha.reshape(-1) if last else alpha.reshape(-1, *(1,) * (x.ndim - 2))
    else:
        alpha = alpha.reshape(1, *x.shape[1:])
    return np.where(x > 0, x, x * alpha)


@kernel("hard_sigmoid")
def hard_sigmoid(call: Call) -> Array:
    """slope * X + offset between 0 and 1."""
    result: Array = call.array() * _number(call, "slope", 0.2)
    result += _number(call, "offset", 0.5)
    return np.clip(result, 0, 1, out=result)


@kernel("hard_swish")
def hard_swish(call: Call) -> Array:
    """X * (X + offset between 0 and threshold) / scale."""
    x = call.array()
    result: Array = x + _number(call, "offset", 3.0)
    np.clip(result, 0, _number(call, "threshold", 6.0), out=result)
    result *= x
    result *= 1 / _number(call, "scale", 6.0)
    return result


@kernel("swish")
def swish(call: Call) -> Array:
    """X * sigmoid(beta * X)."""
    x, beta = call.array(), call.number("beta", 1.0)
    return _times(sigmoid(x if beta == 1.0 else x * _number(call, "beta", 1.0)), x)


@kernel("mish")
def mish(call: Call) -> Array:
    """X * tanh(log(1 + exp(X)))."""
    x = call.array()
    return np.asarray(x * np.tanh(softplus(x)))


@kernel("gelu")
def gelu(call: Call) -> Array:
    """X times the normal distribution function of X; `approximate` takes tanh."""
    x = call.array()
    if call.flag("approximate"):
        inner = np.sqrt(2 / np.pi).astype(x.dtype) * (x + x.dtype.type(0.044715) * x * x * x)
        return np.asarray(x.dtype.type(0.5) * x * (1 + np.tanh(inner)))
    return np.asarray(x.dtype.type(0.5) * x * (1 + erf(x * x.dtype.type(np.sqrt(0.5)))))


@kernel("elu")
def elu(call: Call) -> Array:
    """X, or alpha * (exp(X) - 1) where it is negative."""
    x = call.array()
    return np.where(x > 0, x, _number(call, "alpha", 1.0) * np.expm1(np.minimum(x, 0)))


@kernel("celu")
def celu(call: Call) -> Array:
    """X, or alpha * (exp(X / alpha) - 1) where it is negative."""
    x, alpha = call.array(), _number(call, "alpha", 1.0)
    return np.asarray(np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0) / alpha))


@kernel("selu")
def selu(call: Call) -> Array:
    """scale * elu(X)."""
    x = call.array()
    alpha, scale = _number(call, "alpha", 1.6732632), _number(call, "scale", 1.0507010)
    return np.asarray(scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))))


@kernel("softplus")
def softplus_operator(call: Call) -> Array:
    """log(1 + exp(beta * X)) / beta, and X itself above the threshold."""
    x, beta = call.array(), _number(call, "beta", 1.0)
    scaled = x * beta
    return np.where(scaled > _number(call, "threshold", 20.0), x, softplus(scaled) / beta)


@kernel("hard_shrink")
def hard_shrink(call: Call) -> Array:
    """X, or 0 between -threshold and threshold."""
    x = call.array()
    return np.where(np.abs(x) > _number(call, "threshold", 0.5), x, x.dtype.type(0))


@kernel("softshrink")
def softshrink(call: Call) -> Array:
    """X moved towards 0 by lambda, or 0 where that would pass it."""
    x, amount = call.array(), _number(call, "lambda", 0.5)
    return np.asarray(np.sign(x) * np.maximum(np.abs(x) - amount, 0))


@kernel("thresholded_relu")
def thresholded_relu(call: Call) -> Array:
    """X, or 0 up to the threshold."""
    x = call.array()
    return np.where(x > _number(call, "threshold", 1.0), x, x.dtype.type(0))


@kernel("soft_relu")
def soft_relu(call: Call) -> Array:
    """log(1 + exp(X)) with X kept within +-threshold."""
    x, threshold = call.array(), _number(call, "threshold", 40.0)
    return softplus(np.clip(x, -threshold, threshold))


@kernel("stanh")
def stanh(call: Call) -> Array:
    """scale_b * tanh(scale_a * X)."""
    x = call.array()
    return np.asarray(
        _number(call, "scale_b", 1.7159) * np.tanh(_number(call, "scale_a", 2 / 3) * x)
    )


@kernel("pow")
def power(call: Call) -> Array:
    """X^factor; the factor may be a tensor."""
    x = call.array()
    factor = call.optional("FactorTensor")
    exponent = call.number("factor", 1.0) if factor is None else factor.reshape(-1)[0]
    return np.asarray(np.power(x, np.asarray(exponent, x.dtype)))


@kernel("logit")
def logit_operator(call: Call) -> Array:
    """log(X / (1 - X)) with X kept `eps` away from 0 and 1."""
    return logit(call.array(), call.number("eps", 1e-6))


@kernel("clip")
def clip(call: Call) -> Array:
    """X between `min` and `max`, which may be tensors."""
    x = call.array()
    low, high = call.optional("Min"), call.optional("Max")
    smallest = call.number("min", -np.inf) if low is None else low.reshape(-1)[0]
    largest = call.number("max", np.inf) if high is None else high.reshape(-1)[0]
    result = np.minimum(np.maximum(x, _bound(smallest, x)), _bound(largest, x))
    return np.asarray(result)


def _bound(value: float, x: Array) -> Array:
    if x.dtype.kind == "i":
        limits = np.iinfo(x.dtype)
        value = min(max(value, limits.min), limits.max)
    return np.asarray(value, x.dtype)


@kernel("clip_by_norm")
def clip_by_norm(call: Call) -> Array:
    """X scaled down so that its norm is at most `max_norm`."""
    x, limit = call.array(), call.number("max_norm", 1.0)
    size = float(np.sqrt(np.square(x, dtype=np.float64).sum()))
    return np.asarray(x * x.dtype.type(limit / size)) if size > limit else x


@kernel("maxout")
def maxout(call: Call) -> Array:
    """The largest of every `groups` neighbouring channels."""
    x, groups = call.array(), call.integer("groups", 1)
    axis = call.axis(x.ndim, "axis", 1)
    shape = (*x.shape[:axis], x.shape[axis] // groups, groups, *x.shape[axis + 1 :])
    return np.asarray(x.reshape(shape).max(axis=axis + 1))
