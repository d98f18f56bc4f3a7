"""Which weights can be quantized, and the first reason why another one cannot.

A weight is quantized for all its readers at once: Paddle Lite dequantizes it in place, once per
operator that carries a tag, so exactly one does. Every other reader then sees the right values,
provided that `opt` does not work on the weight's bytes beforehand. Where no reader can carry the
tag, an operator that is added for it may (`lite/carriers.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ...formats import dtypes
from ..lite.carried import CARRIER_OF_RANK, carried_readers
from ..lite.fusions import Fusions
from ..lite.readers import HARMLESS_READERS
from ..lite.storage import stores_integers
from ..lite.tags import ModelTags
from ..lite.targets import RESERVED_NAME_PART, TARGETS, Target, target_readers
from ..model.model import Model
from ..model.weights import Reader, Weight
from .options import QuantizeOptions
from .reasons import Reason, ReasonCode
from .rewrites import Rewrite, Unproven, find_rewrite


class Eligible(NamedTuple):
    """How a weight is quantized that can be.

    Attributes:
        tagged: the one reader that carries the tag, or for which a carrier is added.
        rewrites: the rewrites of its readers.
        transpose: whether the weight is stored transposed.
        carrier: type of the operator that is added to carry the tag, or None.
        otherwise: why the weight stays if that operator is not worth it, or None for that alone.
    """

    tagged: Reader
    rewrites: tuple[Rewrite, ...] = ()
    transpose: bool = False
    carrier: str | None = None
    otherwise: Reason | None = None


_HOPELESS = frozenset(
    {
        ReasonCode.RANK,
        ReasonCode.ATTRIBUTES,
        ReasonCode.UNPROVEN,
        ReasonCode.OTHER_READER,
        ReasonCode.SHARED_TRANSPOSED,
    }
)
"""Reasons why no reader can carry the tag, and a carrier perhaps can."""


class Eligibility:
    """Which weights of one model can be quantized. Holds what is found once for all of them.

    Args:
        model: the model.
        tags: its tags, if already known.
    """

    def __init__(self, model: Model, tags: ModelTags | None = None) -> None:
        self._model = model
        self._tags = tags or ModelTags(model)
        self._fusions = Fusions(model)
        self._single: dict[Reader, bool] = {}

    def of(self, weight: Weight, options: QuantizeOptions) -> Eligible | Reason:
        """How the weight is quantized, or the first reason why it is not.

        The first reason is the one that people care about most: readers, data, name, attributes.
        """
        return (
            _unsuitable_readers(weight)
            or self._unsuitable_data(weight)
            or _unsuitable_name(weight)
            or self._choose_operator(weight, options)
        )

    def _unsuitable_data(self, weight: Weight) -> Reason | None:
        record = weight.record
        if stores_integers(weight) or self._tags.of(weight) is not None:
            text = f"it is quantized already ({record.dtype})"
            return Reason(ReasonCode.ALREADY_QUANTIZED, text)
        if record.dtype is not dtypes.FP32:
            return Reason(ReasonCode.NOT_FLOAT32, f"it is {record.dtype}, not FP32")
        if record.elements == 0:
            return Reason(ReasonCode.EMPTY, "it has no elements")
        return None

    def _choose_operator(self, weight: Weight, options: QuantizeOptions) -> Eligible | Reason:
        """Which operator carries the tag, a reader or one that is added; or why none can."""
        if not target_readers(weight):
            return self._carrier(weight, options)
        found = self._choose_reader(weight, options)
        if isinstance(found, Reason) and found.code in _HOPELESS and carried_readers(weight):
            carried = self._carrier(weight, options)
            return carried._replace(otherwise=found) if isinstance(carried, Eligible) else found
        return found

    def _carrier(self, weight: Weight, options: QuantizeOptions) -> Eligible | Reason:
        """How a carrier quantizes a weight of `carried_readers`, or why it cannot."""
        known = carried_readers(weight)
        op_type = known[0].operator.type
        reason = self._unsuitable_for_carrier(weight, op_type)
        if reason is not None:
            return reason
        if not options.rewrite:
            return Reason(
                ReasonCode.NO_REWRITE, f"{op_type} would need an operator beside it", "`rewrite`"
            )
        chosen = [reader for reader in known if reader.operator.type in options.chosen_op_types]
        if not chosen:
            return _not_chosen(op_type)
        return Eligible(
            chosen[0],
            carrier=CARRIER_OF_RANK[len(weight.record.shape)],
            otherwise=_other_slot(chosen[0]),
        )

    def _unsuitable_for_carrier(self, weight: Weight, op_type: str) -> Reason | None:
        """Why not every reader would see the values that a carrier dequantizes."""
        known = carried_readers(weight)
        for reader in weight.readers:
            if reader not in known and reader.operator.type not in HARMLESS_READERS:
                return _other_reader(reader, op_type)
        if self._model.variable(0, weight.name) is None:
            return Reason(ReasonCode.SUB_BLOCK, f"{op_type} has it inside a sub-block")
        return self._folded(weight.readers)

    def _folded(self, readers: Iterable[Reader]) -> Reason | None:
        """Why `opt` would work on the weight's bytes for one of these readers."""
        for reader in readers:
            folded = self._fusions.folded_into_weight(reader)
            if folded is not None:
                return Reason(ReasonCode.FOLDED, f"{folded}: opt works on the weight's bytes there")
        return None

    def _choose_reader(self, weight: Weight, options: QuantizeOptions) -> Eligible | Reason:
        """Which reader carries the tag, and which are rewritten; or why none can."""
        rewrites: dict[Reader, Rewrite] = {}
        taggable: list[Reader] = []
        reasons: list[Reason] = []
        for reader, target in target_readers(weight):
            found = self._find_rewrite(weight, reader, target, options)
            if isinstance(found, Reason):
                reasons.append(found)
                continue
            taggable.append(reader)
            if found is not None:
                rewrites[reader] = found
        if not taggable:
            return reasons[0]
        if len(weight.readers) > 1:
            reason = self._unsuitable_sharing(weight, taggable, rewrites)
            if reason is not None:
                return reason
            if _mixes_transposition(weight, rewrites):
                taggable = [r for r in taggable if r not in rewrites or not rewrites[r].transpose]
                rewrites = {r: rewrite for r, rewrite in rewrites.items() if not rewrite.transpose}
        chosen = [r for r in taggable if r.operator.type in options.chosen_op_types]
        if not chosen:
            return _not_chosen(taggable[0].operator.type)
        used = tuple(rewrites.values())
        return Eligible(chosen[0], used, any(rewrite.transpose for rewrite in used))

    def _find_rewrite(
        self, weight: Weight, reader: Reader, target: Target, options: QuantizeOptions
    ) -> Rewrite | Reason | None:
        """The rewrite this reader needs to carry the tag, None for none; or why it cannot."""
        op_type = reader.operator.type
        rank = len(weight.record.shape)
        if rank != target.rank:
            return Reason(
                ReasonCode.RANK,
                f"{op_type} with a weight of rank {rank}: Paddle Lite needs {target.rank}",
            )
        if not self._is_single(reader):
            why: str | None = f"{op_type} with several variables as {target.slot}"
        else:
            why = target.why_unsupported(self._model.operator(reader.operator))
        if why:
            return Reason(ReasonCode.ATTRIBUTES, why)
        if target.rewrite and not options.rewrite:
            return Reason(
                ReasonCode.NO_REWRITE,
                f"{op_type} would have to be spelled {target.rewrite}",
                "`rewrite`",
            )
        rewrite = find_rewrite(self._model, reader, weight)
        if isinstance(rewrite, Unproven):
            return Reason(
                ReasonCode.UNPROVEN, f"{op_type} cannot be spelled {target.rewrite}: {rewrite.why}"
            )
        return rewrite

    def _is_single(self, reader: Reader) -> bool:
        """Whether the weight is alone in its input. A slot may hold thousands: it is read once."""
        if reader not in self._single:
            inputs = self._model.operator(reader.operator).inputs
            self._single[reader] = len(inputs[reader.slot]) == 1
        return self._single[reader]

    def _unsuitable_sharing(
        self, weight: Weight, taggable: list[Reader], rewrites: dict[Reader, Rewrite]
    ) -> Reason | None:
        """Why not every reader of a shared weight would see the right values."""
        targets = {reader for reader, _ in target_readers(weight)}
        for reader in weight.readers:
            if reader not in targets and reader.operator.type not in HARMLESS_READERS:
                return _other_reader(reader, taggable[0].operator.type)
        if weight.name in self._fusions.shared_with_batch_norm:
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
        mixed = _mixes_transposition(weight, rewrites)
        staying = (
            r for r in weight.readers if r not in rewrites or (mixed and rewrites[r].transpose)
        )
        return self._folded(staying)


def _unsuitable_readers(weight: Weight) -> Reason | None:
    if not weight.readers:
        return Reason(ReasonCode.UNREAD, "no operator reads it")
    if target_readers(weight) or carried_readers(weight):
        return None
    reader = weight.readers[0]
    op_type = reader.operator.type
    other = _other_slot(reader)
    if other is not None:
        return other
    if weight.is_vector:
        return Reason(ReasonCode.NO_TARGET, f"it is a bias or norm ({op_type})")
    if reader.slot == "WeightList":
        return Reason(ReasonCode.NO_TARGET, f"{op_type} has it beside its weights")
    return Reason(ReasonCode.NO_TARGET, f"Paddle Lite cannot dequantize {op_type}")


def _other_slot(reader: Reader) -> Reason | None:
    op_type = reader.operator.type
    if op_type not in TARGETS:
        return None
    return Reason(
        ReasonCode.OTHER_SLOT,
        f"it is the {reader.slot} of {op_type}, not the weight ({TARGETS[op_type].slot})",
    )


def _other_reader(reader: Reader, op_type: str) -> Reason:
    return Reason(ReasonCode.OTHER_READER, f"{reader.operator.type} reads it too, beside {op_type}")


def _not_chosen(op_type: str) -> Reason:
    return Reason(
        ReasonCode.NOT_SELECTED, f"{op_type} was not chosen", f"`op_types` {op_type} or all"
    )


def _unsuitable_name(weight: Weight) -> Reason | None:
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


def _mixes_transposition(weight: Weight, rewrites: dict[Reader, Rewrite]) -> bool:
    transposing = sum(rewrite.transpose for rewrite in rewrites.values())
    return 0 < transposing < len(weight.readers)
