"""Build models by hand: programs, parameter records and whole folders in every layout.

    model = ModelBuilder()
    image = model.input("image", (-1, 3, 8, 8))
    feature = model.conv2d(image, "conv.w", normal(4, 3, 3, 3))
    model.fetch(model.op("relu", {"X": feature}, {"Out": "out"}))
    folder = model.write(tmp_path / "model", PDMODEL)

The bytes are made from the schema and `struct` alone, not by the code under test: a record is what
`formats/FORMAT.md` says it is. What the code under test wrote is read back with `read_arrays`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from weightquant_cli import Model
from weightquant_cli.formats import framework_pb2 as pb
from weightquant_cli.formats.model_writer import Layout as Layout
from weightquant_cli.formats.program import AttrType, Program
from weightquant_cli.formats.text import encode

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]
Names = str | Sequence[str]

SEPARATE = Layout("__model__", None)
COMBINED = Layout("__model__", "__params__")
PDMODEL = Layout("inference.pdmodel", "inference.pdiparams")
LAYOUTS = {"separate": SEPARATE, "combined": COMBINED, "pdmodel": PDMODEL}

# `VarType.Type` by numpy type, and what the builders need besides.
TYPE_NUMBERS = {
    "bool": 0, "int16": 1, "int32": 2, "int64": 3, "float16": 4, "float32": 5, "float64": 6,
    "uint8": 20, "int8": 21, "complex64": 23, "complex128": 24,
    "uint16": 36, "uint32": 37, "uint64": 38,
}  # fmt: skip
FP32, INT64, BF16 = 5, 3, 22
LOD_TENSOR, SELECTED_ROWS, FEED_MINIBATCH, FETCH_LIST, STEP_SCOPES, RAW = 7, 8, 9, 10, 11, 17

_VALUE_FIELD = {
    AttrType.INT: "i", AttrType.FLOAT: "f", AttrType.STRING: "s", AttrType.BOOLEAN: "b",
    AttrType.BLOCK: "block_idx", AttrType.LONG: "l", AttrType.VAR: "var_name",
    AttrType.FLOAT64: "float64", AttrType.INTS: "ints", AttrType.FLOATS: "floats",
    AttrType.STRINGS: "strings", AttrType.BOOLEANS: "bools", AttrType.BLOCKS: "blocks_idx",
    AttrType.LONGS: "longs", AttrType.FLOAT64S: "float64s", AttrType.VARS: "vars_name",
}  # fmt: skip


@dataclass(frozen=True)
class Attr:
    """An attribute whose type does not follow from its Python value."""

    type: AttrType
    value: Any


def normal(*shape: int, seed: int = 0, std: float = 1.0) -> Floats:
    """Normally distributed float32 values; the same for the same arguments."""
    return np.random.default_rng((seed, *shape)).normal(0, std, shape).astype("<f4")


def tensor_desc(type_number: int, dims: Sequence[int]) -> bytes:
    """A serialized TensorDesc, by hand: tags 0x08 and 0x10, varints, negative ones in ten bytes."""
    return b"\x08" + varint(type_number) + b"".join(b"\x10" + varint(dim) for dim in dims)


def varint(value: int) -> bytes:
    """A protobuf varint; 64 bits, two's complement."""
    value &= 2**64 - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def lod_section(levels: Iterable[Sequence[int]] = (), version: int = 0) -> bytes:
    """The LoD section of a record: its version, the number of levels, each level's offsets."""
    packed = [struct.pack(f"<{len(level)}Q", *level) for level in levels]
    head = struct.pack("<IQ", version, len(packed))
    return head + b"".join(struct.pack("<Q", len(level)) + level for level in packed)


def raw_record(
    data: bytes,
    type_number: int,
    dims: Sequence[int],
    lod: Iterable[Sequence[int]] = (),
    tensor_version: int = 0,
) -> bytes:
    """A parameter record of these parts, whether they fit together or not."""
    desc = tensor_desc(type_number, dims)
    return lod_section(lod) + struct.pack("<Ii", tensor_version, len(desc)) + desc + data


def record(array: Array, lod: Iterable[Sequence[int]] = ()) -> bytes:
    """The parameter record of an array."""
    little = array.astype(array.dtype.newbyteorder("<"))
    return raw_record(little.tobytes(), TYPE_NUMBERS[array.dtype.name], array.shape, lod)


class BlockBuilder:
    """One block of a program."""

    def __init__(self, desc: pb.BlockDesc) -> None:
        self.desc = desc

    @property
    def index(self) -> int:
        """The block's number, for a `sub_block` attribute."""
        return self.desc.idx

    def var(
        self,
        name: str,
        shape: Sequence[int] = (-1,),
        dtype: int = FP32,
        *,
        kind: int = LOD_TENSOR,
        persistable: bool = False,
    ) -> str:
        """Declare a variable; its name."""
        var = self.desc.vars.add(name=encode(name), persistable=persistable)
        var.type.type = kind  # type: ignore[assignment]
        if kind in (LOD_TENSOR, SELECTED_ROWS):
            tensor = var.type.lod_tensor.tensor if kind == LOD_TENSOR else var.type.selected_rows
            tensor.data_type = dtype  # type: ignore[assignment]
            tensor.dims.extend(shape)
        return name

    def op(
        self,
        type: str,
        inputs: Mapping[str, Names],
        outputs: Mapping[str, Names],
        attrs: Mapping[str, Any] | None = None,
        *,
        shape: Sequence[int] | None = None,
    ) -> str:
        """Append an operator; the name of its first output.

        Args:
            attrs: Python values, whose attribute types follow from them, or `Attr`.
            shape: declares the first output with these dims; None declares nothing.
        """
        op = self.desc.ops.add(type=encode(type))
        for slots, given in ((op.inputs, inputs), (op.outputs, outputs)):
            for slot, names in given.items():
                slots.add(parameter=encode(slot), arguments=[encode(n) for n in _listed(names)])
        for name, value in (attrs or {}).items():
            add_attribute(op, name, value)
        first = next((name for names in outputs.values() for name in _listed(names)), "")
        if shape is not None:
            self.var(first, shape)
        return first


class ProgramBuilder:
    """A program; its main block is there from the start."""

    def __init__(self, version: int = 2004001) -> None:
        self.desc = pb.ProgramDesc()
        self.desc.version.version = version
        self.main = self.block(parent=-1)

    def block(self, parent: int = 0) -> BlockBuilder:
        """Append a block inside the block `parent`."""
        desc = self.desc.blocks.add(idx=len(self.desc.blocks), parent_idx=parent)
        return BlockBuilder(desc)

    def bytes(self) -> bytes:
        """The program as a file holds it."""
        return self.desc.SerializePartialToString(deterministic=True)

    def parse(self) -> Program:
        """The program as the code under test sees it."""
        return Program.parse(self.bytes(), Path("__model__"))


class ModelBuilder:
    """A program together with the records of its parameters."""

    def __init__(self, version: int = 2004001) -> None:
        self.program = ProgramBuilder(version)
        self.main = self.program.main
        self.records: dict[str, bytes] = {}
        self.carried: dict[str, bytes] = {}

    # ---- variables --------------------------------------------------------------------------

    def input(self, name: str, shape: Sequence[int], dtype: int = FP32) -> str:
        """A variable that `feed` fills."""
        if not any(var.name == b"feed" for var in self.main.desc.vars):
            self.main.var("feed", kind=FEED_MINIBATCH, persistable=True)
        self.main.var(name, shape, dtype)
        self.main.op("feed", {"X": "feed"}, {"Out": name}, {"col": 0})
        return name

    def fetch(self, name: str) -> None:
        """Make a variable an output of the model."""
        if not any(var.name == b"fetch" for var in self.main.desc.vars):
            self.main.var("fetch", kind=FETCH_LIST, persistable=True)
        self.main.op("fetch", {"X": name}, {"Out": "fetch"}, {"col": 0})

    def parameter(
        self, name: str, array: Array, *, lod: Iterable[Sequence[int]] = (), declare: bool = True
    ) -> str:
        """A parameter: its variable in the main block, and its record."""
        if declare:
            self.main.var(name, array.shape, TYPE_NUMBERS[array.dtype.name], persistable=True)
        self.records[name] = record(array, lod)
        return name

    def selected_rows(self, name: str, data: bytes) -> str:
        """A persistable SELECTED_ROWS variable, whose file nobody parses."""
        self.main.var(name, (4, 2), kind=SELECTED_ROWS, persistable=True)
        self.carried[name] = data
        return name

    # ---- operators, each declaring its weight and its output ---------------------------------

    def op(
        self,
        type: str,
        inputs: Mapping[str, Names],
        outputs: Mapping[str, Names],
        attrs: Mapping[str, Any] | None = None,
        *,
        shape: Sequence[int] | None = None,
    ) -> str:
        """Append an operator to the main block; the name of its first output."""
        return self.main.op(type, inputs, outputs, attrs, shape=shape)

    def conv2d(
        self, x: str, weight: str, array: Array | None = None, type: str = "conv2d", **attrs: Any
    ) -> str:
        """A convolution without bias; `array` None takes a weight that is there already."""
        channels = self._own(weight, array)[0]
        attrs = {"groups": 1, "strides": [1, 1], "paddings": [0, 0], "dilations": [1, 1], **attrs}
        outputs = {"Output": self._fresh(weight)}
        return self.op(
            type, {"Input": x, "Filter": weight}, outputs, attrs, shape=(-1, channels, -1, -1)
        )

    def mul(self, x: str, weight: str, array: Array | None = None, **attrs: Any) -> str:
        """A fully connected layer as Paddle 1.x spells it."""
        columns = self._own(weight, array)[-1]
        attrs = {"x_num_col_dims": 1, "y_num_col_dims": 1, **attrs}
        outputs = {"Out": self._fresh(weight)}
        return self.op("mul", {"X": x, "Y": weight}, outputs, attrs, shape=(-1, columns))

    def matmul_v2(self, x: str, weight: str, array: Array | None = None, **attrs: Any) -> str:
        """A fully connected layer as Paddle 2.x spells it."""
        columns = self._own(weight, array)[-1]
        attrs = {"trans_x": False, "trans_y": False, **attrs}
        outputs = {"Out": self._fresh(weight)}
        return self.op("matmul_v2", {"X": x, "Y": weight}, outputs, attrs, shape=(-1, columns))

    def fc(self, x: str, weight: str, array: Array | None = None, **attrs: Any) -> str:
        """The fused fully connected layer."""
        columns = self._own(weight, array)[-1]
        attrs = {"in_num_col_dims": 1, **attrs}
        outputs = {"Out": self._fresh(weight)}
        return self.op("fc", {"Input": x, "W": weight}, outputs, attrs, shape=(-1, columns))

    def lookup_table(
        self, ids: str, weight: str, array: Array | None = None, type: str = "lookup_table"
    ) -> str:
        """An embedding; `type` lookup_table_v2 for that of Paddle 2.x."""
        columns = self._own(weight, array)[-1]
        outputs = {"Out": self._fresh(weight)}
        attrs = {"padding_idx": Attr(AttrType.LONG, -1), "is_sparse": False}
        return self.op(type, {"Ids": ids, "W": weight}, outputs, attrs, shape=(-1, columns))

    def _own(self, weight: str, array: Array | None) -> Sequence[int]:
        """The weight's dims, once it is declared."""
        if array is not None:
            self.parameter(weight, array)
        var = next(var for var in self.main.desc.vars if var.name == encode(weight))
        return var.type.lod_tensor.tensor.dims or (1,)

    def _fresh(self, stem: str) -> str:
        taken = {var.name for var in self.main.desc.vars}
        number = 0
        while encode(f"{stem}.out{number}") in taken:
            number += 1
        return f"{stem}.out{number}"

    # ---- to disk -----------------------------------------------------------------------------

    def write(self, folder: Path, layout: Layout = SEPARATE) -> Path:
        """Write the model's files into `folder`, which is made; the folder."""
        write_files(folder, self.program.bytes(), self.records, layout)
        for name, data in self.carried.items():
            _write(folder / name, data)
        return folder

    def load(self, folder: Path, layout: Layout = SEPARATE) -> Model:
        """Write the model and load it."""
        return Model.load(self.write(folder, layout))


def write_files(
    folder: Path, program: bytes, records: Mapping[str, bytes], layout: Layout = SEPARATE
) -> Path:
    """Write a program and records, valid or not, in a layout; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / layout.program, program)
    if layout.params is not None:
        _write(folder / layout.params, b"".join(records[n] for n in in_byte_order(records)))
    else:
        for name, data in records.items():
            _write(folder / name, data)
    return folder


def write_model(folder: Path, layout: Layout = SEPARATE) -> Path:
    """A small model of every default kind of weight, ready to be quantized; the folder."""
    return small_model().write(folder, layout)


def small_model() -> ModelBuilder:
    """conv2d, depthwise_conv2d, mul, matmul_v2 and a lookup_table, biases and a batch_norm."""
    model = ModelBuilder()
    image = model.input("image", (-1, 3, 8, 8))
    x = model.conv2d(image, "conv.w", normal(4, 3, 3, 3, std=0.2))
    statistics = {
        slot: model.parameter(f"bn.{slot}", np.abs(normal(4, seed=seed)))
        for seed, slot in enumerate(("Bias", "Mean", "Scale", "Variance"))
    }
    norm = {"epsilon": 1e-5, "momentum": 0.9, "is_test": True, "data_layout": "NCHW"}
    x = model.op("batch_norm", {"X": x, **statistics}, {"Y": "bn.out"}, norm, shape=(-1, 4, 6, 6))
    x = model.conv2d(x, "dw.w", normal(4, 1, 3, 3), type="depthwise_conv2d", groups=4)
    x = model.mul(x, "fc1.w", normal(64, 10, std=0.05))
    bias = model.parameter("fc1.b", normal(10))
    terms = {"X": x, "Y": bias}
    x = model.op("elementwise_add", terms, {"Out": "fc1.sum"}, {"axis": -1}, shape=(-1, 10))
    x = model.matmul_v2(x, "fc2.w", normal(10, 6))
    model.fetch(x)
    ids = model.input("ids", (-1, 1), INT64)
    model.fetch(model.lookup_table(ids, "table.w", normal(20, 5)))
    return model


def read_arrays(model: Model | Path) -> dict[str, Array]:
    """Every parameter's values, by name, as they are stored."""
    opened = model if isinstance(model, Model) else Model.load(model)
    return {
        name: np.fromfile(
            stored.path, dtype=stored.dtype.numpy, count=stored.elements, offset=stored.data_offset
        ).reshape(stored.shape)
        for name, stored in opened.stored.parameters.items()
    }


def read_records(model: Model | Path) -> dict[str, bytes]:
    """Every parameter's record, by name, header and all."""
    opened = model if isinstance(model, Model) else Model.load(model)
    return {
        name: stored.path.read_bytes()[stored.offset : stored.end]
        for name, stored in opened.stored.parameters.items()
    }


def tree(folder: Path) -> dict[str, bytes]:
    """Every file under `folder`, by its path within it; folders end in a slash and are empty."""
    return {
        f"{path.relative_to(folder)}{'/' if path.is_dir() else ''}": (
            b"" if path.is_dir() else path.read_bytes()
        )
        for path in sorted(folder.rglob("*"))
    }


def zipped(folder: Path) -> int:
    """The deflated size of every file of a folder, by Python's zlib alone."""
    total = 0
    for path in folder.iterdir():
        stream = zlib.compressobj(6, zlib.DEFLATED, -15)
        total += len(stream.compress(path.read_bytes()) + stream.flush())
    return total


def in_byte_order(names: Iterable[str]) -> list[str]:
    """The order of records in a combined file."""
    return sorted(names, key=encode)


def add_attribute(op: pb.OpDesc, name: str, value: Any) -> pb.OpDesc.Attr:
    """Append an attribute to an operator, whatever is there already."""
    given = value if isinstance(value, Attr) else Attr(_attribute_type(value), value)
    attr = op.attrs.add(name=encode(name), type=int(given.type))
    field = _VALUE_FIELD[given.type]
    if isinstance(given.value, list | tuple):
        getattr(attr, field).extend(_plain(item) for item in given.value)
    else:
        setattr(attr, field, _plain(given.value))
    return attr


def _attribute_type(value: Any) -> AttrType:
    one = {bool: AttrType.BOOLEAN, int: AttrType.INT, float: AttrType.FLOAT, str: AttrType.STRING}
    several = {
        bool: AttrType.BOOLEANS,
        int: AttrType.INTS,
        float: AttrType.FLOATS,
        str: AttrType.STRINGS,
    }
    if isinstance(value, BlockBuilder):
        return AttrType.BLOCK
    if isinstance(value, list | tuple):
        return several[type(value[0])] if value else AttrType.INTS
    return one[type(value)]


def _plain(value: Any) -> Any:
    if isinstance(value, BlockBuilder):
        return value.index
    return encode(value) if isinstance(value, str) else value


def _listed(names: Names) -> Sequence[str]:
    return [names] if isinstance(names, str) else names


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
