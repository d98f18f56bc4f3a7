"""weightquant: quantize the weights of PaddlePaddle inference models for Paddle Lite.

    from weightquant_cli import Model, QuantizeOptions, OutputOptions, plan_model, quantize

    model = Model.load("mobilenet/")
    plan = plan_model(model, QuantizeOptions(bits=8))
    result = quantize(model, plan, OutputOptions(Path("mobilenet_int8")))

The names below are imported when they are first used, so that `weightquant --version` needs
neither numpy nor protobuf.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .core.bits import plan_model
    from .core.dequantize import dequantize
    from .core.gates import Gates
    from .core.measure import measure
    from .core.model import Model, OperatorRef, Reader, Weight
    from .core.opt_script import OptScript, OptScriptOptions, make_opt_script, write_opt_script
    from .core.opt_script_text import OptimizeOutType
    from .core.options import AutoBits, QuantizeOptions, Size, WeightQuantizeType
    from .core.output import OutputOptions
    from .core.plan import Plan, Quantization, Reason, ReasonCode, WeightPlan, make_plan
    from .core.plan_file import apply_plan, parse_plan, plan_document
    from .core.quantize import Progress, Quantized, Sizes, WeightResult, preview, quantize
    from .core.summary import ModelSummary, Order, Verdict, WeightSummary, ordered, summarize
    from .core.weight_quantization import WeightQuantization
    from .errors import GateError, ModelError, OptionError, OutputError, WeightQuantError
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
    # look at it
    "ModelSummary",
    "Order",
    "Verdict",
    "WeightSummary",
    "measure",
    "ordered",
    "summarize",
    # plan
    "AutoBits",
    "QuantizeOptions",
    "Size",
    "WeightQuantizeType",
    "Plan",
    "Quantization",
    "Reason",
    "ReasonCode",
    "WeightPlan",
    "apply_plan",
    "make_plan",
    "parse_plan",
    "plan_document",
    "plan_model",
    # quantize
    "Existing",
    "Gates",
    "OutputOptions",
    "Progress",
    "Quantized",
    "Sizes",
    "WeightResult",
    "preview",
    "quantize",
    # back to FP32
    "dequantize",
    # on to the phone
    "OptScript",
    "OptScriptOptions",
    "OptimizeOutType",
    "make_opt_script",
    "write_opt_script",
    # errors
    "GateError",
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
    "core.bits": ("plan_model",),
    "core.gates": ("Gates",),
    "core.plan_file": ("apply_plan", "parse_plan", "plan_document"),
    "core.options": (
        "AutoBits",
        "QuantizeOptions",
        "Size",
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
    "core.summary": (
        "ModelSummary",
        "Order",
        "Verdict",
        "WeightSummary",
        "ordered",
        "summarize",
    ),
    "core.measure": ("measure",),
    "core.opt_script_text": ("OptimizeOutType",),
    "core.opt_script": (
        "OptScript",
        "OptScriptOptions",
        "make_opt_script",
        "write_opt_script",
    ),
    "errors": (
        "GateError",
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
