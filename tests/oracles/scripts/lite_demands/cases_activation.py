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


def prelu(count):
    return lambda b: F.prelu(b.f(*IMAGE), b.weight(count))


def behind(function, *layers, shape=(1, 4, 8, 8), spec=None):
    """The activation behind layers, each made anew for the case."""

    def case(b):
        x = b.f(*shape, spec=spec)
        for make in layers:
            x = make()(x)
        return function(x)

    return case


def behind_a_sum(function):
    return lambda b: function(b.f(*IMAGE) + b.f(*IMAGE))


def behind_a_shortcut(function):
    return lambda b: function(nn.Conv2D(4, 4, 3, padding=1)(b.f(*IMAGE)) + b.f(*IMAGE))


def behind_a_conv_read_twice(function):
    def case(b):
        x = nn.Conv2D(4, 8, 3)(b.f(1, 4, 8, 8))
        return function(x) + x

    return case


def squeeze_excite(function):
    def case(b):
        x = nn.Conv2D(4, 8, 3)(b.f(1, 4, 8, 8))
        return x * function(nn.Conv2D(8, 8, 1)(F.adaptive_avg_pool2d(x, 1)))

    return case


def conv(*sizes, **options):
    return lambda: nn.Conv2D(*(sizes or (4, 8, 3)), **options)


def turned(**options):
    return lambda: nn.Conv2DTranspose(4, 8, 3, **options)


def norm(channels):
    return lambda: nn.BatchNorm2D(channels)


def linear():
    return nn.Linear(6, 5)


CASES = {name: alone(function) for name, function in ACTIVATIONS.items()}
for name in ("relu6", "swish", "hard_swish", "softmax"):
    CASES[name + "/dynamic"] = alone(ACTIVATIONS[name], dynamic=True)
CASES["prelu/all"] = prelu(1)
CASES["prelu/channel"] = prelu(4)
for name in FUSED:
    act = ACTIVATIONS[name]
    CASES["conv2d+" + name] = behind(act, conv())
    CASES["conv2d+bn+" + name] = behind(act, conv(bias_attr=False), norm(8))
for name in ("relu6", "swish"):
    act = ACTIVATIONS[name]
    bare = {"bias_attr": False}
    CASES["conv2d_no_bias+" + name] = behind(act, conv(**bare))
    CASES["depthwise+" + name] = behind(act, conv(4, 4, 3, groups=4))
    CASES["depthwise+bn+" + name] = behind(act, conv(4, 4, 3, groups=4, **bare), norm(4))
    CASES["grouped+" + name] = behind(act, conv(groups=2))
    CASES["conv2d_transpose+" + name] = behind(act, turned())
    CASES["conv2d_transpose+bn+" + name] = behind(act, turned(**bare), norm(8))
    CASES["linear+" + name] = behind(act, linear, shape=(3, 6))
    CASES["linear_batch+" + name] = behind(act, linear, shape=(3, 6), spec=(-1, 6))
    CASES["add+" + name] = behind_a_sum(act)
    CASES["bn+" + name] = behind(act, norm(4), shape=IMAGE)
    CASES["conv2d_read_twice+" + name] = behind_a_conv_read_twice(act)
    CASES["squeeze_excite+" + name] = squeeze_excite(act)
    CASES["conv2d+residual+" + name] = behind_a_shortcut(act)
