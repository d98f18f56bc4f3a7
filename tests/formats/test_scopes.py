"""Which variable a name means in a block, and the names of new ones."""

from __future__ import annotations

from weightquant_cli.formats import framework_pb2
from weightquant_cli.formats.program import Program
from weightquant_cli.formats.scopes import Scopes


def program() -> Program:
    """A main block with `x` and `y`, and a block inside it with an `x` of its own, twice."""
    desc = framework_pb2.ProgramDesc()
    for index, variables in enumerate([[("x", 1), ("y", 2)], [("x", 3), ("x", 4)]]):
        block = desc.blocks.add(idx=index, parent_idx=index - 1)
        for name, size in variables:
            variable = block.vars.add(name=name.encode(), persistable=True)
            variable.type.type = framework_pb2.VarType.LOD_TENSOR
            variable.type.lod_tensor.tensor.data_type = framework_pb2.VarType.FP32
            variable.type.lod_tensor.tensor.dims.append(size)
    return Program(desc)


def test_a_name_means_the_last_of_the_block_or_that_of_a_block_around_it() -> None:
    scopes = Scopes(program())
    shapes = []
    for block, name in [(0, "x"), (1, "x"), (1, "y")]:
        found = scopes.find(block, name)
        shapes.append(None if found is None else found.shape)
    assert shapes == [(1,), (4,), (2,)]
    assert scopes.find(1, "z") is None


def test_a_new_variable_is_found_and_its_name_is_free_in_every_block() -> None:
    edited = program()
    scopes = Scopes(edited)
    like = scopes.find(0, "y")
    assert like is not None
    assert [scopes.add(0, wanted, like, (5, 6)) for wanted in ("z", "z", "x", "z")] == [
        "z", "z_1", "x_1", "z_2",
    ]  # fmt: skip
    found = scopes.find(1, "z_2")
    assert found is not None
    assert (found.shape, found.persistable) == ((5, 6), False)
    assert [v.name for v in edited.blocks[0].variables] == ["x", "y", "z", "z_1", "x_1", "z_2"]
