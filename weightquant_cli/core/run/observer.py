"""Seeing and replacing variables while a program runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from .graph import Step
from .values import Array, Value

Replaced: TypeAlias = Mapping[str, Array] | None
"""New arrays for some variables, by name; None where all stay as they are."""


class Observer:
    """Is told of every operator before and after it runs; does nothing itself.

    Control operators (`while`, `conditional_block`, arrays of tensors) are not reported, the
    operators inside their blocks are, once for each time they run. Arrays must not be written to.
    """

    def before(self, step: Step, inputs: Mapping[str, Sequence[Value]]) -> Replaced:
        """Called with the inputs by slot; what is returned replaces inputs of this operator only.

        `step.inputs` has the names of the same variables.
        """
        return None

    def after(self, step: Step, outputs: Mapping[str, Value]) -> Replaced:
        """Called with the outputs by name; what is returned replaces them for all readers."""
        return None
