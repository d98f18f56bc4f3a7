"""Completion in real shells on a pseudo-terminal, and the program's side of it alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import COMBINED, ModelBuilder, normal
from tests.cli.completion.interactive_shell import (
    BASH_COMPLETION,
    COMPLETIONS,
    SET_UP,
    START,
    TAB,
    InteractiveShell,
)
from tests.cli.helpers import command, environment, run
from weightquant_cli.cli.completion.scripts import COMPLETION_LINES
from weightquant_cli.cli.main import COMMANDS
from weightquant_cli.core.lite.carried import ALL_OP_TYPES

DIGITS = Path(__file__).parents[2] / "models" / "digits"
ODD_NAMES = ("fc:0/w@GRAD", "it's $HOME", 'a"b', "x*[1]", "tail=")

LEFT = "\x02"  # Ctrl-B, in all three


@pytest.fixture(scope="module", params=list(START))
def shell(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InteractiveShell]:
    """Each shell, standing in a folder with models, an empty folder and a file."""
    name: str = request.param
    with InteractiveShell(name, tmp_path_factory.mktemp(name)) as started:
        fill(started.folder)
        yield started


def fill(folder: Path) -> None:
    """Put models, an empty folder and files into a shell's folder."""
    shutil.copytree(DIGITS, folder / "model")
    (folder / "output").mkdir()
    (folder / "modest.txt").write_text("")
    shutil.copytree(DIGITS, folder / "two words")
    odd_model().write(folder / "odd", COMBINED)
    shutil.copytree(DIGITS, folder / "damaged")
    (folder / "damaged" / "__model__").write_bytes(b"\xff" * 100)


def odd_model() -> ModelBuilder:
    """A model whose weights have names that mean something to a shell."""
    model = ModelBuilder()
    feature = model.input("image", (-1, 4))
    for number, name in enumerate(ODD_NAMES):
        feature = model.fc(feature, name, normal(4, 4, seed=number))
    model.fetch(feature)
    return model


@pytest.mark.parametrize(
    ("keys", "arguments"),
    [
        ("quan\t", ["quantize"]),
        ("exp\t", ["export-opt"]),
        ("ins\t", ["inspect"]),
        ("--vers\t", ["--version"]),
        ("quantize --min-q\t", ["quantize", "--min-quantized"]),
        ("quantize --no-re\t", ["quantize", "--no-rewrite"]),
        ("quantize --bits au\t", ["quantize", "--bits", "auto"]),
        ("quantize --bits=au\t", ["quantize", "--bits=auto"]),
        ("quantize -b au\t", ["quantize", "-b", "auto"]),
        ("quantize --color al\t", ["quantize", "--color", "always"]),
        ("quantize --op-type dep\t", ["quantize", "--op-type", "depthwise_conv2d"]),
        (
            "quantize --op-type conv2d,fc,dep\t",
            ["quantize", "--op-type", "conv2d,fc,depthwise_conv2d"],
        ),
        ("quantize --op-type=fc,dep\t", ["quantize", "--op-type=fc,depthwise_conv2d"]),
    ],
)
def test_commands_options_and_their_values_complete(
    shell: InteractiveShell, keys: str, arguments: list[str]
) -> None:
    assert shell.arguments(f"weightquant {keys}") == arguments


def test_it_completes_again_and_again(shell: InteractiveShell) -> None:
    for _ in range(3):
        assert shell.arguments("weightquant exp\t") == ["export-opt"]


def test_all_operator_types_are_offered(shell: InteractiveShell) -> None:
    shell.offers("weightquant quantize --op-type ", *ALL_OP_TYPES, "all")


def test_all_commands_are_offered(shell: InteractiveShell) -> None:
    shell.offers("weightquant ", *COMMANDS)


def test_all_bits_are_offered(shell: InteractiveShell) -> None:
    shell.offers("weightquant quantize --bits ", "auto", *(str(bits) for bits in range(8, 17)))


def test_only_folders_complete_for_a_model(shell: InteractiveShell) -> None:
    completed = shell.arguments("weightquant quantize mod\t")
    assert [part.rstrip("/") for part in completed] == ["quantize", "model"]
    shown = shell.offers("weightquant inspect ", "model", "output", "two", "damaged")
    assert "modest" not in shown


def test_a_second_folder_completes_after_the_first(shell: InteractiveShell) -> None:
    completed = shell.arguments("weightquant quantize model outp\t")
    assert completed[-1].rstrip("/") == "output"


def test_a_folder_with_a_space_completes_as_one_word(shell: InteractiveShell) -> None:
    completed = shell.arguments("weightquant inspect two\t")
    assert [part.rstrip("/") for part in completed] == ["inspect", "two words"]


@pytest.mark.parametrize("option", ["--report ", "--report=", "--plan "])
def test_files_complete_for_an_option_that_takes_a_file(
    shell: InteractiveShell, option: str
) -> None:
    completed = shell.arguments(f"weightquant quantize {option}modes\t")
    assert completed == f"quantize {option}modest.txt".split()


def test_the_model_s_files_complete_for_the_program_s_name(shell: InteractiveShell) -> None:
    completed = shell.arguments("weightquant inspect model --model-filename __\t")
    assert completed[-1] == "__model__"


@pytest.mark.parametrize("option", ["--exclude ", "--exclude="])
def test_weight_names_of_the_model_on_the_line_complete(
    shell: InteractiveShell, option: str
) -> None:
    completed = shell.arguments(f"weightquant quantize model output {option}conv2d_1\t")
    assert completed == f"quantize model output {option}conv2d_1.w_0".split()


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_weight_name_completes_inside_quotes(shell: InteractiveShell, quote: str) -> None:
    completed = shell.arguments(f"weightquant quantize model --exclude {quote}conv2d_1\t")
    assert completed == ["quantize", "model", "--exclude", "conv2d_1.w_0"]


def test_only_weights_that_can_be_quantized_are_offered(shell: InteractiveShell) -> None:
    shown = shell.offers("weightquant quantize model --exclude ", "conv2d_0.w_0", "fc_1.w_0")
    assert "fc_0.b_0" not in shown
    assert "batch_norm" not in shown


def test_bits_for_completes_the_name_and_then_the_bits(shell: InteractiveShell) -> None:
    keys = "weightquant quantize model --bits-for fc_0\t12"
    assert shell.arguments(keys)[-1] == "fc_0.w_0=12"
    shell.offers("weightquant quantize model --bits-for fc_0.w_0=1", "10", "12", "16")


@pytest.mark.parametrize("folder", ["two\\ words", "'two words'", "~/model", "$HOME/model"])
def test_the_model_s_folder_may_be_written_in_every_way(
    shell: InteractiveShell, folder: str
) -> None:
    completed = shell.arguments(f"weightquant quantize {folder} --exclude conv2d_1\t")
    assert completed[-1] == "conv2d_1.w_0"


def test_the_model_s_folder_may_stand_behind_the_cursor(shell: InteractiveShell) -> None:
    if shell.name == "fish":
        pytest.skip("fish does not let a completion see what is behind the cursor")
    behind = " model output"
    keys = f"weightquant quantize --exclude conv2d_1{behind}{LEFT * len(behind)}{TAB}"
    assert shell.arguments(keys) == ["quantize", "--exclude", "conv2d_1.w_0", "model", "output"]


@pytest.mark.parametrize("start", ["NO_COLOR=1 ", "true; ", "true | "])
def test_the_command_may_stand_anywhere_on_the_line(shell: InteractiveShell, start: str) -> None:
    completed = shell.arguments(f"{start}weightquant quantize model --exclude conv2d_1\t")
    assert completed[-1] == "conv2d_1.w_0"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        *(("fc", ODD_NAMES[0]), ("it", ODD_NAMES[1]), ("a", ODD_NAMES[2])),
        *(("x", ODD_NAMES[3]), ("tail", ODD_NAMES[4])),
        *(("'it", ODD_NAMES[1]), ("'a", ODD_NAMES[2]), ("'x", ODD_NAMES[3])),
        *(('"it', ODD_NAMES[1]), ('"a', ODD_NAMES[2]), ('"x', ODD_NAMES[3])),
    ],
)
def test_a_name_that_means_something_to_a_shell_is_quoted(
    shell: InteractiveShell, typed: str, name: str
) -> None:
    completed = shell.arguments(f"weightquant quantize odd --exclude {typed}\t")
    assert completed == ["quantize", "odd", "--exclude", name]


def test_a_name_goes_on_after_a_colon(shell: InteractiveShell) -> None:
    completed = shell.arguments("weightquant quantize odd --exclude fc:0\t")
    assert completed == ["quantize", "odd", "--exclude", ODD_NAMES[0]]


@pytest.mark.parametrize("folder", ["damaged", "output", "nowhere", "modest.txt"])
def test_a_model_that_cannot_be_read_completes_nothing(
    shell: InteractiveShell, folder: str
) -> None:
    completed = shell.arguments(f"weightquant quantize {folder} --exclude conv2d_1\t")
    assert completed == ["quantize", folder, "--exclude", "conv2d_1"]


@pytest.mark.parametrize("name", list(START))
def test_the_line_for_the_start_up_file_needs_nothing_else(name: str, tmp_path: Path) -> None:
    with InteractiveShell(name, tmp_path, bare=True) as started:
        fill(started.folder)
        started.run(COMPLETION_LINES[name])
        assert started.arguments("weightquant exp\t") == ["export-opt"]
        assert started.arguments("weightquant quantize --bits=au\t") == ["quantize", "--bits=auto"]
        completed = started.arguments("weightquant quantize --report=modes\t")
        assert completed == ["quantize", "--report=modest.txt"]
        completed = started.arguments("weightquant quantize model/ outp\t --exclude 'conv2d_1\t")
        assert completed[-1] == "conv2d_1.w_0"


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_the_line_goes_with_packages_that_complete_as_well(name: str, tmp_path: Path) -> None:
    with InteractiveShell(name, tmp_path) as started:
        for script in (tmp_path / "share").rglob("*weightquant*"):
            script.unlink()
        started.run(COMPLETION_LINES[name])
        assert started.arguments("weightquant exp\t") == ["export-opt"]
        assert started.arguments("weightquant quan\t") == ["quantize"]


@pytest.mark.parametrize(("version", "told"), [("(3 2)", True), ("(4 3)", True), ("(4 4)", False)])
def test_an_old_bash_says_that_it_is_too_old(version: str, told: bool) -> None:
    script = (COMPLETIONS / "weightquant.bash").read_text().replace("BASH_VERSINFO", "FOUND")
    done = subprocess.run(
        ["bash", "--norc", "-c", f"FOUND={version}\n{script}"], capture_output=True, text=True
    )
    assert ("completion needs bash 4.4 or newer" in done.stderr) == told
    assert done.stderr.count("\n") == told


# --- the program's side


def complete(before: str, behind: str = "", shell: str = "bash", word: str = "") -> list[str]:
    """What a shell's script gets for a line that is cut at the cursor."""
    line = {"COMPLETE_BEFORE": before, "COMPLETE_BEHIND": behind, "COMPLETE_WORD": word}
    done = run(env={**line, "_WEIGHTQUANT_COMPLETE": f"{shell}_complete"}).ok()
    return [line for line in done.lines if line]


@pytest.mark.parametrize(
    "line", ["weightquant ", "weightquant quantize --", "weightquant quantize --op-type conv2d,"]
)
def test_completing_imports_nothing_heavy(line: str) -> None:
    script = (
        "import json, sys\n"
        "from weightquant_cli.__main__ import main\n"
        "try:\n"
        "    main([])\n"
        "except SystemExit:\n"
        "    names = ('numpy', 'google.protobuf', 'rich', 'tqdm')\n"
        "    print(json.dumps([name for name in names if name in sys.modules]), file=sys.stderr)"
    )
    asked = {"COMPLETE_BEFORE": line, "_WEIGHTQUANT_COMPLETE": "zsh_complete"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=environment(asked),
        capture_output=True,
        check=True,
    )
    assert len(done.stdout.splitlines()) > 2
    assert json.loads(done.stderr) == []


def test_weight_names_come_with_operator_and_shape() -> None:
    lines = complete(f"weightquant quantize {DIGITS} --exclude fc_1", shell="fish")
    assert lines == ["plain\tfc_1.w_0\tmul 32x10"]


def test_options_come_with_their_sentence() -> None:
    lines = complete("weightquant quantize --sep", shell="zsh")
    assert lines == ["plain\t--separate-params\tWrite one file per parameter."]


def test_a_damaged_model_gives_no_names_and_no_message(tmp_path: Path) -> None:
    fill(tmp_path)
    for folder in ("damaged", "output", "nowhere", "modest.txt", "/dev/zero"):
        assert complete(f"weightquant quantize {tmp_path / folder} --exclude ") == []


def test_a_type_that_is_given_is_not_offered_again() -> None:
    lines = complete("weightquant quantize --op-type fc,mul,", shell="zsh")
    offered = {line.split("\t")[1].rpartition(",")[2] for line in lines}
    assert offered == {*ALL_OP_TYPES} - {"fc", "mul"}


def test_reading_headers_only_it_reads_no_weights(tmp_path: Path) -> None:
    model = shutil.copytree(DIGITS, tmp_path / "model")
    weight = model / "fc_0.w_0"
    size = weight.stat().st_size
    weight.write_bytes(weight.read_bytes()[:100])
    with weight.open("r+b") as file:
        file.truncate(size)  # the same length, all zeros after the header
    assert complete(f"weightquant quantize {model} --exclude fc_0", word="fc_0") == [
        "plain\tfc_0.w_0"
    ]


def test_a_name_that_a_line_cannot_hold_is_not_offered(tmp_path: Path) -> None:
    model = ModelBuilder()
    feature = model.fc(model.input("image", (-1, 4)), "line\nbreak", normal(4, 4))
    model.fetch(model.fc(feature, "plain", normal(4, 4, seed=1)))
    folder = model.write(tmp_path / "model", COMBINED)
    assert complete(f"weightquant quantize {folder} --exclude ") == ["plain\tplain"]


@pytest.mark.parametrize(
    "before",
    [
        "weightquant quantize 'unfinished ",
        "weightquant quantize \\",
        "weightquant nosuch --exclude ",
        "weightquant quantize --exclude --exclude=",
        "weightquant quantize --bits 99 /dev/null --exclude ",
        "weightquant",
        "",
    ],
)
@pytest.mark.parametrize("shell", list(START))
def test_no_line_makes_an_error(shell: str, before: str) -> None:
    complete(before, " 'behind", shell)


@pytest.mark.parametrize("name", list(START))
def test_a_shell_finds_no_fault_in_its_script(name: str) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run(
        command(), env=environment({"_WEIGHTQUANT_COMPLETE": f"{name}_source"}), capture_output=True
    )
    parsed = subprocess.run([name, "-n"], input=done.stdout, capture_output=True)
    assert (parsed.returncode, parsed.stderr) == (0, b"")


def test_the_set_up_names_every_shell() -> None:
    assert set(SET_UP) == set(START) == set(COMPLETION_LINES)
    assert str(BASH_COMPLETION) in SET_UP["bash"]
