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

What does the model answer? Both are run in numpy, on made-up inputs or on yours:

    >>> from weightquant_cli import OutputGates, RunOptions, check_outputs
    >>> answered = check_outputs(checked, RunOptions(layers=True), OutputGates(min_agreement=90))
    >>> (output,) = answered.outputs.outputs
    >>> 35 < output.sqnr_db < 45, output.agreement
    (True, 100.0)
    >>> [(layer.operator, layer.weight) for layer in answered.outputs.layers[:3]]
    [('conv2d', 'conv2d_0.w_0'), ('batch_norm', None), ('relu', None)]

Or run one by hand; `dequantized` gives a quantized model's weights as a phone computes with them:

    >>> from weightquant_cli import Network, SampleOptions, compare_outputs, dequantized, samples
    >>> from weightquant_cli import input_specs
    >>> [(spec.name, spec.shape) for spec in input_specs(model.program)]
    [('image', (-1, 1, 8, 8))]
    >>> one = Network(model.program, dequantized(model))
    >>> other = Network(model.program, dequantized(Model.load("out")))
    >>> for values in samples(model, SampleOptions(count=1)):
    ...     before, after = one.run(values).require(), other.run(values).require()
    ...     for difference in compare_outputs(before.outputs, after.outputs):
    ...         print(difference.elements, difference.agreement)
    10 100.0

Back to FP32, as Paddle Lite computes it on the phone; and on to the phone:

    >>> from weightquant_cli import dequantize, make_opt_script, write_opt_script
    >>> _ = dequantize(Model.load("out"), OutputOptions(Path("fp32")))
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
    ...     QuantizeOptions(bits=3)
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

_HOMES = {
    # Paddle's own calling convention
    "core.weight_quantization": ("WeightQuantization",),
    # load a model
    "core.model.model": ("Model",),
    "core.model.weights": ("OperatorRef", "Reader", "Weight"),
    # look at it
    "core.inspect.summary": ("ModelSummary", "Order", "Verdict", "WeightSummary", "ordered"),
    "core.inspect.summarize": ("summarize",),
    "core.inspect.measure": ("measure",),
    # plan
    "core.lite.storage": ("WeightQuantizeType",),
    "core.plan.options": ("AutoBits", "QuantizeOptions"),
    "core.plan.size": ("Size",),
    "core.plan.reasons": ("Reason", "ReasonCode"),
    "core.plan.weight_plan": ("KeptWeight", "Quantization", "QuantizedWeight", "WeightPlan"),
    "core.plan.plan": ("Plan", "make_plan"),
    "core.plan.plan_file": ("apply_plan", "parse_plan", "plan_document"),
    "core.quantize.auto_bits": ("plan_model",),
    # quantize
    "formats.files.atomic_folder": ("Existing",),
    "core.quantize.output": ("OutputOptions",),
    "core.quantize.gates": ("Gates",),
    "core.quantize.sizes": ("Sizes",),
    "core.quantize.results": ("Progress", "Quantized", "WeightResult"),
    "core.quantize.quantize": ("preview", "quantize"),
    # check
    "core.check.findings": ("Finding", "FindingCode", "Severity"),
    "core.check.quality_gates": ("GateFailure", "OutputGates", "QualityGates"),
    "core.check.weight_comparison": ("WeightComparison",),
    "core.check.compare_reference": ("Comparison",),
    "core.check.check": ("CheckResult", "check"),
    # run it, and compare its answers
    "core.run.inputs": ("InputSpec", "SampleOptions", "input_specs", "samples"),
    "core.run.network": ("Network",),
    "core.run.outcome": ("Outcome",),
    "core.run.observer": ("Observer",),
    "core.run.compare": ("OutputDifference", "compare_outputs"),
    "core.quantize.dequantized": ("dequantized",),
    "core.check.compare_outputs": ("ComparedOutputs", "LayerDifference", "RunOptions"),
    "core.check.check_outputs": ("check_outputs",),
    # back to FP32
    "core.quantize.dequantize": ("dequantize",),
    # on to the phone
    "core.opt_script.shell_text": ("OptimizeOutType",),
    "core.opt_script.script": (
        "OptScript",
        "OptScriptOptions",
        "make_opt_script",
        "write_opt_script",
    ),
    # errors
    "errors": ("GateError", "ModelError", "OptionError", "OutputError", "WeightQuantError"),
}
"""Module -> the public names in it."""

_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME]

if TYPE_CHECKING:  # the same names for type checkers, which do not run `__getattr__`
    from .core.check.check import CheckResult as CheckResult
    from .core.check.check import check as check
    from .core.check.check_outputs import check_outputs as check_outputs
    from .core.check.compare_outputs import ComparedOutputs as ComparedOutputs
    from .core.check.compare_outputs import LayerDifference as LayerDifference
    from .core.check.compare_outputs import RunOptions as RunOptions
    from .core.check.compare_reference import Comparison as Comparison
    from .core.check.findings import Finding as Finding
    from .core.check.findings import FindingCode as FindingCode
    from .core.check.findings import Severity as Severity
    from .core.check.quality_gates import GateFailure as GateFailure
    from .core.check.quality_gates import OutputGates as OutputGates
    from .core.check.quality_gates import QualityGates as QualityGates
    from .core.check.weight_comparison import WeightComparison as WeightComparison
    from .core.inspect.measure import measure as measure
    from .core.inspect.summarize import summarize as summarize
    from .core.inspect.summary import ModelSummary as ModelSummary
    from .core.inspect.summary import Order as Order
    from .core.inspect.summary import Verdict as Verdict
    from .core.inspect.summary import WeightSummary as WeightSummary
    from .core.inspect.summary import ordered as ordered
    from .core.lite.storage import WeightQuantizeType as WeightQuantizeType
    from .core.model.model import Model as Model
    from .core.model.weights import OperatorRef as OperatorRef
    from .core.model.weights import Reader as Reader
    from .core.model.weights import Weight as Weight
    from .core.opt_script.script import OptScript as OptScript
    from .core.opt_script.script import OptScriptOptions as OptScriptOptions
    from .core.opt_script.script import make_opt_script as make_opt_script
    from .core.opt_script.script import write_opt_script as write_opt_script
    from .core.opt_script.shell_text import OptimizeOutType as OptimizeOutType
    from .core.plan.options import AutoBits as AutoBits
    from .core.plan.options import QuantizeOptions as QuantizeOptions
    from .core.plan.plan import Plan as Plan
    from .core.plan.plan import make_plan as make_plan
    from .core.plan.plan_file import apply_plan as apply_plan
    from .core.plan.plan_file import parse_plan as parse_plan
    from .core.plan.plan_file import plan_document as plan_document
    from .core.plan.reasons import Reason as Reason
    from .core.plan.reasons import ReasonCode as ReasonCode
    from .core.plan.size import Size as Size
    from .core.plan.weight_plan import KeptWeight as KeptWeight
    from .core.plan.weight_plan import Quantization as Quantization
    from .core.plan.weight_plan import QuantizedWeight as QuantizedWeight
    from .core.plan.weight_plan import WeightPlan as WeightPlan
    from .core.quantize.auto_bits import plan_model as plan_model
    from .core.quantize.dequantize import dequantize as dequantize
    from .core.quantize.dequantized import dequantized as dequantized
    from .core.quantize.gates import Gates as Gates
    from .core.quantize.output import OutputOptions as OutputOptions
    from .core.quantize.quantize import preview as preview
    from .core.quantize.quantize import quantize as quantize
    from .core.quantize.results import Progress as Progress
    from .core.quantize.results import Quantized as Quantized
    from .core.quantize.results import WeightResult as WeightResult
    from .core.quantize.sizes import Sizes as Sizes
    from .core.run.compare import OutputDifference as OutputDifference
    from .core.run.compare import compare_outputs as compare_outputs
    from .core.run.inputs import InputSpec as InputSpec
    from .core.run.inputs import SampleOptions as SampleOptions
    from .core.run.inputs import input_specs as input_specs
    from .core.run.inputs import samples as samples
    from .core.run.network import Network as Network
    from .core.run.observer import Observer as Observer
    from .core.run.outcome import Outcome as Outcome
    from .core.weight_quantization import WeightQuantization as WeightQuantization
    from .errors import GateError as GateError
    from .errors import ModelError as ModelError
    from .errors import OptionError as OptionError
    from .errors import OutputError as OutputError
    from .errors import WeightQuantError as WeightQuantError
    from .formats.files.atomic_folder import Existing as Existing


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
