"""Write a ProgramDesc: blocks, operators and variables, in the order of the translation.

An operator may get its place before it is known whether it is needed: constants are written only
where they are read as a tensor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from .. import framework_pb2
from ..attributes import write_attribute
from ..program import MAX_PROGRAM_BYTES, AttributeValue, AttrType, VariableKind
from ..text import encode
from .ir import TensorType

LOD_TENSOR_ARRAY = 13
STEP_SCOPES = 11

Attributes: TypeAlias = Mapping[str, tuple[AttrType, AttributeValue]]
Slots: TypeAlias = Mapping[str, Sequence[str]]


SPARE_BYTES = 1 << 20
GROWTH = 8
"""How much larger than its file a program may become, besides `SPARE_BYTES`."""

_NAME_BYTES = 8
"""What a name counts besides its letters: it takes more in memory than in the file."""


class TooLarge(Exception):
    """The translation would be larger than any program; a small file can say much of it."""


class ProgramWriter:
    """The program that is being written.

    Args:
        source: bytes of the file that is translated. A list is made once there, and written out
            here for each operator that reads it; no honest program grows by that.
    """

    def __init__(self, source: int) -> None:
        self.desc = framework_pb2.ProgramDesc()
        self.blocks: list[BlockWriter] = []
        self._names: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._room = min(MAX_PROGRAM_BYTES, SPARE_BYTES + GROWTH * source)

    def block(self, parent: int) -> BlockWriter:
        """A new block, which is written into the program by `finish`."""
        writer = BlockWriter(self, len(self.blocks), parent)
        self.blocks.append(writer)
        return writer

    def reserve(self, name: str) -> bool:
        """Keep a name for one variable; whether it was free."""
        if name in self._names:
            return False
        self._names.add(name)
        return True

    def fresh(self, stem: str) -> str:
        """A free name that begins with `stem`."""
        name = stem
        while not self.reserve(name):
            self._counts[stem] += 1
            name = f"{stem}_{self._counts[stem]}"
        return name

    def spend(self, size: int) -> None:
        """Count bytes of the program, so that constants and names cannot multiply without end."""
        self._room -= size
        if self._room < 0:
            raise TooLarge

    def finish(self) -> framework_pb2.ProgramDesc:
        """The whole program."""
        for block in self.blocks:
            desc = self.desc.blocks.add(idx=block.index, parent_idx=block.parent)
            desc.vars.extend(block.variables)
            desc.ops.extend(op for op in block.operators if op is not None)
        return self.desc


class BlockWriter:
    """One block of it."""

    def __init__(self, program: ProgramWriter, index: int, parent: int) -> None:
        self.program = program
        self.index = index
        self.parent = parent
        self.operators: list[framework_pb2.OpDesc | None] = []
        self.variables: list[framework_pb2.VarDesc] = []

    def place(self) -> int:
        """A place for an operator that is perhaps never written."""
        self.operators.append(None)
        return len(self.operators) - 1

    def operator(
        self,
        type: str,
        inputs: Slots,
        outputs: Slots,
        attributes: Attributes | None = None,
        place: int | None = None,
    ) -> None:
        """Write an operator, at a place that was kept or at the end."""
        op = framework_pb2.OpDesc(type=encode(type))
        size = len(type)
        for desc, slots in ((op.inputs, inputs), (op.outputs, outputs)):
            for slot, names in slots.items():
                desc.add(parameter=encode(slot), arguments=[encode(name) for name in names])
                size += sum(map(len, names)) + _NAME_BYTES * len(names)
        for name, (kind, value) in (attributes or {}).items():
            size += _set(op, name, kind, value)
        self.program.spend(size)
        if place is None:
            self.operators.append(op)
        else:
            self.operators[place] = op

    def variable(
        self,
        name: str,
        type: TensorType,
        *,
        persistable: bool = False,
        need_check_feed: bool = False,
    ) -> None:
        """Describe a variable of this block."""
        kind = LOD_TENSOR_ARRAY if type.is_array else VariableKind.LOD_TENSOR
        desc = framework_pb2.VarDesc(name=encode(name), persistable=persistable)
        desc.type.type = int(kind)  # type: ignore[assignment]
        tensor = desc.type.tensor_array if type.is_array else desc.type.lod_tensor
        tensor.lod_level = 0
        tensor.tensor.data_type = type.dtype.number  # type: ignore[assignment]
        tensor.tensor.dims.extend(type.dims)
        if need_check_feed:
            desc.need_check_feed = True
        self.program.spend(len(name) + 10 * len(type.dims))
        self.variables.append(desc)

    def holder(self, name: str, kind: int) -> None:
        """Describe a variable that holds no tensor: of feed, fetch, or a loop's scopes."""
        persistable = kind != STEP_SCOPES
        desc = framework_pb2.VarDesc(name=encode(name), persistable=persistable)
        desc.type.type = kind  # type: ignore[assignment]
        self.program.reserve(name)
        self.variables.append(desc)


def _set(op: framework_pb2.OpDesc, name: str, kind: AttrType, value: AttributeValue) -> int:
    """Add an attribute; about how many bytes it has."""
    write_attribute(op.attrs.add(name=encode(name)), kind, value)
    if isinstance(value, str):
        return len(name) + len(value)
    return len(name) + 8 * (len(value) if isinstance(value, tuple) else 1)
