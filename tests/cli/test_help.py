"""Help, the short help of an empty call, "did you mean", and the environment variables."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.cli.helpers import environment, run, run_terminal
from weightquant_cli.cli.command_docs import (
    CommandDoc,
    OptionDoc,
    command_doc,
    commands_of,
)
from weightquant_cli.cli.commands import Command
from weightquant_cli.cli.help import full_help, short_help
from weightquant_cli.cli.main import COMMANDS, group
from weightquant_cli.cli.options.groups import UNGROUPED

DIGITS = Path(__file__).parents[1] / "models" / "digits"
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
def test_help_has_usage_first_then_what_it_does_then_examples_then_options(
    document: CommandDoc,
) -> None:
    text = full_help(document, 100)
    places = [
        text.index(part)
        for part in (
            "Usage: ",
            document.summary,
            "Examples:",
            *(f"\n{g.heading}:" for g in document.groups),
        )
    ]
    assert places == sorted(places)


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
    assert UNGROUPED not in [g.heading for g in document.groups], "see cli/option_groups.py"
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
    assert all(isinstance(command, Command) for _, command in commands_of(group))


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["quantise"], "No such command 'quantise'; did you mean quantize?"),
        (["exportopt"], "No such command 'exportopt'; did you mean export-opt?"),
        (["quantize", "--bit", "8"], "No such option --bit; did you mean --bits?"),
        (["quantize", "--keep-callstacks"], "--keep-callstacks; did you mean --keep-callstack?"),
        (["inspect", "--jsn"], "No such option --jsn; did you mean --json?"),
        (["--versoin"], "No such option --versoin; did you mean --version?"),
        (["quantize", "--op-type", "conv", DIGITS, "out"], "did you mean conv2d?"),
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
    assert f"there are {', '.join(COMMANDS)}; see `weightquant --help`" in result.stderr


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


def test_an_environment_variable_is_spelled_as_the_option_is() -> None:
    for name, command in commands_of(group):
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                long_name = next(option for option in parameter.opts if option.startswith("--"))
                expected = f"WEIGHTQUANT-{name}{long_name[1:]}".upper().replace("-", "_")
                assert parameter.envvar == expected


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
