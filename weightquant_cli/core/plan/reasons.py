"""Why a weight stays as it is, for programs and for people."""

from __future__ import annotations

import enum
from typing import NamedTuple


class ReasonCode(enum.Enum):
    """Why a weight stays as it is."""

    UNREAD = "unread"
    NO_TARGET = "no_target"
    OTHER_SLOT = "other_slot"
    NOT_SELECTED = "not_selected"
    EXCLUDED = "excluded"
    NOT_INCLUDED = "not_included"
    SMALL = "small"
    FLOAT = "float"
    NOT_FLOAT32 = "not_float32"
    ALREADY_QUANTIZED = "already_quantized"
    EMPTY = "empty"
    RANK = "rank"
    ATTRIBUTES = "attributes"
    NO_REWRITE = "no_rewrite"
    UNPROVEN = "unproven"
    OTHER_READER = "other_reader"
    SHARED_TRANSPOSED = "shared_transposed"
    SHARED_BATCH_NORM = "shared_batch_norm"
    FOLDED = "folded"
    SUB_BLOCK = "sub_block"
    WRITTEN = "written"
    SHADOWED = "shadowed"
    RESERVED_NAME = "reserved_name"
    SCALES_COST = "scales_cost"
    TOO_MANY_SCALES = "too_many_scales"
    CARRIER_COST = "carrier_cost"


class Reason(NamedTuple):
    """Why a weight stays as it is.

    Attributes:
        code: for programs.
        text: for people, one clause.
        remedy: what would change it, or None; options as in `errors.spelled`.
    """

    code: ReasonCode
    text: str
    remedy: str | None = None
