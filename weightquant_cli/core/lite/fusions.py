"""What `opt` fuses with a convolution, as far as it spoils a quantized weight or bias.

Measured with `paddle_lite_opt` 2.12 and 2.13rc0, for x86 and run there (FACTS.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property

from ..model.model import Model
from ..model.weights import OperatorRef, Reader

CONVOLUTIONS = ("conv2d", "depthwise_conv2d")

BATCH_NORMS = ("batch_norm", "sync_batch_norm")

_FOLDED = ("elementwise_add", *BATCH_NORMS)
"""opt folds a bias and a batch_norm into the convolution before them."""


class Fusions:
    """The fusions of one model, each found once."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def folded_into_bias(self, ref: OperatorRef) -> str | None:
        """The operator behind a convolution that opt folds into its Bias, or None.

        That is a batch_norm, or the addition of a parameter. Other operators, relu among them,
        leave the Bias alone.
        """
        if ref in self.before_batch_norm:
            return "batch_norm"
        adds = any(
            follower.type == "elementwise_add" and self._adds_parameter(follower)
            for follower in self._followers(ref)
        )
        return "elementwise_add" if adds else None

    def folded_into_weight(self, reader: Reader) -> str | None:
        """Why `opt` may work on the bytes of this reader's weight at conversion, a clause, or None.

        It folds a batch_norm into a transposed convolution, an addition into the Bias of the
        convolution before it, and turns the Y of a `matmul` before it makes an fc of that and of
        the addition behind it.
        """
        ref = reader.operator
        if ref.type == "conv2d_transpose" and reader.slot == "Filter":
            return f"batch_norm follows {ref.type}" if ref in self.before_batch_norm else None
        if ref.type == "matmul" and reader.slot == "Y":
            turned = self._model.operator(ref).value("transpose_Y")
            added = any(after.type == "elementwise_add" for after in self._followers(ref))
            return "elementwise_add follows a transposed matmul" if turned and added else None
        if ref.type.startswith("elementwise_"):
            written = {before.type for before in self._writers_of(self._inputs({ref}))}
            found = sorted(written & {*CONVOLUTIONS, "conv2d_transpose"})
            return f"{ref.type} follows {found[0]}" if found else None
        return None

    @cached_property
    def folded_weights(self) -> dict[str, str]:
        """Why `opt` may work on the bytes of a weight, for the first of its readers: by name."""
        folded: dict[str, str] = {}
        for weight in self._model.weights:
            clauses = map(self.folded_into_weight, weight.readers)
            if (first := next((c for c in clauses if c is not None), None)) is not None:
                folded[weight.name] = first
        return folded

    @cached_property
    def shared_with_batch_norm(self) -> frozenset[str]:
        """Weights that several operators read, where batch_norm follows a convolution of them.

        opt folds that batch_norm into the weight, for all of them.
        """
        return frozenset(
            weight.name
            for weight in self._model.weights
            if len(weight.readers) > 1
            and any(
                reader.operator.type in CONVOLUTIONS and reader.operator in self.before_batch_norm
                for reader in weight.readers
            )
        )

    @cached_property
    def before_batch_norm(self) -> frozenset[OperatorRef]:
        """The operators that batch_norm follows, directly or behind the addition of a bias."""
        direct = self._writers_of(self._read_by(BATCH_NORMS))
        additions = {ref for ref in direct if ref.type == "elementwise_add"}
        return frozenset(direct | self._writers_of(self._inputs(additions)))

    @cached_property
    def fused_convolutions(self) -> frozenset[OperatorRef]:
        """The convolutions that opt fuses in pairs, unless it sees that they are quantized.

        The second one is 1x1, follows the first directly or behind a bias or batch_norm, and has
        more channels; neither has groups; and `_is_worth_it`.
        """
        fused: set[OperatorRef] = set()
        for ref, _ in self._model.operators():
            first = self._filter_shape(ref)
            for follower in self._next_convolutions(ref) if first else ():
                second = self._filter_shape(follower)
                if first and second and second[2:] == (1, 1) and _is_worth_it(first, second):
                    fused |= {ref, follower}
        return frozenset(fused)

    def _read_by(self, op_types: Collection[str]) -> set[tuple[int, str]]:
        return self._inputs({ref for ref, _ in self._model.operators() if ref.type in op_types})

    def _inputs(self, operators: set[OperatorRef]) -> set[tuple[int, str]]:
        """Blocks and names of the variables that these operators read."""
        return {
            (ref.block, name)
            for ref in operators
            for names in self._model.operator(ref).inputs.values()
            for name in names
        }

    def _writers_of(self, variables: set[tuple[int, str]]) -> set[OperatorRef]:
        return {
            ref
            for ref, operator in self._model.operators()
            for names in operator.outputs.values()
            for name in names
            if (ref.block, name) in variables
        }

    def _filter_shape(self, ref: OperatorRef) -> tuple[int, ...] | None:
        """Dims of a plain convolution's weight; None for another operator, or with groups."""
        if ref.type != "conv2d":
            return None
        operator = self._model.operator(ref)
        names = operator.inputs.get("Filter", ())
        if len(names) != 1 or operator.value("groups") not in (None, 1):
            return None
        record = self._model.stored.parameters.get(names[0])
        return record.shape if record is not None and len(record.shape) == 4 else None

    def _next_convolutions(self, ref: OperatorRef) -> Iterator[OperatorRef]:
        """The convolutions behind an operator with nothing but biases and batch_norms between."""
        reached = list(self._followers(ref))
        seen: set[OperatorRef] = set()
        while reached:
            follower = reached.pop()
            if follower in seen:
                continue
            seen.add(follower)
            if follower.type == "conv2d":
                yield follower
            elif follower.type in _FOLDED:
                reached += self._followers(follower)

    def _adds_parameter(self, ref: OperatorRef) -> bool:
        slots = self._model.operator(ref).inputs.values()
        return any(name in self._model.stored.parameters for names in slots for name in names)

    def _followers(self, ref: OperatorRef) -> Iterator[OperatorRef]:
        for names in self._model.operator(ref).outputs.values():
            for name in names:
                yield from self._model.consumers(ref.block, name)


def _is_worth_it(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """opt's own condition, found from pairs of many widths; the kernel's size is no part of it."""
    before, between, after = first[1], first[0], second[0]
    return after > between and between * (before + after) > before * after
