"""A model's answers: its outputs, before a last activation that squashes them.

A softmax or sigmoid that is sure of itself hides changes that another input would show.
"""

from __future__ import annotations

from collections.abc import Mapping

from .graph import Graph, Step

SQUASHING = ("softmax", "log_softmax", "sigmoid", "arg_max")
BETWEEN = (*SQUASHING, "scale", "assign")
"""What comes between a model's answers and its outputs."""


def answers(graph: Graph) -> dict[str, str]:
    """For each output the variable that is judged: itself, or what its last activation reads."""
    written = _written(graph)
    return {name: _behind(name, written)[-1] for name in graph.outputs}


def squashed(graph: Graph) -> dict[str, str]:
    """The same, for the outputs alone that an activation squashes."""
    written = _written(graph)
    found = {name: _behind(name, written) for name in graph.outputs}
    return {
        name: chain[-1]
        for name, chain in found.items()
        if any(written[one].type in SQUASHING for one in chain[:-1])
    }


def _written(graph: Graph) -> dict[str, Step]:
    return {name: step for step in graph.steps for name in step.writes}


def _behind(name: str, written: Mapping[str, Step]) -> list[str]:
    """The output, and each variable from which it follows by what may come between."""
    chain = [name]
    step = written.get(name)
    while step is not None and step.type in BETWEEN and len(step.inputs.get("X", ())) == 1:
        (before,) = step.inputs["X"]
        if before in chain:  # written in place
            break
        chain.append(before)
        step = written.get(before)
    return chain
