"""The notation in which the tables say how a PIR operation is spelled in Paddle 2.6.

A rule is one line of four parts: operator type | operands | results | attributes. For example

    topk    top_k_v2 | X k:int/K | Out Indices | axis:int largest:bool sorted:bool

Operands and results are positional in PIR and named slots in a ProgramDesc:

    X            the slot of this operand or result; a vector fills it with all its tensors
    -            an operand that Paddle 2.6 does not take, or a result that it does not give
    +XShape      a result that only Paddle 2.6 has: dims of X behind a 0. Left out where 2.6.2
                 leaves it out: with it, Paddle Lite fuses unsqueeze2, pad3d, squeeze2 wrongly
    Mean=1       a result that is the variable of operand 1, which the operator updates
    k:int/K      an attribute in Paddle 2.6: from a constant operand into `k`; a computed one
                 into the slot K. `shape:ints/Shape/ShapeTensor`: the second slot takes a list of
                 scalars. `axis=dim:ints`: the attribute is called `dim`

Attributes, PIR's name first where Paddle 2.6 has another one:

    axis:int                   copied
    transpose_x=trans_x:bool   copied under another name
    axis:int:-1                written with this value where PIR has none
    !decimals:0                refused where PIR has it with another value; 2.6 has no such thing
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ..program import AttrType

TYPES = {
    "int": AttrType.INT,
    "dtype": AttrType.INT,
    "float": AttrType.FLOAT,
    "str": AttrType.STRING,
    "ints": AttrType.INTS,
    "bounds": AttrType.INTS,
    "floats": AttrType.FLOATS,
    "bool": AttrType.BOOLEAN,
    "long": AttrType.LONG,
    "longs": AttrType.LONGS,
    "f64s": AttrType.FLOAT64S,
}
"""Attribute types by their name in a rule. `dtype` is the number of an element type; `bounds` are
integers that end at 32 bits, where PIR has 64 bits to say "to the end"."""


@dataclass(frozen=True, slots=True)
class Operand:
    """What becomes of one operand.

    Attributes:
        slot: the slot of a tensor, or None for none.
        attribute: the attribute that a constant becomes, or None.
        list_slot: the slot of a list of scalars, or None.
    """

    slot: str | None
    attribute: Attribute | None = None
    list_slot: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What becomes of one result: its slot, and the operand whose variable it shares."""

    slot: str | None
    shared: int | None = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: PIR's name, Paddle 2.6's, the type's name, the default as written."""

    source: str
    name: str
    type: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """How one PIR operation is spelled in Paddle 2.6."""

    type: str
    operands: tuple[Operand, ...]
    results: tuple[Result, ...]
    made: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    refused: tuple[tuple[str, str], ...]


@cache
def parse(line: str) -> Rule:
    """The rule that a line of a table describes."""
    type, operands, results, attributes = (part.strip() for part in line.split("|"))
    result_tokens = results.split()
    attribute_tokens = attributes.split()
    return Rule(
        type,
        tuple(_operand(token) for token in operands.split()),
        tuple(_result(token) for token in result_tokens if token[0] != "+"),
        tuple(token[1:] for token in result_tokens if token[0] == "+"),
        tuple(_attribute(token) for token in attribute_tokens if token[0] != "!"),
        tuple(_refusal(token) for token in attribute_tokens if token[0] == "!"),
    )


def _operand(token: str) -> Operand:
    if ":" not in token:
        return Operand(None if token == "-" else token)
    attribute, *slots = token.split("/")
    return Operand(
        slots[0] if slots and slots[0] else None,
        _attribute(attribute),
        slots[1] if len(slots) > 1 else None,
    )


def _result(token: str) -> Result:
    slot, _, shared = token.partition("=")
    return Result(None if slot == "-" else slot, int(shared) if shared else None)


def _attribute(token: str) -> Attribute:
    names, type, *default = token.split(":", 2)
    source, _, name = names.partition("=")
    return Attribute(source, name or source, type, default[0] if default else None)


def _refusal(token: str) -> tuple[str, str]:
    name, _, allowed = token[1:].partition(":")
    return name, allowed
