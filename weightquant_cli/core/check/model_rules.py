"""Will Paddle Lite run this quantized model right? Every rule is a case that was measured.

The rules come from converting broken models with `paddle_lite_opt` 2.6.0 to 2.13rc0 and running
them: each names what Paddle Lite does. What Paddle Lite runs right gives no finding. Only the
program and the headers of the parameters are read: any integer of INT8 or INT16 is in range
(-128 too), and no other type is dequantized.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from ...formats import dtypes
from ..lite.carried import carried_by
from ..lite.carriers import find_carriers
from ..lite.readers import ABORTING_READERS, HARMLESS_READERS
from ..lite.storage import LOADABLE_TYPES, stores_integers
from ..lite.tags import ModelTags
from ..lite.targets import TARGETS
from ..model.model import Model
from ..model.weights import OperatorRef, Weight
from .carrier_rules import check_carriers
from .findings import REQUANTIZE, Finding, FindingCode, Severity
from .unread_tags import UnreadTags
from .weight_rules import WeightRules


def check_model(model: Model, tags: ModelTags) -> tuple[Finding, ...]:
    """Everything that Paddle Lite would not run right, in the order of the program.

    Args:
        model: a quantized model.
        tags: its tags.
    """
    findings = [
        *_check_presence(model, tags),
        *_check_readers(model, tags),
        *(_unloadable(w) for w in model.weights if w.record.dtype not in LOADABLE_TYPES),
    ]
    rules, unread = WeightRules(model), UnreadTags(model)
    for tag in tags.all:
        slots = tags.slots(tag)
        if slots:
            findings += rules.check(tag, model.weight(tag.weight), slots)
        else:
            findings.append(unread.describe(tag))
    findings += check_carriers(model, find_carriers(model, tags))
    findings += _check_untagged(model, tags)
    return tuple(findings)


def _check_presence(model: Model, tags: ModelTags) -> Iterator[Finding]:
    if not tags.all and not any(stores_integers(weight) for weight in model.weights):
        yield Finding(
            FindingCode.NOT_QUANTIZED,
            Severity.WARNING,
            None,
            None,
            "no weight of the model is quantized",
            "it runs as the FP32 model that it is",
            "give the folder that quantize has written",
        )


def _check_readers(model: Model, tags: ModelTags) -> Iterator[Finding]:
    """Weights with several tags, and other operators that read a tagged weight."""
    by_weight: dict[str, list[OperatorRef]] = defaultdict(list)
    for tag in tags.all:
        by_weight[tag.weight] += [tag.operator] * len(tags.slots(tag))
    for name, operators in by_weight.items():
        if len(operators) > 1:
            yield _several_tags(name, operators)
        if operators:
            yield from _check_other_readers(model.weight(name), set(operators))


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
    types = {
        reader.operator.type
        for reader in weight.readers
        if reader.operator not in tagged and carried_by(reader) is None
    }
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
            "leave it FP32: `exclude`",
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


def _check_untagged(model: Model, tags: ModelTags) -> Iterator[Finding]:
    declared = {v.name: v.dtype for _, v in model.variables() if v.is_parameter}
    for weight in model.weights:
        if not stores_integers(weight) or tags.of(weight) is not None:
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
    return any(
        reader.operator.type in TARGETS or carried_by(reader) is not None
        for reader in weight.readers
    )
