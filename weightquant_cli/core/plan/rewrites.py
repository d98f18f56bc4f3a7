"""Exact rewrites: operators replaced by ones whose weight Paddle Lite dequantizes.

    matmul_v2 or matmul          ->  mul, x_num_col_dims = rank(X) - 1, y_num_col_dims = 1
    the same with Y transposed   ->  mul, and the weight is stored transposed
    lookup_table_v2              ->  unsqueeze2(Ids, axes=[-1]), then lookup_table

Each computes the same numbers as before, quantized or not. Where the program alone does not prove
that, `find_rewrite` says why, and the operator stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ...formats import dtypes
from ...formats.program import AttrType, Block, Operator, Program, Variable, VariableKind
from ...formats.scopes import Scopes
from ..lite.targets import TARGETS
from ..model.model import Model
from ..model.weights import OperatorRef, Reader, Weight

MUL = "mul"
LOOKUP_TABLE = "lookup_table"

REPLACEMENTS = {MUL: (MUL,), LOOKUP_TABLE: ("unsqueeze2", LOOKUP_TABLE)}
"""The types of the operators that replace a rewritten one, by its new type."""

# Attributes of a matmul that mul does not have, at values that change nothing (`find_rewrite`).
_MATMUL_ATTRIBUTES = ("trans_x", "trans_y", "transpose_X", "transpose_Y", "alpha", "head_number")


class Rewrite(NamedTuple):
    """One operator to be rewritten.

    Attributes:
        operator: the operator.
        to: its new type, ``mul`` or ``lookup_table``.
        num_col_dims: for ``mul``, its x_num_col_dims: rank(X) - 1.
        transpose: whether the weight is stored transposed.
    """

    operator: OperatorRef
    to: str
    num_col_dims: int = 0
    transpose: bool = False


class Unproven(NamedTuple):
    """Why an operator is not rewritten, in one clause."""

    why: str


def find_rewrite(model: Model, reader: Reader, weight: Weight) -> Rewrite | Unproven | None:
    """The rewrite by which `reader` would read `weight` as Paddle Lite can dequantize it.

    Args:
        model: the model.
        reader: a reader that has the weight in its target's slot.
        weight: a weight of the rank that the target asks for.

    Returns:
        None where no rewrite is needed; Unproven where equality does not follow from the program.
    """
    rewrite = TARGETS[reader.operator.type].rewrite
    if rewrite is None:
        return None
    if rewrite == MUL:
        return _find_mul(model, reader.operator, weight)
    return _find_lookup_table(model, reader.operator)


def apply_rewrites(
    program: Program, rewrites: Iterable[Rewrite], transposed: Iterable[str]
) -> None:
    """Carry out `rewrites`, and reverse the declared dims of the `transposed` weights.

    Args:
        program: edited in place; its operators are those the rewrites were proposed for.
        rewrites: from `find_rewrite`; every operator once.
        transposed: names of the 2-D weights that are stored transposed.
    """
    blocks = program.blocks
    _reverse_dims(blocks, frozenset(transposed))
    # From the last to the first: inserting an operator moves only those behind it.
    ordered = sorted(rewrites, key=lambda r: (r.operator.block, r.operator.index), reverse=True)
    if not ordered:
        return
    operators = [block.operators for block in blocks]
    scopes = Scopes(program)
    for rewrite in ordered:
        ref = rewrite.operator
        operator = operators[ref.block][ref.index]
        if rewrite.to == MUL:
            _rewrite_as_mul(operator, rewrite.num_col_dims)
        else:
            _rewrite_as_lookup_table(blocks[ref.block], ref, operator, scopes)


def _find_mul(model: Model, ref: OperatorRef, weight: Weight) -> Rewrite | Unproven:
    operator = model.operator(ref)
    if operator.value("trans_x") or operator.value("transpose_X"):
        return Unproven("its X is transposed")
    alpha = operator.value("alpha")
    if alpha is not None and alpha != 1.0:
        return Unproven(f"its alpha is {alpha}, not 1")
    if _is_fused(operator):
        return Unproven("other operators are fused into it")
    x = _only_input(model, ref, operator, "X")
    if x is None or not x.shape:
        return Unproven("the rank of its X is unknown")
    rank = len(x.shape)
    if rank < 2:
        return Unproven(f"its X has rank {rank}")
    if x.dtype is not dtypes.FP32:
        return Unproven(f"its X is {x.dtype}, not FP32")
    transpose = bool(operator.value("trans_y") or operator.value("transpose_Y"))
    depth = weight.record.shape[1 if transpose else 0]
    if x.shape[-1] not in (-1, depth):
        return Unproven(f"its X has {x.shape[-1]} columns and the weight {depth} rows")
    return Rewrite(ref, MUL, rank - 1, transpose)


def _find_lookup_table(model: Model, ref: OperatorRef) -> Rewrite | Unproven:
    operator = model.operator(ref)
    ids = _only_input(model, ref, operator, "Ids")
    if ids is None or ids.shape is None:
        return Unproven("its Ids are not a tensor")
    if ids.dtype is not dtypes.INT64:
        return Unproven(f"its Ids are {ids.dtype}: lookup_table needs INT64")
    return Rewrite(ref, LOOKUP_TABLE)


def _is_fused(operator: Operator) -> bool:
    """Whether a oneDNN pass has fused other operators into the matmul, or split it into heads."""
    if operator.value("head_number") not in (None, 1):
        return True
    return any(
        attribute.name.startswith("fused_") and attribute.value for attribute in operator.attributes
    )


def _only_input(model: Model, ref: OperatorRef, operator: Operator, slot: str) -> Variable | None:
    names = operator.inputs.get(slot, ())
    if len(names) != 1:
        return None
    variable = model.variable(ref.block, names[0])
    if variable is None or variable.kind != VariableKind.LOD_TENSOR:
        return None
    return variable


def _reverse_dims(blocks: Sequence[Block], transposed: frozenset[str]) -> None:
    if not transposed:
        return
    for block in blocks:
        for variable in block.variables:
            if variable.name in transposed and variable.shape is not None:
                variable.shape = variable.shape[::-1]


def _rewrite_as_mul(operator: Operator, num_col_dims: int) -> None:
    operator.type = MUL
    operator.remove_attributes(lambda name: name in _MATMUL_ATTRIBUTES or name.startswith("fused_"))
    operator.set_attribute("x_num_col_dims", AttrType.INT, num_col_dims)
    operator.set_attribute("y_num_col_dims", AttrType.INT, 1)


def _rewrite_as_lookup_table(
    block: Block, ref: OperatorRef, operator: Operator, scopes: Scopes
) -> None:
    """Ids need a trailing dimension of 1 in a lookup_table: unsqueeze2 adds it."""
    ids = operator.inputs["Ids"][0]
    declared = scopes.find(ref.block, ids)
    assert declared is not None, "find_rewrite has found it"
    dims = declared.shape or ()
    unsqueezed = scopes.add(ref.block, f"{ids}.unsqueezed", declared, (*dims, 1))
    shape_name = scopes.add(ref.block, f"{ids}.unsqueezed_shape", declared, (0, *dims))
    operator.type = LOOKUP_TABLE
    operator.set_input("Ids", [unsqueezed])
    added = block.insert_operator(ref.index, "unsqueeze2")
    added.set_input("X", [ids])
    added.set_output("Out", [unsqueezed])
    added.set_output("XShape", [shape_name])
    added.set_attribute("axes", AttrType.INTS, (-1,))
