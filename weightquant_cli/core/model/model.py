"""A read-only view of a model: its operators, its weights, and who reads what.

A control-flow operator (`while`, `conditional_block`) names every outer variable that its
sub-block uses. That is a capture, not a use of its own: the readers are the operators inside.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from ...errors import UnsupportedModelError
from ...formats.file_names import PIR_SUFFIX
from ...formats.model_dir import ModelFiles, StoredModel, find_model, open_model
from ...formats.program import Operator, Program, Variable
from ...formats.scopes import Scopes
from .weights import OperatorRef, Reader, Weight

MAX_CAPTURES = 1_000_000
"""Limit on the parameters read inside sub-blocks, in all. Models have thousands."""

SKIPPED_OPERATORS = ("feed", "fetch")


class Model:
    """A stored model as operators and weights.

    Attributes:
        stored: the files, the program and the headers of the parameters.
        weights: every parameter in byte order of the names.
    """

    def __init__(self, stored: StoredModel) -> None:
        self.stored = stored
        self._operators = [block.operators for block in stored.program.blocks]
        self.weights = self._collect_weights()
        self._by_name = {weight.name: weight for weight in self.weights}

    @classmethod
    def load(
        cls,
        folder: str | Path,
        model_filename: str | None = None,
        params_filename: str | None = None,
        unknown_operators: bool = False,
    ) -> Model:
        """Find and open a model.

        Args:
            folder: its folder; or the program's file, or the path prefix of its files.
            model_filename, params_filename: the files' names, where looking is not enough.
            unknown_operators: keep operations of Paddle 3 that cannot be translated, to be looked
                at.

        Raises:
            ModelError, OptionError: as `find_model` and `open_model` do.
        """
        files = find_model(Path(folder), model_filename, params_filename)
        return cls(open_model(files, unknown_operators))

    @property
    def files(self) -> ModelFiles:
        """Which files the model is."""
        return self.stored.files

    @property
    def paddle_version(self) -> str | None:
        """The Paddle that wrote the files; ``3`` for a `.json`, which does not say more."""
        is_pir = self.files.program.endswith(PIR_SUFFIX)
        return "3" if is_pir else self.program.paddle_version

    @property
    def program(self) -> Program:
        """The program; not to be edited."""
        return self.stored.program

    def weight(self, name: str) -> Weight:
        """The weight of this name; KeyError where there is none."""
        return self._by_name[name]

    def operator(self, ref: OperatorRef) -> Operator:
        """The operator at this place; not to be edited."""
        return self._operators[ref.block][ref.index]

    def operators(self) -> Iterator[tuple[OperatorRef, Operator]]:
        """Every operator with its place."""
        for block, operators in enumerate(self._operators):
            for index, operator in enumerate(operators):
                yield OperatorRef(block, index, operator.type), operator

    def consumers(self, block: int, name: str) -> Sequence[OperatorRef]:
        """The operators of a block that read a variable, in order."""
        return self._consumers.get((block, name), ())

    def is_read(self, name: str) -> bool:
        """Whether any operator of any block reads a variable of this name."""
        return name in self._names_read

    def writers(self, name: str) -> Sequence[OperatorRef]:
        """The operators of all blocks that write a variable of this name."""
        return self._writers.get(name, ())

    @cached_property
    def _names_read(self) -> frozenset[str]:
        return frozenset(name for _, name in self._consumers)

    @cached_property
    def _writers(self) -> dict[str, list[OperatorRef]]:
        writers: dict[str, list[OperatorRef]] = defaultdict(list)
        for ref, operator in self.operators():
            for names in operator.outputs.values():
                for name in names:
                    writers[name].append(ref)
        return dict(writers)

    @cached_property
    def _consumers(self) -> dict[tuple[int, str], list[OperatorRef]]:
        consumers: dict[tuple[int, str], list[OperatorRef]] = defaultdict(list)
        for ref, operator in self.operators():
            for names in operator.inputs.values():
                for name in names:
                    consumers[ref.block, name].append(ref)
        return dict(consumers)

    @cached_property
    def _scopes(self) -> Scopes:
        return Scopes(self.program)

    def variable(self, block: int, name: str) -> Variable | None:
        """The variable that `name` means in a block: its own, or one of an enclosing block."""
        return self._scopes.find(block, name)

    def variables(self) -> Iterator[tuple[int, Variable]]:
        """Every declared variable with its block."""
        for index, block in enumerate(self.program.blocks):
            for variable in block.variables:
                yield index, variable

    def _collect_weights(self) -> tuple[Weight, ...]:
        parameters = self.stored.parameters
        readers: dict[str, list[Reader]] = defaultdict(list)
        writers: dict[str, list[OperatorRef]] = defaultdict(list)
        captured = self._names_read_inside()
        for ref, operator in self.operators():
            if ref.type in SKIPPED_OPERATORS:
                continue
            blocks = set(operator.sub_blocks())
            for slot, names in operator.inputs.items():
                own = _without(names, blocks, captured)
                for name in own:
                    if name in parameters:
                        readers[name].append(Reader(ref, slot))
            for names in operator.outputs.values():
                for name in _without(names, blocks, captured):
                    if name in parameters:
                        writers[name].append(ref)
        shadowed = {
            variable.name
            for _, variable in self.variables()
            if variable.name in parameters and not variable.is_parameter
        }
        return tuple(
            Weight(record, tuple(readers[name]), tuple(writers[name]), name in shadowed)
            for name, record in parameters.items()
        )

    def _names_read_inside(self) -> list[set[str]]:
        """For every block, the parameters that it or a block inside it reads or writes."""
        parameters = self.stored.parameters
        inside: list[set[str]] = [set() for _ in self._operators]
        total = 0
        for block in range(len(self._operators) - 1, 0, -1):  # a sub-block has a larger index
            run: set[int] = set()
            for operator in self._operators[block]:
                for slots in (operator.inputs, operator.outputs):
                    for names in slots.values():
                        inside[block].update(name for name in names if name in parameters)
                run.update(operator.sub_blocks())
            for sub_block in run:
                inside[block] |= inside[sub_block]
            total += len(inside[block])
            if total > MAX_CAPTURES:
                raise UnsupportedModelError(
                    "nested blocks read more parameters than any model has",
                    path=self.files.folder / self.files.program,
                    expected=f"at most {MAX_CAPTURES}, each counted once per block",
                )
        return inside


def _without(names: Sequence[str], blocks: set[int], captured: Sequence[set[str]]) -> Sequence[str]:
    """The names that none of the blocks has captured."""
    if not blocks:
        return names
    own = set(names)
    inside = {name for block in blocks for name in own & captured[block]}
    return [name for name in names if name not in inside]
