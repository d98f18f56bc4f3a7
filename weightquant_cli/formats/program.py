"""Read, edit and write a program: typed views over Paddle's ProgramDesc.

The views hold no copies: an `Operator` reads and writes its OpDesc. Fields that this schema does
not know stay where they are, so a program that was not edited is written as it was read.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from ..errors import ProgramError, UnsupportedModelError
from . import dtypes, framework_pb2
from .attributes import (
    Attribute,
    AttributeValue,
    AttrType,
    block_indexes,
    read_attribute,
    read_scalars,
    write_attribute,
)
from .other_files import LFS_POINTER, LFS_REMEDY, LFS_START, instead
from .text import decode, encode
from .validation import MAX_PROGRAM_BYTES, validate

if TYPE_CHECKING:
    from .unknown_operators import UnknownOperators

__all__ = [
    "MAX_PROGRAM_BYTES",
    "AttrType",
    "Attribute",
    "AttributeValue",
    "Block",
    "Operator",
    "Program",
    "Variable",
    "VariableKind",
]

CALLSTACK_ATTRIBUTE = "op_callstack"


class VariableKind(enum.IntEnum):
    """Kinds of variables that matter here, numbered as in Paddle's schema."""

    LOD_TENSOR = 7
    SELECTED_ROWS = 8
    FEED_MINIBATCH = 9
    FETCH_LIST = 10
    READER = 15
    RAW = 17


class Operator:
    """A view of one operator."""

    def __init__(self, desc: framework_pb2.OpDesc) -> None:
        self._desc = desc

    @property
    def type(self) -> str:
        """The operator's type, such as ``conv2d``."""
        return decode(self._desc.type)

    @type.setter
    def type(self, value: str) -> None:
        self._desc.type = encode(value)

    @property
    def inputs(self) -> dict[str, tuple[str, ...]]:
        """Variable names by input slot."""
        return _slots(self._desc.inputs)

    @property
    def outputs(self) -> dict[str, tuple[str, ...]]:
        """Variable names by output slot."""
        return _slots(self._desc.outputs)

    def set_input(self, slot: str, names: Sequence[str]) -> None:
        """Put these variables into an input slot, which is made if there is none."""
        _set_slot(self._desc.inputs, slot, names)

    def set_output(self, slot: str, names: Sequence[str]) -> None:
        """Put these variables into an output slot, which is made if there is none."""
        _set_slot(self._desc.outputs, slot, names)

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """All attributes in the order of the file."""
        return tuple(read_attribute(attr) for attr in self._desc.attrs)

    def attribute_data(self) -> Iterator[tuple[str, bytes]]:
        """The attributes' names and their bytes in the file, to be compared."""
        return (
            (decode(attr.name), attr.SerializePartialToString(deterministic=True))
            for attr in self._desc.attrs
        )

    def attribute_names(self) -> Iterator[str]:
        """The attributes' names, without reading their values."""
        return (decode(attr.name) for attr in self._desc.attrs)

    def attribute_names_ending(self, suffix: str) -> list[str]:
        """The attributes' names that end so."""
        raw = encode(suffix)
        return [decode(attr.name) for attr in self._desc.attrs if attr.name.endswith(raw)]

    def attribute(self, name: str) -> Attribute | None:
        """The attribute of this name, or None."""
        raw = encode(name)
        for attr in self._desc.attrs:
            if attr.name == raw:
                return read_attribute(attr)
        return None

    def value(self, name: str) -> AttributeValue | None:
        """The value of the attribute of this name, or None where there is none."""
        attribute = self.attribute(name)
        return None if attribute is None else attribute.value

    def scalars(self, name: str) -> tuple[bool | int | float, ...] | None:
        """The numbers of a SCALAR or SCALARS attribute (Paddle 2.5 and newer).

        None where there is no such attribute, or one of another type or of complex numbers.
        """
        raw = encode(name)
        found = next((attr for attr in self._desc.attrs if attr.name == raw), None)
        return None if found is None else read_scalars(found)

    def set_attribute(self, name: str, type: AttrType, value: AttributeValue) -> None:
        """Set an attribute, in place of any of the same name."""
        self.remove_attribute(name)
        write_attribute(self._desc.attrs.add(name=encode(name)), type, value)

    def replace_floats(self, name: str, values: Sequence[float]) -> None:
        """Put other values into an attribute of FLOATS, which keeps its place in the file."""
        raw = encode(name)
        for attr in self._desc.attrs:
            if attr.name == raw:
                attr.floats[:] = values

    def remove_attribute(self, name: str) -> bool:
        """Remove the attributes of this name; whether there was one."""
        raw = encode(name)
        found = [index for index, attr in enumerate(self._desc.attrs) if attr.name == raw]
        for index in reversed(found):
            del self._desc.attrs[index]
        return bool(found)

    def remove_attributes(self, unwanted: Callable[[str], bool]) -> None:
        """Remove the attributes whose name is unwanted."""
        names = enumerate(self.attribute_names())
        for index in reversed([index for index, name in names if unwanted(name)]):
            del self._desc.attrs[index]

    def sub_blocks(self) -> tuple[int, ...]:
        """Indexes of the blocks that this operator runs."""
        return tuple(index for attr in self._desc.attrs for index in block_indexes(attr))


class Variable:
    """A view of one variable's description."""

    def __init__(self, desc: framework_pb2.VarDesc) -> None:
        self._desc = desc

    @property
    def name(self) -> str:
        """The variable's name."""
        return decode(self._desc.name)

    @property
    def kind(self) -> int:
        """`VarType.Type` of the variable: a `VariableKind` where it is one that matters here."""
        return self._desc.type.type

    @property
    def persistable(self) -> bool:
        """Whether the variable keeps its value between runs."""
        return self._desc.persistable

    @property
    def is_parameter(self) -> bool:
        """Whether its value is stored with the model: a persistable LOD_TENSOR."""
        return self.persistable and self.kind == VariableKind.LOD_TENSOR

    @property
    def dtype(self) -> dtypes.DataType | None:
        """The declared data type, or None where it is unknown or there is none."""
        tensor = self._desc.type.lod_tensor.tensor
        return dtypes.BY_NUMBER.get(tensor.data_type) if tensor.HasField("data_type") else None

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The declared dims, -1 for one not known in advance; None where it is not a LOD_TENSOR."""
        if not self._desc.type.HasField("lod_tensor"):
            return None
        return tuple(self._desc.type.lod_tensor.tensor.dims)

    @shape.setter
    def shape(self, dims: Sequence[int]) -> None:
        tensor = self._desc.type.lod_tensor.tensor
        del tensor.dims[:]
        tensor.dims.extend(dims)

    @property
    def lod_level(self) -> int:
        """How many levels of sequences are declared; 0 where it is not a LOD_TENSOR."""
        return int(self._desc.type.lod_tensor.lod_level)


class Block:
    """A view of one block: its operators in order, and the variables declared in it."""

    def __init__(self, desc: framework_pb2.BlockDesc) -> None:
        self._desc = desc

    @property
    def parent(self) -> int:
        """Index of an earlier block that encloses this one, -1 for the main block."""
        return self._desc.parent_idx if self._desc.idx > 0 else -1

    @property
    def operators(self) -> list[Operator]:
        """Views of the operators, in order."""
        return [Operator(op) for op in self._desc.ops]

    @property
    def variables(self) -> list[Variable]:
        """Views of the variables, in order."""
        return [Variable(var) for var in self._desc.vars]

    def insert_operator(self, index: int, type: str) -> Operator:
        """A new operator without inputs, outputs and attributes, before the one at `index`."""
        desc = framework_pb2.OpDesc(type=encode(type))
        self._desc.ops.insert(index, desc)
        return Operator(self._desc.ops[index])

    def add_variable(self, name: str, like: Variable, shape: Sequence[int]) -> Variable:
        """A new variable, described as `like` but for its name and dims; never persistable."""
        desc = self._desc.vars.add()
        desc.CopyFrom(like._desc)
        desc.name = encode(name)
        desc.persistable = False
        variable = Variable(desc)
        variable.shape = shape
        return variable

    def add_tensor(self, name: str, dtype: dtypes.DataType, shape: Sequence[int]) -> Variable:
        """A new LOD_TENSOR variable, not persistable."""
        desc = self._desc.vars.add(name=encode(name), persistable=False)
        desc.type.type = int(VariableKind.LOD_TENSOR)  # type: ignore[assignment]
        tensor = desc.type.lod_tensor.tensor
        tensor.data_type = dtype.number  # type: ignore[assignment]
        tensor.dims.extend(shape)
        return Variable(desc)

    def remove_operators(self, indexes: Collection[int]) -> None:
        """Remove the operators at these places."""
        for index in sorted(indexes, reverse=True):
            del self._desc.ops[index]

    def remove_variables(self, names: Collection[str]) -> None:
        """Remove the declarations of these names."""
        found = [index for index, var in enumerate(self.variables) if var.name in names]
        for index in reversed(found):
            del self._desc.vars[index]


class Program:
    """A whole program, as read from a file.

    Attributes:
        unknown_operators: what could not be translated, the most frequent first. Such a program is
            for looking at; nothing can run it.
    """

    def __init__(
        self,
        desc: framework_pb2.ProgramDesc,
        unknown_operators: tuple[UnknownOperators, ...] = (),
    ) -> None:
        self._desc = desc
        self.unknown_operators = unknown_operators

    @classmethod
    def parse(cls, data: bytes, path: Path) -> Program:
        """The program in `data`, validated as far as the rest of the package relies on it.

        Raises:
            ProgramError: not a ProgramDesc, or one whose blocks or names do not fit together.
            UnsupportedModelError: a Paddle 3 program in JSON.
        """
        if data[:1] == b"{":
            raise UnsupportedModelError(
                "the file holds JSON: a program of Paddle 3 under another name",
                path=path,
                remedy="give it the suffix .json, beside its .pdiparams",
            )
        desc = framework_pb2.ProgramDesc()
        try:
            desc.ParseFromString(data)
        except DecodeError as error:
            raise _not_a_program(data, path) from error
        if not desc.blocks:
            raise _not_a_program(data, path)
        validate(desc, path)
        return cls(desc)

    def copy(self) -> Program:
        """An independent copy, to be edited."""
        desc = framework_pb2.ProgramDesc()
        desc.CopyFrom(self._desc)
        return Program(desc, self.unknown_operators)

    def serialize(self) -> bytes:
        """The program's bytes; the same for the same content.

        Required fields are not enforced: an enumeration value that is newer than this schema is
        carried along as an unknown field.
        """
        return self._desc.SerializePartialToString(deterministic=True)

    @property
    def size(self) -> int:
        """Bytes of what `serialize` gives; protobuf's own ByteSize wants all required fields."""
        return len(self.serialize())

    @property
    def version(self) -> int:
        """Paddle's version number as stored: major * 1000000 + minor * 1000 + patch."""
        return self._desc.version.version

    @property
    def paddle_version(self) -> str | None:
        """The Paddle that wrote the program, such as ``2.4.1``; None for a development build."""
        number = self.version
        if number <= 0:
            return None
        return f"{number // 1_000_000}.{number // 1_000 % 1_000}.{number % 1_000}"

    @property
    def blocks(self) -> list[Block]:
        """Views of the blocks; the first is the main block."""
        return [Block(block) for block in self._desc.blocks]

    def operators(self) -> Iterator[tuple[int, int, Operator]]:
        """Every operator with its block's index and its place in the block."""
        for block_index, block in enumerate(self.blocks):
            for index, operator in enumerate(block.operators):
                yield block_index, index, operator

    def strip_callstacks(self) -> None:
        """Drop the exporter's stack traces, which hold paths of the machine it ran on."""
        for _, _, operator in self.operators():
            operator.remove_attribute(CALLSTACK_ATTRIBUTE)


def _slots(
    slots: Sequence[framework_pb2.OpDesc.Var],
) -> dict[str, tuple[str, ...]]:
    return {
        decode(slot.parameter): tuple(decode(name) for name in slot.arguments) for slot in slots
    }


def _set_slot(slots: object, name: str, variables: Sequence[str]) -> None:
    raw = encode(name)
    for slot in slots:  # type: ignore[attr-defined]
        if slot.parameter == raw:
            del slot.arguments[:]
            break
    else:
        slot = slots.add(parameter=raw)  # type: ignore[attr-defined]
    slot.arguments.extend(encode(variable) for variable in variables)


def _not_a_program(data: bytes, path: Path) -> ProgramError:
    if not data:
        return ProgramError("the program file is empty", path=path, remedy="export the model again")
    if len(data) >= 16 and not any(data[:16]):
        return ProgramError(
            "the file holds parameters, not a program",
            path=path,
            remedy="check whether `model_filename` and `params_filename` are swapped",
        )
    if data.startswith(LFS_START):
        return ProgramError(LFS_POINTER, path=path, remedy=LFS_REMEDY)
    found = instead([path.name])
    if found:
        return ProgramError(found[0], path=path, remedy=found[1])
    return ProgramError(
        "the file is not a Paddle program (no valid ProgramDesc)",
        path=path,
        remedy="name the program with `model_filename`, or export the model again",
    )
