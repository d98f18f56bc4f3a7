"""The Makefile of the pages, for every layout, for names with spaces, beside stray files."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.formats.pir.builder import write_json_model
from tests.pages import COMBINED, DIGITS, block, with_command
from weightquant_cli import Model

NAMES = ("combined", "model_params", "paddle2", "paddle3", "separate", "two words here")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """`models/` in all layouts, with a file between them, and the Makefile beside it."""
    (tmp_path / "Makefile").write_text(block("test: makefile"))
    models = tmp_path / "models"
    shutil.copytree(COMBINED, models / "combined")
    shutil.copytree(DIGITS, models / "separate")
    shutil.copytree(DIGITS, models / "two words here")
    named(models / "model_params", "model", "params")
    named(models / "paddle2", "inference.pdmodel", "inference.pdiparams")
    write_json_model(models / "paddle3")
    (models / "notes.txt").write_text("no model")
    return tmp_path


def named(folder: Path, program: str, params: str) -> None:
    """The combined model under other names."""
    folder.mkdir()
    shutil.copy(COMBINED / "__model__", folder / program)
    shutil.copy(COMBINED / "__params__", folder / params)


def make(place: Path, *arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "-j2", *arguments], cwd=place, env=env, capture_output=True, text=True, check=False
    )


def built(done: subprocess.CompletedProcess[str]) -> set[str]:
    """The models that this run of make quantized."""
    lines = [line for line in done.stdout.splitlines() if "quantize" in line]
    return {name for name in NAMES if any(f"'models/{name}'" in line for line in lines)}


def later_than(file: Path, other: Path) -> None:
    """Give `file` a time after that of `other`, without waiting for it."""
    moment = other.stat().st_mtime + 10
    os.utime(file, (moment, moment))


def report(place: Path, name: str) -> Path:
    return place / "int8" / f"{name.replace(' ', '^')}.json"


def test_every_layout_is_built_once_and_again_when_it_changed(place: Path) -> None:
    env = with_command(place)
    first = make(place, env=env)
    assert (first.returncode, first.stderr) == (0, "")
    assert built(first) == set(NAMES)
    for name in NAMES:
        assert report(place, name).exists()
        model = Model.load(place / "int8" / name)
        weight = "conv.w" if name == "paddle3" else "fc_0.w_0"
        assert model.weight(weight).record.dtype.name == "INT8"
    second = make(place, env=env)
    assert (second.returncode, built(second)) == (0, set())
    assert (place / "int8" / "paddle3" / "inference.pdmodel").exists()
    for name in ("paddle2", "paddle3", "two words here"):
        changed = next(iter((place / "models" / name).iterdir()))
        before = changed.stat().st_mtime
        later_than(changed, report(place, name))
        again = make(place, env=env)
        assert (again.returncode, built(again)) == (0, {name})
        os.utime(changed, (before, before))


def test_a_model_that_failed_is_tried_again_without_deleting_anything(place: Path) -> None:
    env = with_command(place)
    weights = place / "models" / "separate" / "fc_0.w_0"
    weights.write_bytes(b"damaged")
    failed = make(place, "-k", env=env)
    assert failed.returncode == 2
    assert "fc_0.w_0" in failed.stderr
    assert {path.name for path in (place / "int8").iterdir() if path.is_dir()} == (
        set(NAMES) - {"separate"}
    )
    assert not report(place, "separate").exists()
    shutil.copy(DIGITS / "fc_0.w_0", weights)
    mended = make(place, env=env)
    assert (mended.returncode, built(mended)) == (0, {"separate"})


def test_a_model_that_broke_keeps_its_old_output_until_it_is_mended(place: Path) -> None:
    env = with_command(place)
    assert make(place, env=env).returncode == 0
    before = (place / "int8" / "separate" / "fc_0.w_0").read_bytes()
    weights = place / "models" / "separate" / "fc_0.w_0"
    weights.write_bytes(b"damaged")
    later_than(weights, report(place, "separate"))
    assert make(place, env=env).returncode == 2
    assert (place / "int8" / "separate" / "fc_0.w_0").read_bytes() == before
    shutil.copy(DIGITS / "fc_0.w_0", weights)
    later_than(weights, report(place, "separate"))
    mended = make(place, env=env)
    assert (mended.returncode, built(mended)) == (0, {"separate"})
