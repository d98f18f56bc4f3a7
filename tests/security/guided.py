"""Inputs that reach code that no input reached before: `python -m tests.security.guided`.

Recipes that reached something new are kept and changed further. What is kept after `--inputs` is
written to corpus.txt, which a test goes through. Coverage comes from `sys.monitoring`, which Python
has from 3.12 on: what was seen is not reported again, and so costs nothing.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from types import CodeType
from typing import Any

import weightquant_cli
from tests.security.fuzz import attempt, place, prepare
from tests.security.mutate import Recipe
from tests.security.sandbox import Fault
from tests.security.subjects import LAYOUTS, subjects

CORPUS = Path(__file__).with_name("corpus.txt")
HEAD = """\
# Each line made an input that reached code that no line before it reached, or found a fault.
# Written by `python -m tests.security.guided`; see mutate.Recipe.
"""


def corpus() -> list[Recipe]:
    """The recipes that were kept."""
    lines = CORPUS.read_text().splitlines()
    return [Recipe.parse(line) for line in lines if line and not line.startswith("#")]


class Arcs:
    """Counts the lines and the ways of branches of the package that were taken."""

    def __init__(self) -> None:
        self.count = 0
        self._seen_enough: Any = None
        self._home = str(Path(weightquant_cli.__file__).parent)
        self._ways: defaultdict[tuple[CodeType, int], set[int]] = defaultdict(set)

    def watch(self) -> None:
        """Begin to count; there is no end."""
        if sys.version_info < (3, 12):
            raise SystemExit("sys.monitoring came with Python 3.12")
        monitoring = sys.monitoring
        tool, events = monitoring.COVERAGE_ID, monitoring.events
        monitoring.use_tool_id(tool, "weightquant-guided")
        monitoring.register_callback(tool, events.LINE, self._line)
        monitoring.register_callback(tool, events.BRANCH, self._branch)
        self._seen_enough = monitoring.DISABLE
        monitoring.set_events(tool, events.LINE | events.BRANCH)

    def _line(self, code: CodeType, line: int) -> Any:
        self.count += code.co_filename.startswith(self._home)
        return self._seen_enough

    def _branch(self, code: CodeType, at: int, to: int) -> Any:
        if not code.co_filename.startswith(self._home):
            return self._seen_enough
        ways = self._ways[code, at]
        self.count += to not in ways
        ways.add(to)
        return self._seen_enough if len(ways) > 1 else None


def search(sandbox: Path, inputs: int, seed: int, kept: list[Recipe]) -> list[Recipe]:
    """The recipes that reach something new, each beyond those before it, and those with faults."""
    rng = random.Random(f"guided:{seed}")
    arcs = Arcs()
    arcs.watch()
    found: list[Recipe] = []
    plain = itertools.product(range(len(subjects())), range(len(LAYOUTS)))
    waiting = [*(Recipe(subject, layout, ()) for subject, layout in plain), *kept]
    for number in range(inputs):
        if waiting:
            recipe = waiting.pop(0)
        elif found and rng.random() < 0.8:
            recipe = rng.choice(found[-100:] if rng.random() < 0.5 else found).changed(rng)
        else:
            recipe = Recipe.of(seed, number)
        before = arcs.count
        fault = ""
        try:
            attempt(sandbox, recipe, every=True)
        except Fault as wrong:
            fault = str(wrong)
            print(f"FAULT {fault}\n    recipe {recipe}", flush=True)
        if arcs.count > before or fault:
            found.append(recipe)
        if number % 1000 == 999:
            print(f"{number + 1} inputs, {len(found)} kept, {arcs.count} arcs", flush=True)
    return found


def main() -> int:
    """Search, from what was kept before, and keep what reaches most with least."""
    parser = argparse.ArgumentParser(prog="tests.security.guided", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=place()) as scratch:
        sandbox = Path(scratch) / "sandbox"
        prepare(sandbox)
        found = search(sandbox, options.inputs, options.seed, corpus())
    CORPUS.write_text(HEAD + "".join(f"{recipe}\n" for recipe in found))
    print(f"{len(found)} recipes kept, {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
