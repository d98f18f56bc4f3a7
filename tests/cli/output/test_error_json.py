"""Errors as documents: with --json, on stdout, beside the line on stderr."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.helpers import command, environment, run, shell
from tests.pages import COMBINED, DIGITS
from tests.schemas.test_schemas import faults, schema
from weightquant_cli.cli.exit_codes import ExitCode
from weightquant_cli.cli.output.error_json import OTHER_KINDS, kind_of
from weightquant_cli.core.model.model import Model
from weightquant_cli.core.run import RunError
from weightquant_cli.errors import WeightQuantError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a model, one that is cut short, one that lacks a file, and a recipe."""
    shutil.copytree(COMBINED, tmp_path / "model")
    shutil.copytree(COMBINED, tmp_path / "short")
    os.truncate(tmp_path / "short" / "__params__", 200_000)
    shutil.copytree(DIGITS, tmp_path / "lacking")
    (tmp_path / "lacking" / "fc_0.w_0").unlink()
    (tmp_path / "recipe.toml").write_text("[inspect]\njson = true\n[quantize]\nbits = true\n")
    return tmp_path


CALLS = [
    (["quantize", "--json", "nowhere", "out"], "model_not_found", 3),
    (["quantize", "--json", "short", "out"], "parameter", 3),
    (["inspect", "--json", "lacking"], "missing_parameter", 3),
    (["quantize", "--json", "--max-size", "1%", "model", "out"], "gate", 1),
    (["quantize", "--json", "--exclude", "nothing*", "model", "out"], "usage", 2),
    (["quantize", "--json", "--bits", "many", "model", "out"], "usage", 2),
    (["quantize", "--json", "--bits", "99", "model", "out"], "usage", 2),
    (["quantize", "--nonsense", "--json", "model", "out"], "usage", 2),
    (["quantize", "model", "--json"], "usage", 2),
    (["quantise", "--json"], "usage", 2),
    (["quantize", "--json", "model", "no/where/out"], "output", 4),
    (["export-opt", "--json", "-o", "-", "model"], "usage", 2),
    (["inspect", "--json", "--format", "csv", "model"], "usage", 2),
    (["inspect", "--config", "recipe.toml", "nowhere"], "model_not_found", 3),
    (["quantize", "--json", "--config", "recipe.toml", "model", "out"], "usage", 2),
]


@pytest.mark.parametrize(("words", "kind", "code"), CALLS, ids=lambda value: str(value))
@pytest.mark.parametrize("quiet", [(), ("-q",)], ids=["", "quiet"])
def test_an_error_is_a_document_with_the_line_and_the_exit_code(
    words: list[str], kind: str, code: int, quiet: tuple[str, ...], home: Path
) -> None:
    if "no/where/out" in words:
        (home / "no").write_text("a file")
    result = run(*words, *quiet, cwd=home)
    found = result.json["error"]
    assert (result.code, found["exit_code"], found["kind"]) == (code, code, kind)
    assert result.stderr == f"weightquant: error: {found['message']}\n"
    assert faults("error", result.json) == []


def test_the_environment_asks_for_the_document_too(home: Path) -> None:
    result = run("inspect", "nowhere", cwd=home, env={"WEIGHTQUANT_INSPECT_JSON": "1"})
    assert result.json["error"]["path"] == "nowhere"


@pytest.mark.parametrize(
    "words", [["inspect", "nowhere"], ["inspect", "--", "--json"], ["nothing"]]
)
def test_without_json_stdout_stays_empty(words: list[str], home: Path) -> None:
    assert run(*words, cwd=home).stdout == ""


def test_the_document_holds_what_the_error_knows(home: Path) -> None:
    found = run("inspect", "--json", "short", cwd=home).json["error"]
    assert found["path"].endswith("__params__")
    assert found["tensor"] == "fc_0.w_0"
    assert 0 < found["offset"] < 200_000
    assert (found["expected"], found["found"]) == ("131072 bytes of data", "120341 bytes")


def test_an_error_after_the_document_gives_no_second_one() -> None:
    result = shell('weightquant inspect --json "$1" > /dev/full; echo "code $?"', DIGITS)
    assert result.stdout == "code 4\n"
    assert result.stderr == "weightquant: error: cannot write to stdout: No space left on device\n"


@pytest.mark.parametrize(
    ("error", "kind"), [(MemoryError(), "out_of_memory"), (KeyError("x"), "internal")]
)
def test_what_is_no_fault_of_the_user_is_a_document_too(
    error: Exception, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*arguments: object) -> Model:
        raise error

    monkeypatch.setattr(Model, "load", load)
    result = run("inspect", "--json", DIGITS)
    assert (result.code, result.json["error"]["kind"]) == (70, kind)
    assert faults("error", result.json) == []


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [(signal.SIGINT, "interrupted", 130), (signal.SIGTERM, "terminated", 143)],
)
def test_a_signal_is_a_document_too(
    number: signal.Signals, kind: str, code: int, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "plan.json")
    call = command("quantize", "--json", "--plan", tmp_path / "plan.json", DIGITS, tmp_path / "out")
    with (
        subprocess.Popen(
            call, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process,
        (tmp_path / "plan.json").open("wb"),
    ):  # opens once it reads
        process.send_signal(number)
        out, _ = process.communicate()
    assert process.returncode == code
    assert f'"kind": "{kind}"'.encode() in out


def classes(base: type[WeightQuantError]) -> Iterator[type[WeightQuantError]]:
    for one in base.__subclasses__():
        if one.__module__.startswith("weightquant_cli."):
            yield one
            yield from classes(one)


def test_the_schema_knows_every_kind_and_every_exit_code() -> None:
    assert issubclass(RunError, WeightQuantError)  # imported, so that it is among them
    published = schema("error")["properties"]["error"]["properties"]
    kinds = {kind_of(one) for one in classes(WeightQuantError)} | set(OTHER_KINDS.values())
    assert set(published["kind"]["enum"]) == kinds | {"out_of_memory"}
    assert published["exit_code"]["enum"] == [code for code in ExitCode if code]
