"""A model taken apart, so that each of its parts can lie about the others."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from tests.builders import in_byte_order, tensor_desc, varint
from tests.security.hostile import LONG_NAMES, NAMES
from tests.security.subjects import Subject
from weightquant_cli.formats import framework_pb2 as pb
from weightquant_cli.formats.model_writer import Layout

Random: TypeAlias = random.Random
Mutation: TypeAlias = "Callable[[Draft, Random], None]"


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


def random_name(rng: Random) -> str:
    """A name that breaks something; now and then a very long one."""
    return rng.choice(LONG_NAMES) if rng.random() < 0.01 else rng.choice(NAMES)


def nested_fields(rng: Random) -> bytes:
    """Bytes of an unknown field that nests messages, or groups, deep."""
    depth = rng.choice((10, 100, 101, 1000, 5000))
    tag, groups = varint(rng.choice((1, 3, 4, 100)) << 3), rng.random() < 0.5
    if groups:
        inner = bytes([tag[0] | 3]) + tag[1:]
        return inner * depth + (bytes([tag[0] | 4]) + tag[1:]) * rng.choice((depth, 0))
    deep = b""
    for _ in range(depth):
        deep = bytes([tag[0] | 2]) + tag[1:] + varint(len(deep)) + deep
    return deep
