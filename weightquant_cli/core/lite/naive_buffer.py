"""The size of the `.nb` that Paddle Lite's `opt` will make of a model, for ARM.

A naive buffer holds the data of the weights as it is in the folder, and the program as opt leaves
it: a batch_norm, a bias and an activation are folded into the operator before them, a dropout goes.
What an attribute, a variable and a parameter take was fitted to models that opt 2.12 and 2.13rc0
converted: 51 of Paddle 1 and 2, 15 of Paddle 3 (FACTS.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ...formats.program import Operator, Program


class _Fit(NamedTuple):
    """What a kind of program takes in a `.nb`.

    Attributes:
        costs: bytes for each attribute, variable and parameter, by opt 2.12 and by 2.13rc0; the
            lists in attributes take their own bytes besides.
        uncertainty: by how much the program's part may be off.
    """

    costs: tuple[tuple[float, float, float], ...]
    uncertainty: float


_SAVED = _Fit(((95.8, 30.9, 295.5), (107.2, 13.1, 324.2)), 0.08)
"""By Paddle 1 or 2, with attributes that are the same on every operator."""

_TRANSLATED = _Fit(((129.2, 186.5, 71.5), (145.0, 185.7, 76.5)), 0.14)
"""From a `.json`: they are not there, and opt adds what it needs."""

_ON_EVERY_OPERATOR = "op_role"

PRECISION = 0.02
"""A size that may be off by more is told as a range."""

_CONVOLUTIONS = frozenset(("conv2d", "depthwise_conv2d", "conv2d_transpose"))
_TAKE_BIAS = _CONVOLUTIONS | {"mul"}
_TAKE_ACTIVATION = frozenset(("conv2d", "depthwise_conv2d"))
_TAKE_RELU = _TAKE_ACTIVATION | {"mul", "elementwise_add"}
_ACTIVATIONS = ("relu6", "hard_swish", "leaky_relu")
_NORM_SLOTS = ("Scale", "Bias", "Mean", "Variance")


@dataclass(frozen=True)
class NaiveBufferSize:
    """The bytes of a `.nb` to expect, of whichever of the two versions of opt.

    Attributes:
        smallest, largest: the bounds.
    """

    smallest: int
    largest: int

    @property
    def middle(self) -> int:
        """The likeliest size."""
        return (self.smallest + self.largest) // 2

    @property
    def is_precise(self) -> bool:
        """Whether the middle can stand for it."""
        return self.largest - self.middle <= PRECISION * self.middle


def naive_buffer_size(program: Program, data: Mapping[str, int]) -> NaiveBufferSize | None:
    """The size to expect of a model's `.nb`; None for a program with sub-blocks, where it is not
    known well.

    Args:
        program: tagged, as it is written.
        data: bytes of every parameter's data, by name.
    """
    if len(program.blocks) > 1:
        return None
    left = _Optimized(program, data)
    attributes = lists = 0
    for operator in left.operators:
        for attribute in operator.attributes:
            attributes += 1
            lists += _list_bytes(attribute.value)
    names = {name for operator in left.operators for name in _variables(operator)}
    parameters = len(names & (data.keys() - left.folded)) + left.biases
    kept = sum(size for name, size in data.items() if name not in left.folded) + left.new_bytes
    saved = any(one.attribute(_ON_EVERY_OPERATOR) is not None for one in left.operators)
    fit = _SAVED if saved else _TRANSLATED
    programs = [
        one * attributes + other * len(names) + third * parameters + lists
        for one, other, third in fit.costs
    ]
    return NaiveBufferSize(
        kept + round(min(programs) * (1 - fit.uncertainty)),
        kept + round(max(programs) * (1 + fit.uncertainty)),
    )


class _Optimized:
    """What is left of a program once opt has fused its operators.

    Attributes:
        operators: those that stay.
        folded: parameters that go into a weight.
        biases: parameters that have become an input of the operator before.
        new_bytes: data of those among them that opt makes.
    """

    def __init__(self, program: Program, data: Mapping[str, int]) -> None:
        self._data = data
        self._all = [operator for block in program.blocks for operator in block.operators]
        self._reads = Counter(
            name for operator in self._all for names in operator.inputs.values() for name in names
        )
        self._writers = {
            name: index
            for index, operator in enumerate(self._all)
            for names in operator.outputs.values()
            for name in names
        }
        self._gone: set[int] = set()
        self._with_bias: set[int] = set()
        self.folded: set[str] = set()
        self.biases = self.new_bytes = 0
        for index, operator in enumerate(self._all):
            self._fuse(index, operator)
        self.operators = [one for at, one in enumerate(self._all) if at not in self._gone]

    def _fuse(self, index: int, operator: Operator) -> None:
        kind = operator.type
        if kind == "dropout":
            self._gone.add(index)
        elif kind == "batch_norm":
            self._fold_norm(index, operator)
        elif kind == "elementwise_add":
            before = self._before(operator, _TAKE_BIAS)
            if (
                before is not None
                and before not in self._with_bias
                and _first(operator, "Y") in self._data
            ):
                self._gone.add(index)
                self._with_bias.add(before)
                self.biases += 1
        elif kind in (*_ACTIVATIONS, "relu"):
            takes = _TAKE_RELU if kind == "relu" else _TAKE_ACTIVATION
            if self._before(operator, takes) is not None:
                self._gone.add(index)

    def _fold_norm(self, index: int, operator: Operator) -> None:
        before = self._before(operator, _CONVOLUTIONS)
        if before is None:
            return
        self._gone.add(index)
        names = [_first(operator, slot) for slot in _NORM_SLOTS]
        self.folded.update(name for name in names if name in self._data)
        if before not in self._with_bias:
            self._with_bias.add(before)
            self.biases += 1
            self.new_bytes += self._data.get(names[0], 0)

    def _before(self, operator: Operator, types: frozenset[str]) -> int | None:
        """The operator that takes this one in: the last one before it that is left."""
        name = _first(operator, "X")
        if self._reads[name] != 1:
            return None
        index = self._writers.get(name)
        while index is not None and index in self._gone:
            index = self._writers.get(_first(self._all[index], "X"))
        return index if index is not None and self._all[index].type in types else None


def _first(operator: Operator, slot: str) -> str:
    """The first variable of an input slot; empty where there is none."""
    return next(iter(operator.inputs.get(slot, ())), "")


def _variables(operator: Operator) -> Iterator[str]:
    for slots in (operator.inputs, operator.outputs):
        for names in slots.values():
            yield from names


def _list_bytes(value: object) -> int:
    """Bytes of a list in an attribute: numbers take 4, texts their characters, padded."""
    if not isinstance(value, tuple):
        return 0
    return sum(8 + (len(one) + 4) // 4 * 4 if isinstance(one, str) else 4 for one in value)
