"""The script of `export-opt`, run with the real opt."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.helpers import Result, run, shell
from tests.core.opt_script.script_runs import listing, run_script, shell_command
from tests.oracles import envs, lite, zoo

pytestmark = pytest.mark.oracle

VERSIONS = ("2.12", "2.13rc0")
NASTY = 'it\'s "a" $(folder) 量化\nof `mine`'


def convert(version: str, script: str | Path, cwd: Path, shell_name: str = "dash") -> Result:
    """Run the script with the real opt of this version."""
    return run_script(
        shell_command(shell_name),
        script,
        path=os.environ["PATH"],
        env={"OPT": str(lite.opt(version))},
        cwd=cwd,
    )


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """One of the versions of Paddle Lite; skips the test where they are not installed."""
    envs.require(envs.PADDLE_18, envs.LITE_213)
    return str(request.param)


@pytest.fixture(params=["separate", "combined", "inference.pdmodel"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Quantized digits: two layouts of 1.x, and separate files with a program named as in 2.x."""
    layout = request.param
    source = zoo.model("digits", "combined" if layout == "combined" else "separate").folder
    named = ["--save-model-filename", layout] if layout.endswith(".pdmodel") else []
    run("quantize", "-q", *named, source, tmp_path / "digits").ok()
    return tmp_path / "digits"


@pytest.mark.parametrize("shell_name", ["dash", "bash", "busybox"])
def test_converts_as_opt_does_by_hand(
    version: str, shell_name: str, model: Path, tmp_path: Path
) -> None:
    run("export-opt", "-q", model).ok()
    result = convert(version, model / "convert_to_lite.sh", Path("/"), shell_name)
    nb = model / "digits.nb"
    assert result.code == 0, result.stderr
    assert result.stdout == f"wrote {nb} ({nb.stat().st_size} bytes)\n"
    if (model / "inference.pdmodel").exists():  # by hand opt wants the old name
        (model / "inference.pdmodel").rename(model / "__model__")
    params = "__params__" if (model / "__params__").exists() else None
    by_hand = lite.convert(version, model, "__model__", params, tmp_path / "by_hand")
    assert by_hand.nb is not None
    # Not the bytes: opt leaves memory of its own in them, other at every run.
    assert nb.stat().st_size == by_hand.nb.stat().st_size


def test_converts_in_a_folder_of_any_name_and_after_it_was_moved(
    version: str, model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / NASTY
    model.rename(folder)
    run("export-opt", "-q", folder).ok()
    assert convert(version, folder / "convert_to_lite.sh", tmp_path).code == 0
    moved = tmp_path / "-moved"
    folder.rename(moved)
    (moved / f"{NASTY}.nb").unlink()
    assert convert(version, "./-moved/convert_to_lite.sh", tmp_path).code == 0
    assert f"{NASTY}.nb" in listing(moved)


def test_writes_the_protobuf_form(version: str, model: Path) -> None:
    run("export-opt", "-q", "--optimize-out-type", "protobuf", model).ok()
    for _ in range(2):  # the second time there is one already
        assert convert(version, model / "convert_to_lite.sh", model).code == 0
    assert listing(model / "digits_opt") == {"model", "params"}


def test_keeps_the_old_output_where_opt_gives_up(version: str, model: Path) -> None:
    run("export-opt", "-q", model).ok()
    (model / "digits.nb").write_text("old")
    params = model / ("__params__" if (model / "__params__").exists() else "fc_0.w_0")
    os.truncate(params, params.stat().st_size // 2)
    before = listing(model)
    result = convert(version, model / "convert_to_lite.sh", model)
    assert result.code == 1
    assert "opt wrote no model" in result.stderr.splitlines()[-1]
    assert (model / "digits.nb").read_text() == "old"
    assert listing(model) == before


def test_quantize_export_and_convert_detection_in_one_line(version: str, tmp_path: Path) -> None:
    envs.require(envs.PPOCR)
    line = (
        'weightquant quantize -q "$1" out && weightquant export-opt -q out && '
        'OPT="$2" sh out/convert_to_lite.sh'
    )
    model = shutil.copytree(zoo.model("ppocr_det").folder, tmp_path / "det")
    result = shell(line, model, lite.opt(version), cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert (tmp_path / "out" / "out.nb").stat().st_size < 1_700_000
