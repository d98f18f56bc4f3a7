"""The attributes by which an operator says that its weight is quantized, as found in a program."""

from __future__ import annotations

from dataclasses import dataclass

from ...formats.program import Attribute
from ..model.model import Model
from ..model.weights import OperatorRef

SCALE_SUFFIX = "_quant_scale"
BITS_ATTRIBUTE = "quantize_weight_bits"
TYPE_ATTRIBUTE = "quantization_type"


@dataclass(frozen=True)
class Tag:
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


def find_tags(model: Model) -> tuple[Tag, ...]:
    """Every tag in the program, in its order."""
    tags = []
    for ref, operator in model.operators():
        names = [name for name in operator.attribute_names() if name.endswith(SCALE_SUFFIX)]
        # Each is looked up in a table: an operator may have any number of attributes.
        first: dict[str, Attribute] = {}
        for attribute in operator.attributes if names else ():
            first.setdefault(attribute.name, attribute)
        tags += [
            Tag(
                ref,
                name.removesuffix(SCALE_SUFFIX),
                first[name],
                first.get(BITS_ATTRIBUTE),
                first.get(TYPE_ATTRIBUTE),
            )
            for name in names
        ]
    return tuple(tags)


def tag_of_every_weight(model: Model) -> dict[str, Tag]:
    """The tag that holds a weight's scales: the first, in the program's order, of a reader.

    Where PaddlePaddle has tagged a shared weight twice, the scales of the second tag are those of
    the integers. A tag of an operator that does not read the weight means nothing.
    """
    readers = {
        (weight.name, reader.operator) for weight in model.weights for reader in weight.readers
    }
    found: dict[str, Tag] = {}
    for tag in find_tags(model):
        if (tag.weight, tag.operator) in readers:
            found.setdefault(tag.weight, tag)
    return found
