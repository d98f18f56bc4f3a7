"""Every option with its environment variable, and what each command makes of its words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click
import pytest

from tests.cli.helpers import run
from weightquant_cli.cli.console import ColorMode, Console
from weightquant_cli.cli.main import group
from weightquant_cli.cli.options.click_command import CliCommand
from weightquant_cli.cli.options.command_docs import commands_of
from weightquant_cli.cli.options.option import Option

DIGITS = Path(__file__).parents[2] / "models" / "digits"

COMMANDS = dict(commands_of(group))

EVERY_OPTION = [
    (name, parameter)
    for name, command in COMMANDS.items()
    for parameter in command.params
    if isinstance(parameter, Option) and parameter.long_name not in ("--help", "--config")
]
each_option = pytest.mark.parametrize(
    ("name", "option"), EVERY_OPTION, ids=[f"{name}{o.long_name}" for name, o in EVERY_OPTION]
)
FLAGS = [(name, option) for name, option in EVERY_OPTION if option.is_flag]
each_flag = pytest.mark.parametrize(
    ("name", "flag"), FLAGS, ids=[f"{name}{flag.long_name}" for name, flag in FLAGS]
)

# A value of each kind that is no default.
SAMPLES = {
    "bits": "12",
    "pattern": "fc_*=12",
    "types": "fc,mul",
    "size": "30%",
    "bytes": "64KiB",
    "shape": "x=1,3,48,320",
    "float": "0.5",
    "integer range": "3",
    "file": "some/where else",
    "path": "some/where else",
    "text": "word",
    "name": "word",
}


def sample(option: Option) -> str:
    """A value that the option takes, and that is not its default."""
    if isinstance(option.type, click.Choice):
        return next(str(value) for value in option.type.choices if value != option.default)
    return SAMPLES[option.type.name]


def variable(name: str, option: Option) -> str:
    return f"WEIGHTQUANT-{name}{option.long_name[1:]}".upper().replace("-", "_")


def parsed(
    name: str, words: list[str], environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> tuple[object, ...]:
    """What the command and its console make of the words and of the environment."""
    command = COMMANDS[name]
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    console = Console()
    folders = ["model", "out"][: sum(isinstance(p, click.Argument) for p in command.params)]
    context = command.make_context(name, [*words, *folders], obj=console)
    for key in environment:
        monkeypatch.delenv(key)
    seen = console.quiet, console.verbose, console.debug, console.color
    return *seen, context.params


@each_option
def test_the_variable_of_an_option_does_what_the_option_does(
    name: str, option: Option, monkeypatch: pytest.MonkeyPatch
) -> None:
    if option.is_flag:
        words, value = [option.long_name], "1"
        if option.negations:  # which are on by default
            words, value = [option.negations[0]], "0"
    else:
        value = sample(option)
        words = [option.long_name, value]
    by_option = parsed(name, words, {}, monkeypatch)
    assert parsed(name, [], {variable(name, option): value}, monkeypatch) == by_option
    assert parsed(name, [], {}, monkeypatch) != by_option


@each_option
def test_an_empty_variable_is_as_none(
    name: str, option: Option, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = {variable(name, option): ""}
    assert parsed(name, [], empty, monkeypatch) == parsed(name, [], {}, monkeypatch)


@pytest.mark.parametrize("no", ["0", "false", "no", "off", "False", "NO"])
@each_flag
def test_a_flag_is_unset_by_every_word_for_no(
    name: str, flag: Option, no: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [flag.secondary_opts[0]]
    expected = parsed(name, words, {}, monkeypatch)
    assert parsed(name, [], {variable(name, flag): no}, monkeypatch) == expected


@pytest.mark.parametrize("yes", ["1", "true", "yes", "on", "True"])
@each_flag
def test_a_flag_is_set_by_every_word_for_yes(
    name: str, flag: Option, yes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = parsed(name, [flag.long_name], {}, monkeypatch)
    assert parsed(name, [], {variable(name, flag): yes}, monkeypatch) == expected


@each_flag
def test_a_flag_that_is_neither_set_nor_unset_is_a_usage_error(name: str, flag: Option) -> None:
    result = run(name, "model", *(["out"] * (name == "quantize")), env={variable(name, flag): "x"})
    assert (result.code, result.stdout) == (2, "")
    assert flag.long_name in result.stderr


@pytest.mark.parametrize(
    ("value", "shown"), [("", False), ("0", False), ("false", False), ("no", False), ("1", True)]
)
@pytest.mark.parametrize("name", ["WEIGHTQUANT_DEBUG", "WEIGHTQUANT_INSPECT_DEBUG"])
def test_a_traceback_is_shown_where_debug_is_set(name: str, value: str, shown: bool) -> None:
    result = run("inspect", "nowhere", env={name: value})
    assert (result.code, "Traceback" in result.stderr) == (3, shown)


def test_a_commands_own_debug_wins_over_the_general_one() -> None:
    told = {"WEIGHTQUANT_INSPECT_DEBUG": "0", "WEIGHTQUANT_DEBUG": "1"}
    assert "Traceback" not in run("inspect", "nowhere", env=told).stderr


def test_a_file_called_debug_shows_no_traceback(tmp_path: Path) -> None:
    result = run("inspect", "--", "--debug", cwd=tmp_path)
    assert result.code == 3
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--color", "always", "--nonsense"],
        ["--nonsense", "--color", "always"],
        ["--sort", "nothing", "--color=always"],
        ["--color", "always", "--sort"],
    ],
)
def test_a_usage_error_is_coloured_as_the_command_line_says(words: list[str]) -> None:
    result = run("inspect", *words, "model")
    assert result.code == 2
    assert "\x1b[" in result.stderr


def test_every_color_mode_is_a_choice() -> None:
    command = COMMANDS["inspect"]
    assert isinstance(command, CliCommand)
    color = next(p for p in command.params if p.name == "color")
    assert isinstance(color.type, click.Choice)
    assert list(color.type.choices) == [mode.value for mode in ColorMode]


@pytest.mark.parametrize(
    ("variables", "arguments"),
    [
        ({"WEIGHTQUANT_QUANTIZE_BITS": "16"}, ["--bits", "16"]),
        ({"WEIGHTQUANT_QUANTIZE_REWRITE": "0"}, ["--no-rewrite"]),
        ({"WEIGHTQUANT_QUANTIZE_OP_TYPE": "fc,mul conv2d"}, ["--op-type", "fc,mul,conv2d"]),
        (
            {"WEIGHTQUANT_QUANTIZE_EXCLUDE": "fc_0* fc_1*"},
            ["--exclude", "fc_0*", "--exclude", "fc_1*"],
        ),
        ({"WEIGHTQUANT_QUANTIZE_BITS_FOR": "fc_0.w_0=12"}, ["--bits-for", "fc_0.w_0=12"]),
    ],
)
def test_an_environment_variable_does_what_the_option_does(
    variables: dict[str, str], arguments: list[str]
) -> None:
    call = ("quantize", "--dry-run", DIGITS, "out")
    told = {"WEIGHTQUANT_QUANTIZE_JSON": "1"}
    by_option = run(*call, "--json", *arguments).ok()
    assert run(*call, env={**variables, **told}).ok() == by_option
    assert run(*call, env=told).ok() != by_option


def test_an_option_on_the_command_line_wins_over_its_variable() -> None:
    call = ("quantize", "--dry-run", "--json", DIGITS, "out")
    result = run(*call, "--bits", "12", env={"WEIGHTQUANT_QUANTIZE_BITS": "16"}).ok()
    assert result.json["options"]["bits"] == 12


PATHS = [
    (name, parameter)
    for name, command in COMMANDS.items()
    for parameter in command.params
    if isinstance(parameter.type, click.Path) or parameter.type.name == "name"
]


@pytest.mark.parametrize(
    ("name", "parameter"), PATHS, ids=[f"{name}-{parameter.name}" for name, parameter in PATHS]
)
def test_an_empty_path_or_name_is_a_usage_error(
    name: str, parameter: click.Parameter, tmp_path: Path
) -> None:
    """As of an unset shell variable: `quantize -f MODEL ""` replaced the current folder."""
    operands = [p for p in COMMANDS[name].params if isinstance(p, click.Argument)]
    words = ["" if p is parameter else "model" for p in operands]
    if isinstance(parameter, Option):
        words += [parameter.long_name, ""]
    result = run(name, *words, cwd=tmp_path)
    assert (result.code, result.stdout) == (2, "")
    assert "is empty" in result.stderr
    assert not list(tmp_path.iterdir())
