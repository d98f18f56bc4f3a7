"""weightquant: quantize the weights of PaddlePaddle inference models for Paddle Lite.

    from weightquant_cli import Model, QuantizeOptions, OutputOptions, make_plan, quantize

    model = Model.load("mobilenet/")
    plan = make_plan(model, QuantizeOptions(bits=8))
    result = quantize(model, plan, OutputOptions(Path("mobilenet_int8")))

The names below are imported when they are first used, so that `weightquant --version` needs
neither numpy nor protobuf.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .core.dequantize import dequantize
    from .core.model import Model, OperatorRef, Reader, Weight
    from .core.options import QuantizeOptions, WeightQuantizeType
    from .core.output import OutputOptions
    from .core.plan import Plan, Quantization, Reason, ReasonCode, WeightPlan, make_plan
    from .core.quantize import Progress, Quantized, Sizes, WeightResult, preview, quantize
    from .core.weight_quantization import WeightQuantization
    from .errors import ModelError, OptionError, OutputError, WeightQuantError
    from .formats.atomic import Existing

__all__ = [  # noqa: RUF022 (grouped by use)
    "__version__",
    # Paddle's own calling convention
    "WeightQuantization",
    # load a model
    "Model",
    "OperatorRef",
    "Reader",
    "Weight",
    # plan
    "QuantizeOptions",
    "WeightQuantizeType",
    "Plan",
    "Quantization",
    "Reason",
    "ReasonCode",
    "WeightPlan",
    "make_plan",
    # quantize
    "Existing",
    "OutputOptions",
    "Progress",
    "Quantized",
    "Sizes",
    "WeightResult",
    "preview",
    "quantize",
    # back to FP32
    "dequantize",
    # errors
    "ModelError",
    "OptionError",
    "OutputError",
    "WeightQuantError",
]

_HOMES = {
    "core.weight_quantization": ("WeightQuantization",),
    "core.model": (
        "Model",
        "OperatorRef",
        "Reader",
        "Weight",
    ),
    "core.options": (
        "QuantizeOptions",
        "WeightQuantizeType",
    ),
    "core.plan": (
        "Plan",
        "Quantization",
        "Reason",
        "ReasonCode",
        "WeightPlan",
        "make_plan",
    ),
    "formats.atomic": ("Existing",),
    "core.output": ("OutputOptions",),
    "core.quantize": (
        "Progress",
        "Quantized",
        "Sizes",
        "WeightResult",
        "preview",
        "quantize",
    ),
    "core.dequantize": ("dequantize",),
    "errors": (
        "ModelError",
        "OptionError",
        "OutputError",
        "WeightQuantError",
    ),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name from its home at its first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
