"""Is this a program that the rest of the package can rely on? Limits, names and block indexes."""

from __future__ import annotations

from pathlib import Path

from ..errors import ProgramError, UnsupportedModelError
from . import framework_pb2
from .attributes import block_indexes
from .text import decode

# Programs are read whole, and take ten times their size in memory, or a kilobyte and more for each
# operator. Those of models for phones have hundreds of operators, and of all known ones thousands.
MAX_PROGRAM_BYTES = 128 << 20
MAX_OPERATORS = 200_000
MAX_VARIABLES = 500_000

MAX_JSON_BYTES = 48 << 20
"""JSON takes up to 24 times its size in memory: `[],` becomes a list of 64 bytes and a pointer.
PP-OCRv4's recognizer has 0.4 MB, or 2 MB when it is indented."""

MAX_NESTING = 100
"""Blocks around a block. A loop in a loop makes two; protobuf's own limit is as many."""


def validate(desc: framework_pb2.ProgramDesc, path: Path) -> None:
    """What the views rely on: named operators and variables, block indexes in range."""
    count = len(desc.blocks)
    _refuse_many("operators", sum(len(block.ops) for block in desc.blocks), MAX_OPERATORS, path)
    _refuse_many("variables", sum(len(block.vars) for block in desc.blocks), MAX_VARIABLES, path)
    _refuse_many("blocks", count, MAX_OPERATORS, path)
    depths: list[int] = []
    for index, block in enumerate(desc.blocks):
        if block.idx != index or not -1 <= block.parent_idx < max(index, 1):
            raise ProgramError(
                "the program's blocks are not numbered as Paddle numbers them",
                path=path,
                expected=f"block {index} with an earlier parent",
                found=f"block {block.idx} with parent {block.parent_idx}",
                remedy="export the model again",
            )
        depths.append(depths[max(block.parent_idx, 0)] + 1 if index else 0)
        if depths[index] > MAX_NESTING:
            raise UnsupportedModelError(
                "the program's blocks are nested too deeply",
                path=path,
                expected=f"at most {MAX_NESTING} levels",
            )
        for var in block.vars:
            if not var.name:
                raise ProgramError("a variable without a name", path=path, found=f"block {index}")
        for op in block.ops:
            _validate_operator(op, index, count, path)


def _refuse_many(what: str, count: int, limit: int, path: Path) -> None:
    if count > limit:
        raise UnsupportedModelError(
            f"the program has more {what} than any model",
            path=path,
            expected=f"at most {limit}",
            found=count,
        )


def _validate_operator(op: framework_pb2.OpDesc, block: int, count: int, path: Path) -> None:
    if not op.type:
        raise ProgramError("an operator without a type", path=path, found=f"block {block}")
    for attr in op.attrs:
        for target in block_indexes(attr):
            if not block < target < count:
                raise ProgramError(
                    f"the operator {decode(op.type)} runs a block that is not inside its own",
                    path=path,
                    expected=f"a block from {block + 1} to {count - 1}",
                    found=target,
                    remedy="export the model again",
                )
