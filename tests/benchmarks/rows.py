"""The groups of rows, by the name with which they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.oracles import envs
from tests.oracles.jobs import OracleFailed

from . import answers, files, machines, peers
from .measure import NotMeasured
from .report import Row
from .setting import Setting

GROUPS: dict[str, Callable[[Setting], Iterator[Row]]] = {
    "copy": files.copied,
    "check": files.checked,
    "start": files.started,
    "weights": files.weights,
    "json": files.documents,
    "many": files.many,
    "large": files.grown,
    "translated": peers.translated,
    "paddle": peers.against_paddle,
    "run": answers.inferences,
    "accurate": answers.accurate,
    "outputs": answers.outputs,
    "recommend": answers.recommended,
    "throughput": machines.throughput,
}


def measure(name: str, setting: Setting) -> Iterator[Row]:
    """The rows of one group; one that says why, where they cannot be measured."""
    try:
        yield from GROUPS[name](setting)
    except (NotMeasured, envs.OracleMissing, OracleFailed) as reason:
        yield Row(name, f"not measured: {' '.join(str(reason).split())}")
