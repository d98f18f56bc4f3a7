"""Models with carriers, and their dequantized twins, for the real Paddle Lite.

A carrier is added by a few lines of this file and not by the package: what is measured here is
Paddle Lite.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.builders import in_byte_order, read_arrays, record
from weightquant_cli.core.lite.storage import WeightQuantizeType
from weightquant_cli.core.lite.tags import write_tag
from weightquant_cli.core.model.model import Model
from weightquant_cli.formats.attributes import AttrType
from weightquant_cli.formats.program import Block, Operator, Program, Variable

from ..jobs import Array
from ..lite_demands.lab import Case

Floats = npt.NDArray[np.float32]
Arrays = Mapping[str, Array]

FP32, INT64 = 5, 3
PREFIX = "carrier"


@dataclass(frozen=True)
class Spelling:
    """How a carrier is spelled.

    Attributes:
        type: ``mul``, ``lookup_table``, ``conv2d`` or ``depthwise_conv2d``.
        place: ``first``, ``fed`` (behind the feeds), ``last``, or ``never``: in a
            conditional_block that is never run.
        shared: whether carriers of one shape share their input.
        stored: whether the input is a parameter, since the x86 opt of 2.6.0 has no fill_constant.
    """

    type: str
    place: str = "first"
    shared: bool = True
    stored: bool = False

    def takes(self, array: Array) -> bool:
        """Whether such a carrier can name this weight."""
        if array.dtype != np.float32 or array.size == 0:
            return False
        if self.type in ("mul", "lookup_table"):
            return array.ndim == 2
        return array.ndim == 4 or (self.place == "never" and array.ndim >= 2)

    @property
    def axis(self) -> int:
        """The axis with one scale per index."""
        return 1 if self.type in ("mul", "lookup_table") else 0


def quantized(array: Floats, axis: int, bits: int) -> tuple[Array, Floats, Floats]:
    """Integers, scales per index of `axis`, and what Paddle Lite makes of them."""
    others = tuple(i for i in range(array.ndim) if i != axis)
    limit = np.float32(2 ** (bits - 1) - 1)
    scales = (np.abs(array).max(axis=others) / limit).astype("float32")
    shape = [-1 if i == axis else 1 for i in range(array.ndim)]
    spread = np.where(scales > 0, scales, 1).astype("float32").reshape(shape)
    integers = np.clip(np.rint(array / spread), -limit, limit)
    return (
        integers.astype("int8" if bits == 8 else "int16"),
        scales,
        integers.astype("float32") * scales.reshape(shape),
    )


def add_carrier(program: Program, weight: str, shape: Sequence[int], how: Spelling) -> Operator:
    """Add a carrier for a weight of this shape; the operator that is to be tagged."""
    main = program.blocks[0]
    like = next(v for v in main.variables if v.is_parameter)
    block = program.blocks[-1] if how.place == "never" else main
    at = _place(main, how.place) if how.place != "never" else len(block.operators)
    if how.type == "lookup_table":
        given, dims = _constant(block, at, "ids", (1, 1), INT64, like, how)
    elif how.type == "mul":
        given, dims = _constant(block, at, "zeros", (1, shape[0]), FP32, like, how)
    else:
        inner = shape[1:] if how.type == "conv2d" else (shape[0] * shape[1], *shape[2:])
        given, dims = _constant(block, at, "zeros", (1, *inner), FP32, like, how)
    at += dims
    operator = block.insert_operator(at, how.type)
    out = f"{PREFIX}/out/{weight}"
    block.add_variable(out, like, (1, shape[1] if how.axis else shape[0]))
    if how.type == "lookup_table":
        operator.set_input("Ids", [given])
        operator.set_input("W", [weight])
        operator.set_output("Out", [out])
        operator.set_attribute("padding_idx", AttrType.LONG, -1)
        operator.set_attribute("is_sparse", AttrType.BOOLEAN, False)
    elif how.type == "mul":
        operator.set_input("X", [given])
        operator.set_input("Y", [weight])
        operator.set_output("Out", [out])
        operator.set_attribute("x_num_col_dims", AttrType.INT, 1)
        operator.set_attribute("y_num_col_dims", AttrType.INT, 1)
    else:
        operator.set_input("Input", [given])
        operator.set_input("Filter", [weight])
        operator.set_output("Output", [out])
        operator.set_attribute("strides", AttrType.INTS, (1, 1))
        operator.set_attribute("paddings", AttrType.INTS, (0, 0))
        operator.set_attribute("dilations", AttrType.INTS, (1, 1))
        groups = 1 if how.type == "conv2d" else shape[0]
        operator.set_attribute("groups", AttrType.INT, groups)
    return operator


def _place(main: Block, place: str) -> int:
    operators = [operator.type for operator in main.operators]
    if place == "first":
        return 0
    if place == "fed":
        return operators.count("feed")
    return len(operators) - operators.count("fetch")


def _constant(
    block: Block,
    at: int,
    what: str,
    shape: Sequence[int],
    dtype: int,
    like: Variable,
    how: Spelling,
) -> tuple[str, int]:
    """Zeros of a shape, and how many operators were inserted at `at` for them."""
    name = f"{PREFIX}/{what}/{'x'.join(map(str, shape))}"
    there = {variable.name for variable in block.variables}
    if how.shared and name in there:
        return name, 1 if how.place in ("first", "fed") and not how.stored else 0
    number = 0
    while not how.shared and name in there:
        number += 1
        name = f"{PREFIX}/{what}/{number}/{'x'.join(map(str, shape))}"
    variable = block.add_variable(name, like, shape)
    variable._desc.type.lod_tensor.tensor.data_type = dtype  # type: ignore[assignment]
    if how.stored:
        variable._desc.persistable = True
        return name, 0
    operator = block.insert_operator(at, "fill_constant")
    operator.set_output("Out", [name])
    operator.set_attribute("shape", AttrType.LONGS, tuple(shape))
    operator.set_attribute("dtype", AttrType.INT, dtype)
    operator.set_attribute("value", AttrType.FLOAT, 0.0)
    operator.set_attribute("force_cpu", AttrType.BOOLEAN, False)
    return name, 1


def _never(program: Program) -> None:
    """A conditional_block that is never run, for carriers."""
    main = program.blocks[0]
    like = next(v for v in main.variables if v.is_parameter)
    condition = f"{PREFIX}/never"
    variable = main.add_variable(condition, like, (1,))
    variable._desc.type.lod_tensor.tensor.data_type = 0  # type: ignore[assignment]
    scope = main.add_variable(f"{PREFIX}/scope", like, ())
    scope._desc.type.Clear()
    scope._desc.type.type = 11  # type: ignore[assignment]  # STEP_SCOPES
    index = len(program.blocks)
    program._desc.blocks.add(idx=index, parent_idx=0)
    fill = main.insert_operator(0, "fill_constant")
    fill.set_output("Out", [condition])
    fill.set_attribute("shape", AttrType.LONGS, (1,))
    fill.set_attribute("dtype", AttrType.INT, 0)
    fill.set_attribute("value", AttrType.FLOAT, 0.0)
    fill.set_attribute("force_cpu", AttrType.BOOLEAN, False)
    operator = main.insert_operator(1, "conditional_block")
    operator.set_input("Cond", [condition])
    operator.set_input("Input", [])
    operator.set_output("Out", [])
    operator.set_output("Scope", [f"{PREFIX}/scope"])
    operator.set_attribute("is_scalar_condition", AttrType.BOOLEAN, True)
    operator.set_attribute("sub_block", AttrType.BLOCK, index)


def carried(
    program: Program,
    arrays: Arrays,
    wanted: Callable[[str, Array], Spelling | None],
    bits: int = 8,
) -> tuple[Program, dict[str, Array], dict[str, Array]]:
    """A copy of the program with carriers, its parameters, and those of the twin.

    Args:
        wanted: the spelling for a weight, or None to leave it FP32.
    """
    changed = program.copy()
    stored, twin = dict(arrays), dict(arrays)
    hows = {name: wanted(name, array) for name, array in arrays.items()}
    if any(how and how.place == "never" for how in hows.values()):
        _never(changed)
    for name, how in hows.items():
        if how is None or not how.takes(arrays[name]):
            continue
        integers, scales, floats = quantized(arrays[name], how.axis, bits)
        operator = add_carrier(changed, name, integers.shape, how)
        kind = WeightQuantizeType.CHANNEL_WISE_ABS_MAX
        write_tag(operator, name, scales.tolist(), bits, kind)
        stored[name], twin[name] = integers, floats
    for variable in changed.blocks[0].variables:
        if variable.name.startswith(PREFIX) and variable.is_parameter:
            stored[variable.name] = np.zeros(variable.shape or (), variable.dtype.numpy)  # type: ignore[union-attr]
    return changed, stored, twin


def write(case: Case, program: Program, arrays: Arrays, home: Path) -> Case:
    """A copy of a case with another program and other parameters, in `home`."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "params").write_bytes(b"".join(record(arrays[n]) for n in in_byte_order(arrays)))
    return replace(case.changed(program, home / "model"), params=home / "params")


def parameters(case: Case) -> dict[str, Array]:
    """The parameters of a case."""
    folder = case.program.parent
    return read_arrays(Model.load(folder, case.program.name, case.params.name))


def difference(one: Path, other: Path) -> float:
    """The largest difference of two stored runs, relative to the largest value; inf for NaN."""
    with np.load(one) as ours, np.load(other) as theirs:
        worst = 0.0
        for key in theirs.files:
            a, b = ours[key].astype("float64").ravel(), theirs[key].astype("float64").ravel()
            if a.size != b.size:
                return float("inf")
            if not a.size:
                continue
            off = np.abs(a - b).max() / max(np.abs(b).max(), 1e-12)
            worst = max(worst, float(off) if np.isfinite(off) else float("inf"))
    return worst
