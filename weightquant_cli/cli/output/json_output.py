"""JSON documents: one builder per result, with a schema name and version.

Numbers that JSON cannot hold (an SQNR without any error is infinite) become null.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...core.plan.options import AutoBits
from ...errors import OptionError
from ...formats.files import atomic_file

if TYPE_CHECKING:
    from ...core.check.check import CheckResult
    from ...core.check.compare_reference import WeightComparison
    from ...core.model.model import Model
    from ...core.opt_script.script import OptScript
    from ...core.quantize.results import Quantized, WeightResult
    from ...formats.files.digests import FileDigest

QUANTIZE_SCHEMA = "weightquant.quantize"
QUANTIZE_VERSION = 1
CHECK_SCHEMA = "weightquant.dequantize-check"
CHECK_VERSION = 1
EXPORT_OPT_SCHEMA = "weightquant.export-opt"
EXPORT_OPT_VERSION = 1

Document = dict[str, Any]


def dumps(document: Document) -> str:
    """The document's text, indented; what does not print (escape sequences, C1 controls, bytes
    that are not UTF-8) is escaped.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    lines = (line if line.isprintable() else _escaped(line) for line in text.split("\n"))
    return "\n".join(lines) + "\n"


def _escaped(line: str) -> str:
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def write_file(path: Path, document: Document, what: str) -> None:
    """Write the document, a `what`, to a file, whole or not at all; OutputError if refused."""
    atomic_file.write_file(path, dumps(document).encode(), f"the {what}")


def read_file(path: Path, what: str) -> object:
    """The document in a file.

    Raises:
        OptionError: the file cannot be read, or is not JSON.
    """
    try:
        document: object = json.loads(path.read_bytes())
    except OSError as error:
        raise OptionError(f"cannot read the {what}: {error.strerror}", path=path) from error
    except (ValueError, RecursionError) as error:
        raise OptionError(f"the {what} is not JSON: {error}", path=path) from error
    return document


def quantize_document(model: Model, result: Quantized) -> Document:
    """What `weightquant quantize` did, or with a dry run would do."""
    options = result.plan.options
    worst = result.worst
    return {
        "schema": QUANTIZE_SCHEMA,
        "version": QUANTIZE_VERSION,
        "tool_version": __version__,
        "dry_run": result.folder is None,
        "input": {
            "folder": str(result.source.folder),
            "program": result.source.program,
            "params": result.source.params,
            "layout": result.source.layout,
            "paddle_version": model.program.paddle_version,
        },
        "output": {
            "folder": None if result.folder is None else str(result.folder),
            "program": result.layout.program,
            "params": result.layout.params,
        },
        "options": {
            "bits": "auto" if isinstance(options.bits, AutoBits) else options.bits,
            "weight_quantize_type": options.granularity.value,
            "threshold_rate": options.threshold_rate,
            "op_types": sorted(options.chosen_op_types),
            "exclude": list(options.exclude),
            "bits_for": [list(pair) for pair in options.bits_for],
            "rewrite": options.rewrite,
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
        else {"name": worst.plan.name, "sqnr_db": finite(worst.error.sqnr)},
        "weights": [_weight(weight) for weight in result.weights],
    }


def check_document(result: CheckResult) -> Document:
    """What `weightquant dequantize-check` found."""
    weights = result.comparison.weights if result.comparison else ()
    return {
        "schema": CHECK_SCHEMA,
        "version": CHECK_VERSION,
        "tool_version": __version__,
        "folder": str(result.model.files.folder),
        "ok": result.ok,
        "quantized": result.quantized,
        "findings": [
            {
                "code": finding.code.value,
                "severity": finding.severity.value,
                "weight": finding.weight,
                "operator": finding.operator,
                "what": finding.what,
                "consequence": finding.consequence,
                "remedy": finding.remedy,
            }
            for finding in result.findings
        ],
        "gate_failures": [{"weight": f.weight, "why": f.why} for f in result.failures],
        "changed_files": list(result.changed),
        "weights": None if result.comparison is None else [_compared(weight) for weight in weights],
    }


def _compared(weight: WeightComparison) -> Document:
    return {
        "name": weight.name,
        "operator": weight.operator,
        "dtype": weight.dtype,
        "shape": list(weight.shape),
        "sqnr_db": finite(weight.sqnr),
        "max_abs_error": finite(weight.max_abs, None),
        "max_error_in_scales": finite(weight.max_in_scales, 6),
        "rmse": finite(weight.rmse, None),
        "cosine": finite(weight.cosine, 10),
    }


def export_opt_document(script: OptScript) -> Document:
    """Which script `weightquant export-opt` wrote, and what that will do."""
    return {
        "schema": EXPORT_OPT_SCHEMA,
        "version": EXPORT_OPT_VERSION,
        "tool_version": __version__,
        "script": str(script.path),
        "input": {
            "folder": str(script.source.folder),
            "program": script.source.program,
            "params": script.source.params,
            "layout": script.source.layout,
            "quantized_weights": script.quantized,
        },
        "optimize_out": script.output,
        "optimize_out_type": script.optimize_out_type.value,
    }


def digest_documents(digests: Iterable[FileDigest]) -> list[Document]:
    """A model's files with their digests."""
    return [{"name": file.name, "bytes": file.size, "sha256": file.sha256} for file in digests]


def finite(value: float, digits: int | None = 4) -> float | None:
    """The number, rounded unless `digits` is None; None where JSON has no such number."""
    if not math.isfinite(value):
        return None
    return value if digits is None else round(value, digits)


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
        }
    if plan.reason is not None:
        document["reason"] = {"code": plan.reason.code.value, "text": plan.reason.text}
    if result.scale_range is not None:
        document["scale_min"], document["scale_max"] = result.scale_range
    if result.error is not None:
        document["sqnr_db"] = finite(result.error.sqnr)
        document["max_abs_error"] = finite(result.error.max_abs, None)
    return document
