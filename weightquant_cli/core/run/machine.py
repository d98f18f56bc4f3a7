"""Runs the steps of a block: looks inputs up, calls kernels, keeps what is alive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .call import Call, Unsupported
from .control import CONTROL, Control, ControlError
from .graph import Graph, Step
from .observer import Observer
from .outcome import Cause, NonFinite
from .registry import KERNELS, Kernel, Results
from .scope import Parameters, Scope, Unavailable, Usage
from .values import Array, Tensor, Value

# What a kernel raises where arrays, shapes or attributes do not fit.
_MISFITS = (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)

MAX_STEPS = 1_000_000
"""Operators run in one run, loops included: a loop that never ends is stopped."""


class NotComputed(Exception):
    """A step that could not be run.

    Attributes:
        cause: why.
        message: the reason in words.
    """

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message


class Machine:
    """One run of a program: what its steps share.

    Attributes:
        non_finite: the first output that held a NaN, and the first that held an infinity.
    """

    def __init__(
        self, graph: Graph, parameters: Parameters, observer: Observer | None, limit: int
    ) -> None:
        self._graph = graph
        self._parameters = parameters
        self._observer = observer
        self._limit = limit
        self._usage = Usage()
        self._steps = 0
        self.non_finite: dict[str, NonFinite] = {}

    def root(self) -> Scope:
        """An empty scope of the main block."""
        return Scope(self._graph.blocks[0].declared, usage=self._usage)

    def run_block(self, block: int, around: Scope) -> None:
        """Run a sub-block once, in a scope of its own; NotComputed names the inner operator."""
        section = self._graph.blocks[block]
        scope = Scope(section.declared, around, self._usage)
        for step in section.steps:
            try:
                self.execute(step, scope)
            except NotComputed as error:
                raise NotComputed(error.cause, f"{step.site}: {error.message}") from error
            for name in step.frees:
                scope.drop(name)
        scope.close()

    def execute(self, step: Step, scope: Scope) -> None:
        """Run one step and write its outputs; NotComputed where that cannot be done."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise NotComputed(Cause.FAILED, f"a loop goes on after {MAX_STEPS} operators")
        control = CONTROL.get(step.type)
        try:
            if control is None:
                self._compute(step, scope)
            elif step.sub_blocks:
                control(self, step, scope)
            else:
                self._control(control, step, scope)
        except Unavailable as error:
            behind = f"behind {error.site}" if error.site else "never computed"
            raise NotComputed(Cause.BEHIND, f"its input {error.name} is {behind}") from error
        except ControlError as error:
            raise NotComputed(Cause.FAILED, str(error)) from error

    def read(self, name: str, scope: Scope) -> Value:
        """A variable's value; Unavailable where it has none."""
        value = scope.find(name)
        if value is None:
            value = self._parameters.get(name)
        if value is None:
            raise Unavailable(name, None)
        return value

    def _control(self, control: Control, step: Step, scope: Scope) -> None:
        try:
            control(self, step, scope)
        except _MISFITS as error:
            raise NotComputed(Cause.FAILED, _one_line(error)) from error

    def _compute(self, step: Step, scope: Scope) -> None:
        kernel = KERNELS.get(step.type)
        if kernel is None:
            raise NotComputed(Cause.UNKNOWN, f"the operator {step.type} is not known here")
        inputs = {
            slot: [self.read(name, scope) for name in names] for slot, names in step.inputs.items()
        }
        if self._observer is not None:
            self._replace_inputs(step, inputs)
        outputs = self._outputs(step, kernel, inputs)
        if self._observer is not None:
            replaced = self._observer.after(step, outputs)
            for name, array in (replaced or {}).items():
                outputs[name] = _with_array(outputs.get(name), array)
        for name, value in outputs.items():
            scope.write(name, value)
        if self._usage.bytes > self._limit:
            raise NotComputed(Cause.FAILED, f"the variables take more than {self._limit} bytes")
        for name, value in outputs.items():
            self._note_non_finite(step, name, value, inputs)

    def _replace_inputs(self, step: Step, inputs: dict[str, list[Value]]) -> None:
        assert self._observer is not None
        replaced = self._observer.before(step, inputs)
        if not replaced:
            return
        for slot, names in step.inputs.items():
            inputs[slot] = [
                _with_array(value, replaced[name]) if name in replaced else value
                for name, value in zip(names, inputs[slot], strict=True)
            ]

    def _outputs(
        self, step: Step, kernel: Kernel, inputs: Mapping[str, Sequence[Value]]
    ) -> dict[str, Value]:
        counts = {slot: len(names) for slot, names in step.outputs.items()}
        call = Call(step.type, inputs, step.attributes, counts, self._limit - self._usage.bytes)
        try:
            with np.errstate(all="ignore"):
                return _named(step, kernel, inputs, kernel.function(call))
        except Unsupported as error:
            raise NotComputed(Cause.UNSUPPORTED, str(error)) from error
        except _MISFITS as error:
            shapes = _described(inputs)
            raise NotComputed(Cause.FAILED, f"{_one_line(error)} (inputs: {shapes})") from error

    def _note_non_finite(
        self, step: Step, name: str, value: Value, inputs: Mapping[str, object]
    ) -> None:
        if "NaN" in self.non_finite or not inputs or not isinstance(value, Tensor):
            return
        kind = non_finite_kind(value.array)
        if kind is not None and kind not in self.non_finite:
            self.non_finite[kind] = NonFinite(step.site, name, kind)


def non_finite_kind(array: Array) -> str | None:
    """``NaN`` or ``infinity`` if the array holds one, else None.

    The scalar product of the array with itself finds both in one pass. A view is not looked at:
    it holds nothing that the array under it does not.
    """
    if array.dtype.kind != "f" or not array.flags.c_contiguous or not array.size:
        return None
    flat = array.reshape(-1)
    with np.errstate(all="ignore"):
        square = np.dot(flat, flat)
    if np.isfinite(square):
        return None
    if np.isnan(flat).any():
        return "NaN"
    return "infinity" if np.isinf(flat).any() else None


def _with_array(value: Value | None, array: Array) -> Tensor:
    return Tensor(array, value.lod if isinstance(value, Tensor) else ())


def _named(
    step: Step, kernel: Kernel, inputs: Mapping[str, Sequence[Value]], results: Results
) -> dict[str, Value]:
    """The kernel's results by variable name; those of slots that the operator lacks are dropped."""
    by_slot = results if isinstance(results, Mapping) else {kernel.out: results}
    named: dict[str, Value] = {}
    for slot, result in by_slot.items():
        names = step.outputs.get(slot, ())
        items = [result] if isinstance(result, (np.ndarray, np.generic, Tensor)) else list(result)
        for name, item in zip(names, items, strict=False):
            tensor = item if isinstance(item, Tensor) else Tensor(np.asarray(item))
            if not tensor.lod and kernel.keeps_lod:
                tensor = _inheriting(tensor, inputs)
            named[name] = tensor
    return named


def _inheriting(tensor: Tensor, inputs: Mapping[str, Sequence[Value]]) -> Tensor:
    for values in inputs.values():
        for value in values:
            if isinstance(value, Tensor) and value.lod:
                same = tensor.array.ndim and tensor.array.shape[0] == value.lod[-1][-1]
                return Tensor(tensor.array, value.lod) if same else tensor
    return tensor


def _described(inputs: Mapping[str, Sequence[Value]]) -> str:
    return ", ".join(
        f"{slot} {list(value.array.shape)}"
        for slot, values in inputs.items()
        for value in values[:3]
        if isinstance(value, Tensor)
    )


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:200] if text else type(error).__name__
