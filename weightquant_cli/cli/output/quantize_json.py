"""The JSON document of `quantize`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ... import __version__
from ...core.plan.options import AutoBits
from . import reasons
from .json_output import Document, config_file, finite, model_files, naive_buffer, sqnr_fields

if TYPE_CHECKING:
    from ...core.model.model import Model
    from ...core.plan.size import Size
    from ...core.quantize.results import Quantized, WeightResult
    from ...formats.files.digests import FileDigest
    from ..options.quantize import QuantizeArguments

QUANTIZE_SCHEMA = "weightquant.quantize"
QUANTIZE_VERSION = 1


def quantize_document(model: Model, result: Quantized, arguments: QuantizeArguments) -> Document:
    """What `weightquant quantize` did, or with a dry run would do."""
    options = result.plan.options
    worst = result.worst
    document = {
        "schema": QUANTIZE_SCHEMA,
        "version": QUANTIZE_VERSION,
        "tool_version": __version__,
        "dry_run": result.folder is None,
        "input": {
            **model_files(result.source),
            "paddle_version": model.paddle_version,
        },
        "output": {
            "folder": None if result.folder is None else str(result.folder),
            "program": result.layout.program,
            "params": result.layout.params,
        },
        "config": config_file(arguments),
        "options": {
            "bits": "auto" if isinstance(options.bits, AutoBits) else options.bits,
            "weight_quantize_type": options.granularity.value,
            "threshold_rate": options.threshold_rate,
            "op_types": sorted(options.chosen_op_types),
            "exclude": list(options.exclude),
            "include": list(options.include),
            "min_bytes": options.min_bytes,
            "bits_for": [list(pair) for pair in options.bits_for],
            "rewrite": options.rewrite,
            "mend": options.mend,
            "rounding": "adaptive" if result.rounding.weights else "nearest",
            "min_sqnr": arguments.min_sqnr,
            "target_size": _size(arguments.target_size),
            "target_compressed": _size(arguments.target_compressed),
            "strip_callstack": arguments.strip_callstack,
        },
        "gates": {
            "max_size": _size(arguments.max_size),
            "min_quantized": arguments.min_quantized,
        },
        "sizes": {
            "program_before": result.sizes.program_before,
            "params_before": result.sizes.params_before,
            "program_after": result.sizes.program_after,
            "params_after": result.sizes.params_after,
            "before": result.sizes.before,
            "after": result.sizes.after,
            "ratio": round(result.sizes.ratio, 4),
        },
        "naive_buffer": naive_buffer(result.naive_buffer),
        "totals": {
            "weights": len(result.plan.weights),
            "quantized": len(result.plan.quantized),
            "kept": len(result.plan.kept),
            "kept_by_reason": dict(
                sorted(Counter(w.reason.code.value for w in result.plan.kept if w.reason).items())
            ),
        },
        "worst": None
        if worst is None or worst.error is None
        else {"name": worst.plan.name, **sqnr_fields(worst.error.sqnr)},
        "dropped": list(result.dropped),
        "mended": [
            {
                "block": one.position.block,
                "index": one.position.operator,
                "operator": one.operator,
                "change": one.change,
            }
            for one in result.mended
        ],
        "corrected": sorted(result.rounding.corrected),
        "unreached": list(result.rounding.unreached),
        "weights": [_weight(weight) for weight in result.weights],
    }
    if result.compressed is not None:
        before, after = result.compressed.before, result.compressed.after
        document["compressed"] = {
            "program_before": before.program,
            "params_before": before.params,
            "program_after": after.program,
            "params_after": after.params,
            "before": before.total,
            "after": after.total,
            "ratio": round(before.total / after.total, 4),
        }
    return document


def _size(size: Size | None) -> int | str | None:
    """Bytes, or a share such as ``30%``."""
    if size is None:
        return None
    return f"{float(size.number):g}%" if size.relative else size.of(0)


def digests_document(model: Model, result: Quantized) -> Document:
    """SHA-256 of every file read and written; of those read alone after a dry run."""
    written = result.written
    inputs = written.inputs if written else model.stored.digests()
    return {
        "input": [_digest(file) for file in inputs],
        "output": [_digest(file) for file in written.outputs] if written else [],
    }


def _digest(file: FileDigest) -> Document:
    return {"name": file.name, "bytes": file.size, "sha256": file.sha256}


def _weight(result: WeightResult) -> Document:
    plan = result.plan
    quantization = plan.quantization
    document: Document = {
        "name": plan.name,
        "operator": plan.operator_type or None,
        "shape": list(plan.weight.record.shape),
        "dtype": plan.weight.record.dtype.name,
        "bytes_before": plan.size_before,
        "bytes_after": plan.size_after,
        "quantized": quantization is not None,
    }
    if quantization is not None:
        document |= {
            "bits": quantization.bits,
            "stored_as": quantization.dtype.name,
            "weight_quantize_type": quantization.weight_quantize_type.value,
            "channel_axis": quantization.channel_axis,
            "scales": quantization.scales,
            "rewritten": [rewrite.operator.type for rewrite in plan.rewrites],
            "transposed": plan.transpose,
            "carrier": quantization.carrier,
        }
    if plan.reason is not None:
        document["reason"] = {"code": plan.reason.code.value, "text": reasons.text(plan.reason)}
    if result.scale_range is not None:
        document["scale_min"], document["scale_max"] = result.scale_range
    if result.error is not None:
        document |= sqnr_fields(result.error.sqnr)
        document["max_abs_error"] = finite(result.error.max_abs, None)
    return document
