"""What `opt` fuses with a convolution, as far as a quantized weight or bias is spoilt by it.

Measured with `paddle_lite_opt` 2.12 and 2.13rc0, for x86 and run there.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from ..model.model import Model
from ..model.weights import OperatorRef, Weight

_BETWEEN_CONVOLUTIONS = ("elementwise_add", "batch_norm")
"""opt folds a bias and a batch_norm into the convolution before them."""


def folds_into_bias(model: Model, ref: OperatorRef) -> str | None:
    """The operator behind a convolution that opt folds into its Bias, or None.

    That is a batch_norm, or the addition of a parameter. Other operators, relu among them, leave
    the Bias alone.
    """
    if feeds_batch_norm(model, ref):
        return "batch_norm"
    adds = any(
        follower.type == "elementwise_add" and _adds_parameter(model, follower)
        for follower in _followers(model, ref)
    )
    return "elementwise_add" if adds else None


def fused_convolutions(model: Model) -> frozenset[OperatorRef]:
    """The convolutions that opt fuses in pairs, if it does not see that they are quantized.

    The second one is 1x1, follows the first directly or behind a bias or batch_norm, and has more
    channels; neither has groups; and `_is_worth_it`.
    """
    fused: set[OperatorRef] = set()
    for ref, _ in model.operators():
        first = _filter_shape(model, ref)
        if first is None:
            continue
        for follower in _next_convolutions(model, ref):
            second = _filter_shape(model, follower)
            if second is not None and second[2:] == (1, 1) and _is_worth_it(first, second):
                fused |= {ref, follower}
    return frozenset(fused)


def _is_worth_it(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """opt's own condition, found from pairs of many widths; the kernel's size is no part of it."""
    before, between, after = first[1], first[0], second[0]
    return after > between and between * (before + after) > before * after


def _filter_shape(model: Model, ref: OperatorRef) -> tuple[int, ...] | None:
    """Dims of a plain convolution's weight; None for another operator, or with groups."""
    if ref.type != "conv2d":
        return None
    operator = model.operator(ref)
    names = operator.inputs.get("Filter", ())
    if len(names) != 1 or operator.value("groups") not in (None, 1):
        return None
    record = model.stored.parameters.get(names[0])
    return record.shape if record is not None and len(record.shape) == 4 else None


def _next_convolutions(model: Model, ref: OperatorRef) -> Iterator[OperatorRef]:
    """The convolutions behind an operator with nothing but biases and batch_norms between."""
    reached = list(_followers(model, ref))
    seen: set[OperatorRef] = set()
    while reached:
        follower = reached.pop()
        if follower in seen:
            continue
        seen.add(follower)
        if follower.type == "conv2d":
            yield follower
        elif follower.type in _BETWEEN_CONVOLUTIONS:
            reached += _followers(model, follower)


def _adds_parameter(model: Model, ref: OperatorRef) -> bool:
    names = model.operator(ref).inputs.values()
    return any(name in model.stored.parameters for slot in names for name in slot)


def _followers(model: Model, ref: OperatorRef) -> Iterator[OperatorRef]:
    for names in model.operator(ref).outputs.values():
        for name in names:
            yield from model.consumers(ref.block, name)


CONVOLUTIONS = ("conv2d", "depthwise_conv2d")


# Operators that a batch_norm may be folded through, into the convolution before them.
_FOLDED_THROUGH = ("elementwise_add",)


def shares_batch_norm(model: Model, weight: Weight) -> bool:
    """Whether several operators read the weight, and batch_norm follows a convolution of them."""
    return len(weight.readers) > 1 and any(
        reader.operator.type in CONVOLUTIONS and feeds_batch_norm(model, reader.operator)
        for reader in weight.readers
    )


@functools.lru_cache(maxsize=64)
def feeds_batch_norm(model: Model, ref: OperatorRef) -> bool:
    """Whether batch_norm follows the operator, directly or behind an addition of a bias."""
    return not _before_batch_norm(model).isdisjoint(_written(model, ref))


@functools.lru_cache(maxsize=2)
def _before_batch_norm(model: Model) -> frozenset[tuple[int, str]]:
    """Blocks and names of variables that batch_norm reads, directly or behind an addition.

    Found once for all operators: asking from each of them anew takes their number to the third.
    """
    direct: set[tuple[int, str]] = set()
    for ref, operator in model.operators():
        if ref.type == "batch_norm":
            direct.update((ref.block, n) for names in operator.inputs.values() for n in names)
    behind: set[tuple[int, str]] = set()
    for ref, operator in model.operators():
        if ref.type in _FOLDED_THROUGH and not direct.isdisjoint(_written(model, ref)):
            behind.update((ref.block, n) for names in operator.inputs.values() for n in names)
    return frozenset(direct | behind)


def _written(model: Model, ref: OperatorRef) -> Iterator[tuple[int, str]]:
    for names in model.operator(ref).outputs.values():
        for name in names:
            yield ref.block, name
