"""How PIR operations are spelled in Paddle 2.6: one line each, in the notation of `pir.rules`.

The facts are Paddle's: the order of operands and attributes in PIR is that of `pd_op.h` in the
wheel of Paddle 3.3.1, the names of slots and attributes are those that Paddle 2.6.2 writes, and
the constants are what Paddle Lite demands. `tests/oracles/pir` compares every line with both.
May import `formats.pir.rules`.
"""

from __future__ import annotations

from . import (
    activations,
    arithmetic,
    comparison,
    convolution,
    creation,
    detection,
    indexing,
    linear_algebra,
    normalization,
    reduction,
    sequence,
    shapes,
)

RULES: dict[str, str] = {
    **activations.RULES,
    **arithmetic.RULES,
    **linear_algebra.RULES,
    **reduction.RULES,
    **comparison.RULES,
    **shapes.RULES,
    **indexing.RULES,
    **creation.RULES,
    **convolution.RULES,
    **normalization.RULES,
    **detection.RULES,
    **sequence.RULES,
}
"""The line of each operation by its name in the dialect pd_op."""

_DIALECT = "pd_op."


def find(name: str) -> str | None:
    """The line of an operation such as ``pd_op.relu``, or None.

    A name that ends in ``_`` is the variant that works in place; it has a line of its own where
    it differs in more than that.
    """
    if not name.startswith(_DIALECT):
        return None
    own = name.removeprefix(_DIALECT)
    return RULES.get(own) or RULES.get(own.removesuffix("_"))
