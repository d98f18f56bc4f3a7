"""The README's one-liners are run, one after the other, in a shell."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.pages import COMBINED, DIGITS, block, with_command
from tests.test_readme import FAKE_OPT, commands

LINES = commands("test: cookbook")


def test_every_line_but_those_of_two_parts_says_what_it_is_for() -> None:
    shown = block("test: cookbook").splitlines()
    assert shown[0].startswith("# ")
    assert len(LINES) - 1 == len(shown) - len(LINES)


def test_every_line_does_what_its_comment_says(tmp_path: Path) -> None:
    if shutil.which("jq") is None:
        pytest.skip("not installed: jq")
    shutil.copytree(DIGITS, tmp_path / "model")
    shutil.copytree(DIGITS, tmp_path / "models" / "one")
    shutil.copytree(COMBINED, tmp_path / "models" / "two")
    env = {**with_command(tmp_path), "OPT": str(FAKE_OPT)}
    printed: dict[str, str] = {}
    for line in LINES:
        done = subprocess.run(
            ["sh", "-c", line], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (line, done.stderr)
        printed[line] = done.stdout
    assert_printed(list(printed.values()))
    assert_written(tmp_path)


def assert_printed(texts: list[str]) -> None:
    """What the lines that print something print."""
    dry, heaviest, kept, bits, auto, gate, worst, kinds = filter(None, texts[:-1])
    assert "smaller" in dry
    assert "auto" in auto
    assert heaviest.splitlines()[-1].startswith("fc_0.w_0")
    assert len(kept.splitlines()) == 18
    rows = [json.loads(line) for line in bits.splitlines()]
    assert [row[0] for row in rows] == [8, 10, 12, 16]
    assert [row[2] for row in rows] == sorted(row[2] for row in rows)
    assert gate.endswith("not that good\n")
    assert worst.splitlines()[0].endswith("fc_0.w_0")
    assert [line.split("\t")[1] for line in kinds.splitlines()] == ["FP32", "FP32"]


def assert_written(folder: Path) -> None:
    """What the lines that write something write."""
    assert len((folder / "weights.csv").read_text().splitlines()) == 1 + 24
    assert len((folder / "weights.log").read_text().splitlines()) == 1 + 24
    planned = json.loads((folder / "plan16.json").read_text())
    assert {weight["bits"] for weight in planned["weights"]} == {None, 16}
    assert "<html" in (folder / "page.html").read_text()
    for name in ("out16", "auto", "mixed", "planned", "int8/models/one", "int8/models/two"):
        assert (folder / name / "__model__").exists(), name
    assert (folder / "out" / "out.nb").exists()
