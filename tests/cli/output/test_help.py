"""Help of every command, and the short help of an empty call."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.cli.helpers import environment, run, run_terminal
from weightquant_cli.cli.main import COMMANDS, group
from weightquant_cli.cli.options.click_command import CliCommand
from weightquant_cli.cli.options.command_docs import (
    CommandDoc,
    OptionDoc,
    command_doc,
    commands_of,
)
from weightquant_cli.cli.output.help import full_help, short_help

DIGITS = Path(__file__).parents[2] / "models" / "digits"
COMBINED = DIGITS.with_name("digits_combined")

DOCUMENTS = [command_doc(command) for command in (group, *(c for _, c in commands_of(group)))]
each_command = pytest.mark.parametrize("document", DOCUMENTS, ids=[d.path for d in DOCUMENTS])

HEAVY = ("numpy", "google.protobuf", "rich", "tqdm")


def options(document: CommandDoc) -> Iterator[OptionDoc]:
    """Every option of a command."""
    for option_group in document.groups:
        yield from option_group.options


def weightquant_calls(example: str) -> Iterator[list[str]]:
    """The arguments of each call of the program in a line of shell."""
    words: list[str] = []
    lexer = shlex.shlex(example, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    for word in (*lexer, ";"):
        if set(word) <= set("|&;<>()"):
            if words and words[0] == "weightquant":
                yield words[1:]
            words = []
        else:
            words.append(word)


@pytest.mark.parametrize("flag", ["-h", "--help"])
@each_command
def test_help_is_a_result_on_stdout(document: CommandDoc, flag: str) -> None:
    shown = run(*document.path.split()[1:], flag, env={"COLUMNS": "80"}).ok().stdout
    assert shown == full_help(document, 80)


@each_command
def test_help_has_usage_first_then_what_it_does_then_what_is_most_used_and_examples(
    document: CommandDoc,
) -> None:
    text = full_help(document, 100)
    places = [
        text.index(part)
        for part in (
            "Usage: ",
            document.summary,
            *(f"\n{g.heading}:" for g in document.groups if g.first),
            "Examples:",
            *(f"\n{g.heading}:" for g in document.groups if not g.first),
        )
    ]
    assert places == sorted(places)


def test_the_first_screen_of_quantize_has_the_options_that_matter_with_their_whole_text() -> None:
    shown = run_terminal("quantize", "-h", columns=80).ok().stdout.splitlines()
    screen = " ".join(" ".join(shown[:24]).split())
    document = next(one for one in DOCUMENTS if one.path == "weightquant quantize")
    assert screen.startswith(f"Usage: {document.usage} {document.summary}")
    wanted = ("--bits", "--accurate", "--op-type", "--force", "--dry-run", "--report")
    found = {option.long_name: option for option in options(document)}
    for name in wanted:
        assert f"{name} " in screen
        assert found[name].sentence.replace("  ", " ") in screen, name


@pytest.mark.parametrize("columns", [40, 80, 100, 140])
@each_command
def test_help_fits_the_terminal_and_cuts_nothing(document: CommandDoc, columns: int) -> None:
    shown = run_terminal(*document.path.split()[1:], "-h", columns=columns).ok().stdout
    for line in shown.splitlines():
        spelled_out = line.strip() in document.examples or line.lstrip().startswith("-")
        assert len(line) <= min(columns, 100) or spelled_out, line
    words = " ".join(shown.split())
    assert all(" ".join(option.sentence.split()) in words for option in options(document))
    assert all(about in words for _, about in document.commands)
    assert all(example in shown for example in document.examples)


def test_on_a_narrow_terminal_an_option_is_explained_below_its_name() -> None:
    narrow = full_help(command_doc(commands_of(group)[0][1]), 40).splitlines()
    assert narrow[narrow.index("  -n, --dry-run") + 1].startswith("        Print the plan")


@each_command
def test_every_option_is_one_sentence_in_a_named_group(document: CommandDoc) -> None:
    for option in options(document):
        assert option.text.endswith(".") and option.text[0].isupper(), option
        assert ". " not in option.text, option


def test_every_default_is_told() -> None:
    for _, command in commands_of(group):
        told = {option.long_name: option.default for option in options(command_doc(command))}
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.is_flag:
                default = parameter.default
                stated = told[next(name for name in parameter.opts if name.startswith("--"))]
                assert stated or not isinstance(default, (str, int, float)), parameter.name


@each_command
def test_every_example_is_a_call_that_the_command_accepts(document: CommandDoc) -> None:
    calls = [call for example in document.examples for call in weightquant_calls(example)]
    assert len(calls) >= len(document.examples)
    for name, *arguments in calls:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        command.make_context(name, arguments)


def test_every_command_has_our_help() -> None:
    assert [name for name, _ in commands_of(group)] == list(COMMANDS)
    assert all(isinstance(command, CliCommand) for _, command in commands_of(group))


@pytest.mark.parametrize(
    "arguments", [[], ["-h"], ["--version"], *([name, "-h"] for name in COMMANDS)]
)
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import json, sys\n"
        "from weightquant_cli.__main__ import main\n"
        "main(sys.argv[1:])\n"
        f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        env=environment(),
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stderr.splitlines()[-1]) == []


def test_an_empty_call_shows_short_help_on_stderr_and_is_a_usage_error() -> None:
    result = run(env={"COLUMNS": "80"})
    assert (result.code, result.stdout) == (2, "")
    assert result.stderr == short_help(command_doc(group), 80)
    assert all(f"\n  {name} " in result.stderr for name in COMMANDS)
    assert len(result.stderr.splitlines()) < 15
