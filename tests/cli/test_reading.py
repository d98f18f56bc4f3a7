"""A .json beside a .pdmodel: every command says which it took, and how to take the other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.helpers import run
from tests.formats.pir.builder import write_json_model

COMMANDS = {
    "inspect": ("inspect", "{both}"),
    "quantize": ("quantize", "-n", "{both}", "{out}"),
    "dequantize-check": ("dequantize-check", "{both}"),
    "export-opt": ("export-opt", "{both}"),
}


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """A folder with a .json, what `quantize --bits 32` made of it, and their parameters."""
    folder = write_json_model(tmp_path / "both")
    run("quantize", "-q", "--bits", "32", folder, tmp_path / "converted").ok()
    shutil.copy(tmp_path / "converted" / "inference.pdmodel", folder)
    return folder


def call(command: str, both: Path, *more: str | Path) -> str:
    """What a command says on stderr; it may well find that the model is not quantized."""
    given = [one.format(both=both, out=both.parent / "out") for one in COMMANDS[command]]
    return run(*given, *more).stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_that_it_took_the_pdmodel(command: str, both: Path) -> None:
    told = (
        f"weightquant: {both}: took inference.pdmodel; also found inference.json (Paddle 3): "
        "name it with --model-filename to take it\n"
    )
    assert told in call(command, both)
    assert "took" not in call(command, both, "--model-filename", "inference.pdmodel")


@pytest.mark.parametrize("command", ["quantize", "dequantize-check"])
def test_a_quiet_one_does_not(command: str, both: Path) -> None:
    assert "took" not in call(command, both, "-q")


def test_the_reference_has_an_option_of_its_own(both: Path, tmp_path: Path) -> None:
    run("quantize", "-q", both / "inference.json", tmp_path / "out").ok()
    said = run("dequantize-check", "--reference", both, tmp_path / "out").stderr
    assert "name it with --reference-model-filename to take it" in said


def test_named_the_json_is_taken(both: Path) -> None:
    named = run("inspect", "--json", "--model-filename", "inference.json", both).ok()
    assert (named.json["input"]["program"], named.stderr) == ("inference.json", "")
