"""Faults at a sample of the points of a run; `python -m tests.security.faults` tries them all.

They are tried in a process of their own, which forks: a test process has threads.
"""

from __future__ import annotations

import errno
import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import builders
from tests.cli.helpers import environment, run
from tests.security.operations import Operations, call_at, fail_at, move_little

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="faults are injected on Linux")
@pytest.mark.parametrize("kind", ["kill", "signal", "inject", "full"])
def test_the_output_is_old_or_new_or_absent_and_nothing_is_left_after(kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.security.faults", "--quick", kind],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.endswith("\n0 faults\n")
    if "skipped" in done.stdout:
        pytest.skip("file systems: no right to mount one")


READING = {
    "inspect": ("inspect", "--histogram", "model"),
    "sqnr": ("inspect", "--sort", "sqnr", "--json", "model"),
    "check": ("dequantize-check", "-j", "1", "--reference", "model", "quantized"),
    "preview": ("quantize", "-j", "1", "--dry-run", "--bits", "auto", "model", "out"),
}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder with a model and its quantized twin."""
    builders.write_model(tmp_path / "model", builders.COMBINED)
    run("quantize", "-q", "model", "quantized", cwd=tmp_path).ok()
    gc.collect()
    gc.freeze()  # or every collection below walks what earlier tests hold
    yield tmp_path


@pytest.mark.parametrize("arguments", READING.values(), ids=READING)
def test_a_command_that_only_reads_says_so_where_reading_fails(
    arguments: tuple[str, ...], place: Path
) -> None:
    with Operations(lambda _: None).watching() as whole:
        expected = run(*arguments, cwd=place)
    assert expected.code == 0
    ours = [o.number for o in whole.seen if "model" in o.path or "quantized" in o.path]
    for number in ours[:: max(len(ours) // 40, 1)]:
        gc.collect()  # or what the last run left open is closed during this one
        with Operations(fail_at(number, errno.EIO)).watching():
            result = run(*arguments, cwd=place)
        if result.code:
            assert result.code == 3, result.stderr
            assert "Input/output error" in result.stderr
            assert len(result.stderr.splitlines()) == 1
        else:
            assert result == expected


@pytest.mark.parametrize("arguments", READING.values(), ids=READING)
def test_reads_that_give_a_byte_at_a_time_change_nothing(
    arguments: tuple[str, ...], place: Path
) -> None:
    expected = run(*arguments, cwd=place)
    with Operations(move_little(0)).watching():
        assert run(*arguments, cwd=place) == expected


WRITING = {
    "script": ("export-opt", "model"),
    "page": ("dequantize-check", "--html", "page", "quantized"),
    "dequantized": ("dequantize-check", "-j", "1", "--save-dequantized", "out", "quantized"),
    "plan": ("quantize", "--dry-run", "--plan-out", "plan", "model", "out"),
    "report": ("quantize", "--dry-run", "--report", "report", "model", "out"),
}


@pytest.mark.parametrize("arguments", WRITING.values(), ids=WRITING)
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EMFILE])
def test_a_file_that_cannot_be_written_is_not_begun(
    error: int, arguments: tuple[str, ...], place: Path
) -> None:
    before = builders.tree(place)
    assert run(*arguments, cwd=place).code == 0  # imports are operations too: before they count
    _restore(place, before)
    with Operations(lambda _: None).watching() as whole:
        assert run(*arguments, cwd=place).code == 0
    after = builders.tree(place)
    _restore(place, before)
    writing = ("create", "pwrite", "fsync", "replace", "rename", "mkdir", "ftruncate")
    points = [o.number for o in whole.seen if o.name in writing]
    assert points
    for number in points[:: max(len(points) // 15, 1)]:
        gc.collect()  # or what the last run left open is closed during this one
        with Operations(fail_at(number, error)).watching():
            result = run(*arguments, cwd=place)
        if result.code:
            assert result.code == 4, result.stderr
            assert os.strerror(error) in result.stderr
            assert len(result.stderr.splitlines()) == 1
        assert builders.tree(place) == (before if result.code else after)
        _restore(place, before)


def _restore(place: Path, before: dict[str, bytes]) -> None:
    for name in sorted(builders.tree(place).keys() - before.keys(), reverse=True):
        path = place / name
        path.rmdir() if path.is_dir() else path.unlink()


def test_a_lock_that_fails_at_any_point_leaves_the_old_output(place: Path) -> None:
    arguments = ("quantize", "-q", "-j", "1", "--force", "--bits", "16", "model", "quantized")
    before = builders.tree(place)
    with Operations(lambda _: None).watching() as whole:
        assert run(*arguments, cwd=place).code == 0
    locks = [o.number for o in whole.seen if o.name == "flock"]
    assert len(locks) == 3  # the new folder, and the old one before and after the exchange
    run("quantize", "-q", "--force", "model", "quantized", cwd=place).ok()
    for number in locks:
        gc.collect()
        with Operations(fail_at(number, errno.EIO)).watching():
            result = run(*arguments, cwd=place)
        assert result.code == 4, result.stderr
        assert builders.tree(place) == before


def test_a_report_of_what_would_be_done_is_not_written_of_a_model_that_changes(place: Path) -> None:
    arguments = ("quantize", "-j", "1", "--dry-run", "--report", "report", "model", "out")

    def fresh() -> None:
        """The next run does the same operations: no import, no collection of garbage in it."""
        (place / "report").unlink()
        gc.collect()

    assert run(*arguments, cwd=place).code == 0
    fresh()
    with Operations(lambda _: None).watching() as whole:
        assert run(*arguments, cwd=place).code == 0
    fresh()
    parameters = place / "model" / "__params__"
    reads = [o for o in whole.seen if o.path == str(parameters) and o.name.startswith("pread")]

    def change() -> None:
        with open(parameters, "r+b") as stream:
            stream.seek(-1, os.SEEK_END)
            stream.write(b"!")

    with Operations(call_at(reads[-1].number, change)).watching():
        result = run(*arguments, cwd=place)
    assert (result.code, len(result.stderr.splitlines())) == (3, 1), result.stderr
    assert "changed" in result.stderr
    assert not (place / "report").exists()
