"""Damage a model's structure, and any field of its program."""

from __future__ import annotations

import copy
import struct
from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from tests.security.drafts import Draft, Mutation, Random, Record, nested_fields, random_name
from tests.security.hostile import DIMS, FLOATS, NAMES, NUMBERS
from weightquant_cli.formats import framework_pb2 as pb
from weightquant_cli.formats.text import encode

BLOCK = 8
SCALE_SUFFIX = b"_quant_scale"

# ---- structure ------------------------------------------------------------------------------


def rename_parameter(draft: Draft, rng: Random) -> None:
    """A parameter's new name, everywhere: declaration, readers, scales, record."""
    old = rng.choice(list(draft.records))
    new = random_name(rng)
    before, after = encode(old), encode(new)
    for var in draft.variables():
        if var.name == before:
            var.name = after
    for op in draft.operators():
        for slot in (*op.inputs, *op.outputs):
            slot.arguments[:] = [after if name == before else name for name in slot.arguments]
        for attr in op.attrs:
            if attr.name == before + SCALE_SUFFIX:
                attr.name = after + SCALE_SUFFIX
    draft.records[new] = draft.records.pop(old)


def rename_variable(draft: Draft, rng: Random) -> None:
    rng.choice(draft.variables()).name = encode(random_name(rng))


def declare_twice(draft: Draft, rng: Random) -> None:
    """A second variable of the same name, a little different, in any block."""
    block = rng.choice(draft.program.blocks)
    twin = block.vars.add()
    twin.CopyFrom(rng.choice(draft.variables()))
    change = rng.randrange(6)
    if change == 0:
        twin.type.lod_tensor.tensor.dims.append(rng.choice(DIMS))
    elif change == 1:
        twin.persistable = not twin.persistable
    elif change == 2:
        twin.type.type = rng.choice([7, 8, 9, 15, 17])  # type: ignore[assignment]
    elif change == 3:
        twin.type.ClearField("lod_tensor")


def persist(draft: Draft, rng: Random) -> None:
    """A variable becomes a parameter, or ceases to be one."""
    var = rng.choice(draft.variables())
    var.persistable = not var.persistable


def declare_many(draft: Draft, rng: Random) -> None:
    """Hundreds of parameters: of no file, or of one record that is repeated."""
    var = rng.choice([var for var in draft.variables() if var.persistable])
    record = draft.records.get(var.name.decode("utf-8", "surrogateescape"))
    for number in range(rng.choice((3, 100, 400))):
        twin = rng.choice(draft.program.blocks).vars.add()
        twin.CopyFrom(var)
        twin.name = var.name + b"%d" % number
        if record is not None:
            draft.records[twin.name.decode("utf-8", "surrogateescape")] = record


def change_shape(draft: Draft, rng: Random) -> None:
    """Other dims in declaration and record alike, with data to match where there can be."""
    name = rng.choice(list(draft.records))
    record = draft.records[name]
    rank = rng.choice((0, 1, 2, 2, 3, 4, 5, 9, 33, 400))
    record.dims = [rng.choice(DIMS[: rng.choice((8, len(DIMS)))]) for _ in range(rank)]
    size = 4
    for dim in record.dims:
        size *= dim
    if 0 <= size <= 1 << 20:
        record.data = rng.randbytes(size) if rng.random() < 0.3 else b"\0\0\x80\x3f" * (size // 4)
    _declare(draft, name, record)


def change_dtype(draft: Draft, rng: Random) -> None:
    """Another data type, in the record alone or in the declaration too."""
    name = rng.choice(list(draft.records))
    record = draft.records[name]
    record.dtype = rng.choice((*range(40), *NUMBERS))
    if rng.random() < 0.5:
        record.data = (record.data * 4)[: rng.choice((1, 2, 4, 8, 16)) * len(record.data) // 4]
    if rng.random() < 0.3:
        _declare(draft, name, record)


def _declare(draft: Draft, name: str, record: Record) -> None:
    for var in draft.variables():
        if var.name == encode(name):
            tensor = var.type.lod_tensor.tensor
            del tensor.dims[:]
            tensor.dims.extend(record.dims)
            tensor.data_type = record.dtype  # type: ignore[assignment]


def damage_record(draft: Draft, rng: Random) -> None:
    """One number of a record's header lies."""
    record = rng.choice(list(draft.records.values()))
    number = rng.choice(NUMBERS)
    part = rng.randrange(8)
    if part == 0:
        record.lod_version = number
    elif part == 1:
        record.level_count = number
    elif part == 2:
        record.levels = [rng.randbytes(8)] * rng.choice((1, 3, 64, 65, 1000))
    elif part == 3:
        record.levels = [b"\0" * 16] * 2
        record.level_sizes = [number, rng.choice(NUMBERS)]
    elif part == 4:
        record.tensor_version = number
    elif part == 5:
        record.desc_size = max(-(2**31), min(number, 2**31 - 1))
    elif part == 6:
        record.desc_tail = rng.choice((
            b"\x1a\x00", b"\x08\x05", b"\x10\x00", b"\xff", b"\x0b", nested_fields(rng)
        ))  # fmt: skip
    else:
        record.dims.append(number)


def damage_data(draft: Draft, rng: Random) -> None:
    """Data that is too long, too short, not finite, or extreme."""
    record = rng.choice(list(draft.records.values()))
    part = rng.randrange(5)
    if part == 0:
        record.data += b"\0" * rng.choice((1, 4, 4096))
    elif part == 1:
        record.data = record.data[: rng.randrange(len(record.data) + 1)]
    elif part == 2:
        at = rng.randrange(len(record.data) // 4 + 1) * 4
        value = struct.pack("<f", rng.choice(FLOATS))
        record.data = record.data[:at] + value + record.data[at + 4 :]
    elif part == 3:
        record.data = struct.pack("<f", rng.choice(FLOATS)) * (len(record.data) // 4)
    else:
        record.data = rng.randbytes(len(record.data))


def change_scales(draft: Draft, rng: Random) -> None:
    """Scales of another length, type or value; scales for what has none; missing companions."""
    tagged = [op for op in draft.operators() if any(_is_scale(attr) for attr in op.attrs)]
    if not tagged or rng.random() < 0.2:
        op = rng.choice(draft.operators())
        attr = op.attrs.add(name=encode(random_name(rng)) + SCALE_SUFFIX, type=4)
        op.attrs.add(name=b"quantize_weight_bits", type=0, i=rng.choice((8, 16, 9)))
    else:
        op = rng.choice(tagged)
        attr = rng.choice([attr for attr in op.attrs if _is_scale(attr)])
    part = rng.randrange(7)
    if part == 0:
        attr.floats.extend([rng.choice(FLOATS)] * rng.choice((1, 2, 1000)))
    elif part == 1:
        del attr.floats[rng.randrange(len(attr.floats) + 1) :]
    elif part == 2:
        attr.type = rng.randrange(18)  # type: ignore[assignment]
    elif part == 3 and attr.floats:
        attr.floats[rng.randrange(len(attr.floats))] = rng.choice(FLOATS)
    elif part == 4:
        other = rng.choice(draft.operators())
        other.attrs.extend(copy.deepcopy(list(op.attrs)))
    elif part == 5:
        del op.attrs[rng.randrange(len(op.attrs))]
    else:
        bits = next((a for a in op.attrs if a.name == b"quantize_weight_bits"), attr)
        bits.i = rng.choice((0, -1, 4, 8, 9, 16, 17, 32, 2**31 - 1))


def _is_scale(attr: pb.OpDesc.Attr) -> bool:
    return attr.name.endswith(SCALE_SUFFIX)


def change_operator(draft: Draft, rng: Random) -> None:
    """Another operator type, slot or argument."""
    op = rng.choice(draft.operators())
    kinds = ("conv2d", "mul", "matmul", "matmul_v2", "fc", "lookup_table", "lookup_table_v2",
             "depthwise_conv2d", "batch_norm", "while", "feed", "fetch", "")  # fmt: skip
    part = rng.randrange(6)
    if part == 0:
        op.type = encode(rng.choice((*kinds, *NAMES)))
    elif part == 1:
        slot = rng.choice((*op.inputs, *op.outputs))
        slot.parameter = rng.choice((b"X", b"Y", b"W", b"Filter", b"Input", b"Ids", b"Out", b""))
    elif part == 2:
        slot = rng.choice((*op.inputs, *op.outputs))
        slot.arguments[:] = [
            rng.choice(draft.variables()).name for _ in range(rng.choice((0, 1, 3)))
        ]
    elif part == 3:
        rng.choice((op.inputs, op.outputs)).add(
            parameter=b"Y", arguments=[encode(random_name(rng))]
        )
    elif part == 4:
        del op.inputs[:]
    else:
        rng.choice(draft.program.blocks).ops.add().CopyFrom(op)


def change_attribute(draft: Draft, rng: Random) -> None:
    """An attribute of another type or value, or twice, under any name that the code reads."""
    op = rng.choice(draft.operators())
    names = ("x_num_col_dims", "y_num_col_dims", "trans_x", "trans_y", "transpose_X", "alpha",
             "transpose_Y", "groups", "padding_idx", "quantization_type", "quantize_weight_bits",
             "op_callstack", "sub_block", "is_sparse", "with_quant_attr")  # fmt: skip
    number = max(-(2**31), min(rng.choice(NUMBERS), 2**31 - 1))
    op.attrs.add(
        name=rng.choice((*names, *NAMES)).encode("utf-8", "surrogateescape"),
        type=rng.randrange(18),
        i=number, l=rng.choice([n for n in NUMBERS if n < 2**63]), b=True, f=rng.choice(FLOATS),
        s=encode(random_name(rng)), strings=[encode(random_name(rng))],
        ints=[number] * rng.choice((0, 1, 3)),
        floats=FLOATS[: rng.randrange(9)], blocks_idx=[number],
        block_idx=rng.choice((0, 1, 2, -1, number)),
    )  # fmt: skip
    if rng.random() < 0.3:
        attr = rng.choice(op.attrs)
        attr.type = rng.randrange(18)  # type: ignore[assignment]


def change_blocks(draft: Draft, rng: Random) -> None:
    """Block numbers out of range, cycles, chains, blocks without an owner."""
    blocks = draft.program.blocks
    part = rng.randrange(6)
    number = max(-(2**31), min(rng.choice(NUMBERS), 2**31 - 1))
    if part == 0:
        rng.choice(blocks).idx = number
    elif part == 1:
        rng.choice(blocks).parent_idx = rng.choice((number, 0, 1, -1, len(blocks)))
    elif part == 2:
        target = rng.choice((0, 1, -1, len(blocks) - 1, len(blocks), number))
        op = rng.choice(draft.operators())
        op.attrs.add(name=b"sub_block", type=BLOCK, block_idx=target)
    elif part == 3:
        for index in range(len(blocks), len(blocks) + rng.choice((1, 50, 500))):
            block = blocks.add(idx=index, parent_idx=index - 1)
            op = blocks[index - 1].ops.add(type=b"while")
            op.attrs.add(name=b"sub_block", type=BLOCK, block_idx=index)
            block.vars.add().CopyFrom(rng.choice(draft.variables()))
    elif part == 4:
        del blocks[rng.randrange(len(blocks)) :]
    else:
        blocks.add().CopyFrom(rng.choice(blocks))


def forget_record(draft: Draft, rng: Random) -> None:
    del draft.records[rng.choice(list(draft.records))]


def swap_records(draft: Draft, rng: Random) -> None:
    one, other = rng.choice(list(draft.records)), rng.choice(list(draft.records))
    draft.records[one], draft.records[other] = draft.records[other], draft.records[one]


# ---- protobuf fields ------------------------------------------------------------------------


def change_field(draft: Draft, rng: Random) -> None:
    """Any field of any message of the program."""
    message = rng.choice(list(_messages(draft.program)))
    descriptor: Any = rng.choice(message.DESCRIPTOR.fields)
    if rng.random() < 0.15:
        message.ClearField(descriptor.name)
    elif _is_repeated(descriptor):
        _change_repeated(getattr(message, descriptor.name), descriptor, rng)
    elif descriptor.type == FieldDescriptor.TYPE_MESSAGE:
        getattr(message, descriptor.name).SetInParent()
    else:
        setattr(message, descriptor.name, _scalar(descriptor, rng))


def _is_repeated(descriptor: Any) -> bool:
    # `label` went away in protobuf 7, `is_repeated` came with 6.
    known = getattr(descriptor, "is_repeated", None)
    return bool(descriptor.label == 3 if known is None else known)


def _messages(message: Message) -> list[Message]:
    found = [message]
    for descriptor, value in message.ListFields():
        if descriptor.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in value if _is_repeated(descriptor) else (value,):
                found += _messages(inner)
    return found


def _change_repeated(values: Any, descriptor: Any, rng: Random) -> None:
    part = rng.randrange(4)
    if part == 0 and len(values):
        del values[rng.randrange(len(values))]
    elif part == 1 and len(values):
        again = [copy.deepcopy(values[rng.randrange(len(values))])] * rng.choice((1, 2, 50))
        values.extend(again)
    elif part == 2:
        kept = [copy.deepcopy(value) for value in values]
        rng.shuffle(kept)
        del values[:]
        values.extend(kept)
    elif descriptor.type == FieldDescriptor.TYPE_MESSAGE:
        values.add()
    else:
        values.append(_scalar(descriptor, rng))


def _scalar(descriptor: Any, rng: Random) -> Any:
    kind = descriptor.cpp_type
    if kind == FieldDescriptor.CPPTYPE_STRING:
        return encode(random_name(rng))
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return rng.random() < 0.5
    if kind in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        return rng.choice(FLOATS)
    if kind == FieldDescriptor.CPPTYPE_ENUM:
        return rng.choice([value.number for value in descriptor.enum_type.values])
    wide = kind == FieldDescriptor.CPPTYPE_INT64
    return rng.choice([n for n in NUMBERS if wide or -(2**31) <= n < 2**31])


STRUCTURE: Sequence[Mutation] = (
    rename_parameter, rename_parameter, rename_variable, declare_twice, persist, declare_many,
    change_shape, change_shape, change_dtype, damage_record, damage_data, change_scales,
    change_scales, change_operator, change_operator, change_attribute, change_blocks,
    forget_record, swap_records,
)  # fmt: skip
FIELDS: Sequence[Mutation] = (change_field,)
