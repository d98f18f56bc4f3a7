"""One kernel called by hand, and small networks without files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tests.builders import Array, ModelBuilder
from weightquant_cli.core.run import KERNELS, Network, Tensor
from weightquant_cli.core.run.call import Call


def floats(*shape: int, seed: int = 0) -> Array:
    """Normal values in float32."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def results(type: str, inputs: Mapping[str, Any], **attributes: Any) -> dict[str, Any]:
    """What a kernel gives, by slot; a list where the slot has several."""
    slots = {
        slot: [
            v if isinstance(v, Tensor) else Tensor(np.asarray(v))
            for v in (value if isinstance(value, list) else [value])
        ]
        for slot, value in inputs.items()
    }
    plain = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in attributes.items()
    }
    kernel = KERNELS[type]
    with np.errstate(all="ignore"):  # as when a program is run
        given = kernel.function(Call(type, slots, plain))
    return dict(given) if isinstance(given, Mapping) else {kernel.out: given}


def result(type: str, inputs: Mapping[str, Any], **attributes: Any) -> Array:
    """The first result of a kernel, as an array."""
    first = next(iter(results(type, inputs, **attributes).values()))
    if isinstance(first, Sequence):
        first = first[0]
    return first.array if isinstance(first, Tensor) else np.asarray(first)


def sequence(rows: Any, *offsets: int) -> Tensor:
    """Rows with the boundaries of their sequences."""
    return Tensor(np.asarray(rows, np.float32), (offsets,))


class Weights:
    """Parameters of a network without files; notes which were loaded."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self.arrays = arrays
        self.loaded: list[str] = []

    def __call__(self, name: str) -> Array:
        self.loaded.append(name)
        return self.arrays[name]


def network(builder: ModelBuilder, weights: Mapping[str, Array] | None = None) -> Network:
    """The built program, with these parameters."""
    return Network(builder.program.parse(), Weights(weights or {}))
