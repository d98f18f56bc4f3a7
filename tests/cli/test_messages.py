"""Usage errors: "did you mean ...?" for options, commands and files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.helpers import run
from weightquant_cli.cli.main import COMMANDS

DIGITS = Path(__file__).parents[1] / "models" / "digits"
COMBINED = DIGITS.with_name("digits_combined")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["quantise"], "No such command 'quantise'; did you mean quantize?"),
        (["exportopt"], "No such command 'exportopt'; did you mean export-opt?"),
        (["quantize", "--bit", "8"], "No such option --bit; did you mean --bits?"),
        (["quantize", "--keep-callstacks"], "--keep-callstacks; did you mean --keep-callstack?"),
        (["inspect", "--jsn"], "No such option --jsn; did you mean --json?"),
        (["--versoin"], "No such option --versoin; did you mean --version?"),
        (["quantize", "--op-type", "conv2", DIGITS, "out"], "did you mean conv2d?"),
        (["quantize", "--op-type", "conv", DIGITS, "out"], "its operator type is conv2d"),
        (["quantize", "--op-type", "Linear", DIGITS, "out"], "is matmul_v2 or mul"),
        (["quantize", "--max-size", "3", DIGITS, "out"], "no unit: write 3MB"),
        (["quantize", "--target-size", "0.3", DIGITS, "out"], "no unit: write 0.3MB"),
        (["dequantize"], "did you mean dequantize-check?"),
        (["check"], "did you mean dequantize-check?"),
        (["convert"], "did you mean export-opt?"),
        (["help"], "did you mean --help?"),
        (["-q", "quantize"], "-q before a command; write `weightquant quantize -q`"),
        (
            ["--bits", "8", "quantize"],
            "--bits before a command; write `weightquant quantize --bits`",
        ),
        (["quantize", "-o", "out", "model"], "-o; the output folder is the second argument"),
        (["quantize", "--output=out", "model"], "the output folder is the second argument"),
        (["quantize", "--reference", "a", "b"], "--reference; it is one of dequantize-check"),
        (["export-opt", "--bits", "8", "b"], "No such option --bits; it is one of quantize"),
        (["inspect", "--exclude", "a", "b"], "No such option --exclude; it is one of quantize"),
    ],
)
def test_a_mistyped_word_gets_the_nearest_one(arguments: list[str | Path], message: str) -> None:
    result = run(*arguments)
    assert (result.code, result.stdout) == (2, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_word_like_no_command_gets_all_of_them() -> None:
    result = run("zzzz")
    assert result.code == 2
    assert f"the commands are {', '.join(COMMANDS)}; see `weightquant --help`" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "meant"),
    [
        (["inspect", "modle"], 3, "model"),
        (["inspect", "modle/"], 3, "model"),
        (["quantize", "./modell", "out"], 3, "model"),
        (["inspect", "--model-filename", "__modl__", "model"], 3, "model/__model__"),
        (["inspect", "--params-filename", "__parms__", "model"], 3, "model/__params__"),
        (["quantize", "--plan", "plna.json", "model", "out"], 2, "plan.json"),
        (["inspect", "sotre/small"], 3, "store/small"),
        (["inspect", "sotre/other"], 3, "store"),
    ],
)
def test_a_file_that_does_not_exist_gets_the_most_similar_one(
    tmp_path: Path, arguments: list[str], code: int, meant: str
) -> None:
    shutil.copytree(COMBINED, tmp_path / "model")
    (tmp_path / "store" / "small").mkdir(parents=True)
    (tmp_path / "plan.json").write_text("{}")
    result = run(*arguments, cwd=tmp_path)
    assert result.code == code
    assert result.stderr.endswith(f"; did you mean {meant}?\n")


@pytest.mark.parametrize("name", ["nothing-like-it", "x" * 300])
def test_a_file_like_no_other_gets_no_suggestion(tmp_path: Path, name: str) -> None:
    (tmp_path / "model").mkdir()
    result = run("inspect", name, cwd=tmp_path)
    assert result.code == 3
    assert "did you mean" not in result.stderr
