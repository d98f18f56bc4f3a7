"""The JSON document of `inspect`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ... import __version__
from ..option_names import as_options
from . import reasons
from .json_output import Document, finite, model_files, port_document, sqnr_fields

if TYPE_CHECKING:
    from ...core.inspect.summary import (
        ExpectedSize,
        ModelSummary,
        WeightSummary,
    )
    from ...core.lite.demands.demand import Demands
    from ...core.lite.scales import ScalesSummary
    from ...core.tensors.histogram import Histogram

INSPECT_SCHEMA = "weightquant.inspect"
INSPECT_VERSION = 1


def inspect_document(summary: ModelSummary, weights: Sequence[WeightSummary]) -> Document:
    """What `weightquant inspect` shows.

    Args:
        summary: the model.
        weights: its weights, in the order asked for.
    """
    verdicts = [weight.verdict.value for weight in weights]
    return {
        "schema": INSPECT_SCHEMA,
        "version": INSPECT_VERSION,
        "tool_version": __version__,
        "headline": summary.headline,
        "input": {
            **model_files(summary.files),
            "paddle_version": summary.paddle_version,
        },
        "sizes": {
            "program": summary.program_size,
            "params": summary.params_size,
            "total": summary.size,
            **({"compressed": summary.compressed.total} if summary.compressed is not None else {}),
        },
        "inputs": [port_document(port) for port in summary.inputs],
        "outputs": [port_document(port) for port in summary.outputs],
        "operators": dict(summary.operators),
        "unknown_operators": [
            {"type": one.type, "count": one.count, "reason": one.reason}
            for one in summary.unknown_operators
        ],
        "totals": {
            "weights": len(weights),
            "bytes": sum(weight.record.data_size for weight in weights),
            "quantized": verdicts.count("quantized"),
            "quantizable": verdicts.count("quantizable"),
            "kept": verdicts.count("kept"),
        },
        "expected": [_expected(expected) for expected in summary.expected],
        "paddle_lite": {
            "version": summary.lite_version,
            "findings": [_demands(demands) for demands in summary.demands],
        },
        "weights": [_weight(weight) for weight in weights],
    }


def _demands(demands: Demands) -> Document:
    return {
        "code": demands.code.value,
        "effect": demands.effect.name.lower(),
        "operator": demands.operator,
        "variable": demands.variable,
        "count": demands.count,
        "what": as_options(demands.text),
        "consequence": demands.effect.value,
        "remedy": as_options(demands.remedy),
        "mended_by_quantize": demands.is_mendable,
    }


def _expected(expected: ExpectedSize) -> Document:
    document: Document = {
        "bits": expected.bits,
        "program": expected.sizes.program_after,
        "params": expected.sizes.params_after,
        "total": expected.sizes.after,
        "ratio": round(expected.sizes.ratio, 4),
    }
    if expected.compressed is not None:
        document["compressed"] = expected.compressed.total
    return document


def _weight(weight: WeightSummary) -> Document:
    document: Document = {
        "name": weight.name,
        "operator": weight.operator_type or None,
        "shape": list(weight.record.shape),
        "dtype": weight.record.dtype.name,
        "bytes": weight.record.data_size,
        "share_percent": round(weight.share, 4),
        "verdict": weight.verdict.value,
    }
    if weight.reason is not None:
        document["reason"] = {
            "code": weight.reason.code.value,
            "text": reasons.text(weight.reason),
            "remedy": reasons.remedy(weight.reason),
        }
    if weight.rewritten_as is not None:
        document["rewritten_as"] = weight.rewritten_as
    if weight.carrier is not None:
        document["carrier"] = weight.carrier
    if weight.scales is not None:
        document["scales"] = _scales(weight.scales)
    if weight.error is not None:
        document |= sqnr_fields(weight.error.sqnr)
        document["max_abs_error"] = finite(weight.error.max_abs, None)
    if weight.not_measured is not None:
        document["objection"] = weight.not_measured
    if weight.histogram is not None:
        document["distribution"] = _distribution(weight.histogram)
    return document


def _scales(scales: ScalesSummary) -> Document:
    return {
        "bits": scales.bits,
        "weight_quantize_type": scales.granularity.value,
        "count": scales.count,
        "min": _exact(scales.smallest),
        "max": _exact(scales.largest),
    }


def _distribution(found: Histogram) -> Document:
    return {
        "min": _exact(found.minimum),
        "max": _exact(found.maximum),
        "counts": list(found.counts),
        "non_finite": found.non_finite,
    }


def _exact(value: float | None) -> float | None:
    """The number unrounded, or None where JSON has no such number."""
    return None if value is None or finite(value) is None else value
