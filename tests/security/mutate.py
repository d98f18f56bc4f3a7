"""Damage a model: at the level of its structure, its protobuf fields, its bytes, its files.

A recipe names a model, a layout and mutations, each with the seed of its own random numbers: it can
be kept as a line of text, made longer and made again. Recipes follow from a seed and a number.
"""

from __future__ import annotations

import copy
import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from tests.builders import in_byte_order, tensor_desc, varint
from tests.security.hostile import (
    DIMS,
    FLOATS,
    LONG_NAMES,
    NAMES,
    NUMBERS,
)
from tests.security.plans import plan_bytes
from tests.security.subjects import LAYOUTS, Subject, subjects
from weightquant_cli.formats import framework_pb2 as pb
from weightquant_cli.formats.model_writer import Layout
from weightquant_cli.formats.text import encode

Random: TypeAlias = random.Random

MAX_SEED = 100_000
MAX_STEPS = 8

BLOCK = 8
SCALE_SUFFIX = b"_quant_scale"

# In place of a file. A link's target follows it: "link:TARGET". "sparse:SIZE" adds a hole.
SPECIALS = (
    "directory", "fifo", "socket", "device", "missing", "empty", "unreadable", "sparse",
    "link:/etc/hostname", "link:../../outside", "link:.", "link:self", "link:nowhere",
    "link:/dev/zero", "link:/proc/self/mem", "link:inside",
)  # fmt: skip

FOLDER_SPECIALS = ("fifo", "socket", "device", "missing", "empty", "link:nowhere", "link:.",
                   "link:self", "link:inside", "link:/dev/zero", "link:/proc/self")  # fmt: skip


@dataclass
class Record:
    """A parameter record in parts, each of which may lie about the others."""

    dtype: int
    dims: list[int]
    data: bytes
    levels: list[bytes] = field(default_factory=list)
    lod_version: int = 0
    level_count: int | None = None
    level_sizes: list[int] | None = None
    tensor_version: int = 0
    desc_size: int | None = None
    desc_tail: bytes = b""

    @classmethod
    def parse(cls, raw: bytes) -> Record:
        """The parts of an honest record."""
        (count,) = struct.unpack_from("<Q", raw, 4)
        at, levels = 12, []
        for _ in range(count):
            (size,) = struct.unpack_from("<Q", raw, at)
            levels.append(raw[at + 8 : at + 8 + size])
            at += 8 + size
        (size,) = struct.unpack_from("<i", raw, at + 4)
        desc = pb.VarType.TensorDesc.FromString(raw[at + 8 : at + 8 + size])
        return cls(int(desc.data_type), list(desc.dims), raw[at + 8 + size :], levels)

    def bytes(self) -> bytes:
        """The record as a file holds it."""
        count = len(self.levels) if self.level_count is None else self.level_count
        out = struct.pack("<IQ", self.lod_version & 0xFFFFFFFF, count & 2**64 - 1)
        sizes = self.level_sizes or [len(level) for level in self.levels]
        for size, level in zip(sizes, self.levels, strict=False):
            out += struct.pack("<Q", size & 2**64 - 1) + level
        desc = tensor_desc(self.dtype, self.dims) + self.desc_tail
        size = len(desc) if self.desc_size is None else self.desc_size
        return out + struct.pack("<Ii", self.tensor_version & 0xFFFFFFFF, size) + desc + self.data


@dataclass
class Draft:
    """A model on its way to disk."""

    program: pb.ProgramDesc
    records: dict[str, Record]
    carried: dict[str, bytes]
    layout: Layout
    raw_program: list[Callable[[bytes], bytes]] = field(default_factory=list)
    raw_params: list[Callable[[bytes], bytes]] = field(default_factory=list)
    specials: dict[str, str] = field(default_factory=dict)
    extra: dict[str, bytes] = field(default_factory=dict)
    swapped: bool = False
    done: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, subject: Subject, layout: Layout) -> Draft:
        """An undamaged one."""
        return cls(
            pb.ProgramDesc.FromString(subject.program),
            {name: Record.parse(raw) for name, raw in subject.records.items()},
            dict(subject.carried),
            layout,
        )

    def variables(self) -> list[pb.VarDesc]:
        """Every declared variable."""
        return [var for block in self.program.blocks for var in block.vars]

    def operators(self) -> list[pb.OpDesc]:
        """Every operator."""
        return [op for block in self.program.blocks for op in block.ops]

    def files(self) -> dict[str, bytes]:
        """The model's files by name; a name may be one that no file can have."""
        program = self.program.SerializePartialToString()
        for change in self.raw_program:
            program = change(program)
        records = {name: record.bytes() for name, record in self.records.items()}
        if self.layout.params is None:
            for change in self.raw_params[:3]:
                name = next(iter(records), None)
                if name is not None:
                    records[name] = change(records[name])
            files = {**records, **self.carried, self.layout.program: program}
        else:
            combined = b"".join(records[name] for name in in_byte_order(records))
            for change in self.raw_params:
                combined = change(combined)
            files = {**self.carried, self.layout.params: combined, self.layout.program: program}
            if self.swapped:
                files[self.layout.params], files[self.layout.program] = program, combined
        return {**self.extra, **files}


@dataclass(frozen=True)
class Input:
    """One model folder to be written, and a plan beside it.

    Attributes:
        files: plain files.
        specials: what is in place of a file, or under the name "" in place of the folder.
        plan: a plan file for it, damaged or not.
        story: how it came to be.
    """

    files: dict[str, bytes]
    specials: dict[str, str]
    plan: bytes
    story: str


@dataclass(frozen=True)
class Recipe:
    """How to make an input: which model in which layout, and what to do to it."""

    subject: int
    layout: int
    steps: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        return " ".join((f"{self.subject}/{self.layout}", *(f"{n}:{s}" for n, s in self.steps)))

    @classmethod
    def parse(cls, line: str) -> Recipe:
        """The recipe that `str` has made a line of; mutations that are no more are left out."""
        first, *steps = line.split()
        subject, _, layout = first.partition("/")
        parts = [step.partition(":") for step in steps]
        known = tuple((name, int(seed)) for name, _, seed in parts if name in _MUTATIONS)
        return cls(int(subject), int(layout), known)

    @classmethod
    def of(cls, seed: int, number: int) -> Recipe:
        """The recipe of this number: up to four mutations; number 0 is an honest model."""
        if number == 0:
            return cls(0, 0, ())
        rng = random.Random(f"{seed}:{number}")
        count = rng.choice((0, 1, 1, 1, 1, 2, 2, 3, 4))
        steps = tuple(_step(rng) for _ in range(count))
        return cls(rng.randrange(len(subjects())), rng.randrange(len(LAYOUTS)), steps)

    def changed(self, rng: Random) -> Recipe:
        """A step more, a step less, other numbers for one, or another model."""
        steps = list(self.steps)
        part = rng.randrange(6)
        if part == 0 and len(steps) > 1:
            del steps[rng.randrange(len(steps))]
        elif part == 1 and steps:
            at = rng.randrange(len(steps))
            steps[at] = (steps[at][0], rng.randrange(MAX_SEED))
        elif part == 2:
            other = rng.randrange(len(subjects()))
            return Recipe(other, rng.randrange(len(LAYOUTS)), self.steps)
        else:
            steps.insert(rng.randrange(len(steps) + 1), _step(rng))
        return Recipe(self.subject, self.layout, tuple(steps[-MAX_STEPS:]))

    def make(self) -> Input:
        """The input."""
        draft = Draft.of(subjects()[self.subject], LAYOUTS[self.layout])
        for name, seed in self.steps:
            try:
                _MUTATIONS[name](draft, random.Random(seed))
            except (ValueError, IndexError, OverflowError, TypeError) as error:
                draft.done.append(f"({name} gave up: {error})")
            else:
                draft.done.append(f": {name}")
        story = f"{self} ({draft.layout.program}, {draft.layout.params}{', '.join(draft.done)})"
        shapes = {name: list(record.dims) for name, record in draft.records.items()}
        plan = plan_bytes(shapes, random.Random(str(self)))
        return Input(draft.files(), draft.specials, plan, story)


def make(seed: int, number: int) -> Input:
    """The input of this seed and number."""
    return Recipe.of(seed, number).make()


def _step(rng: Random) -> tuple[str, int]:
    mutations = rng.choices(*_KINDS)[0]
    return rng.choice(mutations).__name__, rng.randrange(MAX_SEED)


# ---- structure ------------------------------------------------------------------------------


def _name(rng: Random) -> str:
    return rng.choice(LONG_NAMES) if rng.random() < 0.01 else rng.choice(NAMES)


def rename_parameter(draft: Draft, rng: Random) -> None:
    """A parameter's new name, everywhere: declaration, readers, scales, record."""
    old = rng.choice(list(draft.records))
    new = _name(rng)
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
    rng.choice(draft.variables()).name = encode(_name(rng))


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
            b"\x1a\x00", b"\x08\x05", b"\x10\x00", b"\xff", b"\x0b", _nested(rng)
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
        attr = op.attrs.add(name=encode(_name(rng)) + SCALE_SUFFIX, type=4)
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
        rng.choice((op.inputs, op.outputs)).add(parameter=b"Y", arguments=[encode(_name(rng))])
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
        s=encode(_name(rng)), strings=[encode(_name(rng))], ints=[number] * rng.choice((0, 1, 3)),
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
        return encode(_name(rng))
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return rng.random() < 0.5
    if kind in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        return rng.choice(FLOATS)
    if kind == FieldDescriptor.CPPTYPE_ENUM:
        return rng.choice([value.number for value in descriptor.enum_type.values])
    wide = kind == FieldDescriptor.CPPTYPE_INT64
    return rng.choice([n for n in NUMBERS if wide or -(2**31) <= n < 2**31])


# ---- wire format and bytes ------------------------------------------------------------------


def nest(draft: Draft, rng: Random) -> None:
    """An unknown field that nests messages, or groups, deeper than any parser should go."""
    deep = _nested(rng)
    draft.raw_program.append(lambda data: data + deep)


def _nested(rng: Random) -> bytes:
    depth = rng.choice((10, 100, 101, 1000, 5000))
    tag, groups = varint(rng.choice((1, 3, 4, 100)) << 3), rng.random() < 0.5
    if groups:
        inner = bytes([tag[0] | 3]) + tag[1:]
        return inner * depth + (bytes([tag[0] | 4]) + tag[1:]) * rng.choice((depth, 0))
    deep = b""
    for _ in range(depth):
        deep = bytes([tag[0] | 2]) + tag[1:] + varint(len(deep)) + deep
    return deep


def append_field(draft: Draft, rng: Random) -> None:
    """A field after the end: unknown, truncated, of a forbidden number, or of a wrong wire type."""
    tag = varint(rng.choice((0, 1, 2, 4, 5, 100, 2**29 - 1, 2**29)) << 3 | rng.randrange(8))
    value = rng.choice((b"", b"\0", varint(2**64 - 1), b"\xff" * 11, varint(2**31), b"\x04abcd"))
    draft.raw_program.append(lambda data: data + tag + value)


def change_length(draft: Draft, rng: Random) -> None:
    """A length prefix inside the program lies."""
    place, number = rng.random(), rng.choice(NUMBERS)

    def change(data: bytes) -> bytes:
        prefixes = [at for at in range(1, len(data)) if data[at - 1] & 7 == 2 and data[at] < 128]
        if not prefixes:
            return data
        at = prefixes[int(place * len(prefixes))]
        return data[:at] + varint(number) + data[at + 1 :]

    draft.raw_program.append(change)


def damage_program(draft: Draft, rng: Random) -> None:
    draft.raw_program.append(_byte_change(rng))


def damage_params(draft: Draft, rng: Random) -> None:
    draft.raw_params.append(_byte_change(rng))


def _byte_change(rng: Random) -> Callable[[bytes], bytes]:
    """Flip, cut, drop, double, insert or overwrite, at a place chosen now."""
    part, place, piece = rng.randrange(8), rng.random(), rng.randbytes(rng.choice((1, 2, 4, 8, 64)))
    bit = 1 << rng.randrange(8)

    def change(data: bytes) -> bytes:
        # Headers and the program's beginning matter most: every other change hits the front.
        at = int(place * len(data)) if bit & 0b01010101 else int(place * min(len(data), 64))
        end = at + len(piece)
        changed = {
            0: lambda: data[:at] + bytes(b ^ bit for b in data[at : at + 1]) + data[at + 1 :],
            1: lambda: data[:at],
            2: lambda: data[:at] + data[end:],
            3: lambda: data[:end] + data[at:],
            4: lambda: data[:at] + piece + data[at:],
            5: lambda: data[:at] + piece + data[end:],
            6: lambda: data[:at] + b"\xff" * len(piece) + data[end:],
            7: lambda: data + piece,
        }
        return changed[part]()

    return change


# ---- files ----------------------------------------------------------------------------------


def _file(draft: Draft, rng: Random) -> str:
    layout = draft.layout
    names = [layout.program, layout.params or rng.choice(list(draft.records))]
    return rng.choice([*names, *draft.carried])


def replace_file(draft: Draft, rng: Random) -> None:
    """Something else in a file's place."""
    name, kind = _file(draft, rng), rng.choice(SPECIALS)
    if kind == "sparse" and name in draft.carried:  # copied whole, hole and all, to memory
        kind = "empty"
    draft.specials[name] = kind


def add_file(draft: Draft, rng: Random) -> None:
    """A file too many: another candidate, junk, a pickle that nobody may load."""
    name = rng.choice((
        "__model__", "model", "other.pdmodel", "params", "weights", "other.pdiparams", "x.json",
        "inference.pdiparams.info", "convert_to_lite.sh", "a\nb", "\x1b[2J", "-rf", "\udcff",
    ))  # fmt: skip
    content = rng.choice((b"", b"{}", b"\x80\x04\x95N.", b"\0" * 64, b"cos\nsystem\n(S'id'\ntR."))
    draft.extra[name] = content
    if rng.random() < 0.2:
        draft.specials[name] = rng.choice(SPECIALS)


def change_layout(draft: Draft, rng: Random) -> None:
    """Files under hostile but possible names."""
    possible = [n for n in NAMES if n not in ("", ".", "..") and not set(n) & set("/\0")]
    program = rng.choice([n for n in possible if len(encode(n)) < 200]) + ".pdmodel"
    draft.layout = Layout(program, program.removesuffix(".pdmodel") + ".pdiparams")


def replace_folder(draft: Draft, rng: Random) -> None:
    """Something else in the place of the model's folder."""
    draft.specials[""] = rng.choice(FOLDER_SPECIALS)


def swap_files(draft: Draft, rng: Random) -> None:
    draft.swapped = True


Mutation: TypeAlias = Callable[[Draft, Random], None]

STRUCTURE: Sequence[Mutation] = (
    rename_parameter, rename_parameter, rename_variable, declare_twice, persist, declare_many,
    change_shape, change_shape, change_dtype, damage_record, damage_data, change_scales,
    change_scales, change_operator, change_operator, change_attribute, change_blocks,
    forget_record, swap_records,
)  # fmt: skip
FIELDS: Sequence[Mutation] = (change_field,)
BYTES: Sequence[Mutation] = (nest, append_field, change_length, damage_program, damage_program,
                             damage_params, damage_params)  # fmt: skip
FILES: Sequence[Mutation] = (replace_file, replace_file, replace_file, add_file, add_file,
                             change_layout, swap_files, replace_folder)  # fmt: skip

_KINDS: tuple[list[Sequence[Mutation]], list[int]] = ([STRUCTURE, FIELDS, BYTES, FILES],
                                                      [9, 6, 3, 2])  # fmt: skip
_MUTATIONS = {m.__name__: m for m in (*STRUCTURE, *FIELDS, *BYTES, *FILES)}
