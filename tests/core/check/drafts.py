"""Small FP32 models with weights that are to be quantized by hand, rightly or not.

Every weight consists of integers times powers of two, so the FP32 model and the quantized one hold
the same values: Paddle Lite must compute the same from both, to the last bit nearly.

    draft = mul(kind=None)             # what is to be said of the weight, where it is not the usual
    fp32 = draft.model.write(folder / "fp32", COMBINED)
    quantized = draft.quantized().write(folder / "quantized", COMBINED)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.builders import Array, Attr, ModelBuilder, add_attribute, record
from weightquant_cli.formats import framework_pb2 as pb
from weightquant_cli.formats.program import AttrType
from weightquant_cli.formats.text import encode

CHANNEL = "post_weight_channel_wise_abs_max"


TENSOR = "post_weight_abs_max"


@dataclass(frozen=True)
class Exact:
    """A weight that INT8 or INT16 holds exactly.

    Attributes:
        integers: as they are stored; every channel reaches the limit.
        scales: powers of two, one per channel, or the same for all.
        axis: of the channels.
    """

    integers: Array
    scales: Array
    axis: int

    @property
    def values(self) -> Array:
        """The weight as float32."""
        lengths = [1] * self.integers.ndim
        lengths[self.axis] = -1
        return (self.integers * self.scales.reshape(lengths)).astype("float32")


def exact(
    *shape: int, axis: int = -1, limit: int = 127, even: bool = False, seed: int = 0
) -> Exact:
    """Random integers with scales of four different sizes, or of one where they are `even`."""
    rng = np.random.default_rng((seed, *shape))
    axis %= len(shape)
    integers = rng.integers(-limit, limit + 1, shape)
    np.moveaxis(integers, axis, 0).reshape(shape[axis], -1)[:, 0] = limit
    first = [0] * len(shape)
    index: list[Any] = list(first)
    index[axis] = slice(None)
    integers[tuple(index)] = limit
    spread = np.zeros(shape[axis]) if even else np.arange(shape[axis]) % 4
    return Exact(integers, (2.0 ** (-6 - spread)).astype("float32"), axis)


@dataclass
class Tagging:
    """How one weight is stored, and what one or several operators say of it.

    Attributes:
        name: the weight's name.
        weight: its integers and scales.
        dtype: numpy's name of the stored type.
        scales: what the attribute holds, or None for none; by default the weight's scales.
        bits, kind: `quantize_weight_bits` and `quantization_type`, or None for none.
        readers: which operators carry the attributes, counted among those that read the weight.
        operators: indexes of operators of the program that carry them instead.
    """

    name: str
    weight: Exact
    dtype: str = "int8"
    scales: Any = ...
    bits: Any = 8
    kind: Any = CHANNEL
    readers: Sequence[int] = (0,)
    operators: Sequence[int] | None = None


@dataclass
class Draft:
    """An FP32 model, the arrays to feed it with, and what quantizing it will do."""

    model: ModelBuilder
    feeds: dict[str, Array]
    taggings: list[Tagging]
    afterwards: list[Callable[[ModelBuilder], object]] = field(default_factory=list)

    def quantized(self) -> ModelBuilder:
        """The same model quantized; the draft is used up."""
        for tagging in self.taggings:
            integers = tagging.weight.integers
            floats = np.dtype(tagging.dtype).kind == "f"
            stored = tagging.weight.values if floats else integers
            self.model.records[tagging.name] = record(stored.astype(tagging.dtype))
            for op in self._carriers(tagging):
                tag(op, tagging)
        for edit in self.afterwards:
            edit(self.model)
        return self.model

    def _carriers(self, tagging: Tagging) -> list[pb.OpDesc]:
        ops = self.model.main.desc.ops
        if tagging.operators is not None:
            return [ops[index] for index in tagging.operators]
        name = encode(tagging.name)
        reading = [op for op in ops if any(name in slot.arguments for slot in op.inputs)]
        return [reading[index] for index in tagging.readers]


def tag(op: pb.OpDesc, tagging: Tagging) -> None:
    """Put the attributes on an operator."""
    if tagging.kind is not None:
        add_attribute(op, "quantization_type", tagging.kind)
    if tagging.bits is not None:
        add_attribute(op, "quantize_weight_bits", tagging.bits)
    scales = tagging.weight.scales if tagging.scales is ... else tagging.scales
    if scales is not None:
        add_attribute(op, f"{tagging.name}_quant_scale", scales_attribute(scales))


def scales_attribute(scales: Any) -> Attr:
    """An attribute of FLOATS, unless it is one already."""
    if isinstance(scales, Attr):
        return scales
    return Attr(AttrType.FLOATS, [float(scale) for scale in scales])
