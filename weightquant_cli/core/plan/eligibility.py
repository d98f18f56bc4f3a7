"""Why a weight stays as it is: the first objection, in the order of a person's interest.

A weight is quantized for all its readers at once: Paddle Lite dequantizes it in place, once per
operator that carries the attributes, so exactly one does. Every other reader then sees the right
values, provided that `opt` does not work on the weight's bytes beforehand.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from ...formats import dtypes
from ..lite.fusions import CONVOLUTIONS, feeds_batch_norm
from ..lite.tags import SCALE_SUFFIX
from ..lite.targets import RESERVED_NAME_PART, TARGETS, Target, target_readers
from ..model.model import Model
from ..model.weights import OperatorRef, Reader, Weight
from .options import QuantizeOptions
from .reasons import Reason, ReasonCode
from .rewrites import Rewrite, Unproven, propose


@dataclass(frozen=True)
class Use:
    """How a weight that can be quantized is used.

    Attributes:
        tagged: the one reader that carries the attributes.
        rewrites: the readers to be spelled anew.
        transpose: whether the weight is stored transposed.
    """

    tagged: Reader
    rewrites: tuple[Rewrite, ...]
    transpose: bool


def judge(model: Model, weight: Weight, options: QuantizeOptions) -> Use | Reason:
    """How the weight is used if it is quantized, or the first reason why it is not."""
    return (
        _objection_to_readers(weight)
        or _objection_to_data(model, weight)
        or _objection_to_name(weight)
        or _use(model, weight, options)
    )


def _objection_to_readers(weight: Weight) -> Reason | None:
    if not weight.readers:
        return Reason(ReasonCode.UNREAD, "no operator reads it")
    if target_readers(weight):
        return None
    reader = weight.readers[0]
    op_type = reader.operator.type
    if op_type in TARGETS:
        return Reason(
            ReasonCode.OTHER_SLOT,
            f"it is the {reader.slot} of {op_type}, not the weight ({TARGETS[op_type].slot})",
        )
    return Reason(ReasonCode.NO_TARGET, f"{op_type} has no weight that can be quantized")


def _objection_to_data(model: Model, weight: Weight) -> Reason | None:
    record = weight.record
    if record.dtype in (dtypes.INT8, dtypes.INT16) or _has_scales(model, weight):
        return Reason(ReasonCode.ALREADY_QUANTIZED, f"it is quantized already ({record.dtype})")
    if record.dtype is not dtypes.FP32:
        return Reason(ReasonCode.NOT_FLOAT32, f"it is {record.dtype}, not FP32")
    if record.elements == 0:
        return Reason(ReasonCode.EMPTY, "it has no elements")
    return None


def _has_scales(model: Model, weight: Weight) -> bool:
    tags = _tags(model)
    return any((weight.name, reader.operator) in tags for reader in weight.readers)


@functools.lru_cache(maxsize=2)
def _tags(model: Model) -> frozenset[tuple[str, OperatorRef]]:
    """Weights and operators that have scales for them; an operator may have any number."""
    return frozenset(
        (name.removesuffix(SCALE_SUFFIX), ref)
        for ref, operator in model.operators()
        for name in operator.attribute_names()
        if name.endswith(SCALE_SUFFIX)
    )


def _objection_to_name(weight: Weight) -> Reason | None:
    if weight.writers:
        return Reason(ReasonCode.WRITTEN, f"{weight.writers[0].type} writes it")
    if weight.shadowed:
        return Reason(ReasonCode.SHADOWED, "another variable has the same name")
    if RESERVED_NAME_PART in weight.name:
        return Reason(
            ReasonCode.RESERVED_NAME,
            f"its name contains {RESERVED_NAME_PART}, on which Paddle Lite aborts",
        )
    return None


def _use(model: Model, weight: Weight, options: QuantizeOptions) -> Use | Reason:
    """Which reader carries the attributes; or why none may."""
    rewrites: dict[Reader, Rewrite] = {}
    taggable: list[Reader] = []
    objections: list[Reason] = []
    for reader, target in target_readers(weight):
        verdict = _verdict(model, weight, reader, target, options)
        if isinstance(verdict, Reason):
            objections.append(verdict)
            continue
        taggable.append(reader)
        if verdict is not None:
            rewrites[reader] = verdict
    if not taggable:
        return objections[0]
    if len(weight.readers) > 1:
        shared = _objection_to_sharing(model, weight, taggable, rewrites)
        if shared is not None:
            return shared
        if _mixes_transposition(weight, rewrites):
            taggable = [r for r in taggable if r not in rewrites or not rewrites[r].transpose]
            rewrites = {r: rewrite for r, rewrite in rewrites.items() if not rewrite.transpose}
    chosen = [r for r in taggable if r.operator.type in options.chosen_op_types]
    if not chosen:
        op_type = taggable[0].operator.type
        return Reason(
            ReasonCode.NOT_SELECTED, f"{op_type} was not chosen", f"--op-type {op_type} or all"
        )
    used = tuple(rewrites.values())
    return Use(chosen[0], used, any(rewrite.transpose for rewrite in used))


def _verdict(
    model: Model, weight: Weight, reader: Reader, target: Target, options: QuantizeOptions
) -> Rewrite | Reason | None:
    """Whether this reader could carry the attributes: by which rewrite, with none, or why not."""
    op_type = reader.operator.type
    rank = len(weight.record.shape)
    if rank != target.rank:
        return Reason(
            ReasonCode.RANK,
            f"{op_type} with a weight of rank {rank}: Paddle Lite needs {target.rank}",
        )
    if not _is_alone(model, reader):
        objection: str | None = f"{op_type} with several variables as {target.slot}"
    else:
        objection = target.objection(model.operator(reader.operator))
    if objection:
        return Reason(ReasonCode.ATTRIBUTES, objection)
    if target.rewrite and not options.rewrite:
        return Reason(
            ReasonCode.NO_REWRITE,
            f"{op_type} would have to be spelled {target.rewrite}",
            "--rewrite",
        )
    rewrite = propose(model, reader, weight)
    if isinstance(rewrite, Unproven):
        return Reason(
            ReasonCode.UNPROVEN, f"{op_type} cannot be spelled {target.rewrite}: {rewrite.why}"
        )
    return rewrite


@functools.lru_cache(maxsize=64)  # thousands may be, each of them a weight to be judged
def _is_alone(model: Model, reader: Reader) -> bool:
    return len(model.operator(reader.operator).inputs[reader.slot]) == 1


def _objection_to_sharing(
    model: Model, weight: Weight, taggable: list[Reader], rewrites: dict[Reader, Rewrite]
) -> Reason | None:
    """Why not every reader of a shared weight would see the right values."""
    targets = {reader for reader, _ in target_readers(weight)}
    for reader in weight.readers:
        if reader not in targets:
            return Reason(
                ReasonCode.OTHER_READER,
                f"{reader.operator.type} reads it too, beside {taggable[0].operator.type}",
            )
    for reader in weight.readers:
        if reader.operator.type in CONVOLUTIONS and feeds_batch_norm(model, reader.operator):
            return Reason(
                ReasonCode.SHARED_BATCH_NORM,
                "several operators read it and batch_norm follows: opt folds that into the "
                "weight for all of them",
            )
    if all(reader in rewrites and rewrites[reader].transpose for reader in taggable) and (
        len(taggable) < len(weight.readers)
    ):
        return Reason(
            ReasonCode.SHARED_TRANSPOSED,
            f"{taggable[0].operator.type} reads it transposed and another operator does not",
        )
    return None


def _mixes_transposition(weight: Weight, rewrites: dict[Reader, Rewrite]) -> bool:
    transposing = sum(rewrite.transpose for rewrite in rewrites.values())
    return 0 < transposing < len(weight.readers)
