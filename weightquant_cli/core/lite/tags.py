"""Tags: the attributes by which an operator says that its weight is quantized.

    quantization_type       STRING   post_weight_channel_wise_abs_max or post_weight_abs_max
    quantize_weight_bits    INT      8 or 16, the storage
    <weight>_quant_scale    FLOATS   one scale per channel, or a single one

Everything that knows these names is here: finding tags, writing them and stripping them. What the
scales of a tag are worth is said by `scales.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from ...formats.program import Attribute, AttrType, Operator, Program
from ..model.model import Model
from ..model.weights import OperatorRef, Weight
from .storage import WeightQuantizeType, stores_integers

SCALE_BYTES = 5
"""Bytes of one scale in the program: FLOATS are not packed."""

SCALE_SUFFIX = "_quant_scale"
BITS_ATTRIBUTE = "quantize_weight_bits"
TYPE_ATTRIBUTE = "quantization_type"

# Written by PaddlePaddle 2.x beside the others; Paddle Lite does not read it.
_OTHER_ATTRIBUTES = ("with_quant_attr",)


class Tag(NamedTuple):
    """One weight's quantization as one operator states it; nothing is validated.

    Attributes:
        operator: the operator that carries the attributes.
        weight: the weight's name.
        scales: the attribute ``<weight>_quant_scale``.
        bits: the attribute ``quantize_weight_bits``, or None.
        type: the attribute ``quantization_type``, or None.
    """

    operator: OperatorRef
    weight: str
    scales: Attribute
    bits: Attribute | None
    type: Attribute | None


class ModelTags:
    """All tags of a model. Found once, and passed to whoever asks about them.

    A tag of an operator that does not read the weight is no tag of the weight: Paddle Lite
    dequantizes the inputs of the operator that carries it.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    @cached_property
    def all(self) -> tuple[Tag, ...]:
        """Every tag in the program, in its order."""
        return find_tags(self._model)

    def slots(self, tag: Tag) -> Sequence[str]:
        """The inputs by which the tag's operator reads the weight, once for every time."""
        return self._slots.get((tag.weight, tag.operator), ())

    def of(self, weight: Weight) -> Tag | None:
        """The tag that holds the weight's scales: the first one of an operator that reads it.

        Where PaddlePaddle has tagged a shared weight twice, the scales of the second tag are those
        of the integers.
        """
        return self._by_weight.get(weight.name)

    def is_quantized(self, weight: Weight) -> bool:
        """Whether the weight is stored as integers, and an operator that reads it has scales."""
        return stores_integers(weight) and weight.name in self._by_weight

    @cached_property
    def _slots(self) -> dict[tuple[str, OperatorRef], list[str]]:
        tagged = {tag.weight for tag in self.all}
        slots: dict[tuple[str, OperatorRef], list[str]] = defaultdict(list)
        for weight in self._model.weights:
            for reader in weight.readers if weight.name in tagged else ():
                slots[weight.name, reader.operator].append(reader.slot)
        return dict(slots)

    @cached_property
    def _by_weight(self) -> dict[str, Tag]:
        first: dict[str, Tag] = {}
        for tag in self.all:
            if self.slots(tag):
                first.setdefault(tag.weight, tag)
        return first


def find_tags(model: Model) -> tuple[Tag, ...]:
    """Every tag in the program, in its order, whether its operator reads the weight or not."""
    return tuple(tag for ref, operator in model.operators() for tag in _tags_of(ref, operator))


def write_tag(
    operator: Operator,
    weight: str,
    scales: Iterable[float],
    storage_bits: int,
    kind: WeightQuantizeType,
) -> None:
    """Tag an operator for a weight.

    Args:
        operator: edited in place.
        weight: the weight's name.
        scales: one per channel, or a single one.
        storage_bits: 8 or 16; anything else makes Paddle Lite abort.
        kind: what the operator says of its scales.
    """
    operator.set_attribute(TYPE_ATTRIBUTE, AttrType.STRING, kind.attribute)
    operator.set_attribute(BITS_ATTRIBUTE, AttrType.INT, storage_bits)
    operator.set_attribute(weight + SCALE_SUFFIX, AttrType.FLOATS, tuple(scales))


def replace_scales(operator: Operator, weight: str, scales: Sequence[float]) -> None:
    """Give the tag of `weight`, which the operator carries, other scales."""
    operator.replace_floats(weight + SCALE_SUFFIX, scales)


def strip_tags(program: Program) -> None:
    """Remove every attribute of quantization; Paddle Lite makes garbage of an FP32 weight with one.

    Args:
        program: edited in place.
    """
    for _, _, operator in program.operators():
        operator.remove_attributes(is_quantization_attribute)


def is_quantization_attribute(name: str) -> bool:
    """Whether an attribute of this name belongs to a tag."""
    return name.endswith(SCALE_SUFFIX) or name in (
        BITS_ATTRIBUTE,
        TYPE_ATTRIBUTE,
        *_OTHER_ATTRIBUTES,
    )


def _tags_of(ref: OperatorRef, operator: Operator) -> Iterator[Tag]:
    names = operator.attribute_names_ending(SCALE_SUFFIX)
    if not names:
        return
    # A look-up table, since an operator may have any number of attributes.
    first: dict[str, Attribute] = {}
    for attribute in operator.attributes:
        first.setdefault(attribute.name, attribute)
    bits, kind = first.get(BITS_ATTRIBUTE), first.get(TYPE_ATTRIBUTE)
    for name in names:
        yield Tag(ref, name.removesuffix(SCALE_SUFFIX), first[name], bits, kind)
