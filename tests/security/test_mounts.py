"""Other names and other kinds of folders: bind mounts, overlays, immutable files; root only.

Everything is mounted in a mount namespace of its own, which ends with the test.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import builders
from tests.cli.helpers import command, environment, run


def _may_mount() -> bool:
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("unshare"):
        return False
    done = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "x", "/mnt"], check=False)
    return done.returncode == 0


pytestmark = pytest.mark.skipif(not _may_mount(), reason="no right to mount a file system")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a model and its quantized twin."""
    builders.write_model(tmp_path / "model", builders.COMBINED)
    run("quantize", "-q", "-b16", "model", "old", cwd=tmp_path).ok()
    return tmp_path


def mounted(home: Path, preparation: str, *line: str) -> subprocess.CompletedProcess[str]:
    """Run the command line where something was mounted before."""
    script = f"{preparation} || exit 99\nexec {shlex.join(command(*line))}"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script],
        cwd=home, env=environment(), capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode == 99:
        pytest.skip(f"cannot be mounted here: {done.stderr}")
    return done


@pytest.mark.parametrize(
    ("output", "why"),
    [("other", "is"), ("other/inside", "lies inside"), ("model/inside", "lies inside")],
)
def test_an_input_by_the_name_of_a_bind_mount_is_not_replaced(
    output: str, why: str, home: Path
) -> None:
    (home / "other").mkdir()
    before = builders.tree(home / "model")
    source = "other" if output.startswith("model") else "model"
    preparation = "mount --bind model other"
    done = mounted(home, preparation, "quantize", "-f", source, output)
    assert (done.returncode, f"the output folder {why} the input folder" in done.stderr) == (
        2,
        True,
    )
    assert builders.tree(home / "model") == before


def test_an_output_in_a_bind_mount_of_the_reference_is_refused(home: Path) -> None:
    (home / "other").mkdir()
    before = builders.tree(home / "model")
    for option in ("--save-dequantized", "--html", "--report"):
        place = "other" if option == "--save-dequantized" else "other/__model__"
        line = ("dequantize-check", "-f", "--reference", "model", option, place, "old")
        done = mounted(home, "mount --bind model other", *line)
        assert done.returncode == 2, done.stderr
    assert builders.tree(home / "model") == before


def _overlay(home: Path) -> str:
    for name in ("low", "up", "work", "merged"):
        (home / name).mkdir()
    shutil.copytree(home / "old", home / "low" / "out")
    return "mount -t overlay overlay -o lowerdir=low,upperdir=up,workdir=work merged"


def test_a_folder_in_a_lower_layer_is_not_replaced_and_the_message_says_why(home: Path) -> None:
    before = builders.tree(home / "old")
    done = mounted(home, _overlay(home), "quantize", "-f", "model", "merged/out")
    assert done.returncode == 4
    assert "a folder in a lower layer of an overlay file system" in done.stderr
    assert "remove it first" in done.stderr
    assert builders.tree(home / "low" / "out") == before
    assert builders.tree(home / "up") == {}


def test_what_was_removed_from_a_lower_layer_is_written_and_replaced(home: Path) -> None:
    again = shlex.join(command("quantize", "-q", "model", "merged/out"))
    preparation = f"{_overlay(home)} && rm -r merged/out && {again}"
    done = mounted(home, preparation, "quantize", "-q", "-f", "model", "merged/out")
    assert (done.returncode, done.stderr) == (0, "")
    assert [name for name in os.listdir(home / "up") if name.startswith(".")] == []


def test_a_read_only_mount_is_an_output_error(home: Path) -> None:
    (home / "there").mkdir()
    preparation = "mount --bind there there && mount -o remount,bind,ro there"
    done = mounted(home, preparation, "quantize", "model", "there/out")
    assert (done.returncode, "Read-only file system" in done.stderr) == (4, True)
    done = mounted(home, preparation, "quantize", "--report", "there/r", "model", "out")
    assert (done.returncode, "Read-only file system" in done.stderr) == (4, True)
    assert not (home / "out").exists()


@pytest.mark.parametrize("what", ["out", "out/__model__", "out/__params__"])
def test_an_immutable_old_output_is_refused_before_any_work(what: str, home: Path) -> None:
    shutil.copytree(home / "old", home / "out")
    before = builders.tree(home / "out")
    if subprocess.run(["chattr", "+i", home / what], capture_output=True).returncode:
        pytest.skip("this file system has no immutable files")
    try:
        result = run("quantize", "-q", "-f", "model", "out", cwd=home)
        left = [name for name in os.listdir(home) if name.startswith(".")]
    finally:
        for path in (home / what, *home.glob(".weightquant-*/__*")):
            subprocess.run(["chattr", "-i", path], capture_output=True)
    assert (result.code, "Operation not permitted" in result.stderr) == (4, True)
    assert (left, builders.tree(home / "out")) == ([], before)


@pytest.mark.parametrize("option", ["--report", "--plan-out"])
def test_an_immutable_file_is_not_replaced_and_no_work_is_begun(option: str, home: Path) -> None:
    (home / "file").write_text("old")
    if subprocess.run(["chattr", "+i", home / "file"], capture_output=True).returncode:
        pytest.skip("this file system has no immutable files")
    try:
        result = run("quantize", option, "file", "model", "out", cwd=home)
    finally:
        subprocess.run(["chattr", "-i", home / "file"], check=True)
    assert (result.code, "Operation not permitted" in result.stderr) == (4, True)
    assert not (home / "out").exists()
    assert [name for name in os.listdir(home) if name.startswith(".")] == []
