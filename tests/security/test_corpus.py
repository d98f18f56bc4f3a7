"""What a search guided by coverage has kept: see guided.py."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.security import fuzz, guided
from tests.security.sandbox import Fault

PARTS = 6


@pytest.mark.parametrize("part", range(PARTS))
def test_no_input_that_was_kept_makes_any_command_misbehave(
    part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in os.environ.items():  # what settling takes away comes back afterwards
        monkeypatch.setenv(name, value)
    fuzz.prepare(tmp_path / "sandbox", warm=False)
    recipes = guided.corpus()[part::PARTS]
    assert recipes
    faults = []
    codes: Counter[int] = Counter()
    for recipe in recipes:
        try:
            codes.update(fuzz.attempt(tmp_path / "sandbox", recipe, every=True).values())
        except Fault as fault:
            faults.append(f"{fault}\n    recipe {recipe}")
    assert faults == []
    assert codes.keys() >= {0, 3}


def test_the_corpus_is_as_it_was_written() -> None:
    text = guided.CORPUS.read_text()
    assert text.startswith(guided.HEAD)
    recipes = guided.corpus()
    assert [str(recipe) for recipe in recipes] == text.splitlines()[2:]
    assert len(set(recipes)) == len(recipes)
