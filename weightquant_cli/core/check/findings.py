"""What a check can find: how bad it is, where, what Paddle Lite makes of it, and the remedy."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias

from ..lite.demands.demand import DemandCode

REQUANTIZE = "quantize the FP32 model again with weightquant"
FITTING_REFERENCE = "give the FP32 model that this one was made from"


class Severity(enum.Enum):
    """How bad a finding is."""

    ERROR = "error"
    """Paddle Lite aborts, computes wrongly, or computes something else than the reference does."""

    WARNING = "warning"
    """Right as far as it was measured, but nothing that a quantizer should write."""


class FindingCode(enum.Enum):
    """What can be wrong with a quantized model."""

    NOT_QUANTIZED = "not_quantized"
    TAG_WITHOUT_WEIGHT = "tag_without_weight"
    TAG_NOT_READ = "tag_not_read"
    OPERATOR = "operator"
    OTHER_READER = "other_reader"
    BIAS = "bias"
    RANK = "rank"
    STORAGE = "storage"
    NO_SCALES = "no_scales"
    SCALES_TYPE = "scales_type"
    SCALES_COUNT = "scales_count"
    SCALES_VALUE = "scales_value"
    BITS_MISSING = "bits_missing"
    BITS_TYPE = "bits_type"
    BITS_VALUE = "bits_value"
    BITS_STORAGE = "bits_storage"
    TYPE_MISSING = "type_missing"
    TYPE_VALUE = "type_value"
    SEVERAL_TAGS = "several_tags"
    DECLARED_TYPE = "declared_type"
    SHARED_BATCH_NORM = "shared_batch_norm"
    FOLDED = "folded"
    CARRIER = "carrier"
    RESERVED_NAME = "reserved_name"
    FLOAT16 = "float16"
    STORED_TYPE = "stored_type"
    DIFFERS = "differs"
    PROGRAM_DIFFERS = "program_differs"
    NOT_A_NUMBER = "not_a_number"
    OVERFLOW = "overflow"
    MISROUNDED = "misrounded"
    REFERENCE_VALUE = "reference_value"
    UNKNOWN_WEIGHT = "unknown_weight"
    MISSING_WEIGHT = "missing_weight"
    REFERENCE_QUANTIZED = "reference_quantized"


Code: TypeAlias = FindingCode | DemandCode
"""What a finding is about: the quantization, or what opt demands of any program."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        code: for programs.
        severity: how bad it is.
        weight: the weight concerned, or None.
        operator: type of the operator concerned, or None.
        count: how many operators of this type, or weights, it is about; 1 but for a `DemandCode`.
        what: what was found, one clause.
        consequence: what Paddle Lite makes of it.
        remedy: what the user can do.
    """

    code: Code
    severity: Severity
    weight: str | None
    operator: str | None
    what: str
    consequence: str
    remedy: str
    count: int = 1
