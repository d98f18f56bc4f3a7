"""Walk a PIR program and write the same program in the spelling of Paddle 2.6.

Most operations follow a rule of the tables; the others have a handler. What neither fits is kept
under its PIR name, and reported.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..program import VariableKind
from . import handlers
from .applying import apply, rule_of
from .bindings import NOTHING, Bound, Tensor, Untranslatable, Vector
from .coerce import plain
from .ir import ABSENT, Block, Operation, TensorType, Value, VectorType
from .writer import BlockWriter, ProgramWriter


class Translator:
    """One translation: the program that is written, and what each value became.

    Args:
        main: the program's main block.
        source: bytes of its file.

    Attributes:
        writer: the program that is written.
        block: the block that is written at the moment.
        unknown: names of operations that were kept as they are, with the reason if there is one.
        inputs, outputs: how many inputs and outputs there are so far.
        given: the names of the model's own that have their variable.
    """

    def __init__(self, main: Block, source: int) -> None:
        self.writer = ProgramWriter(source)
        self.block = self.writer.block(-1)
        self.unknown: list[tuple[str, str]] = []
        self.inputs = 0
        self.outputs = 0
        self.given: set[str] = set()
        self._bound: dict[int, Bound] = {ABSENT: NOTHING}
        self._home: dict[int, int] = {}
        self._wanted: dict[int, str] = {}
        self._reserve_names(main)

    def _reserve_names(self, main: Block) -> None:
        """Keep the names that the model gives, so that no other variable takes them."""
        self.block.holder(handlers.graph.FEED, VariableKind.FEED_MINIBATCH)
        self.block.holder(handlers.graph.FETCH, VariableKind.FETCH_LIST)
        outputs: set[str] = set()
        for operation in main.operations:
            name = handlers.given_name(operation)
            if name is None:
                continue
            self.writer.reserve(name)
            if operation.name == "pd_op.fetch" and operation.operands and name not in outputs:
                outputs.add(name)
                self._wanted.setdefault(operation.operand(0), name)

    def operations(self, operations: Sequence[Operation]) -> None:
        """Translate these operations into the current block."""
        for operation in operations:
            try:
                self._operation(operation)
            except Untranslatable as error:
                self.unknown.append((operation.name, str(error)))
                self._keep(operation)

    def _operation(self, operation: Operation) -> None:
        handler = handlers.find(operation.name)
        if handler is not None:
            handler(self, operation)
            if handlers.is_variant_in_place(operation.name):
                self.rebind_in_place(operation)
            return
        rule = rule_of(operation)
        apply(self, operation, rule)
        if operation.name.endswith("_") and all(each.shared is None for each in rule.results):
            self.rebind_in_place(operation)

    def _keep(self, operation: Operation) -> None:
        """Write an operation under its PIR name, its operands and results by position."""
        inputs = {f"Input{i}": self._shown(v) for i, v in enumerate(operation.operands) if v}
        outputs = {f"Output{i}": self.define(v) for i, v in enumerate(operation.results)}
        attributes = {
            name: found
            for name, value in operation.attributes.items()
            if (found := plain(value)) is not None
        }
        self.block.operator(operation.name, inputs, outputs, attributes)

    def _shown(self, number: int) -> list[str]:
        """The variables of a value; one that Paddle 2.6 does not have is made up."""
        names = []
        for tensor in self.elements(number):
            try:
                names.append(tensor.variable())
            except Untranslatable:
                tensor.name = self.make(f"value_{number}.tmp_0", tensor.type)
                names.append(tensor.name)
        return names

    # What values are.

    def bound(self, number: int) -> Bound:
        """What a value is; the reader has made sure that it is defined before."""
        return self._bound[number]

    def bind(self, value: Value, bound: Bound) -> None:
        """Say what a value is."""
        if value.number != ABSENT:
            self._bound[value.number] = bound
            self._home[value.number] = self.block.index

    def rebind(self, number: int, value: Value) -> None:
        """Say that a value is from now on what another one is: it was changed in place.

        A value of an outer block is one variable for all, so that one is changed.
        """
        bound = self._bound[value.number]
        if number == ABSENT or value.number == ABSENT:
            return
        if self._home[number] == self.block.index:
            self._bound[number] = bound
        elif isinstance(bound, Tensor):
            target = self.tensor(number).variable()
            self.block.operator("assign", {"X": [bound.variable()]}, {"Out": [target]})

    def rebind_in_place(self, operation: Operation) -> None:
        """The same for an operation that has changed its first operand in place."""
        if operation.operands and operation.results:
            self.rebind(operation.operand(0), operation.result(0))

    def tensor(self, number: int) -> Tensor:
        """The tensor that a value is.

        Raises:
            Untranslatable: it is several, or none.
        """
        bound = self._bound[number]
        if isinstance(bound, Tensor):
            return bound
        raise Untranslatable("an operand is not one tensor")

    def elements(self, number: int) -> tuple[Tensor, ...]:
        """The tensors of a vector; of one tensor, itself; of nothing, none."""
        bound = self._bound[number]
        if isinstance(bound, Vector):
            return bound.elements
        return (bound,) if isinstance(bound, Tensor) else ()

    def names(self, number: int) -> list[str]:
        """The variables of a value."""
        return [tensor.variable() for tensor in self.elements(number)]

    # Variables.

    def define(self, value: Value) -> list[str]:
        """Make the variables of a result and bind it to them; their names."""
        type = value.type
        if isinstance(type, VectorType):
            elements = tuple(
                Tensor(each, self.make(f"value_{value.number}_{index}.tmp_0", each))
                for index, each in enumerate(type.elements)
            )
            self.bind(value, Vector(elements))
            return [str(element.name) for element in elements]
        if not isinstance(type, TensorType):
            self.bind(value, NOTHING)
            return []
        name = self.name_of(value, type)
        self.bind(value, Tensor(type, name))
        return [name]

    def name_of(self, value: Value, type: TensorType, block: BlockWriter | None = None) -> str:
        """A new variable for this value: of the name that the model's output has, if it is one."""
        target = block or self.block
        wanted = self._wanted.pop(value.number, None) if target.index == 0 else None
        if wanted is None or wanted in self.given:
            return self.make(f"value_{value.number}.tmp_0", type, target)
        self.given.add(wanted)
        target.variable(wanted, type)
        return wanted

    def make(self, stem: str, type: TensorType, block: BlockWriter | None = None) -> str:
        """A new variable of this type; its name begins with `stem`."""
        name = self.writer.fresh(stem)
        (block or self.block).variable(name, type)
        return name
