"""Cases of Paddle 2.6.2: activations, alone and behind a convolution."""

import paddle.nn.functional as F
from paddle import nn

IMAGE = (1, 4, 6, 6)

ACTIVATIONS = {
    "relu": F.relu,
    "relu6": F.relu6,
    "sigmoid": F.sigmoid,
    "tanh": F.tanh,
    "swish": F.swish,
    "silu": F.silu,
    "hard_swish": F.hardswish,
    "hard_sigmoid": F.hardsigmoid,
    "hard_sigmoid/slope": lambda x: F.hardsigmoid(x, slope=0.2, offset=0.4),
    "leaky_relu": F.leaky_relu,
    "leaky_relu/0.2": lambda x: F.leaky_relu(x, 0.2),
    "elu": F.elu,
    "elu/0.5": lambda x: F.elu(x, 0.5),
    "selu": F.selu,
    "celu": F.celu,
    "gelu": F.gelu,
    "gelu/tanh": lambda x: F.gelu(x, approximate=True),
    "mish": F.mish,
    "softplus": F.softplus,
    "softplus/beta": lambda x: F.softplus(x, beta=2.0, threshold=15.0),
    "softsign": F.softsign,
    "softshrink": F.softshrink,
    "hard_shrink": F.hardshrink,
    "tanh_shrink": F.tanhshrink,
    "thresholded_relu": F.thresholded_relu,
    "logsigmoid": F.log_sigmoid,
    "brelu": lambda x: F.hardtanh(x, -1.0, 1.0),
    "maxout": lambda x: F.maxout(x, groups=2, axis=1),
    "softmax": F.softmax,
    "softmax/axis1": lambda x: F.softmax(x, axis=1),
    "log_softmax": F.log_softmax,
    "glu": lambda x: F.glu(x, axis=1),
}

FUSED = ("relu", "relu6", "swish", "silu", "hard_swish", "hard_sigmoid", "leaky_relu", "sigmoid")


def alone(function, dynamic=False):
    spec = (-1, 4, -1, -1) if dynamic else None
    return lambda b: function(b.f(*IMAGE, spec=spec) * 4.0)


def prelu(mode):
    def case(b):
        x = b.f(*IMAGE)
        count = {"all": 1, "channel": 4}[mode]
        return F.prelu(x, b.weight(count))

    return case


def behind(function, layer, *others):
    """The activation behind a convolution, and behind what stands between."""

    def case(b):
        x = layer()(b.f(1, 4, 8, 8))
        for other in others:
            x = other(x)
        return function(x)

    return case


def conv(**options):
    return lambda: nn.Conv2D(4, 8, 3, **options)


CASES = {name: alone(function) for name, function in ACTIVATIONS.items()}
for name in ("relu6", "swish", "hard_swish", "softmax"):
    CASES[name + "/dynamic"] = alone(ACTIVATIONS[name], dynamic=True)
CASES["prelu/all"] = prelu("all")
CASES["prelu/channel"] = prelu("channel")
for name in FUSED:
    function = ACTIVATIONS[name]
    CASES["conv2d+" + name] = behind(function, conv())
    CASES["conv2d+bn+" + name] = behind(
        function, conv(bias_attr=False), lambda x: nn.BatchNorm2D(8)(x)
    )
for name in ("relu6", "swish"):
    function = ACTIVATIONS[name]
    CASES["conv2d_no_bias+" + name] = behind(function, conv(bias_attr=False))
    CASES["depthwise+" + name] = behind(function, lambda: nn.Conv2D(4, 4, 3, groups=4))
    CASES["depthwise+bn+" + name] = behind(
        function, lambda: nn.Conv2D(4, 4, 3, groups=4, bias_attr=False),
        lambda x: nn.BatchNorm2D(4)(x),
    )
    CASES["grouped+" + name] = behind(function, lambda: nn.Conv2D(4, 8, 3, groups=2))
    CASES["conv2d_transpose+" + name] = behind(function, lambda: nn.Conv2DTranspose(4, 8, 3))
    CASES["conv2d_transpose+bn+" + name] = behind(
        function, lambda: nn.Conv2DTranspose(4, 8, 3, bias_attr=False),
        lambda x: nn.BatchNorm2D(8)(x),
    )
    CASES["linear+" + name] = (
        lambda function: lambda b: function(nn.Linear(6, 5)(b.f(3, 6)))
    )(function)
    CASES["linear_batch+" + name] = (
        lambda function: lambda b: function(nn.Linear(6, 5)(b.f(3, 6, spec=(-1, 6))))
    )(function)
    CASES["add+" + name] = (
        lambda function: lambda b: function(b.f(*IMAGE) + b.f(*IMAGE))
    )(function)
    CASES["bn+" + name] = (
        lambda function: lambda b: function(nn.BatchNorm2D(4)(b.f(*IMAGE)))
    )(function)

    def shared(b, function=function):
        x = nn.Conv2D(4, 8, 3)(b.f(1, 4, 8, 8))
        return function(x) + x

    CASES["conv2d_read_twice+" + name] = shared

    def squeeze_excite(b, function=function):
        x = nn.Conv2D(4, 8, 3)(b.f(1, 4, 8, 8))
        y = nn.Conv2D(8, 8, 1)(F.adaptive_avg_pool2d(x, 1))
        return x * function(y)

    CASES["squeeze_excite+" + name] = squeeze_excite
    CASES["conv2d+residual+" + name] = (
        lambda function: lambda b: function(nn.Conv2D(4, 4, 3, padding=1)(b.f(*IMAGE)) + b.f(*IMAGE))
    )(function)
