"""Two programs run side by side, operator by operator: the same variables of both, as they come.

The programs are a model and what was made of it. Operators may have been added, left out or
spelled differently, so what is matched are the variables that they write. One that is written
several times, in place, is matched time by time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .graph import Graph, Step
from .network import Inputs, Network
from .outcome import Outcome
from .values import Array

Written: TypeAlias = tuple[str, int]
"""A variable, and for the how manyth time it is written in the main block."""

_NOT_COMPUTED = ("feed", "fetch")


@dataclass(frozen=True)
class Pair:
    """One variable in both runs.

    Attributes:
        step: the operator of the reference that has written it.
        name: the variable.
        reference, other: its values; None where a run could not compute it.
    """

    step: Step
    name: str
    reference: Array | None
    other: Array | None


class Lockstep:
    """Two networks, prepared to be run side by side any number of times.

    Only the main blocks are walked through: a loop or a branch is one operator. What one program
    computes earlier than the other is kept until the other has it as well, and nothing else is.
    """

    def __init__(self, reference: Network, other: Network) -> None:
        self._reference = reference
        self._other = other
        ours, theirs = _writes(reference.graph), _writes(other.graph)
        places = {written: index for index, all in enumerate(theirs) for written in all}
        self._common = frozenset(written for all in ours for written in all) & places.keys()
        self._ours = [self._common.intersection(all) for all in ours]
        self._theirs = [self._common.intersection(all) for all in theirs]
        self._until = [max((places[written] for written in all), default=-1) for all in self._ours]

    def run(
        self,
        inputs: Inputs,
        other_inputs: Inputs,
        take: Callable[[Pair], None],
        keep: tuple[Sequence[str], Sequence[str]] = ((), ()),
    ) -> tuple[Outcome, Outcome]:
        """Run both, and tell `take` of every variable that both have, in the reference's order.

        Args:
            inputs: of the reference.
            other_inputs: of the other.
            take: is told of every pair.
            keep: variables that the two outcomes hold besides the outputs.

        Returns:
            The outcomes of the reference and of the other.

        Raises:
            RunError: an input is missing, or does not fit.
        """
        walk = _Walk(self._other.walk(other_inputs, keep=keep[1]), self._theirs)
        own = _Walk(self._reference.walk(inputs, keep=keep[0]), self._ours)
        for index, step in enumerate(self._reference.graph.steps):
            own.go_to(index)
            walk.go_to(self._until[index])
            for name, time in sorted(self._ours[index]):
                take(Pair(step, name, own.take((name, time)), walk.take((name, time))))
        return own.finish(), walk.finish()


class _Walk:
    """One of the two runs, and what it has computed and the other one has not."""

    def __init__(
        self,
        walk: Generator[tuple[Step, Mapping[str, Array]], None, Outcome],
        wanted: Sequence[frozenset[Written]],
    ) -> None:
        self._walk = walk
        self._wanted = wanted
        self._done = -1
        self._kept: dict[Written, Array] = {}

    def go_to(self, index: int) -> None:
        """Run as far as the operator of this index, if that is not done."""
        while self._done < index:
            _, values = next(self._walk)
            self._done += 1
            for name, time in self._wanted[self._done]:
                if name in values:
                    self._kept[name, time] = values[name]

    def take(self, written: Written) -> Array | None:
        """What was written, which is let go of; None where it could not be computed."""
        return self._kept.pop(written, None)

    def finish(self) -> Outcome:
        """Run to the end."""
        while True:
            try:
                next(self._walk)
            except StopIteration as end:
                outcome = end.value
                assert isinstance(outcome, Outcome)
                return outcome


def _writes(graph: Graph) -> list[frozenset[Written]]:
    """What each step of the main block writes."""
    times: dict[str, int] = defaultdict(int)

    def numbered(step: Step) -> Iterator[Written]:
        if step.type in _NOT_COMPUTED:
            return
        for name in step.writes - graph.parameters:
            yield name, times[name]
            times[name] += 1

    return [frozenset(numbered(step)) for step in graph.steps]
