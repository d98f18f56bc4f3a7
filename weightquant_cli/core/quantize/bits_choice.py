"""Which weights get how many bits of a budget of deflated bytes, from their sizes and harms."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SMALL = 8192
"""Elements of a small weight, which takes 16 bits as long as all of them together take at most
SMALL_SHARE of the size: they may do most of the harm, and it is not always seen."""

SMALL_SHARE = 0.03


@dataclass(frozen=True)
class Choice:
    """One weight whose bits are free.

    Attributes:
        name: the weight's name.
        elements: how many values it has.
        sizes: deflated bytes by number of bits; estimates.
        harms: the harm that it does to the answers, by number of bits.
    """

    name: str
    elements: int
    sizes: Mapping[int, int]
    harms: Mapping[int, float]

    @property
    def least(self) -> int:
        """The fewest bits that are allowed."""
        return min(self.sizes)

    def steps(self) -> list[tuple[int, int]]:
        """The numbers of bits worth taking, as steps from the one before: harm per byte falls."""
        hull = [self.least]
        for bits in sorted(self.sizes)[1:]:
            if self.harms[bits] >= self.harms[hull[-1]]:
                continue
            while len(hull) > 1 and self.gain(hull[-1], bits) >= self.gain(hull[-2], hull[-1]):
                hull.pop()
            hull.append(bits)
        return list(itertools.pairwise(hull))

    def gain(self, low: int, high: int) -> float:
        """Harm saved per byte by going from `low` bits to `high`."""
        return (self.harms[low] - self.harms[high]) / max(self.cost(low, high), 1)

    def cost(self, low: int, high: int) -> int:
        """Bytes by which it grows."""
        return self.sizes[high] - self.sizes[low]


def choose(choices: Sequence[Choice], budget: int) -> dict[str, int]:
    """Bits of every weight, for so many deflated bytes: small weights first, then by gain per byte.

    Ties go by name, so that the result does not depend on the machine.
    """
    bits = {choice.name: choice.least for choice in choices}
    left = budget - sum(choice.sizes[choice.least] for choice in choices)
    small = sorted((c for c in choices if c.elements <= SMALL), key=lambda c: (c.elements, c.name))
    spared = min(left, int(budget * SMALL_SHARE))
    for choice in small:
        most = max(choice.sizes)
        cost = choice.cost(choice.least, most)
        if 0 < cost <= spared:
            bits[choice.name] = most
            left, spared = left - cost, spared - cost
    steps = [
        (-choice.gain(low, high), choice.name, low, high, choice.cost(low, high))
        for choice in choices
        for low, high in choice.steps()
    ]
    for _, name, low, high, cost in sorted(steps):
        if bits[name] == low and cost <= left:
            bits[name], left = high, left - cost
    return bits
