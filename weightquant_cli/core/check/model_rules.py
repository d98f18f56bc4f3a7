"""Will Paddle Lite run this quantized model right? Every rule is a case that was measured.

The rules come from converting broken models with `paddle_lite_opt` 2.6.0 to 2.13rc0 and running
them: each names what Paddle Lite does. What Paddle Lite runs right gives no finding. Only the
program and the headers of the parameters are read: any integer of INT8 or INT16 is in range
(-128 too), and no other type is dequantized.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator, Sequence

from ...formats import dtypes
from ..lite.fusions import fused_convolutions, shares_batch_norm
from ..lite.readers import ABORTING_READERS, HARMLESS_READERS, LOADABLE
from ..lite.storage import STORAGE_BITS
from ..lite.tags import Tag, find_tags
from ..lite.targets import TARGETS
from ..model.model import Model
from ..model.weights import OperatorRef, Weight
from .findings import (
    REQUANTIZE,
    Finding,
    FindingCode,
    Severity,
)
from .weight_rules import TagCheck

__all__ = ["Finding", "FindingCode", "Severity", "check_integrity"]


def check_integrity(model: Model) -> tuple[Finding, ...]:
    """Everything that Paddle Lite would not run right, in the order of the program."""
    tags = find_tags(model)
    places = _readings(model, tags)
    findings = list(_check_whole(model, tags, places))
    untyped = any(tag.type is None for tag in tags)
    fused = fused_convolutions(model) if untyped else frozenset()
    folded = frozenset(w.name for w in model.weights if shares_batch_norm(model, w))
    for tag, slots in zip(tags, places, strict=True):
        if slots:
            weight = model.weight(tag.weight)
            findings += TagCheck(model, tag, weight, fused, folded, slots).run()
        else:
            findings.append(_idle(model, tag))
    tagged = {tag.weight for tag, slots in zip(tags, places, strict=True) if slots}
    findings += _check_untagged(model, tagged)
    return tuple(findings)


def _readings(model: Model, tags: Sequence[Tag]) -> list[list[str]]:
    """For each tag the inputs by which its operator reads the weight, once for every time."""
    tagged = {tag.weight for tag in tags}
    found: dict[tuple[str, OperatorRef], list[str]] = defaultdict(list)
    for weight in model.weights:
        for reader in weight.readers if weight.name in tagged else ():
            found[weight.name, reader.operator].append(reader.slot)
    return [found.get((tag.weight, tag.operator), []) for tag in tags]


# ---- the model as a whole -------------------------------------------------------------------


def _check_whole(
    model: Model, tags: Sequence[Tag], places: Sequence[list[str]]
) -> Iterator[Finding]:
    if not tags and not any(weight.record.dtype in STORAGE_BITS for weight in model.weights):
        yield Finding(
            FindingCode.NOT_QUANTIZED,
            Severity.WARNING,
            None,
            None,
            "no weight of the model is quantized",
            "it runs as the FP32 model that it is",
            "give the folder that quantize has written",
        )
    by_weight: dict[str, list[OperatorRef]] = defaultdict(list)
    for tag, slots in zip(tags, places, strict=True):
        by_weight[tag.weight] += [tag.operator] * len(slots)
    for name, operators in by_weight.items():
        if len(operators) > 1:
            yield _several_tags(name, operators)
        if operators:
            yield from _check_other_readers(model.weight(name), set(operators))
    for weight in model.weights:
        if weight.record.dtype not in LOADABLE:
            yield _unloadable(weight)


def _several_tags(name: str, operators: Sequence[OperatorRef]) -> Finding:
    several = len(set(operators))
    return Finding(
        FindingCode.SEVERAL_TAGS,
        Severity.ERROR,
        name,
        operators[1].type,
        f"{several} operators carry scales for it"
        if several > 1
        else "the operator that carries its scales reads it twice",
        "dequantized once for each of them: wrong results",
        REQUANTIZE,
    )


def _check_other_readers(weight: Weight, tagged: set[OperatorRef]) -> Iterator[Finding]:
    """One finding at most: the worst of the operators that read the weight without scales."""
    types = {reader.operator.type for reader in weight.readers if reader.operator not in tagged}
    aborting = sorted(types & ABORTING_READERS)
    unknown = sorted(types - HARMLESS_READERS - ABORTING_READERS)
    if aborting or unknown:
        yield Finding(
            FindingCode.OTHER_READER,
            Severity.ERROR if aborting else Severity.WARNING,
            weight.name,
            (aborting or unknown)[0],
            "this operator reads it too, and another one has scales for it",
            "opt gives that operator the integers, and aborts (no 'calib' kernel)"
            if aborting
            else "not measured; right beside most operators, an abort of opt beside some",
            "leave it FP32: --exclude",
        )


def _unloadable(weight: Weight) -> Finding:
    half = weight.record.dtype is dtypes.FP16
    return Finding(
        FindingCode.FLOAT16 if half else FindingCode.STORED_TYPE,
        Severity.ERROR,
        weight.name,
        None,
        f"it is stored as {weight.record.dtype}",
        f"opt refuses it (unknown type {weight.record.dtype.number})",
        "store it as FP32",
    )


# ---- tags and integers that do not meet ------------------------------------------------------


def _idle(model: Model, tag: Tag) -> Finding:
    """A tag of an operator that does not read a parameter of that name."""
    op_type = tag.operator.type
    known = tag.weight in model.stored.parameters
    if not known and _is_input(model, tag):
        severity, what = Severity.ERROR, "an operator has scales for an input that is no parameter"
        consequence = "an abort at load"
    elif not known:
        severity, what = Severity.WARNING, "an operator has scales for a weight that is not there"
        consequence = "they are ignored"
    elif _follower_reads(model, tag):
        severity, what = Severity.ERROR, "an operator has scales for what the next one reads"
        consequence = "opt fuses the two: an abort at load, or wrong results"
    else:
        severity, what = Severity.WARNING, "an operator has scales for what it does not read"
        consequence = "they are ignored"
    code = FindingCode.TAG_NOT_READ if known else FindingCode.TAG_WITHOUT_WEIGHT
    return Finding(code, severity, tag.weight, op_type, what, consequence, REQUANTIZE)


def _is_input(model: Model, tag: Tag) -> bool:
    return tag.weight in _names_read(model, tag.operator)


def _follower_reads(model: Model, tag: Tag) -> bool:
    """Whether an operator that takes the output of the tagged one reads the weight."""
    return any(
        tag.weight in _names_read_behind(model, tag.operator.block, name)
        for name in _names_written(model, tag.operator)
    )


# An operator may have any number of tags, inputs, outputs and followers.


@functools.lru_cache(maxsize=64)
def _names_read(model: Model, ref: OperatorRef) -> frozenset[str]:
    return frozenset(name for names in model.operator(ref).inputs.values() for name in names)


@functools.lru_cache(maxsize=64)
def _names_written(model: Model, ref: OperatorRef) -> frozenset[str]:
    return frozenset(name for names in model.operator(ref).outputs.values() for name in names)


@functools.lru_cache(maxsize=64)
def _names_read_behind(model: Model, block: int, name: str) -> frozenset[str]:
    """The parameters that the operators read which read this variable."""
    reads = _parameters_read(model)
    return frozenset(
        parameter for ref in model.consumers(block, name) for parameter in reads.get(ref, ())
    )


@functools.lru_cache(maxsize=2)
def _parameters_read(model: Model) -> dict[OperatorRef, list[str]]:
    reads: dict[OperatorRef, list[str]] = defaultdict(list)
    for weight in model.weights:
        for reader in weight.readers:
            reads[reader.operator].append(weight.name)
    return dict(reads)


def _check_untagged(model: Model, tagged: set[str]) -> Iterator[Finding]:
    declared = {v.name: v.dtype for _, v in model.variables() if v.is_parameter}
    for weight in model.weights:
        if weight.name in tagged or weight.record.dtype not in STORAGE_BITS:
            continue
        if declared.get(weight.name) is weight.record.dtype and not _feeds_target(weight):
            continue  # integers by nature, such as indexes
        yield Finding(
            FindingCode.NO_SCALES,
            Severity.ERROR,
            weight.name,
            weight.readers[0].operator.type if weight.readers else None,
            f"it is {weight.record.dtype} and no operator that reads it has scales for it",
            "the bare integers are taken for weights: wrong results, or an abort at load",
            REQUANTIZE,
        )


def _feeds_target(weight: Weight) -> bool:
    return any(reader.operator.type in TARGETS for reader in weight.readers)
