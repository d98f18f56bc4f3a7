"""Other users of the machine: what they own, lock or swap; `races` tries more of it."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import builders
from tests.builders import tree
from tests.cli.helpers import Result, environment, run, run_process
from tests.security.other_users import NOBODY, given_away, open_home
from tests.security.test_places import unprivileged

ROOT = Path(__file__).parents[2]

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root is somebody else as well")


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that anyone may enter, with a model."""
    with open_home() as home:
        builders.write_model(home / "model")
        yield home


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="operations are met on Linux")
def test_whatever_happens_meanwhile_the_output_is_of_one_model_and_in_one_place() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.security.races", "--points", "8"],
        cwd=ROOT, env=environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.endswith("\n0 faults\n")


@root_only
def test_a_lock_or_a_leftover_of_another_user_holds_nobody_up(home: Path) -> None:
    home.chmod(0o777)
    planted = [home / f".weightquant-out-{n:012x}" for n in range(3)]
    for path in planted[:2]:
        path.mkdir()
    planted[2].touch()
    for path in planted:
        os.chown(path, NOBODY, NOBODY)
    lock = os.open(planted[0], os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = run("quantize", home / "model", home / "out")
    finally:
        os.close(lock)
    assert result.code == 0
    for path in planted:
        assert path.exists()
        assert f"{path}: it belongs to another user" in result.stderr


@root_only
def test_a_locked_leftover_of_ours_is_not_waited_for(home: Path) -> None:
    leftover = home / ".weightquant-out-0123456789ab"
    leftover.mkdir()
    lock = os.open(leftover, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run("quantize", "-q", home / "model", home / "out").ok()
    finally:
        os.close(lock)
    assert leftover.exists()


def as_nobody(home: Path, *words: str) -> Result:
    """Run the command line as another user, who could not read the modules that it imports."""
    run("quantize", "-q", "--report", home / "warm.json", home / "model", home / "warm").ok()
    run("quantize", "-q", "-f", home / "model", home / "warm").ok()
    assert run("quantize", "-f", home / "model", home / "model").code == 2
    with unprivileged():
        return run(*words, cwd=home)


@root_only
def test_an_old_output_of_another_user_is_refused_and_nothing_is_left(home: Path) -> None:
    home.chmod(0o777)
    run("quantize", "-q", "-b16", home / "model", home / "out").ok()
    before = tree(home / "out")
    done = as_nobody(home, "quantize", "-q", "-f", "model", "out")
    assert (done.code, len(done.stderr.splitlines())) == (4, 1), done.stderr
    assert "Permission denied" in done.stderr
    assert tree(home / "out") == before
    assert not [name for name in os.listdir(home) if name.startswith(".")]


@root_only
@pytest.mark.parametrize("what", ["out", "report.json"])
def test_an_output_of_another_user_in_a_sticky_folder_is_refused(what: str, home: Path) -> None:
    home.chmod(0o1777)
    run("quantize", "-q", "-b16", "--report", home / "report.json", home / "model", home / "out")
    for path in (home / "out", *(home / "out").rglob("*")):
        path.chmod(0o777)
    before = tree(home / "out"), (home / "report.json").read_bytes()
    target = "out" if what == "out" else "new"
    words = ("--report", "report.json") if what != "out" else ()
    done = as_nobody(home, "quantize", "-q", "-f", *words, "model", target)
    assert done.code == 4, done.stderr
    assert "another user's" in done.stderr
    assert (tree(home / "out"), (home / "report.json").read_bytes()) == before


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_outputs_are_no_more_open_than_the_model(mode: int, home: Path) -> None:
    for path in (home / "model").rglob("*"):
        path.chmod(mode)
    for form in ((), ("--save-params-filename", "weights")):
        run("quantize", "-q", "-f", *form, home / "model", home / "out").ok()
        for path in (home / "out").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) & ~mode == 0, path
    run("dequantize-check", "-q", "--save-dequantized", home / "fp32", home / "out").ok()
    for path in (home / "fp32").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & ~mode == 0, path


def test_one_file_that_is_private_makes_the_output_private(home: Path) -> None:
    (home / "model" / "fc1.w").chmod(0o600)
    run("quantize", "-q", home / "model", home / "out").ok()
    assert {stat.S_IMODE(path.stat().st_mode) for path in (home / "out").iterdir()} == {0o600}


@root_only
def test_the_owner_of_a_replaced_output_survives(home: Path) -> None:
    run("quantize", "-q", "-b16", home / "model", home / "out").ok()
    given_away(home / "out")
    (home / "out").chmod(0o2750)
    run("quantize", "-q", "-f", home / "model", home / "out").ok()
    status = (home / "out").stat()
    assert (status.st_uid, status.st_gid) == (NOBODY, NOBODY)
    assert stat.S_IMODE(status.st_mode) == 0o2750


def test_where_the_current_folder_was_deleted_the_run_says_so(home: Path) -> None:
    (home / "gone").mkdir()
    # NumPy comes first: with Python 3.13.0 its import raises SystemError in a folder that is gone.
    script = f"import numpy, os; os.rmdir({str(home / 'gone')!r})"
    code = "import sys; from weightquant_cli.__main__ import script; sys.argv[1:1] = []; script()"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}\n{code}", "quantize", str(home / "model"), "out"],
        cwd=home / "gone", env=environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1), done.stderr
    assert "No such file or directory" in done.stderr
    assert run_process("inspect", "-q", home / "model").code == 0


@root_only
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["inspect", "private/model"], 3),
        (["inspect", "private/model.tar"], 3),
        (["dequantize-check", "--reference", "private/model", "out"], 3),
        (["dequantize-check", "--opt", "private/opt", "out"], 2),
        (["dequantize-check", "--report", "private/report", "out"], 4),
        (["dequantize-check", "--verify-report", "private/report", "out"], 2),
        (["dequantize-check", "--html", "private/page", "out"], 4),
        (["dequantize-check", "--save-dequantized", "private/fp32", "out"], 4),
        (["export-opt", "-o", "private/script", "out"], 4),
        (["quantize", "--config", "private/a.toml", "model", "new"], 2),
        (["quantize", "--plan", "private/plan", "model", "new"], 2),
        (["quantize", "--rounding", "adaptive", "--inputs", "private/a.npy", "model", "new"], 2),
        (["quantize", "model", "private/new"], 4),
    ],
)
def test_what_lies_in_a_private_folder_is_an_error_of_one_line(
    words: list[str], code: int, home: Path
) -> None:
    run("quantize", "-q", home / "model", home / "out").ok()
    (home / "private").mkdir(0o700)
    done = as_nobody(home, *words)
    assert (done.code, len(done.stderr.splitlines())) == (code, 1), done.stderr
    assert "internal" not in done.stderr
    assert "Permission denied" in done.stderr or "not a program" in done.stderr
