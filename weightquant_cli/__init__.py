"""weightquant: quantize the weights of PaddlePaddle inference models for Paddle Lite.

Every example below is run by a test, on the network of `tests/models/digits` in the folder `model`.

Load, plan, quantize:

    >>> from pathlib import Path
    >>> from weightquant_cli import Model, OutputOptions, QuantizeOptions, plan_model, quantize
    >>> model = Model.load("model")
    >>> plan = plan_model(model, QuantizeOptions(bits=8))
    >>> result = quantize(model, plan, OutputOptions(Path("out")))
    >>> print(f"{result.sizes.ratio:.2f}x smaller, worst {result.worst.error.sqnr:.1f} dB")
    3.46x smaller, worst 41.5 dB

By Paddle's own calling convention:

    >>> from weightquant_cli import WeightQuantization
    >>> result = WeightQuantization("model").quantize_weight_to_int("out16", weight_bits=16)
    >>> print(f"{result.sizes.ratio:.2f}")
    1.97

Look at a model. `summarize` reads no weight; `measure` reads them all:

    >>> from weightquant_cli import Order, Reader, Verdict, Weight, measure, ordered, summarize
    >>> summary = summarize(model)
    >>> summary.headline, summary.size, len(summary.of(Verdict.QUANTIZABLE))
    ('FP32', 239843, 6)
    >>> for weight in ordered(measure(model, summary, sqnr=True).weights, Order.SIZE)[:2]:
    ...     print(weight.name, weight.record.shape, f"{weight.error.sqnr:.1f} dB at 8 bits")
    fc_0.w_0 (1024, 32) 41.5 dB at 8 bits
    conv2d_2.w_0 (64, 32, 3, 3) 43.0 dB at 8 bits
    >>> weight = model.weight("fc_0.w_0")
    >>> weight.readers
    (Reader(operator=OperatorRef(block=0, index=15, type='mul'), slot='Y'),)

A plan has a verdict for every weight, and can be looked at before anything is written:

    >>> plan = plan_model(model, QuantizeOptions(op_types=("all",), exclude=("fc_1*",)))
    >>> for weight in plan.quantized:
    ...     print(weight.name, weight.operator_type, weight.size_before, weight.size_after)
    conv2d_0.w_0 conv2d 576 144
    conv2d_1.w_0 conv2d 2048 512
    conv2d_2.w_0 conv2d 73728 18432
    depthwise_conv2d_0.w_0 depthwise_conv2d 576 144
    fc_0.w_0 mul 131072 32768
    >>> plan.kept[-1].name, plan.kept[-1].reason.text
    ('fc_1.w_0', 'excluded by name')
    >>> from weightquant_cli import preview
    >>> preview(model, plan, OutputOptions(Path("never_written"))).sizes.params_after
    56101

Scales per tensor, with the tail clipped; the bits chosen for every weight, or `make_plan`, which
takes them as the options say:

    >>> from weightquant_cli import AutoBits, Size, WeightQuantizeType, make_plan
    >>> clipped = QuantizeOptions(
    ...     weight_quantize_type=WeightQuantizeType.ABS_MAX, threshold_rate=0.001
    ... )
    >>> {weight.quantization.scales for weight in make_plan(model, clipped).quantized}
    {1}
    >>> auto = QuantizeOptions(bits=AutoBits(target_size=Size.parse("40%")))
    >>> [weight.quantization.bits for weight in plan_model(model, auto).quantized]
    [16, 16, 16, 8, 16]

A plan as a document, to be edited and applied:

    >>> from weightquant_cli import apply_plan, parse_plan, plan_document
    >>> document = plan_document(plan)
    >>> document["weights"][-1]["name"]
    'fc_1.w_0'
    >>> apply_plan(model, parse_plan(document)).quantized == plan.quantized
    True

Gates refuse a result before anything is written; a callback is told of every weight:

    >>> from weightquant_cli import Existing, GateError, Gates, Progress
    >>> output = OutputOptions(Path("out"), existing=Existing.REPLACE)
    >>> try:
    ...     quantize(model, plan, output, gates=Gates(max_size=Size.parse("10%")))
    ... except GateError as error:
    ...     print("refused, exit code", error.exit_code)
    refused, exit code 1
    >>> finished = []
    >>> def note(progress: Progress) -> None:
    ...     if progress.finished:
    ...         finished.append(progress.name)
    >>> _ = quantize(model, plan, output, progress=note, jobs=1)
    >>> sorted(finished) == sorted(weight.name for weight in plan.weights)
    True

Check a quantized model, also one that Paddle's own tools wrote, by itself and beside its original:

    >>> from weightquant_cli import QualityGates, check
    >>> checked = check(Model.load("out"), model, QualityGates(min_sqnr=42))
    >>> checked.ok, checked.quantized, checked.errors
    (False, 5, ())
    >>> for failure in checked.failures:
    ...     print(failure.weight, failure.why)
    fc_0.w_0 SQNR 41.50 dB, at least 42 asked for
    >>> [weight.name for weight in checked.comparison.weights[:2]]
    ['fc_0.w_0', 'conv2d_2.w_0']

Back to FP32, as Paddle Lite computes it on the phone; and on to the phone:

    >>> from weightquant_cli import dequantize, make_opt_script, write_opt_script
    >>> dequantize(Model.load("out"), OutputOptions(Path("fp32")))
    >>> script = make_opt_script(Model.load("out"))
    >>> write_opt_script(script)
    >>> script.path.name, script.output, script.quantized
    ('convert_to_lite.sh', 'out.nb', 5)
    >>> from weightquant_cli import OptimizeOutType, OptScriptOptions
    >>> options = OptScriptOptions(optimize_out_type=OptimizeOutType.PROTOBUF)
    >>> make_opt_script(Model.load("out"), options).optimize_out_type.value
    'protobuf'

All errors are of one family, one class per thing that can be mended:

    >>> from weightquant_cli import ModelError, OptionError, OutputError, WeightQuantError
    >>> issubclass(ModelError, WeightQuantError), issubclass(OutputError, WeightQuantError)
    (True, True)
    >>> try:
    ...     QuantizeOptions(bits=7)
    ... except OptionError as error:
    ...     print(type(error).__name__, error.exit_code)
    OptionError 2

The names are imported when they are first used, so that `weightquant --version` needs neither
numpy nor protobuf.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .core.check.check import CheckResult, check
    from .core.check.compare_reference import Comparison, WeightComparison
    from .core.check.findings import Finding, FindingCode, Severity
    from .core.check.quality_gates import GateFailure, QualityGates
    from .core.inspect.measure import measure
    from .core.inspect.summary import (
        ModelSummary,
        Order,
        Verdict,
        WeightSummary,
        ordered,
        summarize,
    )
    from .core.lite.storage import WeightQuantizeType
    from .core.model.model import Model
    from .core.model.weights import OperatorRef, Reader, Weight
    from .core.opt_script.script import (
        OptScript,
        OptScriptOptions,
        make_opt_script,
        write_opt_script,
    )
    from .core.opt_script.shell_text import OptimizeOutType
    from .core.plan.options import AutoBits, QuantizeOptions
    from .core.plan.plan import (
        Plan,
        Quantization,
        WeightPlan,
        make_plan,
    )
    from .core.plan.plan_file import apply_plan, parse_plan, plan_document
    from .core.plan.reasons import Reason, ReasonCode
    from .core.plan.size import Size
    from .core.quantize.auto_bits import plan_model
    from .core.quantize.dequantize import dequantize
    from .core.quantize.gates import Gates
    from .core.quantize.output import OutputOptions
    from .core.quantize.quantize import preview, quantize
    from .core.quantize.results import Progress, Quantized, WeightResult
    from .core.quantize.sizes import Sizes
    from .core.weight_quantization import WeightQuantization
    from .errors import (
        GateError,
        ModelError,
        OptionError,
        OutputError,
        WeightQuantError,
    )
    from .formats.files.atomic_folder import Existing

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
    # check
    "CheckResult",
    "Comparison",
    "Finding",
    "FindingCode",
    "GateFailure",
    "QualityGates",
    "Severity",
    "WeightComparison",
    "check",
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
    "core.model.model": ("Model",),
    "core.model.weights": (
        "OperatorRef",
        "Reader",
        "Weight",
    ),
    "core.quantize.auto_bits": ("plan_model",),
    "core.quantize.gates": ("Gates",),
    "core.plan.plan_file": (
        "apply_plan",
        "parse_plan",
        "plan_document",
    ),
    "core.plan.options": (
        "AutoBits",
        "QuantizeOptions",
    ),
    "core.plan.size": ("Size",),
    "core.lite.storage": ("WeightQuantizeType",),
    "core.plan.plan": (
        "Plan",
        "Quantization",
        "WeightPlan",
        "make_plan",
    ),
    "core.plan.reasons": (
        "Reason",
        "ReasonCode",
    ),
    "formats.files.atomic_folder": ("Existing",),
    "core.quantize.output": ("OutputOptions",),
    "core.quantize.results": (
        "Progress",
        "Quantized",
        "WeightResult",
    ),
    "core.quantize.sizes": ("Sizes",),
    "core.quantize.quantize": (
        "preview",
        "quantize",
    ),
    "core.check.check": (
        "CheckResult",
        "check",
    ),
    "core.check.quality_gates": (
        "GateFailure",
        "QualityGates",
    ),
    "core.check.compare_reference": (
        "Comparison",
        "WeightComparison",
    ),
    "core.check.findings": (
        "Finding",
        "FindingCode",
        "Severity",
    ),
    "core.quantize.dequantize": ("dequantize",),
    "core.inspect.summary": (
        "ModelSummary",
        "Order",
        "Verdict",
        "WeightSummary",
        "ordered",
        "summarize",
    ),
    "core.inspect.measure": ("measure",),
    "core.opt_script.shell_text": ("OptimizeOutType",),
    "core.opt_script.script": (
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
