"""The JSON document of `dequantize-check`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ... import __version__
from ..option_names import as_options
from .json_output import Document, config_file, finite, model_files, sqnr_fields

if TYPE_CHECKING:
    from ...core.check.check import CheckResult
    from ...core.check.compare_outputs import ComparedOutputs, LayerDifference
    from ...core.check.weight_comparison import WeightComparison
    from ...core.model.model import Model
    from ...core.opt.convert import Conversion
    from ...core.run.compare import OutputDifference
    from ..options.dequantize_check import CheckArguments

CHECK_SCHEMA = "weightquant.dequantize-check"
CHECK_VERSION = 1


def check_document(result: CheckResult, arguments: CheckArguments) -> Document:
    """What `weightquant dequantize-check` found."""
    compared = result.comparison
    weights = compared.weights if compared else ()
    ran = result.outputs
    layers = None if ran is None else ran.layers
    return {
        "schema": CHECK_SCHEMA,
        "version": CHECK_VERSION,
        "tool_version": __version__,
        "folder": str(result.model.files.folder),
        "lite_version": result.lite_version,
        "ok": result.ok,
        "quantized": result.quantized,
        "config": config_file(arguments),
        "reference": None if result.reference is None else model_files(result.reference.files),
        "reference_quantized": 0 if compared is None else compared.reference_quantized,
        "gates": {
            "min_sqnr": arguments.min_sqnr,
            "max_abs_error": arguments.max_abs_error,
            "min_cosine": arguments.min_cosine,
            "min_output_sqnr": arguments.min_output_sqnr,
            "min_agreement": arguments.min_agreement,
        },
        "sizes": {
            **_sizes(result.model),
            "reference": None if result.reference is None else _sizes(result.reference),
        },
        "worst": _worst(weights),
        "findings": [
            {
                "code": finding.code.value,
                "severity": finding.severity.value,
                "weight": finding.weight,
                "operator": finding.operator,
                "count": finding.count,
                "what": as_options(finding.what),
                "consequence": as_options(finding.consequence),
                "remedy": as_options(finding.remedy),
            }
            for finding in result.findings
        ],
        "gate_failures": [
            {"weight": f.weight, "output": f.output, "why": as_options(f.why)}
            for f in result.failures
        ],
        "changed_files": list(result.changed),
        "conversion": None if result.conversion is None else _conversion(result.conversion),
        "weights": None if compared is None else [_compared(weight) for weight in weights],
        "run": None if ran is None else _run(ran),
        "outputs": None if ran is None else [_output(output) for output in ran.outputs],
        "layers": None if layers is None else [_layer(layer) for layer in layers],
    }


def _conversion(conversion: Conversion) -> Document:
    return {
        "ok": conversion.ok,
        "opt": str(conversion.opt),
        "version": conversion.version,
        "targets": list(conversion.targets),
        "naive_buffer": conversion.size,
        "failure": conversion.failure,
        "said": conversion.said,
    }


def _run(ran: ComparedOutputs) -> Document:
    return {
        "inputs": ran.samples,
        "stops": list(ran.stops),
        "non_finite": list(ran.non_finite),
    }


def _output(output: OutputDifference) -> Document:
    return {**_measures(output), "sqnr_of": output.sqnr_of}


def _measures(output: OutputDifference) -> Document:
    return {
        "name": output.name,
        **sqnr_fields(output.sqnr_db),
        "max_abs_change": finite(output.max_change, None),
        "cosine": finite(output.cosine, 10),
        "agreement_percent": None if output.agreement is None else finite(output.agreement),
    }


def _layer(layer: LayerDifference) -> Document:
    return {
        "index": layer.index,
        "operator": layer.operator,
        "weight": layer.weight,
        **_measures(layer.difference),
    }


def _sizes(model: Model) -> Document:
    stored = model.stored
    return {
        "program": stored.program_size,
        "params": stored.parameters.size,
        "total": stored.size,
    }


def _worst(weights: Sequence[WeightComparison]) -> Document | None:
    """The weight with the lowest SQNR; NaN is lower than any."""
    if not weights:
        return None
    worst = min(weights, key=lambda one: -math.inf if math.isnan(one.sqnr) else one.sqnr)
    return {"name": worst.name, **sqnr_fields(worst.sqnr)}


def _compared(weight: WeightComparison) -> Document:
    return {
        "name": weight.name,
        "operator": weight.operator,
        "dtype": weight.dtype,
        "shape": list(weight.shape),
        **sqnr_fields(weight.sqnr),
        "max_abs_error": finite(weight.max_abs, None),
        "max_error_in_scales": finite(weight.max_in_scales, 6),
        "rmse": finite(weight.rmse, None),
        "cosine": finite(weight.cosine, 10),
    }
