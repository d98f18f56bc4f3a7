"""Mend a program: what Paddle Lite demands and Paddle left out, where Paddle's meaning is known.

Every change leaves the program's answers as they are. DEMANDS.md says what each was measured on.
"""

from __future__ import annotations

from typing import NamedTuple

from ....formats.program import Operator, Program
from . import measured
from .attributes import missing_attributes, narrowed, wrong_types
from .outputs import absent_outputs, add_output
from .position import Declarations, Position
from .respell import respell
from .scalars import mend_scalar
from .versions import NEWEST


class Mended(NamedTuple):
    """One change to one operator.

    Attributes:
        position: the operator's position; no change moves an operator.
        operator: its type before the change.
        change: what was done, such as ``threshold = 6.0``.
    """

    position: Position
    operator: str
    change: str


def mend(program: Program) -> tuple[Mended, ...]:
    """Give a program what any measured opt demands of it, editing it in position.

    Sets missing attributes to Paddle's own default, narrows attributes to the type that Paddle Lite
    reads where the value stays exact, spells 0-d constants with rank 1, adds outputs that only
    training reads, and spells a few operators that older opts lack by one of the same meaning.
    Mending a mended program changes nothing.

    Returns:
        What was changed, in the order of the steps; empty where the program needed nothing.
    """
    done: list[Mended] = []
    operators = [(Position(block, index), op) for block, index, op in program.operators()]
    for position, operator in operators:
        type = operator.type
        changes = [respell(operator), *_narrow(operator), mend_scalar(operator)]
        done += [Mended(position, type, change) for change in changes if change is not None]
    done += _set_missing(program)
    done += _add_outputs(program, operators)
    return tuple(done)


def _set_missing(program: Program) -> list[Mended]:
    blocks = [block.operators for block in program.blocks]
    done = []
    for missing in missing_attributes(program):
        operator = blocks[missing.position.block][missing.position.operator]
        operator.set_attribute(missing.attribute, missing.type, missing.default)
        change = f"{missing.attribute} = {missing.default}"
        done.append(Mended(missing.position, missing.operator, change))
    return done


def _narrow(operator: Operator) -> list[str]:
    """Put attributes into the type that the newest opt reads; every opt reads the same."""
    done = []
    for attribute, type in list(wrong_types(operator, measured.of_version(NEWEST))):
        value = narrowed(attribute, type)
        if value is not None:
            operator.set_attribute(attribute.name, type, value)
            done.append(f"{attribute.name} as {type.name}")
    return done


def _add_outputs(program: Program, operators: list[tuple[Position, Operator]]) -> list[Mended]:
    declarations = Declarations(program)
    done = []
    for position, operator in operators:
        for slot in list(absent_outputs(operator)):
            change = add_output(operator, position, slot, declarations)
            if change is not None:
                done.append(Mended(position, operator.type, change))
    return done
