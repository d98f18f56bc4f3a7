"""How much the model's answers change when one weight is rounded, the others being as they are.

The error of a weight itself says little of that (see .docs/accuracy.md): a kernel of 144 values
near the input may spoil what a matrix of a million leaves alone. So the model is run for each
weight, from its first reader on; everything before it is shared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from .... import threads
from ...run import Network, Outcome
from ...run.answers import answers
from ...run.values import Array, Tensor


def changes(
    network: Network,
    inputs: Sequence[Mapping[str, Array | Tensor]],
    weights: Sequence[str],
    rounded: Callable[[str], Array],
    jobs: int | None,
    step: Callable[[int], None] = lambda _: None,
) -> dict[str, float]:
    """The relative change of the answers that each weight makes, over all inputs.

    Args:
        network: the FP32 model.
        inputs: what to run it on.
        weights: names of the weights.
        rounded: gives a weight's values as they are after rounding.
        jobs: threads.
        step: told 1 for each weight and input that is done.

    Returns:
        Sum of the squares of the change / sum of the squares of the answers, by name. Weights that
        no operator reads that can be run are left out; infinity where the answers are not finite.
    """
    judged = tuple(dict.fromkeys(answers(network.graph).values()))
    first = {name: place for name in weights if (place := _first_reader(network, name)) is not None}
    noise = dict.fromkeys(first, 0.0)
    signal = 0.0
    for values in inputs:
        whole = network.run(values, keep=judged, snapshots=set(first.values()))
        signal += sum(_energy(whole.outputs[name]) for name in judged if name in whole.outputs)

        def work(name: str, token: threads.CancelToken, whole: Outcome = whole) -> float:
            token.check()
            changed = network.resume(
                whole.snapshots[first[name]], replace={name: rounded(name)}, keep=judged
            )
            step(1)
            return _difference(changed, whole, judged)

        names = [name for name in first if name not in whole.unreached_weights]
        for name in set(first) - set(names):
            noise.pop(name, None)
            first.pop(name)
        found = threads.run(work, names, jobs, lambda name: -first[name])
        for name, energy in zip(names, found, strict=True):
            noise[name] += energy
    return {name: energy / signal if signal else 0.0 for name, energy in noise.items()}


def _first_reader(network: Network, name: str) -> int | None:
    try:
        return network.first_reader(name)
    except KeyError:
        return None


def _difference(changed: Outcome, original: Outcome, names: Iterable[str]) -> float:
    total = 0.0
    for name in names:
        if name in original.outputs and name in changed.outputs:
            one, other = changed.outputs[name], original.outputs[name]
            total += _energy(one - other) if one.shape == other.shape else np.inf
    return total


def _energy(values: Array) -> float:
    flat = values.reshape(-1).astype(np.float64)
    energy = float(flat @ flat)
    return energy if np.isfinite(energy) else np.inf
