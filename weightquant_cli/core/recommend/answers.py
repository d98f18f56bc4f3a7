"""FP32's answers, beside which those of every setting are put."""

from __future__ import annotations

from collections.abc import Mapping

from ..check.compare_outputs import Sample, non_finite_from, stop_of
from ..model.model import Model
from ..run import Array, Network, Outcome, cached, stored
from ..run.answers import squashed
from ..run.parameters import DEFAULT_CACHE

KEPT_BYTES = 256 << 20
"""Of FP32's answers."""


class Answers:
    """FP32's answers, input by input; kept as long as they take no more than `KEPT_BYTES`."""

    def __init__(self, model: Model) -> None:
        self._network = Network(model.program, cached(stored(model.stored), DEFAULT_CACHE // 2))
        self._kept: list[Mapping[str, Array]] = []
        self._bytes = 0
        self.names = self._network.outputs
        self.squashed = squashed(self._network.graph)
        self.samples = 0
        self.notes: dict[str, None] = {}

    def find(self, index: int, sample: Sample) -> Mapping[str, Array] | Outcome:
        """What is kept of the input of this index, or else its outcome, to be told to `note`."""
        if index < len(self._kept):
            return self._kept[index]
        return self._network.run(sample, keep=tuple(self.squashed.values()))

    def note(self, index: int, found: Mapping[str, Array] | Outcome) -> Mapping[str, Array]:
        """The outputs on the input of this index, and what `squashed` names; told in order."""
        if not isinstance(found, Outcome):
            return found
        if index == self.samples:
            self.samples += 1
            for note in (stop_of("the model", found), non_finite_from("the model", found)):
                if note is not None:
                    self.notes[note] = None
        size = sum(array.nbytes for array in found.outputs.values())
        if index == len(self._kept) and self._bytes + size <= KEPT_BYTES:
            self._kept.append(found.outputs)
            self._bytes += size
        return found.outputs
