"""Which data types opt can read: of a parameter, and of a variable that is only declared."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from weightquant_cli.formats import dtypes
from weightquant_cli.formats.dtypes import DataType
from weightquant_cli.formats.framework_pb2 import ProgramDesc, VarType

from . import lab

EXTRA = "zzz"  # the last name: a combined file holds the parameters in the order of their names


def parameters(case: lab.Case, folder: Path) -> Iterator[tuple[DataType, lab.Case]]:
    """The case with one more parameter, which nobody reads, of every type."""
    for dtype in dtypes.BY_NUMBER.values():
        program = _with_variable(case, dtype, persistable=True)
        home = folder / f"parameter-{dtype.name}"
        home.mkdir(parents=True, exist_ok=True)
        path, params = home / "m.pdmodel", home / "m.pdiparams"
        path.write_bytes(program)
        params.write_bytes(case.params.read_bytes() + _record(dtype))
        yield (
            dtype,
            lab.Case(
                f"parameter/{dtype.name}",
                case.paddle,
                path,
                params,
                case.feeds,
                case.lods,
                case.values,
                case.answers,
            ),
        )


def variables(case: lab.Case, folder: Path) -> Iterator[tuple[DataType, lab.Case]]:
    """The case with one more declared variable, which nobody reads, of every type."""
    for dtype in dtypes.BY_NUMBER.values():
        home = folder / f"variable-{dtype.name}"
        home.mkdir(parents=True, exist_ok=True)
        path = home / "m.pdmodel"
        path.write_bytes(_with_variable(case, dtype, persistable=False))
        yield (
            dtype,
            lab.Case(
                f"variable/{dtype.name}",
                case.paddle,
                path,
                case.params,
                case.feeds,
                case.lods,
                case.values,
                case.answers,
            ),
        )


def _with_variable(case: lab.Case, dtype: DataType, persistable: bool) -> bytes:
    program = ProgramDesc.FromString(case.program.read_bytes())
    variable = program.blocks[0].vars.add(name=EXTRA.encode(), persistable=persistable)
    variable.type.type = VarType.LOD_TENSOR
    variable.type.lod_tensor.tensor.data_type = dtype.number  # type: ignore[assignment]
    variable.type.lod_tensor.tensor.dims.append(4)
    return program.SerializePartialToString()


def _record(dtype: DataType) -> bytes:
    description = VarType.TensorDesc(dims=[4])
    description.data_type = dtype.number  # type: ignore[assignment]
    raw = description.SerializePartialToString()
    head = struct.pack("<IQIi", 0, 0, 0, len(raw))
    return head + raw + bytes(4 * dtype.itemsize)
