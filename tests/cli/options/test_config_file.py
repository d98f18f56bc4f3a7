"""Options from a file: what it may say, what overrules it, and its errors."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from tests.cli.helpers import Result, run
from tests.cli.options.test_environment import COMMANDS, EVERY_OPTION, SAMPLES, parsed
from tests.pages import COMBINED
from weightquant_cli.cli.options.option import Option


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a model."""
    shutil.copytree(COMBINED, tmp_path / "model")
    return tmp_path


def quantize(home: Path, text: str, *words: str, env: dict[str, str] | None = None) -> Result:
    """A dry run's document by a file with this text."""
    (home / "recipe.toml").write_text(text)
    call = ("quantize", "--dry-run", "--json", "--config", "recipe.toml", *words, "model", "out")
    return run(*call, cwd=home, env=env)


def options(home: Path, text: str, *words: str, env: dict[str, str] | None = None) -> Any:
    return quantize(home, text, *words, env=env).ok().json["options"]


def toml_value(option: Option) -> str:
    """A value of the option in TOML, which is not its default."""
    if option.is_flag:
        return "false" if option.negations else "true"
    if isinstance(option.type, click.Choice):
        return repr(next(str(one) for one in option.type.choices if one != option.default))
    return repr(SAMPLES[option.type.name])


@pytest.mark.parametrize("spelling", [str, lambda key: key.replace("-", "_")])
@pytest.mark.parametrize(
    ("name", "option"), EVERY_OPTION, ids=[f"{name}{o.long_name}" for name, o in EVERY_OPTION]
)
def test_a_key_does_what_its_option_does(
    name: str,
    option: Option,
    spelling: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    key = spelling(option.long_name[2:])
    Path("recipe.toml").write_text(f"[{name}]\n{key} = {toml_value(option)}\n")
    if option.is_flag:
        words = [option.negations[0] if option.negations else option.long_name]
    else:
        words = [option.long_name, toml_value(option).strip("'")]
    *console, by_option = parsed(name, words, {}, monkeypatch)
    *same, by_file = parsed(name, ["--config", "recipe.toml"], {}, monkeypatch)
    assert isinstance(by_option, dict)
    assert same == console
    assert by_file == {**by_option, "config": Path("recipe.toml")}


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(home: Path) -> None:
    text = "[quantize]\nbits = 16\n"
    told = {"WEIGHTQUANT_QUANTIZE_BITS": "12"}
    assert options(home, text)["bits"] == 16
    assert options(home, text, env=told)["bits"] == 12
    assert options(home, text, "--bits", "8", env=told)["bits"] == 8


@pytest.mark.parametrize(
    ("name", "flag"),
    [(name, option) for name, option in EVERY_OPTION if option.is_flag and not option.negations],
    ids=lambda value: value if isinstance(value, str) else value.long_name,
)
def test_a_flag_of_the_file_is_unset_by_the_command_line_and_by_the_environment(
    name: str, flag: Option, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("recipe.toml").write_text(f"[{name}]\n{flag.long_name[2:]} = true\n")
    unset = parsed(name, [], {}, monkeypatch)[:-1]
    words = ["--config", "recipe.toml"]
    by_word = parsed(name, [*words, f"--no-{flag.long_name[2:]}"], {}, monkeypatch)
    variable = f"WEIGHTQUANT_{name}_{flag.long_name[2:]}".upper().replace("-", "_")
    by_variable = parsed(name, words, {variable: "0"}, monkeypatch)
    assert by_word == by_variable
    assert by_word[:-1] == unset
    values = by_word[-1]
    assert isinstance(values, dict)
    assert not values.get(flag.name)
    assert parsed(name, words, {}, monkeypatch) != by_word


def test_spellings_for_no_that_no_help_lists_are_not_completed_either() -> None:
    command = COMMANDS["quantize"]
    items = command.shell_complete(click.Context(command), "--no-")
    assert [item.value for item in items] == ["--no-rewrite", "--no-mend"]


@pytest.mark.parametrize(
    "text",
    [
        'exclude = "fc_*"\nbits-for = "conv2d_0*=12"',
        'exclude = ["fc_*"]\nbits_for = ["conv2d_0*=12"]',
        'exclude = ["re:fc_.*"]\n[quantize.bits-for]\n"conv2d_0*" = 12',
    ],
)
def test_what_can_be_repeated_is_a_text_or_a_list_and_a_pair_a_table(text: str, home: Path) -> None:
    found = options(home, "[quantize]\n" + text)
    assert found["bits_for"] == [["conv2d_0*", 12]]
    assert found["exclude"] in (["fc_*"], ["re:fc_.*"])


def test_a_long_list_may_have_a_line_for_each(home: Path) -> None:
    text = "[quantize]\nexclude = [\n" + "  'fc_*',\n" * 3000 + "]\n"
    assert options(home, text)["exclude"] == ["fc_*"] * 3000


def test_a_shape_is_a_list_in_a_table(home: Path) -> None:
    text = "[quantize]\nbits = 'auto'\ninput-shape = {image = [1, 1, 8, 8]}"
    assert options(home, text)["bits"] == "auto"
    wrong = quantize(home, text.replace("8, 8]", "'x']"))
    assert wrong.code == 2
    assert "[quantize] input-shape: an input" in wrong.stderr


def test_the_report_says_which_file_and_which_options_came_from_it(home: Path) -> None:
    text = "[quantize]\nop-type = 'conv2d'\nbits = 9\nmin-sqnr = 30\n"
    document = quantize(home, text, "--bits", "auto").ok().json
    assert document["config"] == {"file": "recipe.toml", "options": ["min-sqnr", "op-type"]}
    assert document["options"]["min_sqnr"] == 30
    without = run("quantize", "--dry-run", "--json", "model", "out", cwd=home).ok()
    assert without.json["config"] is None


def test_paths_start_at_the_file_s_folder_and_names_do_not(home: Path) -> None:
    place = home / "recipes"
    place.mkdir()
    (place / "recipe.toml").write_text(
        "[quantize]\nreport = 'report.json'\nsave-model-filename = 'program'\n"
        f"plan-out = '{home / 'plan.json'}'\n"
        "[dequantize-check]\nreference = '../model'\nverify-report = 'report.json'\n"
        "[export-opt]\noutput = '-'\n"
    )
    words = ("--config", "recipes/recipe.toml")
    run("quantize", "-q", *words, "model", "out", cwd=home).ok()
    assert (place / "report.json").exists()
    assert (home / "plan.json").exists()
    assert (home / "out" / "program").exists()
    named = ("--model-filename", "program", "--params-filename", "__params__")
    checked = run("dequantize-check", *words, *named, "--json", "out", cwd=home).ok()
    assert checked.json["reference"]["folder"].endswith("model")
    script = run("export-opt", *words, *named, "out", cwd=home).done()
    assert script.stdout.startswith("#!")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[quantize]\nexlude = 'x'",
            "[quantize] exlude is no option (recipe.toml); did you mean e",
        ),
        ("[quantize]\nconfig = 'x'", "[quantize] config is no option"),
        ("[quantize]\nmodel_dir = 'x'", "[quantize] model_dir is no option"),
        ("[quantize]\nkeep-callstack = true", "write strip-callstack = false"),
        ("[quantise]\nbits = 8", "there is no command 'quantise' (recipe.toml); did you mean quan"),
        ("bits = 8", "there is no command 'bits' (recipe.toml); the tables are [quantize], [insp"),
        ("quantize = 8", "quantize is no table (recipe.toml); write it as [quantize]"),
        (
            "[quantize]\nforce = 'yes'",
            "force is wrong (recipe.toml); expected true or false, found",
        ),
        ("[quantize]\nbits = true", "bits is wrong (recipe.toml); expected text or a number, foun"),
        ("[quantize]\nreport = 3", "report is wrong (recipe.toml); expected text, found 3"),
        ("[quantize]\nexclude = [3]", "exclude is wrong (recipe.toml); expected text, found 3"),
        ("[quantize]\nrounding = 'up'", "[quantize] rounding: 'up' is not one of"),
        ("[quantize]\nbits = 'many'", "[quantize] bits: 'many' is neither a number"),
        ("[quantize]\ntarget-size = 3", "[quantize] target-size: '3' has no unit"),
        ("[quantize]\njobs = 0", "[quantize] jobs: 0 is not in the range"),
        ("[quantize]\njobs = 1.5", "[quantize] jobs: '1.5' is not a valid integer"),
        (f"[quantize]\nbits = 0x{'f' * 6000}", "[quantize] bits is wrong (recipe.toml); expected"),
        ('[quantize]\nplan = "a\\u0000b"', "[quantize] plan has a NUL in it"),
        ("[quantize]\nreport = ''", "[quantize] report: the path is empty"),
        ("[quantize\n", "the file is not TOML: "),
        ("[quantize]\nbits = 8\nbits = 8", "the file is not TOML: "),
        ("x = " + "[" * 5000, "the file is not TOML: "),
        ("# " + "x" * (1 << 20), "the file has more than 1048576 bytes"),
        # 12 s and 3.6 GB for the parser
        (
            "a" + ".a" * 30_000 + " = 1\n",
            "a line is too long for a file of this size (recipe.toml)",
        ),
    ],
)
def test_a_wrong_file_is_one_line_that_names_file_and_key(
    text: str, message: str, home: Path
) -> None:
    result = quantize(home, text)
    assert result.code == 2
    assert f"error: --config: {message}" in result.stderr or message in result.stderr
    assert result.stderr.startswith("weightquant: error: --config: ")
    assert "recipe.toml" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_a_file_as_windows_writes_it_is_read(start: str, home: Path) -> None:
    text = f"{start}[quantize]\r\nbits = 16\r\n"
    (home / "recipe.toml").write_bytes(text.encode())
    call = ("quantize", "-n", "--json", "--config", "recipe.toml", "model", "out")
    assert run(*call, cwd=home).ok().json["options"]["bits"] == 16


def test_a_file_that_is_not_text_and_one_that_is_not_there(home: Path) -> None:
    (home / "recipe.toml").write_bytes(b"\xff")
    words = ("inspect", "--config")
    assert "not TOML" in run(*words, "recipe.toml", "model", cwd=home).stderr
    missing = run(*words, "recipes.toml", "model", cwd=home)
    assert missing.code == 2
    assert missing.stderr.endswith("did you mean recipe.toml?\n")


def test_the_file_may_be_a_pipe(home: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"[quantize]\nbits = 16\n")
    os.close(writer)
    call = ("quantize", "-n", "--json", "--config", f"/dev/fd/{reader}", "model", "out")
    try:
        assert run(*call, cwd=home).ok().json["options"]["bits"] == 16
    finally:
        os.close(reader)


def test_the_file_is_an_input_that_no_output_overwrites(home: Path) -> None:
    text = "[quantize]\nreport = 'recipe.toml'\n"
    result = quantize(home, text)
    assert (result.code, (home / "recipe.toml").read_text()) == (2, text)
    assert "recipe.toml" in result.stderr


def test_without_a_parser_the_line_says_what_to_do(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported: list[str] = []

    def no_parser(name: str) -> Any:
        imported.append(name)
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(importlib, "import_module", no_parser)
    command = COMMANDS["inspect"]
    (home / "recipe.toml").write_text("")
    monkeypatch.chdir(home)
    with pytest.raises(
        Exception, match=r"need Python 3\.11 or the package tomli; pip install tomli"
    ):
        command.make_context("inspect", ["--config", "recipe.toml", "model"])
    assert imported == ["tomllib", "tomli"]


def test_no_file_is_read_unasked(home: Path) -> None:
    (home / "weightquant.toml").write_text("[quantize]\nbits = 16\n")
    document = run("quantize", "--dry-run", "--json", "model", "out", cwd=home).ok().json
    assert document["options"]["bits"] == 8
