"""A few seconds of the fuzzer, always the same inputs; `python -m tests.security.fuzz` for more."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.security import fuzz, mutate, sandbox
from tests.security.mutate import Recipe
from tests.security.sandbox import Command, Fault
from weightquant_cli.cli.main import COMMANDS

INPUTS = 30


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sandbox; what settling takes from the environment comes back afterwards."""
    for name, value in os.environ.items():
        monkeypatch.setenv(name, value)
    fuzz.prepare(tmp_path, warm=False)
    return tmp_path


@pytest.mark.parametrize("part", range(6))
def test_no_damaged_model_makes_any_command_misbehave(part: int, prepared: Path) -> None:
    faults = []
    codes: Counter[int] = Counter()
    for _, found, fault in fuzz.fuzz(prepared, 0, range(part * INPUTS, (part + 1) * INPUTS)):
        codes.update(found.values())
        faults += [fault] if fault else []
    assert faults == []
    assert codes[0] >= INPUTS / 4, "too few models are read at all"
    assert codes[3] >= INPUTS / 4, "too few models are refused"


def test_an_input_is_known_by_its_seed_and_its_number() -> None:
    again = [mutate.make(5, number) for number in range(40)]
    assert [mutate.make(5, number) for number in range(40)] == again
    assert len({tuple(given.files.items()) for given in again}) > 30
    assert mutate.make(6, 1) != mutate.make(5, 1)


def test_every_command_has_options_to_be_tried_with() -> None:
    assert fuzz.OPTIONS.keys() == COMMANDS.keys()


def test_every_mutation_can_do_its_work() -> None:
    waiting = set(mutate._MUTATIONS)
    for number in range(2000):
        if not waiting:
            break
        story = mutate.make(1, number).story
        waiting = {name for name in waiting if f": {name}" not in story}
    assert waiting == set()


def test_a_recipe_is_a_line_of_text() -> None:
    for number in range(50):
        recipe = Recipe.of(1, number)
        assert Recipe.parse(str(recipe)) == recipe
    assert Recipe.parse("0/1 no_such_mutation:3 nest:4") == Recipe(0, 1, (("nest", 4),))


def test_a_write_outside_the_sandbox_would_be_seen(tmp_path: Path) -> None:
    with sandbox.watched(tmp_path / "out") as seen:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "file").write_text("x")
        (tmp_path / "elsewhere").write_text("x")
        (tmp_path / "elsewhere").rename(tmp_path / "out" / "moved")
        (tmp_path / "out" / "moved").read_text()
    assert [event.split()[0] for event in seen] == ["open", "os.rename"]


@pytest.mark.parametrize("shown", ["\x1b[2J", "\x9b", "\r", "\u202e", "\u2028", "\0", "\x7f"])
def test_control_characters_would_be_seen(shown: str) -> None:
    sandbox.refuse_controls(b"plain\n\xc3\xa9", "it")
    with pytest.raises(Fault, match="control character"):
        sandbox.refuse_controls(f"a{shown}b".encode(), "it")


@pytest.mark.parametrize(
    "page", ["<script>", "<p onclick='x'>", "<img src=x>", "<a href='javascript:x'>", "<SCRIPT>"]
)
def test_an_active_page_would_be_seen(page: str) -> None:
    sandbox.refuse_active_page("<p class='x'>&lt;script&gt;</p>")
    with pytest.raises(Fault, match="the page holds"):
        sandbox.refuse_active_page(page)


def test_a_command_that_changes_its_input_would_be_seen(prepared: Path) -> None:
    sandbox.write_input(prepared / "model", mutate.make(0, 0))
    sandbox.check(prepared, Command(("export-opt", "model")))
    (prepared / "out").symlink_to("model")
    with pytest.raises(Fault):
        sandbox.check(prepared, Command(("export-opt", "-o", "model/x", "model")))
