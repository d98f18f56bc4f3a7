"""Models of the shapes and sizes to measure, with real data in every byte (no sparse files)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from tests.formats.pir.builder import Builder, tensor
from weightquant_cli.formats import dtypes, framework_pb2
from weightquant_cli.formats.lod_tensor import header_bytes
from weightquant_cli.formats.program import AttrType

NO_LOD = bytes(12)
GIGABYTE = 1 << 30
CALLSTACK = (b'  File "model.py", line 1, in forward', b"    x = self.layer(x)") * 4


@dataclass(frozen=True)
class Layer:
    """One operator with a weight."""

    name: str
    type: str
    shape: tuple[int, ...]


def vgg16(shrink: int = 1) -> list[Layer]:
    """The weights of VGG16, 553 MB, every number of channels divided by `shrink`."""
    channels = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    channels[1:] = [max(count // shrink, 1) for count in channels[1:]]
    layers = [
        Layer(f"conv{index:02d}.w_0", "conv2d", (after, before, 3, 3))
        for index, (before, after) in enumerate(pairwise(channels))
    ]
    widths = [25088 // shrink, 4096 // shrink, 4096 // shrink, 1000 // shrink]
    return layers + [
        Layer(f"fc{index}.w_0", "mul", shape) for index, shape in enumerate(pairwise(widths))
    ]


def matrices(size: int, single: bool = False) -> list[Layer]:
    """Matrices of `size` bytes together: one, or many of 64 MiB at the most."""
    columns = 4096
    rows = max(size // (4 * columns), 1)
    if single:
        return [Layer("fc.w_0", "mul", (rows, columns))]
    return [
        Layer(f"fc{start:08d}.w_0", "mul", (min(4096, rows - start), columns))
        for start in range(0, rows, 4096)
    ]


def small_weights(count: int) -> list[Layer]:
    """So many matrices of 1 KiB."""
    return [Layer(f"w{index:06d}", "mul", (16, 16)) for index in range(count)]


def write_model(
    folder: Path, layers: Sequence[Layer], combined: str | None = None, plain: int = 0
) -> Path:
    """Write a model of these layers, in a row; a folder that is there already stays.

    Args:
        folder: where to.
        layers: the operators with a weight.
        combined: name of one file for all parameters; None gives each its own.
        plain: operators without a weight, which follow.
    """
    if (folder / "__model__").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(layers, key=lambda layer: layer.name)
    if combined is not None:
        with (folder / combined).open("wb") as stream:
            for layer in ordered:
                stream.writelines(_record(layer))
    else:
        for layer in ordered:
            with (folder / layer.name).open("wb") as stream:
                stream.writelines(_record(layer))
    (folder / "__model__").write_bytes(_program(layers, plain))
    return folder


def write_json(folder: Path, size: int) -> Path:
    """A model of Paddle 3 whose `.json` takes about `size` bytes; one that is there already stays.

    Layers in a row, as exported networks have them: a matrix product, a bias, an activation.
    """
    if (folder / "inference.json").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    one = len(_layers(1).json())
    count = max(1, size * 88 // 100 // (len(_layers(2).json()) - one))  # numbers grow longer
    (folder / "inference.json").write_bytes(_layers(count).json())
    with (folder / "inference.pdiparams").open("wb") as stream:
        for name, shape in (("b", (16,)), ("w", (16, 16))):  # in the order of the names
            for _ in range(count):
                stream.writelines(_record(Layer(name, "mul", shape)))
    return folder


def _layers(count: int) -> Builder:
    builder = Builder()
    value = builder.data("x", 1, 16)
    for index in range(count):
        bias = builder.parameter(f"b{index:06d}", 16)
        weight = builder.parameter(f"w{index:06d}", 16, 16)
        result, scope = tensor(1, 16), f"/Network/Linear_{index}" * 24  # 1 KB for each operation
        product = builder.op("matmul", [value, weight], result, transpose_x=False,
                             transpose_y=False, struct_name=scope)  # fmt: skip
        total = builder.op("add", [product, bias], result, struct_name=scope)
        value = builder.op("relu", [total], result, struct_name=scope)
    builder.fetch(value)
    return builder


def _record(layer: Layer) -> Iterator[bytes]:
    yield header_bytes(NO_LOD, dtypes.FP32, layer.shape)
    left = 4 * math.prod(layer.shape)
    values = np.random.default_rng(0).standard_normal(min(left // 4, 1 << 20), dtype="<f4")
    data = (values * np.float32(0.05)).tobytes()
    while left:
        piece = data[: min(left, len(data))]
        yield piece
        left -= len(piece)


def _program(layers: Sequence[Layer], plain: int) -> bytes:
    program = framework_pb2.ProgramDesc()
    program.version.version = 1_008_005
    block = program.blocks.add(idx=0, parent_idx=-1)
    _variable(block, "x", (-1, 3, 224, 224), persistable=False)
    last = "x"
    for layer in layers:
        _variable(block, layer.name, layer.shape, persistable=True)
        slots = ("Input", "Filter") if layer.type == "conv2d" else ("X", "Y")
        last = _operator(block, layer.type, dict(zip(slots, (last, layer.name), strict=True)))
    for _ in range(plain):
        last = _operator(block, "relu", {"X": last})
    data: bytes = program.SerializeToString()
    return data


def _variable(
    block: framework_pb2.BlockDesc, name: str, shape: tuple[int, ...], persistable: bool
) -> None:
    variable = block.vars.add(name=name.encode(), persistable=persistable)
    variable.type.type = framework_pb2.VarType.LOD_TENSOR
    variable.type.lod_tensor.tensor.data_type = framework_pb2.VarType.FP32
    variable.type.lod_tensor.tensor.dims.extend(shape)


def _operator(block: framework_pb2.BlockDesc, type: str, inputs: dict[str, str]) -> str:
    """Add an operator with an output of its own; the output's name."""
    out = f"out{len(block.ops)}"
    operator = block.ops.add(type=type.encode())
    for slot, name in inputs.items():
        operator.inputs.add(parameter=slot.encode(), arguments=[name.encode()])
    operator.outputs.add(parameter=b"Out", arguments=[out.encode()])
    operator.attrs.add(name=b"op_callstack", type=int(AttrType.STRINGS), strings=CALLSTACK)
    _variable(block, out, (-1, 1), persistable=False)
    return out
