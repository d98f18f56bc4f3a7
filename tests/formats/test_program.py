"""Programs: nothing is lost on the way through, edits do what they say, nonsense is refused."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import (
    SELECTED_ROWS,
    Attr,
    ProgramBuilder,
    add_attribute,
    normal,
    record,
    small_model,
    varint,
)
from weightquant_cli.errors import ModelError, ProgramError, UnsupportedModelError
from weightquant_cli.formats import dtypes
from weightquant_cli.formats import framework_pb2 as pb
from weightquant_cli.formats.program import (
    CALLSTACK_ATTRIBUTE,
    Attribute,
    AttributeValue,
    AttrType,
    Program,
    VariableKind,
)

PATH = Path("model/__model__")


def parse(data: bytes) -> Program:
    return Program.parse(data, PATH)


def tagged(field: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def one_block(*operators: bytes, variables: bytes = b"") -> bytes:
    """The bytes of a program of one block, from serialized OpDescs."""
    body = b"\x08\x00\x10" + varint(-1) + variables + b"".join(tagged(4, op) for op in operators)
    return tagged(1, body)


# ---- round trips -------------------------------------------------------------------------------


def test_an_unedited_program_is_written_as_it_was_read() -> None:
    data = small_model().program.bytes()
    assert parse(data).serialize() == data
    assert parse(data).copy().serialize() == data


def test_the_smallest_program_is_read_from_bytes_written_out_by_hand() -> None:
    data = bytes.fromhex(
        "0a 17"  # blocks
        "08 00 10 ffffffffffffffffff01"  # idx 0, parent_idx -1
        "22 08"  # ops
        "1a 06 636f6e763264"  # type: conv2d
        "22 04 08 a1a87a"  # version: 2004001
    )
    program = parse(data)
    assert [operator.type for _, _, operator in program.operators()] == ["conv2d"]
    assert (program.version, program.paddle_version) == (2004001, "2.4.1")
    assert program.serialize() == data


def test_unknown_fields_survive_at_every_level() -> None:
    later = varint(200 << 3) + varint(7) + tagged(201, b"from a later Paddle")
    attr = tagged(1, b"axis") + b"\x10\x00\x18\x05" + later
    op = tagged(1, tagged(1, b"X") + tagged(2, b"x") + later) + tagged(3, b"relu")
    op += tagged(4, attr) + later
    var = tagged(1, b"x") + tagged(2, b"\x08\x07" + tagged(3, tagged(1, b"\x08\x05" + later)))
    data = one_block(op, variables=tagged(3, var + later)) + later
    program = parse(data)
    assert program.serialize() == data
    assert program.blocks[0].operators[0].value("axis") == 5
    assert program.copy().serialize().count(b"from a later Paddle") == 6


def test_unknown_fields_survive_an_edit_beside_them() -> None:
    later = tagged(201, b"from a later Paddle")
    program = parse(one_block(tagged(3, b"relu") + later) + later)
    operator = program.blocks[0].operators[0]
    operator.set_attribute("axis", AttrType.INT, 1)
    operator.type = "gelu"
    assert program.serialize().count(later) == 2


def test_bytes_that_are_not_utf8_survive_in_every_text() -> None:
    odd = b"\xff\xfe caf\xe9 \xed\xa0\x80"
    attr = tagged(1, odd) + b"\x10\x02" + tagged(5, odd)
    strings = tagged(1, b"more") + b"\x10\x05" + tagged(8, odd) + tagged(8, b"plain")
    slot = tagged(1, odd) + tagged(2, odd)
    op = tagged(1, slot) + tagged(2, slot) + tagged(3, odd) + tagged(4, attr) + tagged(4, strings)
    var = tagged(3, tagged(1, odd) + tagged(2, b"\x08\x07"))
    data = one_block(op, variables=var)
    program = parse(data)
    assert program.serialize() == data
    block, text = program.blocks[0], odd.decode("utf-8", "surrogateescape")
    operator = block.operators[0]
    assert operator.type == block.variables[0].name == text
    assert operator.inputs == operator.outputs == {text: (text,)}
    assert operator.value(text) == text
    assert operator.value("more") == (text, "plain")


def test_text_that_is_not_utf8_is_written_back_by_edits() -> None:
    text = b"w\xff".decode("utf-8", "surrogateescape")
    operator = parse(one_block(tagged(3, b"relu"))).blocks[0].operators[0]
    operator.set_attribute(text + "_quant_scale", AttrType.FLOATS, (1.0,))
    operator.set_input("X", [text])
    assert operator.attribute(text + "_quant_scale") is not None
    assert operator.inputs == {"X": (text,)}


def test_enumeration_values_of_a_later_paddle_survive() -> None:
    attr = tagged(1, b"new") + b"\x10\x63"  # attribute type 99
    kind = b"\x08\x62"  # variable type 98
    dtype = b"\x08\x07" + tagged(3, tagged(1, b"\x08\x61"))  # data type 97
    variables = tagged(3, tagged(1, b"x") + tagged(2, kind)) + tagged(
        3, tagged(1, b"y") + tagged(2, dtype) + b"\x18\x01"
    )
    data = one_block(tagged(3, b"relu") + tagged(4, attr), variables=variables)
    program = parse(data)
    assert sorted(program.serialize()) == sorted(data)
    assert parse(program.serialize()).serialize() == program.serialize()
    for piece in (b"\x10\x63", kind, b"\x08\x61"):
        assert piece in program.serialize()
    x, y = program.blocks[0].variables
    assert (x.is_parameter, x.shape, y.is_parameter, y.dtype) == (False, None, True, None)
    assert program.blocks[0].operators[0].attribute_names() is not None


def test_scalar_attributes_are_carried_along_unread() -> None:
    scalar = b"\x08\x03\x21" + struct.pack("<d", 0.5)
    one = tagged(1, b"value") + b"\x10\x10" + tagged(20, scalar)
    many = tagged(1, b"values") + b"\x10\x11" + tagged(21, scalar) + tagged(21, scalar)
    data = one_block(tagged(3, b"fill") + tagged(4, one) + tagged(4, many))
    program = parse(data)
    assert program.serialize() == data
    assert program.blocks[0].operators[0].attributes == (
        Attribute("value", AttrType.SCALAR, None),
        Attribute("values", AttrType.SCALARS, None),
    )


def test_a_copy_is_independent() -> None:
    program = small_model().program.parse()
    before = program.serialize()
    copy = program.copy()
    copy.blocks[0].operators[1].type = "something_else"
    copy.blocks[0].insert_operator(0, "first")
    assert program.serialize() == before
    assert copy.serialize() != before


# ---- views -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "version"),
    [
        (0, None),
        (-1, None),
        (1_008_005, "1.8.5"),
        (2_004_001, "2.4.1"),
        (3_000_000, "3.0.0"),
        (2_010_999, "2.10.999"),
    ],
)
def test_the_version_number_is_read_as_paddle_means_it(number: int, version: str | None) -> None:
    program = ProgramBuilder(version=number).parse()
    assert (program.version, program.paddle_version) == (number, version)


def test_a_program_without_a_version_is_of_a_development_build() -> None:
    assert parse(one_block()).paddle_version is None


def test_variables_say_what_they_are() -> None:
    builder = ProgramBuilder()
    builder.main.var("w", (4, 3), persistable=True)
    builder.main.var("x", (-1, 4), dtype=3)
    builder.main.var("rows", (4, 2), kind=SELECTED_ROWS, persistable=True)
    builder.main.var("feed", kind=VariableKind.FEED_MINIBATCH, persistable=True)
    w, x, rows, feed = builder.parse().blocks[0].variables
    assert (w.name, w.shape, w.dtype, w.is_parameter) == ("w", (4, 3), dtypes.FP32, True)
    assert (x.shape, x.dtype, x.is_parameter) == ((-1, 4), dtypes.INT64, False)
    assert (rows.kind, rows.persistable) == (VariableKind.SELECTED_ROWS, True)
    assert (rows.is_parameter, rows.shape, rows.dtype) == (False, None, None)
    assert (feed.is_parameter, feed.shape) == (False, None)


def test_operators_are_told_with_their_block_and_place() -> None:
    builder = ProgramBuilder()
    inner = builder.block()
    builder.main.op("relu", {"X": "a"}, {"Out": "b"})
    builder.main.op("while", {"X": ["a", "b"]}, {"Out": ["c"]}, {"sub_block": inner})
    inner.op("tanh", {"X": "b"}, {"Out": "c"})
    places = [
        (block, index, operator.type) for block, index, operator in builder.parse().operators()
    ]
    assert places == [(0, 0, "relu"), (0, 1, "while"), (1, 0, "tanh")]
    loop = builder.parse().blocks[0].operators[1]
    assert loop.inputs == {"X": ("a", "b")}
    assert loop.sub_blocks() == (1,)


def test_sub_blocks_are_found_in_both_kinds_of_attribute() -> None:
    builder = ProgramBuilder()
    blocks = [builder.block() for _ in range(3)]
    attrs = {
        "sub_block": blocks[1],
        "blocks": Attr(AttrType.BLOCKS, [blocks[0], blocks[2]]),
        "level": 2,
    }
    builder.main.op("switch", {}, {}, attrs)
    operator = builder.parse().blocks[0].operators[0]
    assert operator.sub_blocks() == (2, 1, 3)
    assert operator.value("sub_block") == 2
    assert operator.value("blocks") == (1, 3)


def test_a_block_knows_the_one_around_it() -> None:
    builder = ProgramBuilder()
    builder.block(parent=0)
    builder.block(parent=1)
    assert [block.parent for block in builder.parse().blocks] == [-1, 0, 1]


def test_a_main_block_that_names_itself_as_its_parent_is_the_outermost() -> None:
    builder = ProgramBuilder()
    builder.main.desc.parent_idx = 0
    assert builder.parse().blocks[0].parent == -1


# ---- edits -------------------------------------------------------------------------------------

EVERY_TYPE: list[tuple[AttrType, AttributeValue, Callable[[pb.OpDesc.Attr], Any]]] = [
    (AttrType.INT, -7, lambda attr: attr.i),
    (AttrType.FLOAT, 0.25, lambda attr: attr.f),
    (AttrType.STRING, "post_weight_abs_max", lambda attr: attr.s.decode()),
    (AttrType.INTS, (1, -2, 3), lambda attr: tuple(attr.ints)),
    (AttrType.FLOATS, (0.5, -1.25), lambda attr: tuple(attr.floats)),
    (AttrType.STRINGS, ("a", "é"), lambda attr: tuple(s.decode() for s in attr.strings)),
    (AttrType.BOOLEAN, True, lambda attr: attr.b),
    (AttrType.BOOLEANS, (True, False), lambda attr: tuple(attr.bools)),
    (AttrType.BLOCK, 1, lambda attr: attr.block_idx),
    (AttrType.LONG, 2**40, lambda attr: attr.l),
    (AttrType.BLOCKS, (1, 2), lambda attr: tuple(attr.blocks_idx)),
    (AttrType.LONGS, (2**40, -1), lambda attr: tuple(attr.longs)),
    (AttrType.FLOAT64S, (0.1, 0.2), lambda attr: tuple(attr.float64s)),
    (AttrType.VAR, "x", lambda attr: attr.var_name.decode()),
    (AttrType.VARS, ("x", "y"), lambda attr: tuple(v.decode() for v in attr.vars_name)),
    (AttrType.FLOAT64, 0.1, lambda attr: attr.float64),
]


@pytest.mark.parametrize(
    ("type", "value", "stored"), EVERY_TYPE, ids=[type.name for type, _, _ in EVERY_TYPE]
)
def test_an_attribute_of_every_type_is_set_in_its_own_field(
    type: AttrType, value: AttributeValue, stored: Callable[[pb.OpDesc.Attr], Any]
) -> None:
    program = parse(one_block(tagged(3, b"relu")))
    program.blocks[0].operators[0].set_attribute("it", type, value)
    desc = pb.ProgramDesc.FromString(program.serialize()).blocks[0].ops[0]
    (attr,) = desc.attrs
    assert (attr.name, int(attr.type), stored(attr)) == (b"it", type, value)
    assert len(attr.ListFields()) == 3
    operator = Program(pb.ProgramDesc.FromString(program.serialize())).blocks[0].operators[0]
    assert operator.attribute("it") == Attribute("it", type, value)


def test_every_type_that_has_a_value_is_tried() -> None:
    assert {type for type, _, _ in EVERY_TYPE} | {AttrType.SCALAR, AttrType.SCALARS} == set(
        AttrType
    )


def test_the_attribute_types_are_those_of_the_schema() -> None:
    assert {type.name: int(type) for type in AttrType} == dict(pb.AttrType.items())


def test_the_variable_kinds_are_those_of_the_schema() -> None:
    numbers = dict(pb.VarType.Type.items())
    assert {kind.name: int(kind) for kind in VariableKind}.items() <= numbers.items()
    assert {dtype.name: number for number, dtype in dtypes.BY_NUMBER.items()}.items() <= (
        numbers.items()
    )


def test_setting_an_attribute_replaces_every_one_of_that_name() -> None:
    builder = ProgramBuilder()
    builder.main.op("conv2d", {}, {}, {"groups": 1, "data_format": "NCHW"})
    add_attribute(builder.main.desc.ops[0], "groups", "twice")
    operator = builder.parse().blocks[0].operators[0]
    operator.set_attribute("groups", AttrType.LONG, 4)
    assert operator.attributes == (
        Attribute("data_format", AttrType.STRING, "NCHW"),
        Attribute("groups", AttrType.LONG, 4),
    )


def test_an_empty_list_keeps_its_type() -> None:
    operator = parse(one_block(tagged(3, b"relu"))).blocks[0].operators[0]
    operator.set_attribute("w_quant_scale", AttrType.FLOATS, ())
    assert operator.attribute("w_quant_scale") == Attribute("w_quant_scale", AttrType.FLOATS, ())


def test_removing_an_attribute_tells_whether_there_was_one() -> None:
    builder = ProgramBuilder()
    builder.main.op("conv2d", {}, {}, {"groups": 1, "axis": 2})
    add_attribute(builder.main.desc.ops[0], "groups", 3)
    operator = builder.parse().blocks[0].operators[0]
    assert operator.remove_attribute("groups")
    assert not operator.remove_attribute("groups")
    assert list(operator.attribute_names()) == ["axis"]
    assert (operator.value("groups"), operator.attribute("groups")) == (None, None)


def test_a_slot_is_filled_anew_or_made() -> None:
    builder = ProgramBuilder()
    builder.main.op("lookup_table", {"Ids": ["a", "b"], "W": "w"}, {"Out": "o"})
    operator = builder.parse().blocks[0].operators[0]
    operator.set_input("Ids", ["c"])
    operator.set_input("Extra", ["d", "e"])
    operator.set_output("Out", ["p"])
    operator.set_output("XShape", ["q"])
    assert operator.inputs == {"Ids": ("c",), "W": ("w",), "Extra": ("d", "e")}
    assert operator.outputs == {"Out": ("p",), "XShape": ("q",)}


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_operator_is_inserted_before_the_one_at_its_place(place: int) -> None:
    builder = ProgramBuilder()
    builder.main.op("a", {}, {})
    builder.main.op("b", {}, {})
    program = builder.parse()
    added = program.blocks[0].insert_operator(place, "new")
    added.set_input("X", ["x"])
    types = ["a", "b"]
    types.insert(place, "new")
    operators = parse(program.serialize()).blocks[0].operators
    assert [operator.type for operator in operators] == types
    assert operators[place].inputs == {"X": ("x",)}


def test_a_variable_is_added_like_another_and_never_persistable() -> None:
    builder = ProgramBuilder()
    builder.main.var("w", (4, 3), dtype=3, persistable=True)
    program = builder.parse()
    block = program.blocks[0]
    block.add_variable("ids.unsqueezed", like=block.variables[0], shape=(-1, 7, 1))
    w, added = parse(program.serialize()).blocks[0].variables
    assert (added.name, added.shape, added.dtype) == ("ids.unsqueezed", (-1, 7, 1), dtypes.INT64)
    assert (added.persistable, added.kind) == (False, VariableKind.LOD_TENSOR)
    assert (w.shape, w.persistable) == ((4, 3), True)


def test_declared_dims_can_be_changed() -> None:
    builder = ProgramBuilder()
    builder.main.var("w", (4, 3), persistable=True)
    program = builder.parse()
    program.blocks[0].variables[0].shape = (3, 4)
    assert parse(program.serialize()).blocks[0].variables[0].shape == (3, 4)


def test_callstacks_are_dropped_in_every_block_and_nothing_else_is() -> None:
    builder = ProgramBuilder()
    inner = builder.block()
    for block in (builder.main, inner):
        block.op("relu", {"X": "x"}, {"Out": "y"}, {"axis": 1})
        stack = ["  File /home/somebody/export.py", "line 3"]
        add_attribute(block.desc.ops[0], CALLSTACK_ATTRIBUTE, stack)
    with_stacks = builder.parse()
    with_stacks.strip_callstacks()
    assert b"somebody" not in with_stacks.serialize()
    names = [list(operator.attribute_names()) for _, _, operator in with_stacks.operators()]
    assert names == [["axis"], ["axis"]]


# ---- what is refused ---------------------------------------------------------------------------


def test_rejects_an_empty_file() -> None:
    with pytest.raises(ProgramError, match=r"the program file is empty \(model/__model__\)"):
        parse(b"")


def test_says_when_program_and_parameters_are_swapped() -> None:
    with pytest.raises(ProgramError, match=r"holds parameters, not a program.*swapped"):
        parse(record(normal(3, 3)))


@pytest.mark.parametrize("data", [b'{"base_code": {"magic": "pir"}}', b"{"])
def test_says_of_json_that_it_needs_its_suffix(data: bytes) -> None:
    with pytest.raises(UnsupportedModelError, match=r"suffix \.json"):
        parse(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\x00",
        b"not a program at all",
        b"\x0a\xff\xff\xff\xff\x0f",  # a block of 4 GiB
        tagged(4, b"\x08\x01"),  # a version and no block
        bytes(15),
    ],
)
def test_rejects_what_is_not_a_program(data: bytes) -> None:
    with pytest.raises(ProgramError, match="not a Paddle program"):
        parse(data)


def test_rejects_messages_nested_without_end() -> None:
    nested = b""
    for _ in range(5000):
        nested = b"\x0b" + nested + b"\x0c"  # groups within groups, as an unknown field
    with pytest.raises(ProgramError):
        parse(nested)


def test_truncation_at_every_byte_is_a_program_or_a_model_error() -> None:
    data = small_model().program.bytes()
    refused = 0
    for length in range(len(data)):
        try:
            parse(data[:length])
        except ModelError:
            refused += 1
    assert refused > 0.9 * len(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_program_or_a_model_error(data: bytes) -> None:
    try:
        parse(data).serialize()
    except ModelError as error:
        assert "\n" not in str(error)


@given(position=st.integers(0, 10_000), value=st.integers(0, 255))
def test_any_damaged_byte_is_a_program_or_a_model_error(position: int, value: int) -> None:
    damaged = bytearray(small_model().program.bytes())
    damaged[position % len(damaged)] = value
    try:
        program = parse(bytes(damaged))
    except ModelError:
        return
    for block in program.blocks:
        for operator in block.operators:
            assert len(operator.attributes) == len(list(operator.attribute_names()))
        for variable in block.variables:
            assert variable.name
            assert variable.shape is not None or not variable.dtype


def two_blocks() -> ProgramBuilder:
    builder = ProgramBuilder()
    builder.block()
    return builder


def _misnumbered(builder: ProgramBuilder) -> None:
    builder.desc.blocks[1].idx = 5


def _numbered_twice(builder: ProgramBuilder) -> None:
    builder.desc.blocks[1].idx = 0


def _its_own_parent(builder: ProgramBuilder) -> None:
    builder.desc.blocks[1].parent_idx = 1


def _a_later_parent(builder: ProgramBuilder) -> None:
    builder.desc.blocks[0].parent_idx = 1


def _a_parent_before_the_first(builder: ProgramBuilder) -> None:
    builder.desc.blocks[1].parent_idx = -2


@pytest.mark.parametrize(
    "damage",
    [
        _misnumbered,
        _numbered_twice,
        _its_own_parent,
        _a_later_parent,
        _a_parent_before_the_first,
    ],
)
def test_rejects_blocks_that_are_not_numbered_as_paddle_numbers_them(
    damage: Callable[[ProgramBuilder], None],
) -> None:
    builder = two_blocks()
    damage(builder)
    with pytest.raises(ProgramError, match="not numbered as Paddle numbers them"):
        builder.parse()


@pytest.mark.parametrize("target", [-1, 0, 2, 2**31 - 1])
@pytest.mark.parametrize("type", [AttrType.BLOCK, AttrType.BLOCKS])
def test_rejects_an_operator_that_runs_a_block_outside_its_own(type: AttrType, target: int) -> None:
    builder = two_blocks()
    value = target if type is AttrType.BLOCK else [1, target]
    builder.main.op("while", {}, {}, {"sub_block": Attr(type, value)})
    with pytest.raises(ProgramError, match=f"operator while runs a block .*found {target};"):
        builder.parse()


def test_rejects_sub_blocks_that_run_each_other() -> None:
    builder = ProgramBuilder()
    first, second = builder.block(), builder.block()
    builder.main.op("while", {}, {}, {"sub_block": first})
    first.op("while", {}, {}, {"sub_block": second})
    assert len(builder.parse().blocks) == 3
    second.op("while", {}, {}, {"sub_block": first})
    with pytest.raises(ProgramError, match="not inside its own"):
        builder.parse()


def test_rejects_a_variable_without_a_name() -> None:
    builder = two_blocks()
    builder.desc.blocks[1].vars.add(name=b"").type.type = VariableKind.LOD_TENSOR  # type: ignore[assignment]
    with pytest.raises(ProgramError, match=r"a variable without a name .*found block 1"):
        builder.parse()


def test_rejects_an_operator_without_a_type() -> None:
    builder = two_blocks()
    builder.main.op("", {}, {})
    with pytest.raises(ProgramError, match=r"an operator without a type .*found block 0"):
        builder.parse()


def test_a_message_holds_no_control_characters_of_the_program() -> None:
    builder = ProgramBuilder()
    builder.main.op("evil\x1b[2J\n\u202e", {}, {}, {"sub_block": Attr(AttrType.BLOCK, 9)})
    with pytest.raises(ProgramError) as caught:
        builder.parse()
    assert re.search(r"evil\\x1b\[2J\\n\\u202e", str(caught.value))
    assert str(caught.value).isprintable()


def test_scalars_are_read_as_numbers_and_the_lod_level_as_declared() -> None:
    builder = ProgramBuilder()
    builder.main.var("x", (-1, 1))
    builder.main.desc.vars[0].type.lod_tensor.lod_level = 2
    builder.main.op("assign_value", {}, {"Out": "x"})
    operator = builder.main.desc.ops[0]
    one = operator.attrs.add(name=b"one", type=pb.SCALAR)
    one.scalar.CopyFrom(pb.Scalar(type=pb.Scalar.FLOAT64, r=0.5))
    many = operator.attrs.add(name=b"many", type=pb.SCALARS)
    for number in (3, 4):
        many.scalars.add(type=pb.Scalar.LONG, i=number)
    many.scalars.add(type=pb.Scalar.BOOLEAN, b=True)
    unread = operator.attrs.add(name=b"unread", type=pb.SCALARS)
    unread.scalars.add(type=pb.Scalar.COMPLEX128)
    program = builder.parse()
    (read,) = program.blocks[0].operators
    assert read.scalars("one") == (0.5,)
    assert read.scalars("many") == (3, 4, True)
    assert read.scalars("unread") is None
    assert read.scalars("missing") is None
    (variable,) = program.blocks[0].variables
    assert variable.lod_level == 2
