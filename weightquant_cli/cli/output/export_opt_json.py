"""The JSON document of `export-opt`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import __version__
from .json_output import Document, model_files, port_document

if TYPE_CHECKING:
    from ...core.opt_script.script import OptScript

EXPORT_OPT_SCHEMA = "weightquant.export-opt"
EXPORT_OPT_VERSION = 1


def export_opt_document(script: OptScript) -> Document:
    """Which script `weightquant export-opt` wrote, and what that will do."""
    return {
        "schema": EXPORT_OPT_SCHEMA,
        "version": EXPORT_OPT_VERSION,
        "tool_version": __version__,
        "script": str(script.path),
        "input": {
            **model_files(script.source),
            "quantized_weights": script.quantized,
        },
        "optimize_out": script.output,
        "optimize_out_type": script.optimize_out_type.value,
        "valid_targets": list(script.valid_targets),
        "inputs": [port_document(port) for port in script.inputs],
        "outputs": [port_document(port) for port in script.outputs],
    }
