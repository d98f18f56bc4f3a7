"""What the README shows is run: its commands, its Makefile, its Python, its table of exit codes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.helpers import environment, run, shell
from weightquant_cli.cli.completion.scripts import COMPLETION_LINES
from weightquant_cli.cli.exit_codes import MEANINGS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DIGITS = ROOT / "tests" / "models" / "digits"


def block(name: str) -> str:
    """The code block behind the comment with this name."""
    found = re.search(rf"<!-- {re.escape(name)} -->\n```\w*\n(.*?)```", README, re.DOTALL)
    assert found is not None, name
    return found[1]


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder with a model in it, as the README's lines expect it."""
    shutil.copytree(DIGITS, tmp_path / "model")
    return tmp_path


def with_command(folder: Path) -> dict[str, str]:
    """An environment in which `weightquant` is the command line under test."""
    script = folder / "bin" / "weightquant"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m weightquant_cli "$@"\n')
    script.chmod(0o755)
    return environment({"PATH": f"{script.parent}{os.pathsep}{os.environ['PATH']}"})


def test_the_first_command_prints_what_is_shown(tmp_path: Path) -> None:
    model = Path("tests/models/digits")
    assert str(model) in block("ci: run")
    result = run("quantize", model, tmp_path / "digits_int8", cwd=ROOT).ok()
    assert result.stdout.replace(str(tmp_path) + "/", "") == block("test: first output")


@pytest.mark.parametrize("name", ["test: release", "test: release in Chinese"])
def test_the_release_job_s_lines_pass_on_a_good_model(name: str, workplace: Path) -> None:
    result = shell(f"set -e\n{block(name)}", cwd=workplace)
    assert (result.code, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["test: phone", "test: phone in Chinese"])
def test_the_way_to_the_phone_up_to_opt(name: str, workplace: Path) -> None:
    lines = block(name).replace("&& sh out/convert_to_lite.sh", "")
    result = shell(f"set -e\n{lines}", cwd=workplace)
    assert (result.code, result.stderr.replace("wrote", "", 1).count("error")) == (0, 0)
    assert (workplace / "out" / "convert_to_lite.sh").exists()


def test_the_python_runs(workplace: Path) -> None:
    for index, name in enumerate(["test: python", "test: paddle"]):
        shutil.rmtree(workplace / "out", ignore_errors=True)
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", block(name)],
            cwd=workplace,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), index
        assert (workplace / "out" / "__model__").exists()


def test_make_rebuilds_only_what_changed(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(block("test: makefile"))
    for name in ("one", "two"):
        shutil.copytree(DIGITS, tmp_path / "models" / name)

    def make() -> str:
        done = subprocess.run(
            ["make", "-j2"], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
        )
        return done.stdout

    env = with_command(tmp_path)
    first = make()
    assert "models/one" in first
    assert "models/two" in first
    assert "quantize" not in make()
    changed = tmp_path / "models" / "two" / "fc_0.w_0"
    later = (tmp_path / "int8" / "two" / "__model__").stat().st_mtime + 10
    os.utime(changed, (later, later))
    again = make()
    assert "models/two" in again
    assert "models/one" not in again


def test_the_exit_codes_are_those_of_the_program() -> None:
    for code, meaning in MEANINGS.items():
        assert re.search(rf"^\|.*\b{int(code)}\b.*\|", README, re.MULTILINE), meaning
        if code < 128:
            assert f"| {int(code)} | {meaning} |" in README


def test_both_languages_give_the_same_commands() -> None:
    assert block("test: parallel in Chinese") == block("test: parallel")
    for name in ("ci: run", "ci: test"):
        assert README.count(block(name).strip()) == 2


# ---- JSON -----------------------------------------------------------------------------------

COMBINED = DIGITS.with_name("digits_combined")


def documents(folder: Path) -> dict[str, Any]:
    """The documents of all commands for the model of the README's examples."""
    model, out = folder / "model", folder / "out"
    shutil.copytree(COMBINED, model)
    report = folder / "report.json"
    calls: dict[str, list[str | Path]] = {
        "quantize": ["--report", report, model, out],
        "inspect": [model],
        "dequantize-check": ["--reference", model, out],
        "export-opt": [out],
    }
    return {
        name: run(name, "--json", *arguments, cwd=folder).ok().json
        for name, arguments in calls.items()
    }


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


def test_the_completion_lines_are_those_of_the_program() -> None:
    shown = [line.split("  ")[0] for line in block("test: completion").splitlines()]
    assert shown == list(COMPLETION_LINES.values())


def test_both_languages_give_the_same_figures() -> None:
    english, chinese = README.split("\n## 中文说明\n")
    measured = re.findall(r"^\| .*\| (?:opt |NaN|0\.\d+).*\|$", chinese, re.MULTILINE)
    assert len(measured) == 6
    for row in measured:
        cells = [re.sub(r"[^\d.]", "", cell) for cell in row.split("|")[2:-1]]
        lines = [
            [re.sub(r"[^\d.]", "", cell) for cell in line.split("|")[2:-1]]
            for line in english.splitlines()
        ]
        assert cells in lines, row


def test_links_within_the_readme_lead_somewhere() -> None:
    titles = re.findall(r"^#+ (.*)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}
    for target in re.findall(r"\]\(#(.*?)\)", README):
        assert target in anchors, target
