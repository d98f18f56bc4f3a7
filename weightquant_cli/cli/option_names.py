"""How the command line spells the fields that the core's messages name (see `errors.spelled`)."""

from __future__ import annotations

from ..errors import spelled

_FIELDS = (
    "bits",
    "bits_for",
    "config",
    "exclude",
    "force",
    "include",
    "input_shape",
    "inputs",
    "max_abs_error",
    "max_size",
    "mend",
    "min_agreement",
    "min_bytes",
    "min_cosine",
    "min_output_sqnr",
    "min_quantized",
    "min_sqnr",
    "model_filename",
    "opt",
    "optimize_out",
    "params_filename",
    "reference",
    "report",
    "rewrite",
    "rounding",
    "target_compressed",
    "target_size",
    "threshold_rate",
    "valid_targets",
    "verify_report",
    "weight_quantize_type",
)

OPTIONS = {
    **{field: "--" + field.replace("_", "-") for field in _FIELDS},
    # fields of the options classes that have another name on the command line
    "op_types": "--op-type",
    "program": "--save-model-filename",
    "params": "--save-params-filename",
    "separate": "--separate-params",
    "existing": "--force",
    "script": "--output",
    # functions of the core
    "plan_document": "--plan-out",
    "preview": "--dry-run",
}
"""Field or argument -> option."""


def as_options(text: str) -> str:
    """A text of the core's with its fields spelled as options."""
    return spelled(text, OPTIONS)
