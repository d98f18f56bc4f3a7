"""A program prepared for running: its steps, its inputs and outputs, and who reads what last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...formats.program import Block, Operator, Program
from .attributes import Attributes, read_attributes

NO_VARIABLE = "@EMPTY@"
"""Paddle's name for an argument that is left out."""


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """An operator's position in the program: block, place in the block, and its type."""

    block: int
    index: int
    type: str

    def __str__(self) -> str:
        inside = f" of block {self.block}" if self.block else ""
        return f"operator {self.index}{inside} ({self.type})"


@dataclass(frozen=True, slots=True)
class Step:
    """One operator, read once.

    Attributes:
        site: where it stands.
        inputs, outputs: variable names by slot, without those left out.
        attributes: its attributes by name.
        sub_blocks: blocks that it runs.
        reads, writes: all its variables, and those of enclosing blocks that its sub-blocks use.
        frees: variables of its own block that no later step reads.
    """

    site: Site
    inputs: Mapping[str, tuple[str, ...]]
    outputs: Mapping[str, tuple[str, ...]]
    attributes: Attributes
    sub_blocks: tuple[int, ...]
    reads: frozenset[str]
    writes: frozenset[str]
    frees: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """The operator's type."""
        return self.site.type


@dataclass(frozen=True, slots=True)
class BlockSteps:
    """One block: the names declared in it, and its steps in order."""

    declared: frozenset[str]
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Graph:
    """A whole program, prepared.

    Attributes:
        blocks: the main block, then its sub-blocks, as numbered in the program.
        inputs: names of the variables to be fed, in order.
        outputs: names of the variables that are fetched, in order.
        parameters: names of the persistable variables with stored values.
    """

    blocks: tuple[BlockSteps, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: frozenset[str]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the main block."""
        return self.blocks[0].steps

    def walk(self) -> Iterable[Step]:
        """Every step of every block."""
        for block in self.blocks:
            yield from block.steps


def prepare(program: Program) -> Graph:
    """Read a program once, so that it can be run often."""
    views = program.blocks
    declared = [frozenset(variable.name for variable in block.variables) for block in views]
    parameters = frozenset(
        variable.name for block in views for variable in block.variables if variable.is_parameter
    )
    blocks: dict[int, list[Step]] = {}
    for index in reversed(range(len(views))):  # a block's sub-blocks have higher numbers
        blocks[index] = [
            _step(Site(index, place, operator.type), operator, blocks, declared)
            for place, operator in enumerate(views[index].operators)
        ]
    inputs, outputs = _inputs(views[0], blocks[0], parameters), _outputs(blocks[0])
    for index, steps in blocks.items():
        kept = parameters | set(outputs) if index == 0 else parameters
        blocks[index] = _with_last_reads(steps, declared[index], kept)
    return Graph(
        tuple(BlockSteps(declared[index], tuple(blocks[index])) for index in range(len(views))),
        inputs,
        outputs,
        parameters,
    )


def _step(
    site: Site,
    operator: Operator,
    blocks: Mapping[int, Sequence[Step]],
    declared: Sequence[frozenset[str]],
) -> Step:
    inputs, outputs = _present(operator.inputs), _present(operator.outputs)
    reads = {name for names in inputs.values() for name in names}
    writes = {name for names in outputs.values() for name in names}
    sub_blocks = operator.sub_blocks()
    for block in sub_blocks:
        for step in blocks[block]:
            reads |= step.reads - declared[block]
            writes |= step.writes - declared[block]
    attributes = read_attributes(operator)
    return Step(site, inputs, outputs, attributes, sub_blocks, frozenset(reads), frozenset(writes))


def _present(slots: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    named = {
        slot: tuple(name for name in names if name != NO_VARIABLE) for slot, names in slots.items()
    }
    return {slot: names for slot, names in named.items() if names}


def _with_last_reads(
    steps: Sequence[Step], declared: frozenset[str], kept: Iterable[str]
) -> list[Step]:
    """The steps, each with the variables that are not needed after it."""
    keep = frozenset(kept)
    last: dict[str, int] = {}
    for index, step in enumerate(steps):
        for name in step.reads | step.writes:
            last[name] = index
    frees: list[list[str]] = [[] for _ in steps]
    for name, index in last.items():
        if name in declared and name not in keep:
            frees[index].append(name)
    return [
        replace(step, frees=tuple(sorted(names))) for step, names in zip(steps, frees, strict=True)
    ]


def _column(step: Step) -> int:
    column = step.attributes.get("col", 0)
    return column if isinstance(column, int) else 0


def _inputs(block: Block, steps: Sequence[Step], parameters: frozenset[str]) -> tuple[str, ...]:
    """What feed operators write; without any, what is read and never written."""
    feeds = sorted((step for step in steps if step.type == "feed"), key=_column)
    names = [name for step in feeds for name in step.outputs.get("Out", ())]
    if names:
        return tuple(dict.fromkeys(names))
    written: set[str] = set()
    persistable = {variable.name for variable in block.variables if variable.persistable}
    for step in steps:
        names += sorted(step.reads - written - persistable - parameters)
        written |= step.writes
    return tuple(dict.fromkeys(names))


def _outputs(steps: Sequence[Step]) -> tuple[str, ...]:
    """What fetch operators read; without any, what is written and never read."""
    fetches = sorted((step for step in steps if step.type == "fetch"), key=_column)
    names = [name for step in fetches for name in step.inputs.get("X", ())]
    if names:
        return tuple(dict.fromkeys(names))
    read = {name for step in steps for name in step.reads}
    first = [next(iter(step.outputs.values()))[0] for step in steps if step.outputs]
    return tuple(name for name in dict.fromkeys(first) if name not in read)
