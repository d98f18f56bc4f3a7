"""Operators that run other operators, or choose between variables: loops, branches, arrays.

They see names and scopes, which kernels do not. A loop's variables live in the block that declares
them, so what a block writes is there for the next turn and for the operators behind the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from .graph import Step
from .scope import Scope
from .values import Array, Tensor, TensorArray, Value, lengths, offsets


class Runner(Protocol):
    """What control operators need of the machine."""

    def run_block(self, block: int, around: Scope) -> None:
        """Run a sub-block once."""

    def read(self, name: str, scope: Scope) -> Value:
        """A variable's value."""


Control = Callable[[Runner, Step, Scope], None]

CONTROL: dict[str, Control] = {}


class ControlError(Exception):
    """A loop or branch whose variables are not what it needs."""


def control(*types: str) -> Callable[[Control], Control]:
    """Register the function that runs these operator types."""

    def register(function: Control) -> Control:
        for name in types:
            CONTROL[name] = function
        return function

    return register


def _array(runner: Runner, step: Step, scope: Scope, slot: str) -> Array:
    names = step.inputs.get(slot)
    if not names:
        raise ControlError(f"the input {slot} of {step.type} is missing")
    value = runner.read(names[0], scope)
    if not isinstance(value, Tensor):
        raise ControlError(f"the input {slot} of {step.type} is a tensor array")
    return value.array


def _index(runner: Runner, step: Step, scope: Scope, slot: str = "I") -> int:
    return int(_array(runner, step, scope, slot).reshape(-1)[0])


@control("feed", "fetch")
def _nothing(runner: Runner, step: Step, scope: Scope) -> None:
    """Inputs are in the scope before the run, and outputs are taken from it behind."""


@control("while")
def _while(runner: Runner, step: Step, scope: Scope) -> None:
    while bool(_array(runner, step, scope, "Condition").all()):
        runner.run_block(step.sub_blocks[0], scope)


@control("conditional_block", "conditional_block_infer")
def _conditional_block(runner: Runner, step: Step, scope: Scope) -> None:
    slot = "Cond" if "Cond" in step.inputs else "Condition"
    if step.attributes.get("is_scalar_condition", False):
        wanted = bool(_array(runner, step, scope, slot).all())
    else:  # then the block runs where its inputs are not empty
        wanted = all(
            not isinstance(value, Tensor) or value.array.size > 0
            for value in (runner.read(name, scope) for name in step.inputs.get("Input", ()))
        )
    if wanted:
        runner.run_block(step.sub_blocks[0], scope)


@control("select_input")
def _select_input(runner: Runner, step: Step, scope: Scope) -> None:
    """Only the chosen variable needs a value: the other branch was never run."""
    chosen = step.inputs["X"][_index(runner, step, scope, "Mask")]
    scope.write(step.outputs["Out"][0], runner.read(chosen, scope))


@control("select_output")
def _select_output(runner: Runner, step: Step, scope: Scope) -> None:
    value = runner.read(step.inputs["X"][0], scope)
    scope.write(step.outputs["Out"][_index(runner, step, scope, "Mask")], value)


def _tensor_array(runner: Runner, name: str, scope: Scope) -> TensorArray:
    value = runner.read(name, scope)
    if isinstance(value, Tensor):
        raise ValueError(f"{name} is a tensor, not a tensor array")
    return value


MAX_ARRAY = 1_000_000
"""Tensors in one array."""


@control("write_to_array")
def _write_to_array(runner: Runner, step: Step, scope: Scope) -> None:
    name = step.outputs["Out"][0]
    index = _index(runner, step, scope)
    if not 0 <= index < MAX_ARRAY:
        raise ValueError(f"the index {index} of a tensor array")
    old = scope.find(name)
    items = list(old) if isinstance(old, tuple) else []
    items += [None] * (index + 1 - len(items))
    value = runner.read(step.inputs["X"][0], scope)
    if not isinstance(value, Tensor):
        raise ValueError("an array of tensor arrays")
    items[index] = value
    scope.write(name, tuple(items))


@control("read_from_array")
def _read_from_array(runner: Runner, step: Step, scope: Scope) -> None:
    items = _tensor_array(runner, step.inputs["X"][0], scope)
    index = _index(runner, step, scope)
    item = items[index] if 0 <= index < len(items) else None
    if item is None:
        raise ValueError(f"nothing was written at {index} of the tensor array")
    scope.write(step.outputs["Out"][0], item)


@control("lod_array_length")
def _lod_array_length(runner: Runner, step: Step, scope: Scope) -> None:
    items = _tensor_array(runner, step.inputs["X"][0], scope)
    scope.write(step.outputs["Out"][0], Tensor(np.array([len(items)], np.int64)))


@control("create_array")
def _create_array(runner: Runner, step: Step, scope: Scope) -> None:
    scope.write(step.outputs["Out"][0], ())


@control("tensor_array_to_tensor")
def _tensor_array_to_tensor(runner: Runner, step: Step, scope: Scope) -> None:
    items = _tensor_array(runner, step.inputs["X"][0], scope)
    arrays = [item.array for item in items if item is not None]
    if not arrays:
        raise ValueError("an empty tensor array")
    axis = step.attributes.get("axis", 0)
    assert isinstance(axis, int)
    stack = bool(step.attributes.get("use_stack", False))
    joined = np.stack(arrays, axis) if stack else np.concatenate(arrays, axis)
    scope.write(step.outputs["Out"][0], Tensor(joined))
    if "OutIndex" in step.outputs:
        sizes = [1 if stack else array.shape[axis] for array in arrays]
        scope.write(step.outputs["OutIndex"][0], Tensor(np.array(sizes, np.int32)))


@control("assign")
def _assign(runner: Runner, step: Step, scope: Scope) -> None:
    """Of tensors and of tensor arrays."""
    scope.write(step.outputs["Out"][0], runner.read(step.inputs["X"][0], scope))


@control("lod_rank_table")
def _lod_rank_table(runner: Runner, step: Step, scope: Scope) -> None:
    """The sequences by falling length, kept as a tensor of [index, length] rows."""
    value = runner.read(step.inputs["X"][0], scope)
    level = step.attributes.get("level", 0)
    assert isinstance(level, int)
    if not isinstance(value, Tensor) or len(value.lod) <= level:
        raise ValueError(f"{step.inputs['X'][0]} has no LoD of level {level}")
    sizes = lengths(value.lod[level])
    order = sorted(range(len(sizes)), key=lambda index: -sizes[index])
    table = np.array([[index, sizes[index]] for index in order], np.int64).reshape(-1, 2)
    scope.write(step.outputs["Out"][0], Tensor(table))


@control("max_sequence_len")
def _max_sequence_len(runner: Runner, step: Step, scope: Scope) -> None:
    table = _array(runner, step, scope, "RankTable")
    longest = table[:, 1].max(initial=0)
    scope.write(step.outputs["Out"][0], Tensor(np.array([longest], np.int64)))


@control("lod_tensor_to_array")
def _lod_tensor_to_array(runner: Runner, step: Step, scope: Scope) -> None:
    """Item t holds row t of every sequence that is so long, longest sequence first."""
    value = runner.read(step.inputs["X"][0], scope)
    table = _array(runner, step, scope, "RankTable")
    if not isinstance(value, Tensor) or len(value.lod) != 1:
        raise ValueError("lod_tensor_to_array is known for one LoD level")
    starts = [value.lod[0][int(index)] for index in table[:, 0]]
    items = []
    for turn in range(int(table[:, 1].max(initial=0))):
        rows = [
            start + turn for start, size in zip(starts, table[:, 1], strict=True) if turn < size
        ]
        items.append(Tensor(value.array[rows]))
    scope.write(step.outputs["Out"][0], tuple(items))


@control("array_to_lod_tensor")
def _array_to_lod_tensor(runner: Runner, step: Step, scope: Scope) -> None:
    items = _tensor_array(runner, step.inputs["X"][0], scope)
    table = _array(runner, step, scope, "RankTable")
    sequences: dict[int, Array] = {}
    for place, (index, size) in enumerate(table.tolist()):
        rows = [item.array[place] for item in items[:size] if item is not None]
        sequences[index] = np.stack(rows)
    ordered = [sequences[index] for index in sorted(sequences)]
    lod = (offsets([len(sequence) for sequence in ordered]),)
    scope.write(step.outputs["Out"][0], Tensor(np.concatenate(ordered), lod))
