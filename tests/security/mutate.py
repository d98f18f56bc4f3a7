"""Damage a model: at the level of its structure, its protobuf fields, its bytes, its files.

A recipe names a model, a layout and mutations, each with the seed of its own random numbers: it can
be kept as a line of text, made longer and made again. Recipes follow from a seed and a number.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.security.byte_mutations import BYTES, FILES
from tests.security.drafts import Draft, Mutation, Random
from tests.security.plans import plan_bytes
from tests.security.structure_mutations import FIELDS, STRUCTURE
from tests.security.subjects import LAYOUTS, subjects

MAX_SEED = 100_000
MAX_STEPS = 8

_KINDS: tuple[list[Sequence[Mutation]], list[int]] = ([STRUCTURE, FIELDS, BYTES, FILES],
                                                      [9, 6, 3, 2])  # fmt: skip
_MUTATIONS = {m.__name__: m for m in (*STRUCTURE, *FIELDS, *BYTES, *FILES)}


@dataclass(frozen=True)
class Input:
    """One model folder to be written, and a plan beside it.

    Attributes:
        files: plain files.
        specials: what is in place of a file, or under the name "" in place of the folder.
        plan: a plan file for it, damaged or not.
        story: how it came to be.
    """

    files: dict[str, bytes]
    specials: dict[str, str]
    plan: bytes
    story: str


@dataclass(frozen=True)
class Recipe:
    """How to make an input: which model in which layout, and what to do to it."""

    subject: int
    layout: int
    steps: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        return " ".join((f"{self.subject}/{self.layout}", *(f"{n}:{s}" for n, s in self.steps)))

    @classmethod
    def parse(cls, line: str) -> Recipe:
        """The recipe that `str` has made a line of; mutations that are no more are left out."""
        first, *steps = line.split()
        subject, _, layout = first.partition("/")
        parts = [step.partition(":") for step in steps]
        known = tuple((name, int(seed)) for name, _, seed in parts if name in _MUTATIONS)
        return cls(int(subject), int(layout), known)

    @classmethod
    def of(cls, seed: int, number: int) -> Recipe:
        """The recipe of this number: up to four mutations; number 0 is an honest model."""
        if number == 0:
            return cls(0, 0, ())
        rng = random.Random(f"{seed}:{number}")
        count = rng.choice((0, 1, 1, 1, 1, 2, 2, 3, 4))
        steps = tuple(_step(rng) for _ in range(count))
        return cls(rng.randrange(len(subjects())), rng.randrange(len(LAYOUTS)), steps)

    def changed(self, rng: Random) -> Recipe:
        """A step more, a step less, other numbers for one, or another model."""
        steps = list(self.steps)
        part = rng.randrange(6)
        if part == 0 and len(steps) > 1:
            del steps[rng.randrange(len(steps))]
        elif part == 1 and steps:
            at = rng.randrange(len(steps))
            steps[at] = (steps[at][0], rng.randrange(MAX_SEED))
        elif part == 2:
            other = rng.randrange(len(subjects()))
            return Recipe(other, rng.randrange(len(LAYOUTS)), self.steps)
        else:
            steps.insert(rng.randrange(len(steps) + 1), _step(rng))
        return Recipe(self.subject, self.layout, tuple(steps[-MAX_STEPS:]))

    def make(self) -> Input:
        """The input."""
        draft = Draft.of(subjects()[self.subject], LAYOUTS[self.layout])
        for name, seed in self.steps:
            try:
                _MUTATIONS[name](draft, random.Random(seed))
            except (ValueError, IndexError, OverflowError, TypeError) as error:
                draft.done.append(f"({name} gave up: {error})")
            else:
                draft.done.append(f": {name}")
        story = f"{self} ({draft.layout.program}, {draft.layout.params}{', '.join(draft.done)})"
        shapes = {name: list(record.dims) for name, record in draft.records.items()}
        plan = plan_bytes(shapes, random.Random(str(self)))
        return Input(draft.files(), draft.specials, plan, story)


def make(seed: int, number: int) -> Input:
    """The input of this seed and number."""
    return Recipe.of(seed, number).make()


def _step(rng: Random) -> tuple[str, int]:
    mutations = rng.choices(*_KINDS)[0]
    return rng.choice(mutations).__name__, rng.randrange(MAX_SEED)
