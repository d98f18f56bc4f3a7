"""Which attributes, outputs and types opt insists on, found by taking them away one at a time.

The programs are cases that opt converts. For the types, each INT is spelled as LONG, each INTS as
LONGS, each FLOAT as FLOAT64, and the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from weightquant_cli.core.lite.demands.outputs import absent_outputs, add_output
from weightquant_cli.core.lite.demands.position import Declarations, Position
from weightquant_cli.formats.program import Attribute, AttrType, Operator, Program

from . import lab

Defaults = Mapping[str, Mapping[str, tuple[AttrType, object]]]

IGNORED = frozenset(
    ["op_callstack", "op_device", "op_namescope", "op_role", "op_role_var", "with_quant_attr"]
)
WIDER = {
    AttrType.INT: AttrType.LONG,
    AttrType.INTS: AttrType.LONGS,
    AttrType.FLOAT: AttrType.FLOAT64,
    AttrType.FLOATS: AttrType.FLOAT64S,
    AttrType.LONG: AttrType.INT,
    AttrType.LONGS: AttrType.INTS,
}


@dataclass(frozen=True)
class Trial:
    """One change to one operator.

    Attributes:
        operator: its type.
        kind: ``attribute``, ``output`` or ``type``.
        name: of the attribute or the slot.
        detail: for ``type``, the type that was there and the one put in its place.
    """

    operator: str
    kind: str
    name: str
    detail: str = ""


def complete(program: Program, defaults: Defaults) -> None:
    """Give every operator the attributes that some Paddle would fill in, and every output."""
    declarations = Declarations(program)
    for block, index, operator in program.operators():
        for slot in list(absent_outputs(operator)):
            add_output(operator, Position(block, index), slot, declarations)
        present = set(operator.attribute_names())
        for name, (kind, value) in defaults.get(operator.type, {}).items():
            if name not in present and name not in IGNORED:
                operator.set_attribute(name, kind, value)  # type: ignore[arg-type]


def trials(
    cases: Sequence[lab.Case], defaults: Defaults, folder: Path
) -> Iterator[tuple[Trial, lab.Case]]:
    """Every trial once, on the first case that has the operator with that attribute or output."""
    done: set[Trial] = set()
    for case in cases:
        whole = case.parse()
        complete(whole, defaults)
        for block, index, operator in whole.operators():
            if operator.type in ("feed", "fetch"):
                continue
            for trial in _trials_of(operator):
                if trial in done:
                    continue
                done.add(trial)
                program = whole.copy()
                _apply(trial, program.blocks[block].operators[index])
                yield trial, case.changed(program, folder / f"trial-{len(done)}.pdmodel")


def _trials_of(operator: Operator) -> Iterator[Trial]:
    for attribute in operator.attributes:
        if attribute.name in IGNORED or attribute.value is None:
            continue
        yield Trial(operator.type, "attribute", attribute.name)
        wider = WIDER.get(attribute.type)
        if wider is not None:
            detail = f"{attribute.type.name} as {wider.name}"
            yield Trial(operator.type, "type", attribute.name, detail)
    for slot in operator.outputs:
        yield Trial(operator.type, "output", slot)


def _apply(trial: Trial, operator: Operator) -> None:
    if trial.kind == "attribute":
        operator.remove_attribute(trial.name)
    elif trial.kind == "output":
        for index in reversed(range(len(operator._desc.outputs))):
            if operator._desc.outputs[index].parameter.decode() == trial.name:
                del operator._desc.outputs[index]
    else:
        attribute = operator.attribute(trial.name)
        assert isinstance(attribute, Attribute) and attribute.value is not None
        operator.set_attribute(trial.name, WIDER[attribute.type], attribute.value)
