"""Every operator as a reader of a weight: inputs of the audit's cases turned into parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from weightquant_cli.core.lite.demands.mend import mend
from weightquant_cli.formats.attributes import AttrType
from weightquant_cli.formats.program import Program

from ..jobs import Array
from ..lite_demands.lab import Case
from . import lab


def as_weights(cases: Sequence[Case], home: Path) -> Iterator[Case]:
    """One case for every float input of rank 2 or 4, which becomes a parameter.

    Its name ends in the input's number. Inputs with a LoD stay inputs.
    """
    for number, case in enumerate(cases):
        with np.load(case.values) as stored:
            values = [stored[f"arr_{i}"] for i in range(len(stored.files))]
        for index, value in enumerate(values):
            if value.dtype == np.float32 and value.ndim in (2, 4) and not case.lods[index]:
                yield _turned(case, values, index, home / f"{number}-{index}")


def _turned(case: Case, values: Sequence[Array], index: int, home: Path) -> Case:
    program = case.parse()
    mend(program)
    name = case.feeds[index]
    _make_parameter(program, name, values[index].shape)
    home.mkdir(parents=True, exist_ok=True)
    np.savez(home / "in.npz", *(v for i, v in enumerate(values) if i != index))
    arrays = {**(lab.parameters(case) if case.params.stat().st_size else {}), name: values[index]}
    kept = [i for i in range(len(values)) if i != index]
    renamed = replace(
        case,
        name=f"{case.name}#{index}",
        feeds=tuple(case.feeds[i] for i in kept),
        lods=tuple(case.lods[i] for i in kept),
        values=home / "in.npz",
    )
    return lab.write(renamed, program, arrays, home)


def _make_parameter(program: Program, name: str, shape: Sequence[int]) -> None:
    main = program.blocks[0]
    for variable in main.variables:
        if variable.name == name:
            variable._desc.persistable = True
            variable.shape = shape
    feeds = [i for i, o in enumerate(main.operators) if o.outputs.get("Out") == (name,)]
    del main._desc.ops[next(i for i in feeds if main.operators[i].type == "feed")]
    column = 0
    for view in main.operators:
        if view.type == "feed":
            view.remove_attribute("col")
            view.set_attribute("col", AttrType.INT, column)
            column += 1
