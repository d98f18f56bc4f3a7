"""Tags of operators that do not read the weight: ignored, or the end of the run."""

from __future__ import annotations

from ..lite.tags import Tag
from ..model.model import Model
from ..model.weights import OperatorRef
from .findings import REQUANTIZE, Finding, FindingCode, Severity


class UnreadTags:
    """What Paddle Lite makes of the unread tags of one model.

    Answers are kept, since an operator may have any number of tags, inputs, outputs and followers.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._inputs: dict[OperatorRef, frozenset[str]] = {}
        self._read_behind: dict[tuple[int, str, str], bool] = {}

    def describe(self, tag: Tag) -> Finding:
        """The finding about a tag of an operator that does not read a parameter of that name."""
        known = tag.weight in self._model.stored.parameters
        severity = Severity.WARNING
        consequence = "they are ignored"
        if not known and self._is_input(tag):
            severity = Severity.ERROR
            what = "an operator has scales for an input that is no parameter"
            consequence = "an abort at load"
        elif not known:
            what = "an operator has scales for a weight that is not there"
        elif self._is_read_by_follower(tag):
            severity = Severity.ERROR
            what = "an operator has scales for what the next one reads"
            consequence = "opt fuses the two: an abort at load, or wrong results"
        else:
            what = "an operator has scales for what it does not read"
        code = FindingCode.TAG_NOT_READ if known else FindingCode.TAG_WITHOUT_WEIGHT
        op_type = tag.operator.type
        return Finding(code, severity, tag.weight, op_type, what, consequence, REQUANTIZE)

    def _is_input(self, tag: Tag) -> bool:
        ref = tag.operator
        if ref not in self._inputs:
            slots = self._model.operator(ref).inputs.values()
            self._inputs[ref] = frozenset(name for names in slots for name in names)
        return tag.weight in self._inputs[ref]

    def _is_read_by_follower(self, tag: Tag) -> bool:
        """Whether an operator that takes the output of the tagged one reads the weight."""
        return any(
            self._is_read_behind(tag.operator.block, output, tag.weight)
            for names in self._model.operator(tag.operator).outputs.values()
            for output in names
        )

    def _is_read_behind(self, block: int, variable: str, weight: str) -> bool:
        key = block, variable, weight
        if key not in self._read_behind:
            readers = {reader.operator for reader in self._model.weight(weight).readers}
            followers = self._model.consumers(block, variable)
            self._read_behind[key] = not readers.isdisjoint(followers)
        return self._read_behind[key]
