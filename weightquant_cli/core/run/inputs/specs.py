"""What a model asks for: each input's name, type and shape, and what it is for."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ....errors import ProgramError
from ....formats.dtypes import DataType
from ....formats.program import Program, Variable
from ..graph import Graph, Step, prepare


class Role(enum.Enum):
    """What an input is for, as far as its readers and its name tell."""

    IMAGE = "image"
    TOKENS = "token ids"
    POSITIONS = "positions"
    MASK = "mask"
    LENGTHS = "sequence lengths"
    IMAGE_SIZE = "height and width of the image"
    SCALE = "scale of the image"
    IMAGE_INFO = "height, width and scale of the image"
    FEATURES = "features"


@dataclass(frozen=True)
class InputSpec:
    """One input.

    Attributes:
        name: its variable's name.
        dtype: its declared type.
        shape: its declared dims, -1 for one not known in advance.
        lod_level: how many levels of sequences it has.
        role: what it is for.
        rows: rows of the table that token ids or positions look up; 0 where there is none.
        channels: channels that the convolutions behind an image expect; 0 where unknown.
        channels_last: whether an image's channels are its last axis.
    """

    name: str
    dtype: DataType
    shape: tuple[int, ...]
    lod_level: int = 0
    role: Role = Role.FEATURES
    rows: int = 0
    channels: int = 0
    channels_last: bool = False


# Operators of networks that find things in images, or classify every pixel.
_DENSE = ("interp", "nms", "yolo_box", "prior_box", "box_coder", "conv2d_transpose", "roi_")

# Operators that hand ids, masks and lengths on as they are.
_PASSING = frozenset(
    (
        "assign", "cast", "reshape", "reshape2", "squeeze", "squeeze2", "unsqueeze", "unsqueeze2",
        "transpose", "transpose2", "flatten", "flatten2", "flatten_contiguous_range", "expand",
        "expand_v2", "expand_as_v2", "tile", "slice", "lod_reset", "share_data",
    )
)  # fmt: skip
_TABLES = frozenset(("lookup_table", "lookup_table_v2", "embedding"))
_LENGTH_SLOTS = frozenset(("SequenceLength", "Length", "InputLength"))


def input_specs(program: Program, graph: Graph | None = None) -> tuple[InputSpec, ...]:
    """The inputs of a program, in order.

    Raises:
        ProgramError: an input that is not declared as a tensor of a known type.
    """
    graph = graph or prepare(program)
    declared = {variable.name: variable for block in program.blocks for variable in block.variables}
    return tuple(_spec(name, declared, graph) for name in graph.inputs)


def _spec(name: str, declared: Mapping[str, Variable], graph: Graph) -> InputSpec:
    variable = declared.get(name)
    shape = variable.shape if variable is not None else None
    dtype = variable.dtype if variable is not None else None
    if variable is None or shape is None or dtype is None or dtype.numpy is None:
        raise ProgramError("an input that is not declared as a tensor", tensor=name)
    readers = list(_readers(name, graph))
    role, rows = _role(name, shape, dtype, readers, declared)
    channels, last = _channels(readers, declared) if role is Role.IMAGE else (0, False)
    return InputSpec(name, dtype, shape, variable.lod_level, role, rows, channels, last)


def _readers(name: str, graph: Graph) -> Iterator[tuple[Step, str]]:
    """The steps that read an input, and by which slot, through operators that hand it on."""
    names = {name}
    for step in graph.walk():
        if step.type in ("feed", "fetch"):
            continue
        for slot, arguments in step.inputs.items():
            if names.intersection(arguments):
                yield step, slot
                if step.type in _PASSING and slot in ("X", "Input"):
                    names |= {one for many in step.outputs.values() for one in many}


def _role(
    name: str,
    shape: tuple[int, ...],
    dtype: DataType,
    readers: list[tuple[Step, str]],
    declared: Mapping[str, Variable],
) -> tuple[Role, int]:
    lower = name.lower()
    for step, slot in readers:
        if step.type in _TABLES and slot == "Ids":
            table = step.inputs.get("W", ("",))[0]
            variable = declared.get(table)
            rows = (variable.shape or (0,))[0] if variable is not None else 0
            return (Role.POSITIONS if "pos" in lower else Role.TOKENS), rows
        role = _by_slot(step, slot)
        if role is not None:
            return role, 0
    by_name = _by_name(lower)
    if by_name is not None:
        return by_name, 0
    if dtype.name in ("FP32", "FP16", "FP64") and len(shape) == 4:
        return Role.IMAGE, 0
    return Role.FEATURES, 0


def _by_slot(step: Step, slot: str) -> Role | None:
    if slot in ("ImgSize", "ImShape"):
        return Role.IMAGE_SIZE
    if slot == "ImInfo":
        return Role.IMAGE_INFO
    if slot in _LENGTH_SLOTS or (step.type == "sequence_mask" and slot == "X"):
        return Role.LENGTHS
    return None


def _by_name(name: str) -> Role | None:
    for part, role in (
        ("im_shape", Role.IMAGE_SIZE), ("im_size", Role.IMAGE_SIZE), ("scale_factor", Role.SCALE),
        ("im_info", Role.IMAGE_INFO), ("mask", Role.MASK), ("seq_len", Role.LENGTHS),
        ("length", Role.LENGTHS),
    ):  # fmt: skip
        if part in name:
            return role
    return None


def _channels(
    readers: list[tuple[Step, str]], declared: Mapping[str, Variable]
) -> tuple[int, bool]:
    """Channels that the first convolution wants, and whether they come last."""
    for step, slot in readers:
        if step.type not in ("conv2d", "depthwise_conv2d") or slot != "Input":
            continue
        variable = declared.get(step.inputs.get("Filter", ("",))[0])
        groups = step.attributes.get("groups", 1)
        shape = variable.shape if variable is not None else None
        if shape and len(shape) == 4 and isinstance(groups, int):
            last = step.attributes.get("data_format") == "NHWC"
            return math.prod((shape[1], max(groups, 1))), last
    return 0, False


def is_dense(graph: Graph) -> bool:
    """Whether a model finds things in images or classifies every pixel: such want larger images,
    and sides that are a multiple of 32."""
    return any(part in step.type for step in graph.walk() for part in _DENSE)
