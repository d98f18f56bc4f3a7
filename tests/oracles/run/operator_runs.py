"""Single operators, run by Paddle and by the interpreter."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.oracles.jobs import Array, OracleFailed, run_script, scratch
from tests.oracles.paddle import ENVIRONMENT
from weightquant_cli.core.run import Lod, Network, Outcome, Tensor
from weightquant_cli.formats.program import Program

DTYPE = "float32"


@dataclass(frozen=True)
class Case:
    """One operator with its inputs and attributes.

    Attributes:
        type: the operator's type.
        inputs: arrays, or tensors with LoD, by slot.
        outputs: how many variables each output slot has; those that are compared.
        attributes: attributes that differ from Paddle's defaults.
        paddle: the PaddlePaddle that runs it.
        others: output slots that the operator demands and that are not compared.
        dtypes: types of outputs that are not FP32.
        shared: output slots that are the variables of an input slot.
        note: what the case is about, where that is not plain.
    """

    type: str
    inputs: Mapping[str, Any]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, int] = field(default_factory=lambda: {"Out": 1})
    paddle: str = "2.6.2"
    others: tuple[str, ...] = ()
    dtypes: Mapping[str, str] = field(default_factory=dict)
    shared: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def lists(self) -> dict[str, list[Tensor]]:
        """The inputs, each slot a list of tensors."""
        slots = {
            slot: [value] if isinstance(value, (np.ndarray, Tensor)) else list(value)
            for slot, value in self.inputs.items()
        }
        return {
            slot: [v if isinstance(v, Tensor) else Tensor(v) for v in values]
            for slot, values in slots.items()
        }

    def __str__(self) -> str:
        shapes = {
            slot: [list(tensor.array.shape) for tensor in tensors]
            for slot, tensors in self.lists().items()
        }
        return f"{self.type} {self.note} {dict(self.attributes)} {shapes} ({self.paddle})"


@dataclass(frozen=True)
class Reference:
    """What Paddle gave for a case: its saved program, outputs and LoDs by variable name."""

    program: bytes
    outputs: Mapping[str, Array]
    lods: Mapping[str, Lod]
    error: str


def references(version: str, cases: Sequence[Case]) -> list[Reference]:
    """Run all cases with one Paddle, in one process."""
    with scratch() as name:
        folder = Path(name)
        arrays: dict[str, Array] = {}
        described = [_described(index, case, arrays, folder) for index, case in enumerate(cases)]
        np.savez(folder / "inputs.npz", **arrays)  # type: ignore[arg-type]
        job = {
            "inputs": str(folder / "inputs.npz"),
            "outputs": str(folder / "outputs.npz"),
            "told": str(folder / "told.json"),
            "cases": described,
        }
        try:
            run_script(ENVIRONMENT[version], "run_operators.py", job, folder)
        except OracleFailed as error:
            raise OracleFailed(f"at {(folder / 'running').read_text()}: {error}") from error
        told = json.loads((folder / "told.json").read_text())
        with np.load(folder / "outputs.npz") as outputs:
            return [_reference(index, one, outputs, folder) for index, one in enumerate(told)]


def _described(index: int, case: Case, arrays: dict[str, Array], folder: Path) -> dict[str, Any]:
    inputs: dict[str, list[Any]] = {}
    for slot, tensors in case.lists().items():
        inputs[slot] = []
        for tensor in tensors:
            key = f"{len(arrays)}"
            arrays[key] = tensor.array
            inputs[slot].append([key, tensor.lod])
    outputs = {
        slot: (case.outputs.get(slot, 1), case.dtypes.get(slot, DTYPE))
        for slot in (*case.outputs, *case.others)
    }
    return {
        "index": index,
        "type": case.type,
        "inputs": inputs,
        "outputs": outputs,
        "compared": list(case.outputs),
        "shared": dict(case.shared),
        "attributes": dict(case.attributes),
        "program": str(folder / f"{index}.pdmodel"),
    }


def _reference(index: int, told: dict[str, Any], outputs: Any, folder: Path) -> Reference:
    program = folder / f"{index}.pdmodel"
    return Reference(
        program.read_bytes() if program.exists() else b"",
        {name: outputs[f"{index}/{name}"] for name in told["names"]},
        {
            name: tuple(tuple(level) for level in lod)
            for name, lod in zip(told["names"], told["lods"], strict=True)
        },
        told["error"],
    )


def interpreted(case: Case, reference: Reference) -> Outcome:
    """The same program, run by the interpreter."""
    program = Program.parse(reference.program, Path(f"{case.type}.pdmodel"))

    def no_parameters(name: str) -> Array:
        raise AssertionError(f"{name} is not a parameter")

    network = Network(program, no_parameters)
    inputs = {
        f"in_{slot}_{index}": tensor
        for slot, tensors in case.lists().items()
        for index, tensor in enumerate(tensors)
    }
    return network.run(inputs, keep=tuple(reference.outputs))


def complaint(case: Case, reference: Reference, tolerance: float = 1e-5) -> str | None:
    """What differs between Paddle and the interpreter, or None."""
    if reference.error:
        return f"{case}: Paddle failed: {reference.error[-500:]}"
    outcome = interpreted(case, reference)
    if outcome.not_run:
        return f"{case}: {outcome.not_run[0]}"
    for name, theirs in reference.outputs.items():
        if name not in outcome.outputs:
            return f"{case}: no {name}"
        ours = outcome.outputs[name]
        scalar = not ours.ndim or not theirs.ndim or not ours.size  # a matter of versions
        if ours.size != theirs.size or (ours.shape != theirs.shape and not scalar):
            return f"{case}: {name} is {ours.shape}, not {theirs.shape}"
        worst = difference(ours.reshape(theirs.shape), theirs)
        if not worst <= tolerance:
            return f"{case}: {name} differs by {worst:.2g}"
        if ours.dtype != theirs.dtype and ours.size:
            return f"{case}: {name} is {ours.dtype}, not {theirs.dtype}"
        lod = outcome.lods.get(name, ())
        if reference.lods[name] and lod != reference.lods[name]:
            return f"{case}: the LoD of {name} is {lod}, not {reference.lods[name]}"
    return None


def difference(ours: Array, theirs: Array) -> float:
    """The largest difference relative to the largest value; the same NaN and infinities are 0."""
    if not theirs.size:
        return 0.0
    one, other = ours.astype(np.float64), theirs.astype(np.float64)
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    if same.all():
        return 0.0
    finite = np.abs(other[np.isfinite(other)])
    largest = float(finite.max()) if finite.size else 0.0
    with np.errstate(invalid="ignore"):
        worst = float(np.max(np.where(same, 0.0, np.abs(one - other))))
    return worst / max(largest, 1e-12)
