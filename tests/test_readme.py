"""What the README and its Chinese twin show is run: commands, Python, exit codes, JSON."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.helpers import environment, run, shell
from tests.pages import CHINESE, COMBINED, DIGITS, README, ROOT, block
from weightquant_cli.cli.completion.scripts import COMPLETION_LINES
from weightquant_cli.cli.exit_codes import MEANINGS
from weightquant_cli.core.lite.targets import TARGETS

(FAKE_OPT,) = Path(__file__).parent.rglob("fake_opt.sh")
BOTH = ("phone", "release", "cookbook", "python", "paddle")


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder with a model in it, as the README's lines expect it."""
    shutil.copytree(DIGITS, tmp_path / "model")
    return tmp_path


def commands(name: str) -> list[str]:
    """The lines of an example without those that explain them."""
    return [line for line in block(name).splitlines() if not line.startswith(("#", "//"))]


# ---- commands -------------------------------------------------------------------------------


def test_the_readme_has_at_most_300_lines() -> None:
    assert len(README.splitlines()) <= 300


def test_the_first_command_prints_what_is_shown(tmp_path: Path) -> None:
    model = Path("tests/models/digits")
    assert str(model) in block("ci: run")
    result = run("quantize", model, tmp_path / "digits_int8", cwd=ROOT).ok()
    assert result.stdout.replace(str(tmp_path) + "/", "") == block("test: first output")


def test_the_release_job_s_lines_pass_on_a_good_model(workplace: Path) -> None:
    result = shell(f"set -e\n{block('test: release')}", cwd=workplace)
    assert (result.code, result.stdout, result.stderr) == (0, "", "")


def test_the_way_to_the_phone_from_the_model_to_the_nb(workplace: Path) -> None:
    # What installs is run by tests/test_way_to_the_phone.py, and the real opt by the oracles.
    lines = commands("test: phone")
    start = lines.index("cp -R tests/models/digits model") + 1
    assert start == 4
    script = "\n".join(["set -e", f"export OPT='{FAKE_OPT}'", *lines[start:]])
    result = shell(script, cwd=workplace)
    assert (result.code, result.stderr.count("error")) == (0, 0), result.stderr
    assert (workplace / "out" / "out.nb").exists()


@pytest.mark.parametrize("name", ["test: python", "test: paddle"])
def test_the_python_runs(name: str, workplace: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block(name)],
        cwd=workplace,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (workplace / "out" / "__model__").exists()


def test_the_operator_types_are_those_of_the_table() -> None:
    listed = ", ".join(f"`{name}`" for name in TARGETS)
    assert f"| those of {listed} | default |" in README
    assert f"| {listed.replace(', ', '、')} 的权重 | 默认 |" in CHINESE


def test_the_exit_codes_are_those_of_the_program() -> None:
    for code, meaning in MEANINGS.items():
        assert re.search(rf"^\|.*\b{int(code)}\b.*\|", README, re.MULTILINE), meaning
        assert re.search(rf"^\|.*(?<!\d){int(code)}(?!\d).*\|", CHINESE, re.MULTILINE), meaning
        if code < 128:
            assert f"| {int(code)} | {meaning} |" in README


def test_the_completion_lines_are_those_of_the_program() -> None:
    shown = [line.split("  ")[0] for line in block("test: completion").splitlines()]
    assert shown == list(COMPLETION_LINES.values())


# ---- Chinese --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOTH)
def test_both_languages_give_the_same_commands(name: str) -> None:
    assert commands(f"test: {name} in Chinese") == commands(f"test: {name}")


def test_both_languages_give_the_two_commands_and_the_first_output() -> None:
    for name in ("ci: run", "ci: test", "test: first output"):
        assert block(name) in CHINESE, name


def test_both_languages_have_the_same_sections() -> None:
    def levels(page: str) -> list[str]:
        outside = re.sub(r"^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE)
        return [found[1] for found in re.finditer(r"^(#+) ", outside, re.MULTILINE)]

    assert levels(CHINESE) == levels(README)


def figures(page: str) -> list[list[str]]:
    """The numbers of every row of every table that has any."""
    rows = [
        re.findall(r"\d+(?:[.,]\d+)*", line) for line in page.splitlines() if line.startswith("|")
    ]
    return [row for row in rows if row]


def test_both_languages_give_the_same_figures() -> None:
    assert len(figures(README)) > 15
    assert figures(CHINESE) == figures(README)


# ---- JSON -----------------------------------------------------------------------------------


def documents(folder: Path) -> dict[str, Any]:
    """The documents of all commands for the model of the examples."""
    model, out = folder / "model", folder / "out"
    shutil.copytree(COMBINED, model)
    report, plan = folder / "report.json", folder / "plan.json"
    calls: dict[str, list[str | Path]] = {
        "quantize": ["--report", report, "--plan-out", plan, model, out],
        "inspect": [model],
        "dequantize-check": ["--reference", model, "--layers", out],
        "export-opt": [out],
    }
    printed = {
        name: run(name, "--json", *arguments, cwd=folder).ok().json
        for name, arguments in calls.items()
    }
    error = run("quantize", "--json", "--exclude", "fc_0.w", "model", "new", cwd=folder).json
    return {**printed, "plan": json.loads(plan.read_text()), "error": error}


def assert_like(example: Any, real: Any, where: str) -> None:
    """The example holds what the program printed, but for folders and left-out list items."""
    if isinstance(example, dict):
        assert list(example) == list(real), where
        for key, value in example.items():
            assert_like(value, real[key], f"{where}.{key}")
    elif isinstance(example, list) and example and _is_named(example[0]):
        by_name = {item.get("name"): item for item in real}
        for item in example:
            assert_like(item, by_name[item.get("name")], f"{where}[{item.get('name')}]")
    elif isinstance(example, list) and len(example) == len(real):
        for index, item in enumerate(example):
            assert_like(item, real[index], f"{where}[{index}]")
    elif isinstance(example, float):
        assert real == pytest.approx(example, rel=1e-3), where
    elif where.endswith((".folder", ".script")):
        assert str(real).endswith(str(example)), where
    else:
        assert real == example, where


def _is_named(item: Any) -> bool:
    return isinstance(item, dict) and "name" in item


def test_the_json_examples_are_what_the_program_prints(tmp_path: Path) -> None:
    for name, real in documents(tmp_path).items():
        example = json.loads(block(f"test: json {name}"))
        assert (example["schema"], example["version"]) == (f"weightquant.{name}", 1)
        assert_like(example, real, name)


def test_the_lines_that_validate_a_document_do(tmp_path: Path) -> None:
    printed = run("inspect", "--json", DIGITS).ok()
    for text, code in ((printed.stdout, 0), (printed.stdout.replace('"sizes"', '"size"'), 1)):
        (tmp_path / "inspect.json").write_text(text)
        done = subprocess.run(
            [sys.executable, "-c", block("test: validate")],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
